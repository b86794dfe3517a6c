package source

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// hookEnv is what git had in the environment of a hook that kept it.
func hookEnv(t *testing.T, name string) func(string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("git ran no hook: %v", err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		env[key] = value
	}
	return func(key string) string { return env[key] }
}

// TestHookEnvironment has git run hooks, and looks at the repository as one of them
// would: it sees the tree that git then commits.
func TestHookEnvironment(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the hook is a shell script")
	}
	const hook = `#!/bin/sh
env | grep ^GIT_ >"$KEPT"
pwd >"$KEPT.pwd"
cp "$GIT_INDEX_FILE" "$KEPT.index"
`
	for what, c := range map[string]struct {
		commit []string // from the root
		in     string   // the folder to commit in, below the root
		linked bool
	}{
		"commit":              {commit: []string{"commit", "-q", "-m", "x"}},
		"all":                 {commit: []string{"commit", "-q", "-a", "-m", "x"}},
		"one file":            {commit: []string{"commit", "-q", "-m", "x", "b.yaml"}},
		"one file, also":      {commit: []string{"commit", "-q", "-m", "x", "--include", "b.yaml"}},
		"amend":               {commit: []string{"commit", "-q", "--amend", "-m", "x"}},
		"in a folder":         {commit: []string{"-C", "sub", "commit", "-q", "-m", "x"}},
		"from a folder":       {commit: []string{"commit", "-q", "-m", "x", "../b.yaml"}, in: "sub"},
		"linked work tree":    {commit: []string{"commit", "-q", "-m", "x"}, linked: true},
		"linked, one file":    {commit: []string{"commit", "-q", "-m", "x", "b.yaml"}, linked: true},
		"named by the option": {commit: []string{"--git-dir=.git", "--work-tree=.", "commit", "-q", "-m", "x"}},
	} {
		t.Run(what, func(t *testing.T) {
			dir := newRepo(t, map[string]string{"a.yaml": "1\n", "b.yaml": "1\n", "sub/c.yaml": "1\n"})
			kept := filepath.Join(tempDir(t), "kept")
			write(t, dir, map[string]string{".git/hooks/pre-commit": hook})
			if err := os.Chmod(filepath.Join(dir, ".git/hooks/pre-commit"), 0o755); err != nil {
				t.Fatal(err)
			}
			if c.linked {
				other := filepath.Join(tempDir(t), "other")
				git(t, dir, "worktree", "add", "-q", other)
				dir = other
			}
			write(t, dir, map[string]string{"a.yaml": "2\n", "b.yaml": "2\n", "sub/c.yaml": "2\n"})
			git(t, dir, "add", "a.yaml")
			if _, err := gitTry(t, filepath.Join(dir, c.in), nil, []string{"KEPT=" + kept}, c.commit...); err != nil {
				t.Fatal(err)
			}
			env := hookEnv(t, kept)
			at, err := os.ReadFile(kept + ".pwd")
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(strings.TrimSpace(string(at)))
			r := open(t, ".")
			index, err := r.HookIndex(env)
			if err != nil {
				t.Fatal(err)
			}
			if env("GIT_INDEX_FILE") == "" || index == "" {
				t.Fatalf("GIT_INDEX_FILE is %q, and the index %q", env("GIT_INDEX_FILE"), index)
			}
			// The file itself is gone by now.
			if err := os.Rename(kept+".index", index); err != nil {
				t.Fatal(err)
			}
			tree, err := r.Index(index)
			if err != nil {
				t.Fatal(err)
			}
			got, err := tree.Digest(".")
			if want := line(t, dir, "rev-parse", "HEAD^{tree}"); string(got) != want || err != nil {
				t.Errorf("the hook sees %s, %v, and git committed %s", got, err, want)
			}
		})
	}
}

func TestHookOfAnotherRepository(t *testing.T) {
	dir, other := newRepo(t, sample), newRepo(t, sample)
	linked := filepath.Join(tempDir(t), "linked")
	git(t, dir, "worktree", "add", "-q", linked)
	plain := tempDir(t)
	own := filepath.Join(dir, ".git")
	for what, c := range map[string]struct {
		at   string
		env  map[string]string
		says string // nothing for no error
	}{
		"its own":                 {dir, map[string]string{"GIT_DIR": own, "GIT_WORK_TREE": dir, "GIT_INDEX_FILE": own + "/index"}, ""},
		"its own, relative":       {dir, map[string]string{"GIT_DIR": ".git", "GIT_WORK_TREE": ".", "GIT_INDEX_FILE": ".git/index"}, ""},
		"below":                   {dir + "/apps", map[string]string{"GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/index"}, ""},
		"an index elsewhere":      {dir, map[string]string{"GIT_INDEX_FILE": plain + "/index"}, ""},
		"another":                 {other, map[string]string{"GIT_DIR": own}, "GIT_DIR is " + own},
		"another's index":         {other, map[string]string{"GIT_INDEX_FILE": own + "/index"}, "GIT_INDEX_FILE is " + own},
		"another work tree of it": {linked, map[string]string{"GIT_DIR": own}, "unset GIT_DIR"},
		"its linked work tree":    {linked, map[string]string{"GIT_DIR": own + "/worktrees/linked", "GIT_INDEX_FILE": own + "/worktrees/linked/index"}, ""},
		"the main one's index":    {linked, map[string]string{"GIT_INDEX_FILE": own + "/index"}, "unset GIT_INDEX_FILE"},
		"another work tree":       {dir, map[string]string{"GIT_DIR": own, "GIT_WORK_TREE": other}, "GIT_WORK_TREE is " + other},
		"a work tree within":      {dir + "/apps", map[string]string{"GIT_DIR": own, "GIT_WORK_TREE": "."}, "GIT_WORK_TREE is ."},
		"no .git":                 {plain, map[string]string{"GIT_DIR": own, "GIT_WORK_TREE": plain}, "has no .git that leads there"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Chdir(c.at)
			_, err := open(t, c.at).HookIndex(func(key string) string { return c.env[key] })
			if (err != nil) != (c.says != "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one that says %q", err, c.says)
			}
		})
	}
}
