//go:build unix

package source

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

func TestSpecialFiles(t *testing.T) {
	dir := newRepo(t, map[string]string{"x/a.yaml": "a: 1\n", "x/was.yaml": "b: 1\n", ".gitignore": "*.ignored\n"})
	mkfifo := func(name string) {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := commitOf(t, dir, "HEAD")
	mkfifo("x/pipe")
	mkfifo("x/pipe.ignored")
	if err := os.Remove(filepath.Join(dir, "x/was.yaml")); err != nil {
		t.Fatal(err)
	}
	mkfifo("x/was.yaml")
	write(t, dir, map[string]string{"x/link": "-> pipe", "null": "-> /dev/null"})
	t.Chdir(dir) // a socket's path must be short
	socket, err := net.Listen("unix", "x/socket")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()

	tree := open(t, dir).Worktree()
	for _, name := range []string{"x/pipe", "x/link", "x/socket", "x/was.yaml"} {
		for _, op := range []string{"Open", "ReadFile", "Digest"} {
			within(t, op+" "+name, func() {
				if err := operations(tree)[op](name); !errors.Is(err, ErrSpecial) {
					t.Errorf("%s(%s): %v, want ErrSpecial", op, name, err)
				}
			})
		}
	}
	if _, err := tree.ReadFile("null"); !errors.Is(err, ErrOutside) {
		t.Errorf("ReadFile(null): %v", err)
	}
	within(t, "Files", func() {
		l := filesOf(t, tree)
		sameList(t, "Files", fileNames(l), []string{".gitignore", "null", "x/a.yaml", "x/link"})
		skips := []Skip{{"x/pipe", "is a named pipe"}, {"x/socket", "is a socket"}, {"x/was.yaml", "is a named pipe"}}
		if !slices.Equal(l.Skipped, skips) {
			t.Errorf("Skipped = %q, want %q", l.Skipped, skips)
		}
	})
	// Git keeps no special files, so they do not count.
	os.Remove(filepath.Join(dir, "x/link"))
	os.Remove(filepath.Join(dir, "x/was.yaml"))
	git(t, dir, "checkout", "-q", "x/was.yaml")
	expected, err := want.Digest("x")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tree.Digest("x"); err != nil || got != expected {
		t.Errorf("Digest(x) = %s, %v, want %s", got, err, expected)
	}
}

// A pipe that takes a file's place after the look at it must not be waited for.
func TestOpenDoesNotWait(t *testing.T) {
	dir := newRepo(t, map[string]string{"a": "x"})
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	w := open(t, dir).Worktree().(*worktree)
	within(t, "open", func() {
		if _, _, err := w.open("pipe", 0); !errors.Is(err, ErrSpecial) {
			t.Errorf("open as a regular file: %v", err)
		}
	})
}

func TestUnreadable(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root can read everything")
	}
	dir := newRepo(t, map[string]string{"a/x": "1", "b/y": "2"})
	if err := os.Chmod(filepath.Join(dir, "a"), 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(filepath.Join(dir, "a"), 0o755)
	l := filesOf(t, open(t, dir).Worktree())
	sameList(t, "Files", fileNames(l), []string{"b/y"})
	if len(l.Skipped) != 1 || l.Skipped[0].Name != "a" {
		t.Errorf("Skipped = %q", l.Skipped)
	}
}
