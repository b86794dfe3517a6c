//go:build unix

package source

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
		if _, _, err := w.open("pipe"); !errors.Is(err, ErrSpecial) {
			t.Errorf("open as a regular file: %v", err)
		}
	})
}

func TestUnreadable(t *testing.T) {
	dir := newRepo(t, map[string]string{"a/x": "1", "b/y": "2", "b/secret": "3", "c/.gitignore": "*.log\n", "c/z.log": "x"})
	for _, name := range []string{"a", "b/secret", "c/.gitignore"} {
		if err := os.Chmod(filepath.Join(dir, name), 0); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(filepath.Join(dir, name), 0o755)
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 { // who can read everything
		if err := syscall.Setreuid(-1, 65534); err != nil {
			t.Skip(err)
		}
		defer syscall.Setreuid(-1, 0)
	}
	tree := open(t, dir).Worktree()
	l := filesOf(t, tree)
	sameList(t, "Files", fileNames(l), []string{"b/secret", "b/y", "c/.gitignore", "c/z.log"})
	if len(l.Skipped) != 1 || l.Skipped[0] != (Skip{"a", "cannot be read: permission denied"}) {
		t.Errorf("Skipped = %q", l.Skipped)
	}
	if l.IgnoreError == nil || !strings.Contains(l.IgnoreError.Error(), "c/.gitignore: permission denied") {
		t.Errorf("IgnoreError: %v", l.IgnoreError)
	}
	for _, name := range []string{"a/x", "b/secret"} {
		if _, err := tree.ReadFile(name); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("ReadFile(%s): %v", name, err)
		}
	}
	if data, err := tree.ReadFile("b/y"); string(data) != "2" || err != nil {
		t.Errorf("the rest: %q, %v", data, err)
	}
}
