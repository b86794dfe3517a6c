package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
)

var sample = map[string]string{
	"README.md":                      "# sample\n",
	"empty":                          "",
	"apps/web/base/deploy.yaml":      "kind: Deployment\n",
	"apps/web/base/kust.yaml":        "resources: [deploy.yaml]\n",
	"apps/web/prod/base":             "-> ../base",
	"apps/web/prod/deploy.yaml":      "-> base/deploy.yaml",
	"apps/web.d/über file.yaml":      "a: ö\n",
	"apps/web-a":                     "sorts between web and web.d as a file\n",
	"charts/c/templates/_helper.tpl": "{{ define \"x\" }}{{ end }}",
	"crlf.txt":                       "a\r\nb\r\n",
	"docs":                           "-> apps",
}

// bothTrees runs a test over a commit and over the work tree it was made from:
// one that asks the disk for everything, and one that was listed before.
func bothTrees(t *testing.T, dir string, test func(t *testing.T, tree Tree)) {
	t.Run("worktree", func(t *testing.T) { test(t, open(t, dir).Worktree()) })
	t.Run("listed", func(t *testing.T) {
		tree := open(t, dir).Worktree()
		filesOf(t, tree)
		test(t, tree)
	})
	t.Run("commit", func(t *testing.T) { test(t, commitOf(t, dir, "HEAD")) })
}

func TestFileSystemConformance(t *testing.T) {
	dir := newRepo(t, sample)
	bothTrees(t, dir, func(t *testing.T, tree Tree) {
		var expected []string
		for name := range sample {
			expected = append(expected, name)
		}
		if err := fstest.TestFS(tree, expected...); err != nil {
			t.Error(err)
		}
	})
}

func TestContent(t *testing.T) {
	dir := newRepo(t, sample)
	if err := os.Chmod(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	commitAll(t, dir, "executable")
	bothTrees(t, dir, func(t *testing.T, tree Tree) {
		for name, text := range sample {
			if target, ok := strings.CutPrefix(text, "-> "); ok {
				if got, err := tree.ReadLink(name); got != target || err != nil {
					t.Errorf("ReadLink(%s) = %q, %v, want %q", name, got, err, target)
				}
				continue
			}
			if _, err := tree.ReadLink(name); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("ReadLink(%s), a file: %v", name, err)
			}
			if got, err := tree.ReadFile(name); string(got) != text || err != nil {
				t.Errorf("ReadFile(%s) = %q, %v, want %q", name, got, err, text)
			}
			if info, err := tree.Lstat(name); err != nil || info.Size() != int64(len(text)) || !info.Mode().IsRegular() {
				t.Errorf("Lstat(%s) = %v, %v", name, info, err)
			}
		}
		if info, err := tree.Stat("empty"); err != nil || info.Mode()&0o100 == 0 {
			t.Errorf("Stat(empty): not executable: %v, %v", info, err)
		}
		got, err := tree.ReadFile("apps/web/prod/deploy.yaml")
		if string(got) != sample["apps/web/base/deploy.yaml"] || err != nil {
			t.Errorf("through two symlinks: %q, %v", got, err)
		}
		if got, err := tree.ReadFile("docs/web/prod/base/kust.yaml"); string(got) != sample["apps/web/base/kust.yaml"] || err != nil {
			t.Errorf("through folders that are symlinks: %q, %v", got, err)
		}
		for _, name := range []string{"apps", ".", "docs"} {
			if _, err := tree.ReadFile(name); !errors.Is(err, fs.ErrInvalid) || errors.Is(err, ErrSpecial) {
				t.Errorf("ReadFile(%s), a folder: %v", name, err)
			}
		}
		for _, name := range []string{"README.md", "apps/web/prod/deploy.yaml"} {
			if _, err := tree.ReadDir(name); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("ReadDir(%s), a file: %v", name, err)
			}
		}
		for _, name := range []string{"nope", "nope/x", "README.md/x", "apps/nope/x", "apps/web/base/deploy.yaml/..x", "a\x00b"} {
			for op, call := range operations(tree) {
				if err := call(name); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s(%q): %v, want fs.ErrNotExist", op, name, err)
				}
			}
		}
	})
}

// operations are the methods that take a name, for the errors that all share.
func operations(tree Tree) map[string]func(string) error {
	return map[string]func(string) error{
		"Open":     func(n string) error { _, err := tree.Open(n); return err },
		"ReadFile": func(n string) error { _, err := tree.ReadFile(n); return err },
		"ReadDir":  func(n string) error { _, err := tree.ReadDir(n); return err },
		"Stat":     func(n string) error { _, err := tree.Stat(n); return err },
		"Resolve":  func(n string) error { _, err := tree.Resolve(n); return err },
		"Digest":   func(n string) error { _, err := tree.Digest(n); return err },
		"Lstat":    func(n string) error { _, err := tree.Lstat(n); return err },
		"ReadLink": func(n string) error { _, err := tree.ReadLink(n); return err },
	}
}

