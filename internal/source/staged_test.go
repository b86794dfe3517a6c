package source

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// checkStaged compares what is staged with the tree that git would commit.
func checkStaged(t *testing.T, dir string) Tree {
	t.Helper()
	tree, err := open(t, dir).Index("")
	if err != nil {
		t.Fatal(err)
	}
	want := line(t, dir, "write-tree")
	got, err := tree.Digest(".")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("the root is %s, and git writes %s", got, want)
	}
	listing := filesOf(t, tree)
	listed := fileNames(listing)
	for _, s := range listing.Skipped {
		listed = append(listed, s.Name)
	}
	slices.Sort(listed)
	sameList(t, "staged", listed, names(t, dir, "ls-tree", "-r", "-z", "--name-only", want))
	return tree
}

func staged(t *testing.T, tree Tree, name string) string {
	t.Helper()
	data, err := tree.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestStaged(t *testing.T) {
	states := map[string]struct {
		make  func(t *testing.T, dir string)
		check func(t *testing.T, tree Tree)
	}{
		"partly": {
			func(t *testing.T, dir string) {
				write(t, dir, map[string]string{"a/b.yaml": "staged\n"})
				git(t, dir, "add", "a/b.yaml")
				write(t, dir, map[string]string{"a/b.yaml": "not staged\n", "untracked": "x"})
			},
			func(t *testing.T, tree Tree) {
				if got := staged(t, tree, "a/b.yaml"); got != "staged\n" {
					t.Errorf("a/b.yaml is %q", got)
				}
			},
		},
		"deleted and renamed": {
			func(t *testing.T, dir string) {
				git(t, dir, "rm", "-q", "a/gone.yaml")
				git(t, dir, "mv", "a/b.yaml", "a.b")
			},
			func(t *testing.T, tree Tree) { staged(t, tree, "a.b") },
		},
		"deleted on the disk only": {
			func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "a/b.yaml")) },
			func(t *testing.T, tree Tree) { staged(t, tree, "a/b.yaml") },
		},
		"intent to add": {
			func(t *testing.T, dir string) {
				write(t, dir, map[string]string{"later.yaml": "x\n"})
				git(t, dir, "add", "-N", "later.yaml")
			},
			func(t *testing.T, tree Tree) {
				if _, err := tree.Stat("later.yaml"); err == nil {
					t.Error("what was added by name only is there")
				}
			},
		},
		"symlink": {
			func(t *testing.T, dir string) {
				if err := os.Symlink("a/b.yaml", filepath.Join(dir, "link")); err != nil {
					t.Skip(err)
				}
				git(t, dir, "add", "link")
			},
			func(t *testing.T, tree Tree) { staged(t, tree, "link") },
		},
		"version 4": {func(t *testing.T, dir string) { git(t, dir, "update-index", "--index-version", "4") }, nil},
		"split": {
			func(t *testing.T, dir string) {
				git(t, dir, "update-index", "--split-index")
				write(t, dir, map[string]string{"a/b.yaml": "of the second half\n"})
				git(t, dir, "add", "a/b.yaml")
			},
			func(t *testing.T, tree Tree) {
				if got := staged(t, tree, "a/b.yaml"); got != "of the second half\n" {
					t.Errorf("a/b.yaml is %q", got)
				}
			},
		},
		"sparse folders": {
			func(t *testing.T, dir string) {
				git(t, dir, "sparse-checkout", "init", "--cone", "--sparse-index")
				git(t, dir, "sparse-checkout", "set", "a")
			},
			func(t *testing.T, tree Tree) { staged(t, tree, "z/deep/y.yaml") },
		},
		"submodule": {
			func(t *testing.T, dir string) {
				id := line(t, dir, "rev-parse", "HEAD")
				git(t, dir, "update-index", "--add", "--cacheinfo", "160000,"+id+",vendor/sub")
			},
			func(t *testing.T, tree Tree) {
				if skipped := filesOf(t, tree).Skipped; len(skipped) != 1 || skipped[0].Name != "vendor/sub" {
					t.Errorf("skipped: %v", skipped)
				}
			},
		},
		"executable": {
			func(t *testing.T, dir string) { git(t, dir, "update-index", "--chmod=+x", "a/b.yaml") },
			nil,
		},
		"linked work tree": {nil, nil},
	}
	for name, state := range states {
		t.Run(name, func(t *testing.T) {
			dir := newRepo(t, map[string]string{"a/b.yaml": "b\n", "a/gone.yaml": "g\n", "a-b/x": "x\n", "a0": "0\n", "z/deep/y.yaml": "y\n"})
			commitAll(t, dir, "first")
			if name == "linked work tree" {
				other := filepath.Join(tempDir(t), "other")
				git(t, dir, "worktree", "add", "-q", other)
				write(t, other, map[string]string{"only-here": "x\n"})
				git(t, other, "add", "only-here")
				dir = other
			}
			if state.make != nil {
				state.make(t, dir)
			}
			tree := checkStaged(t, dir)
			if state.check != nil {
				state.check(t, tree)
			}
		})
	}
}

