package source

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The tests ask the real git what is right. It is kept from the machine's and
// the user's configuration, so that they ask the same everywhere.
func gitEnv(t testing.TB) []string {
	t.Helper()
	env := slices.DeleteFunc(os.Environ(), func(e string) bool {
		return strings.HasPrefix(e, "GIT_") || strings.HasPrefix(e, "XDG_") || strings.HasPrefix(e, "HOME=")
	})
	return append(env,
		"HOME="+os.DevNull, "LC_ALL=C",
		"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_AUTHOR_DATE=1700000000 +0000",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org", "GIT_COMMITTER_DATE=1700000000 +0000",
		"GIT_ALLOW_PROTOCOL=file")
}

func gitTry(t testing.TB, dir string, stdin []byte, env []string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("git", append([]string{
		"-c", "init.defaultBranch=main", "-c", "gc.auto=0", "-c", "core.autocrlf=false",
		"-c", "advice.detachedHead=false", "-c", "protocol.file.allow=always"}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, append(gitEnv(t), env...), bytes.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Logf("git %s: %v\n%s", strings.Join(args, " "), err, errs.String())
		return "", err
	}
	return out.String(), nil
}

// git runs git in dir and returns its output as it is.
func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	out, err := gitTry(t, dir, nil, nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// line is git for an answer of one line.
func line(t testing.TB, dir string, args ...string) string {
	t.Helper()
	return strings.TrimSuffix(git(t, dir, args...), "\n")
}

// names is git for a list ended with -z, sorted.
func names(t testing.TB, dir string, args ...string) []string {
	t.Helper()
	list := strings.Split(strings.TrimSuffix(git(t, dir, args...), "\x00"), "\x00")
	if len(list) == 1 && list[0] == "" {
		return nil
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// write makes files; one whose text begins with "-> " is a symlink.
func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text, full := files[name], filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		os.Remove(full)
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			if err := os.Symlink(target, full); err != nil {
				t.Fatal(err)
			}
		} else if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// newRepo makes a repository with one commit of the files.
func newRepo(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := tempDir(t)
	git(t, dir, "init", "-q")
	write(t, dir, files)
	commitAll(t, dir, "first")
	return dir
}

func commitAll(t testing.TB, dir, message string) {
	t.Helper()
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "--allow-empty", "-m", message)
}

// tempDir is a temporary folder under its real name.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t testing.TB, dir string) *Repository {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func commitOf(t testing.TB, dir, rev string) Tree {
	t.Helper()
	c, err := open(t, dir).Commit(rev)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func fileNames(l Listing) []string {
	var list []string
	for _, f := range l.Files {
		list = append(list, f.Name)
	}
	return list
}

func filesOf(t testing.TB, tree Tree) Listing {
	t.Helper()
	l, err := tree.Files()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// sameList compares with what git says.
func sameList(t testing.TB, what string, got, want []string) {
	t.Helper()
	for _, n := range want {
		if !slices.Contains(got, n) {
			t.Errorf("%s: %q is missing, git has it", what, n)
		}
	}
	for _, n := range got {
		if !slices.Contains(want, n) {
			t.Errorf("%s: %q is there, git does not have it", what, n)
		}
	}
	if !slices.IsSorted(got) {
		t.Errorf("%s: not sorted: %q", what, got)
	}
}