// following are those that follow a symlink at the end of the name.
var following = []string{"Open", "ReadFile", "ReadDir", "Stat", "Resolve", "Digest"}

func TestOutside(t *testing.T) {
	parent := tempDir(t)
	write(t, parent, map[string]string{"secret/passwd": "root\n", "repo/inside.txt": "x"})
	dir := filepath.Join(parent, "repo")
	git(t, dir, "init", "-q")
	long := map[string]string{"chain0": "x"}
	for i := range 45 {
		long[fmt.Sprintf("chain%d", i+1)] = fmt.Sprintf("-> chain%d", i)
	}
	write(t, dir, long)
	write(t, dir, map[string]string{
		"up":                "-> ../secret/passwd",
		"upfolder":          "-> ../secret",
		"a/b/deep":          "-> ../../../secret/passwd",
		"abs":               "-> " + filepath.Join(parent, "secret/passwd"),
		"absinside":         "-> " + filepath.Join(dir, "inside.txt"),
		"outandin":          "-> ../repo/inside.txt",
		"root":              "-> .",
		"a/rootagain":       "-> ../a/..",
		"etc":               "-> /etc",
		"drive":             `-> C:\Windows\win.ini`,
		"self":              "-> self",
		"ping":              "-> pong",
		"pong":              "-> ping",
		"foldloop/x":        "-> ../foldloop/x/y",
		"dangling":          "-> nowhere",
		"underfile":         "-> inside.txt/x",
		"uponfile":          "-> inside.txt/../inside.txt",
		"config":            "-> .git/config",
		"gitfolder":         "-> .GIT",
		"a/link":            "-> b",
		"target/inner/file": "x",
		"hop":               "-> target/inner",
	})
	commitAll(t, dir, "links")
	want := map[string]error{
		"up": ErrOutside, "upfolder/passwd": ErrOutside, "upfolder": ErrOutside, "a/b/deep": ErrOutside,
		"a/link/deep": ErrOutside, "abs": ErrOutside, "absinside": ErrOutside, "outandin": ErrOutside,
		"etc/passwd": ErrOutside, "drive": ErrOutside, "/etc/passwd": ErrOutside, "..": ErrOutside,
		"../secret/passwd": ErrOutside, "root/up": ErrOutside, `C:\x`: ErrOutside,
		"self": ErrLoop, "ping": ErrLoop, "pong/x": ErrLoop, "foldloop/x": ErrLoop, "chain41": ErrLoop, "chain45": ErrLoop,
		"dangling": fs.ErrNotExist, "underfile": fs.ErrNotExist, "uponfile": fs.ErrNotExist,
		"config": fs.ErrNotExist, "gitfolder": fs.ErrNotExist, ".git": fs.ErrNotExist, ".git/config": fs.ErrNotExist,
		".GIT/config": fs.ErrNotExist, "root/.git/HEAD": fs.ErrNotExist, "git~1/config": fs.ErrNotExist,
		"": fs.ErrInvalid,
	}
	bothTrees(t, dir, func(t *testing.T, tree Tree) {
		ops := operations(tree)
		for name, want := range want {
			for _, op := range following {
				err := ops[op](name)
				if !errors.Is(err, want) {
					t.Errorf("%s(%q): %v, want %v", op, name, err, want)
				}
				if _, ok := errors.AsType[*fs.PathError](err); !ok {
					t.Errorf("%s(%q): %T is no fs.PathError", op, name, err)
				}
				if err != nil && strings.Contains(err.Error(), parent) && !strings.Contains(name, parent) {
					t.Errorf("%s(%q): the error names the disk: %v", op, name, err)
				}
			}
		}
		for _, name := range []string{"a/", "./a", "a/../a", "a//b"} {
			for op, call := range ops {
				if op != "Resolve" && !errors.Is(call(name), fs.ErrInvalid) {
					t.Errorf("%s(%q): %v, want fs.ErrInvalid", op, name, call(name))
				}
			}
		}
		for name, want := range map[string]string{
			"chain40": "chain0", "a/rootagain/inside.txt": "inside.txt", "root/root/a/link": "a/b", ".": ".", "root": ".",
			// As the system has it: the parent of where the symlink leads.
			"hop/../inner/./file": "target/inner/file", "a/../inside.txt": "inside.txt", "hop/..": "target",
		} {
			if got, err := tree.Resolve(name); got != want || err != nil {
				t.Errorf("Resolve(%q) = %q, %v, want %q", name, got, err, want)
			}
		}
		// The link itself can be looked at, wherever it leads.
		for _, name := range []string{"up", "abs", "self", "dangling", "config"} {
			info, err := tree.Lstat(name)
			if err != nil || info.Mode()&fs.ModeSymlink == 0 {
				t.Errorf("Lstat(%q) = %v, %v", name, info, err)
			}
			if target, err := tree.ReadLink(name); err != nil || target == "" {
				t.Errorf("ReadLink(%q) = %q, %v", name, target, err)
			}
		}
		entries, err := tree.ReadDir(".")
		if err != nil || slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == ".git" }) {
			t.Errorf("ReadDir(.) shows .git: %v, %v", entries, err)
		}
	})
}