func TestStagedBeforeFirstCommit(t *testing.T) {
	dir := tempDir(t)
	git(t, dir, "init", "-q")
	checkStaged(t, dir)
	write(t, dir, map[string]string{"a.yaml": "x\n"})
	git(t, dir, "add", "a.yaml")
	checkStaged(t, dir)
}

// TestStagedInHook: for `git commit FILE` git makes an index of its own, of which
// it tells its hooks in the environment.
func TestStagedInHook(t *testing.T) {
	dir := newRepo(t, map[string]string{"a.yaml": "1\n", "b.yaml": "1\n"})
	commitAll(t, dir, "first")
	write(t, dir, map[string]string{"a.yaml": "2\n", "b.yaml": "2\n", ".git/hooks/pre-commit": "#!/bin/sh\necho \"$GIT_INDEX_FILE\" >seen\ncp \"$GIT_INDEX_FILE\" kept\n"})
	if err := os.Chmod(filepath.Join(dir, ".git/hooks/pre-commit"), 0o755); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "add", "b.yaml")
	git(t, dir, "commit", "-q", "-m", "one", "a.yaml")
	seen, err := os.ReadFile(filepath.Join(dir, "seen"))
	if err != nil {
		t.Skip("git ran no hook")
	}
	if name := strings.TrimSpace(string(seen)); name == "" || name == ".git/index" {
		t.Fatalf("GIT_INDEX_FILE was %q", name)
	}
	tree, err := open(t, dir).Index(filepath.Join(dir, "kept"))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := staged(t, tree, "a.yaml"), staged(t, tree, "b.yaml"); a != "2\n" || b != "1\n" {
		t.Errorf("a.yaml is %q, b.yaml %q", a, b)
	}
}

func TestStagedConflict(t *testing.T) {
	dir := newRepo(t, map[string]string{"a.yaml": "1\n"})
	commitAll(t, dir, "first")
	git(t, dir, "checkout", "-q", "-b", "side")
	write(t, dir, map[string]string{"a.yaml": "side\n"})
	commitAll(t, dir, "side")
	git(t, dir, "checkout", "-q", "-")
	write(t, dir, map[string]string{"a.yaml": "main\n"})
	commitAll(t, dir, "main")
	if _, err := gitTry(t, dir, nil, nil, "merge", "side"); err == nil {
		t.Fatal("the merge went well")
	}
	_, err := open(t, dir).Index("")
	if err == nil || !strings.Contains(err.Error(), `conflicts in "a.yaml": resolve them`) {
		t.Errorf("error: %v", err)
	}
}

func TestStagedMissingIndex(t *testing.T) {
	dir := newRepo(t, map[string]string{"a.yaml": "1\n"})
	_, err := open(t, dir).Index(filepath.Join(dir, "none"))
	if err == nil || !strings.Contains(err.Error(), "GIT_INDEX_FILE") {
		t.Errorf("error: %v", err)
	}
}