func TestIsDotGit(t *testing.T) {
	for name, want := range map[string]bool{
		".git": true, ".GIT": true, ".Git": true, "git~1": true, "GIT~1": true, ".git ": true, ".git. .": true,
		".git::$INDEX_ALLOCATION": true, ".g\u200cit": true, "\u200d.git": true, "\ufeff.git": true,
		".gitignore": false, ".github": false, "git": false, ".gi": false, "": false, "git~2": false,
		".gitmodules": false, "x.git": false, ".": false, "..": false, "ggit": false,
	} {
		if got := isDotGit(name); got != want {
			t.Errorf("isDotGit(%q) = %v", name, got)
		}
	}
}

func TestTooLarge(t *testing.T) {
	dir := newRepo(t, map[string]string{"a.yaml": "a: 1\n"})
	for name, size := range map[string]int64{"most": MaxFileSize, "more": MaxFileSize + 1} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(filepath.Join(dir, name), size); err != nil {
			t.Fatal(err)
		}
	}
	commitAll(t, dir, "large")
	bothTrees(t, dir, func(t *testing.T, tree Tree) {
		if data, err := tree.ReadFile("most"); len(data) != MaxFileSize || err != nil {
			t.Errorf("ReadFile(most): %d bytes, %v", len(data), err)
		}
		if _, err := tree.ReadFile("more"); !errors.Is(err, ErrTooLarge) {
			t.Errorf("ReadFile(more): %v", err)
		}
		if _, err := tree.Open("more"); !errors.Is(err, ErrTooLarge) {
			t.Errorf("Open(more): %v", err)
		}
		if info, err := tree.Stat("more"); err != nil || info.Size() != MaxFileSize+1 {
			t.Errorf("Stat(more): %v, %v", info, err)
		}
		i := slices.IndexFunc(filesOf(t, tree).Files, func(f File) bool { return f.Name == "more" })
		if i < 0 || filesOf(t, tree).Files[i].Size != MaxFileSize+1 {
			t.Errorf("Files has no size of it")
		}
	})
	// Git's copy, a few kilobytes on the disk, must not be blown up only to be refused.
	head := commitOf(t, dir, "HEAD")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := head.ReadFile("more"); !errors.Is(err, ErrTooLarge) {
		t.Errorf("ReadFile(more): %v", err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > MaxFileSize/4 {
		t.Errorf("refusing a large file took %d bytes", n)
	}
	tree := open(t, dir).Worktree()
	if _, err := tree.Digest("more"); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Digest(more): %v", err)
	}
	// A file that grows after it was opened is not read on and on.
	f, err := tree.Open("most")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Truncate(filepath.Join(dir, "most"), MaxFileSize+100); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, f); n != MaxFileSize || !errors.Is(err, ErrTooLarge) {
		t.Errorf("reading a file that grew: %d bytes, %v", n, err)
	}
}

func TestReadBounded(t *testing.T) {
	text := strings.Repeat("x", 2000)
	for _, size := range []int64{0, 1, 1999, 2000, 2001, 1 << 40} { // what the system said beforehand
		for _, most := range []int64{2000, 2001, 4000} {
			if got, err := readBounded(strings.NewReader(text), size, most); string(got) != text || err != nil {
				t.Errorf("size %d, at most %d: %d bytes, %v", size, most, len(got), err)
			}
		}
		for _, most := range []int64{0, 1, 1999} {
			if got, err := readBounded(strings.NewReader(text), size, most); !errors.Is(err, ErrTooLarge) {
				t.Errorf("size %d, at most %d: %d bytes, %v", size, most, len(got), err)
			}
		}
	}
}

func TestDigestLikeGit(t *testing.T) {
	dir := newRepo(t, sample)
	if err := os.Chmod(filepath.Join(dir, "README.md"), 0o755); err != nil {
		t.Fatal(err)
	}
	commitAll(t, dir, "executable")
	if err := os.MkdirAll(filepath.Join(dir, "apps/nothing/in/here"), 0o755); err != nil {
		t.Fatal(err)
	}
	folders := names(t, dir, "ls-tree", "-r", "-d", "-z", "--name-only", "HEAD")
	files := names(t, dir, "ls-files", "-z")
	if len(folders) < 5 || len(files) != len(sample) {
		t.Fatalf("the sample is not what it was: %q, %q", folders, files)
	}
	bothTrees(t, dir, func(t *testing.T, tree Tree) {
		check := func(name, want string) {
			t.Helper()
			if got, err := tree.Digest(name); string(got) != want || err != nil {
				t.Errorf("Digest(%s) = %s, %v, want %s", name, got, err, want)
			}
		}
		check(".", line(t, dir, "rev-parse", "HEAD^{tree}"))
		for _, name := range folders {
			check(name, line(t, dir, "rev-parse", "HEAD:"+name))
		}
		for _, name := range files {
			real, err := tree.Resolve(name)
			if err != nil {
				t.Fatal(err)
			}
			if info, _ := tree.Stat(name); info.IsDir() {
				check(name, line(t, dir, "rev-parse", "HEAD:"+real))
			} else {
				check(name, line(t, dir, "hash-object", "--no-filters", filepath.Join(dir, real)))
			}
		}
	})
	// A change of anything that can be read changes the folder's digest.
	tree := open(t, dir).Worktree()
	before, err := tree.Digest("apps")
	if err != nil {
		t.Fatal(err)
	}
	changes := map[string]func(name string) error{
		"content": func(n string) error { return os.WriteFile(filepath.Join(n, "web-a"), []byte("other"), 0o644) },
		"mode":    func(n string) error { return os.Chmod(filepath.Join(n, "web/base/kust.yaml"), 0o755) },
		"new":     func(n string) error { return os.WriteFile(filepath.Join(n, "web/new"), nil, 0o644) },
		"removed": func(n string) error { return os.Remove(filepath.Join(n, "web/base/deploy.yaml")) },
		"link moved": func(n string) error {
			os.Remove(filepath.Join(n, "web/prod/base"))
			return os.Symlink(".", filepath.Join(n, "web/prod/base"))
		},
	}
	for what, change := range changes {
		if err := change(filepath.Join(dir, "apps")); err != nil {
			t.Fatal(err)
		}
		after, err := tree.Digest("apps")
		if err != nil || after == before {
			t.Errorf("%s: the digest did not change: %v", what, err)
		}
		git(t, dir, "checkout", "-q", ".")
		git(t, dir, "clean", "-q", "-f", "-d")
		if again, err := tree.Digest("apps"); err != nil || again != before {
			t.Errorf("%s undone: the digest is another: %v", what, err)
		}
	}
}

// Run with -race, this holds that trees and repositories can be shared.
func TestConcurrentUse(t *testing.T) {
	files := map[string]string{}
	for i := range 120 {
		files[fmt.Sprintf("d%d/e%d/f%d", i%40, i%3, i)] = strings.Repeat(fmt.Sprint(i), 20_000)
	}
	dir := newRepo(t, files)
	git(t, dir, "gc", "-q")
	write(t, dir, map[string]string{"d1/loose": "x"})
	commitAll(t, dir, "loose")
	files["d1/loose"] = "x"
	repo := open(t, dir)
	worktree, head, err := repo.Worktree(), Tree(nil), error(nil)
	if head, err = repo.Commit("HEAD"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		tree := []Tree{worktree, head}[i%2]
		wg.Go(func() {
			if own, err := repo.Commit("main~1"); err != nil {
				t.Error(err)
			} else if i > 5 {
				tree = own
			}
			l, err := tree.Files()
			if err != nil {
				t.Error(err)
			}
			for _, f := range l.Files {
				if data, err := tree.ReadFile(f.Name); err != nil || string(data) != files[f.Name] {
					t.Errorf("%s: %v", f.Name, err)
				}
				if _, err := tree.ReadDir(path.Dir(f.Name)); err != nil {
					t.Error(err)
				}
			}
			if _, err := tree.Digest("d1"); err != nil {
				t.Error(err)
			}
			if _, err := repo.MergeBase("HEAD~1"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// within fails a test that hangs, and names what hung.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s hangs", what)
	}
}
