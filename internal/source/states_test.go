//go:build unix

package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

var stateFiles = map[string]string{
	"a.yaml": "first\n", "sub/b.yaml": "b: 1\n", ".gitignore": "*.log\n", "sub/tracked.log": "x",
}

// stateRepo has two commits and an ignored file.
func stateRepo(t *testing.T) string {
	t.Helper()
	dir := tempDir(t)
	git(t, dir, "init", "-q")
	write(t, dir, stateFiles)
	git(t, dir, "add", "-f", ".")
	git(t, dir, "commit", "-q", "-m", "first")
	write(t, dir, map[string]string{"a.yaml": "second\n"})
	commitAll(t, dir, "second")
	write(t, dir, map[string]string{"ignored.log": "x"})
	return dir
}

// copied gives a copy, which costs less than the git runs that made it.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := tempDir(t)
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func mkfifo(t *testing.T, name string) {
	t.Helper()
	os.RemoveAll(name)
	if err := syscall.Mkfifo(name, 0o644); err != nil {
		t.Fatal(err)
	}
}

// States in which everything works.
func TestStates(t *testing.T) {
	from := stateRepo(t)
	first := line(t, from, "rev-parse", "HEAD~1")
	config := func(dir, text string) {
		t.Helper()
		f, err := os.OpenFile(filepath.Join(dir, ".git/config"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		fmt.Fprintln(f, text)
	}
	alternate := func(lines ...string) func(dir string) {
		return func(dir string) {
			write(t, dir, map[string]string{".git/objects/info/alternates": strings.Join(lines, "\n")})
		}
	}
	for what, make := range map[string]func(dir string){
		"as it is": func(string) {},
		"worktreeConfig, version 0": func(dir string) {
			config(dir, "[extensions]\n worktreeConfig = true")
			write(t, dir, map[string]string{".git/config.worktree": "[core]\n sparseCheckout = true\n"})
		},
		"worktreeConfig, version 1": func(dir string) { config(dir, "[core] repositoryformatversion = 1\n[extensions] worktreeConfig") },
		"unknown extension, version 0": func(dir string) {
			config(dir, "[extensions] somethingNew = true")
		},
		"packed":   func(dir string) { git(t, dir, "gc", "-q") },
		"detached": func(dir string) { git(t, dir, "checkout", "-q", "--detach") },
		"HEAD is a symlink": func(dir string) {
			write(t, dir, map[string]string{".git/HEAD": "-> refs/heads/main"})
		},
		"configuration names everything": func(dir string) {
			config(dir, "[include]\n path = /dev/zero\n[core]\n attributesFile = /dev/zero\n excludesFile = /dev/zero\n hooksPath = /dev\n fsmonitor = touch ran\n editor = touch ran\n sshCommand = touch ran\n"+
				"[filter \"x\"]\n clean = touch ran\n smudge = touch ran\n process = touch ran\n[diff \"x\"]\n textconv = touch ran\n[alias]\n status = !touch ran")
			write(t, dir, map[string]string{".git/hooks/post-checkout": "#!/bin/sh\ntouch ran\n", ".git/info/attributes": "* filter=x diff=x\n"})
		},
		"alternates that are none": alternate("/nowhere/objects", "/dev", "/dev/zero", "/dev/null/objects", "", "# /x", `"/quoted\n/objects"`, "../objects", "."),
		"an alternate in the work tree": func(dir string) {
			alternate("../../sub/objects")(dir)
			write(t, dir, map[string]string{"sub/objects/info/alternates": "../objects\n/dev/zero\n", "sub/objects/pack/pack-1.idx": "x", "sub/objects/pack/pack-1.pack": "x", "sub/objects/12/x": "x"})
			git(t, dir, "add", "sub")
		},
		"an alternate is a pipe": func(dir string) {
			os.MkdirAll(filepath.Join(dir, ".git/x/objects"), 0o755)
			mkfifo(t, filepath.Join(dir, ".git/x/objects"))
			alternate("../x/objects")(dir)
		},
		"alternates without end": func(dir string) {
			for i := range 20 {
				name := fmt.Sprintf(".git/x%d/objects/info/alternates", i)
				write(t, dir, map[string]string{name: fmt.Sprintf("../../x%d/objects\n", i+1)})
			}
			alternate("../x0/objects")(dir)
		},
		"a damaged pack beside": func(dir string) {
			write(t, dir, map[string]string{".git/objects/pack/pack-1.idx": "x", ".git/objects/pack/pack-1.pack": "x"})
		},
		"pipes beside": func(dir string) {
			mkfifo(t, filepath.Join(dir, ".git/hooks"))
			mkfifo(t, filepath.Join(dir, ".git/config.worktree"))
			mkfifo(t, filepath.Join(dir, ".git/index.lock"))
			mkfifo(t, filepath.Join(dir, ".git/objects/12"))
		},
		"of somebody else": func(dir string) {
			if os.Getuid() != 0 {
				t.Skip("only root can give files away")
			}
			for _, name := range []string{"", ".git", ".git/config"} {
				if err := os.Chown(filepath.Join(dir, name), 65534, 65534); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			dir := copied(t, from)
			make(dir)
			within(t, what, func() { checkState(t, dir, first) })
			if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
				t.Error("a program that the configuration names was run")
			}
		})
	}
}

// checkState holds that the ignore rules, commits and merge bases are there.
func checkState(t *testing.T, dir, first string) {
	t.Helper()
	r := open(t, dir)
	if r.Root() != dir {
		t.Errorf("Root = %s, want %s", r.Root(), dir)
	}
	l := filesOf(t, r.Worktree())
	if l.IgnoreError != nil {
		t.Errorf("IgnoreError: %v", l.IgnoreError)
	}
	names := fileNames(l)
	if slices.Contains(names, "ignored.log") || !slices.Contains(names, "sub/tracked.log") || !slices.Contains(names, "a.yaml") {
		t.Errorf("Files = %q", names)
	}
	base, err := r.MergeBase(first)
	if base != first || err != nil {
		t.Fatalf("MergeBase = %s, %v", base, err)
	}
	tree, err := r.Commit(base)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := tree.ReadFile("a.yaml"); string(data) != stateFiles["a.yaml"] || err != nil {
		t.Errorf("ReadFile = %q, %v", data, err)
	}
	sameList(t, "Files of the commit", fileNames(filesOf(t, tree)), []string{".gitignore", "a.yaml", "sub/b.yaml", "sub/tracked.log"})
}

// States in which commits can't be read: the work tree still can, and the error
// says what is wrong.
func TestBrokenStates(t *testing.T) {
	from := stateRepo(t)
	elsewhere := stateRepo(t) // of which nothing must be seen
	write(t, elsewhere, map[string]string{".git/info/exclude": "*.yaml\n"})
	remove := func(dir, name string) string {
		t.Helper()
		full := filepath.Join(dir, name)
		if err := os.RemoveAll(full); err != nil {
			t.Fatal(err)
		}
		return full
	}
	link := func(name string) func(dir string) {
		return func(dir string) {
			if err := os.Symlink(filepath.Join(elsewhere, name), remove(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	pipe := func(name string) func(dir string) {
		return func(dir string) { mkfifo(t, remove(dir, name)) }
	}
	text := func(name, text string) func(dir string) {
		return func(dir string) { remove(dir, name); write(t, dir, map[string]string{name: text}) }
	}
	for what, c := range map[string]struct {
		make  func(dir string)
		says  string // of Commit("HEAD")
		rules string // says IgnoreError, if the rules can't be applied
	}{
		".git is a file that leads elsewhere":    {func(dir string) { text(".git", "gitdir: "+elsewhere+"/.git\n")(dir) }, "does not point back", "does not point back"},
		".git is a symlink that leads elsewhere": {link(".git"), "does not point back", "does not point back"},
		".git is a file that leads to a device":  {text(".git", "gitdir: /dev/zero\n"), "no git folder", "no git folder"},
		".git is that of another work tree": {func(dir string) {
			git(t, elsewhere, "worktree", "add", "-q", "--detach", filepath.Join(tempDir(t), "w"))
			text(".git", "gitdir: "+elsewhere+"/.git/worktrees/w\n")(dir)
		}, "another work tree", "another work tree"},
		".git is a file with much in it":      {text(".git", "gitdir: "+strings.Repeat("x", 1<<20)), "larger than any", "larger than any"},
		".git is a file that leads to itself": {text(".git", "gitdir: .git\n"), "no git folder", "no git folder"},
		"commondir leads elsewhere":           {func(dir string) { text(".git/commondir", elsewhere+"/.git\n")(dir) }, "`git worktree repair`", "`git worktree repair`"},
		"commondir is a pipe":                 {pipe(".git/commondir"), "not a regular file", "not a regular file"},
		"objects lead elsewhere":              {link(".git/objects"), "open git's objects", ""},
		"references lead elsewhere":           {link(".git/refs"), "escapes", ""},
		"HEAD leads elsewhere":                {link(".git/HEAD"), "escapes", ""},
		"HEAD names a file elsewhere":         {func(dir string) { text(".git/HEAD", "ref: ../../"+filepath.Base(elsewhere)+"/a.yaml\n")(dir) }, "no reference", ""},
		"HEAD names refs/..":                  {text(".git/HEAD", "ref: refs/../config\n"), "no reference", ""},
		"HEAD leads in a circle":              {text(".git/HEAD", "ref: HEAD\n"), "circle", ""},
		"HEAD is unborn":                      {text(".git/HEAD", "ref: refs/heads/none\n"), "git commit", ""},
		"HEAD is empty":                       {text(".git/HEAD", ""), "no hash", ""},
		"HEAD is zeros":                       {text(".git/HEAD", strings.Repeat("0", 40)+"\n"), "no hash", ""},
		"HEAD is a pipe":                      {pipe(".git/HEAD"), "not a regular file", ""},
		"HEAD is huge":                        {text(".git/HEAD", strings.Repeat("x", 2<<20)), "larger than any", ""},
		"a branch is a pipe":                  {pipe(".git/refs/heads/main"), "not a regular file", ""},
		"packed-refs is a pipe":               {func(dir string) { remove(dir, ".git/refs/heads/main"); pipe(".git/packed-refs")(dir) }, "not a regular file", ""},
		"packed-refs is damaged":              {func(dir string) { remove(dir, ".git/refs/heads/main"); text(".git/packed-refs", "hello\n")(dir) }, "packed-refs is damaged", ""},
		"packed-refs leads elsewhere": {func(dir string) {
			remove(dir, ".git/refs/heads/main")
			git(t, elsewhere, "pack-refs", "--all")
			link(".git/packed-refs")(dir)
		}, "escapes", ""},
		"shallow is a pipe":     {pipe(".git/shallow"), "not a regular file", ""},
		"shallow is damaged":    {text(".git/shallow", "hello\n"), "`git fetch --unshallow`", ""},
		"alternates are a pipe": {pipe(".git/objects/info/alternates"), "not a regular file", ""},
		"objects are gone":      {func(dir string) { os.Mkdir(remove(dir, ".git/objects"), 0o755) }, "`git fsck`", ""},
		"objects are gone, and packs are damaged": {func(dir string) {
			remove(dir, ".git/objects")
			write(t, dir, map[string]string{".git/objects/pack/pack-1.idx": "x", ".git/objects/pack/pack-1.pack": "x"})
		}, "pack-1", ""},
		"the configuration is a pipe":       {pipe(".git/config"), "not a regular file", ""},
		"the configuration is damaged":      {text(".git/config", "[core\n"), "line 1", ""},
		"the configuration leads elsewhere": {link(".git/config"), "escapes", ""},
		"the index is a pipe":               {pipe(".git/index"), "", "not a regular file"},
		"the index is a device":             {text(".git/index", "-> /dev/zero"), "", "escapes"},
		"the index leads elsewhere":         {link(".git/index"), "", "escapes"},
		"info/exclude is a pipe":            {pipe(".git/info/exclude"), "", "info/exclude"},
		"info/exclude leads elsewhere":      {link(".git/info/exclude"), "", "info/exclude"},
		"info/exclude is huge":              {text(".git/info/exclude", strings.Repeat("#\n", maxIgnoreFile)), "", "info/exclude"},
		".gitignore is huge":                {text(".gitignore", strings.Repeat("#\n", maxIgnoreFile)), "", ".gitignore: is larger"},
		".gitignore has too many rules":     {text(".gitignore", strings.Repeat("x\n", maxIgnoreRules+1)), "", "10000 rules"},
		"a commit is a pipe": {func(dir string) {
			id := line(t, dir, "rev-parse", "HEAD")
			pipe(".git/objects/" + id[:2] + "/" + id[2:])(dir)
		}, "not a regular file", ""},
	} {
		t.Run(what, func(t *testing.T) {
			dir := copied(t, from)
			c.make(dir)
			within(t, what, func() {
				r := open(t, dir)
				l := filesOf(t, r.Worktree())
				for name, want := range map[string]string{"a.yaml": "second\n", "sub/b.yaml": "b: 1\n", "sub/tracked.log": "x"} {
					if !slices.Contains(fileNames(l), name) {
						t.Errorf("Files has no %s", name)
					}
					if data, err := r.Worktree().ReadFile(name); string(data) != want || err != nil {
						t.Errorf("ReadFile(%s) = %q, %v", name, data, err)
					}
				}
				if (l.IgnoreError != nil) != (c.rules != "") || c.rules != "" && !strings.Contains(l.IgnoreError.Error(), c.rules) {
					t.Errorf("IgnoreError: %v, want one that says %q", l.IgnoreError, c.rules)
				}
				_, err := r.Commit("HEAD")
				if (err != nil) != (c.says != "") || c.says != "" && !strings.Contains(err.Error(), c.says) {
					t.Errorf("Commit: %v, want one that says %q", err, c.says)
				}
			})
		})
	}
}

// `git clone --bare url .bare`, and work trees beside it.
func TestBareBeside(t *testing.T) {
	from := stateRepo(t)
	first := line(t, from, "rev-parse", "HEAD~1")
	dir := tempDir(t)
	git(t, dir, "clone", "-q", "--bare", from, ".bare")
	write(t, dir, map[string]string{".git": "gitdir: ./.bare\n", "note.yaml": "x"})
	git(t, dir, "worktree", "add", "-q", "main")
	write(t, dir, map[string]string{"main/ignored.log": "x"})
	checkState(t, filepath.Join(dir, "main"), first)
	r := open(t, dir)
	tree := r.Worktree()
	l := filesOf(t, tree)
	sameList(t, "Files", fileNames(l), []string{"note.yaml"})
	if want := []Skip{{"main", "is a git repository of its own"}}; !slices.Equal(l.Skipped, want) {
		t.Errorf("Skipped = %q, want %q", l.Skipped, want)
	}
	write(t, dir, map[string]string{"way": "-> .bare/config"})
	for _, name := range []string{".bare", ".bare/config", "way"} {
		for _, op := range following {
			if err := operations(tree)[op](name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s(%s): %v", op, name, err)
			}
		}
	}
	if entries, err := tree.ReadDir("."); err != nil || slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == ".bare" }) {
		t.Errorf("ReadDir shows .bare: %v", err)
	}

	// A pull request can bring what looks like a bare repository.
	work := copied(t, from)
	git(t, work, "clone", "-q", "--bare", from, "apps/bare")
	write(t, work, map[string]string{"apps/bare/x.yaml": "x"})
	inside := open(t, filepath.Join(work, "apps/bare/refs"))
	if inside.Root() != work || inside.Prefix() != "apps/bare/refs" {
		t.Errorf("Root, Prefix = %s, %s", inside.Root(), inside.Prefix())
	}
	if l := checkFiles(t, work); !slices.Contains(fileNames(l), "apps/bare/x.yaml") {
		t.Error("a folder that looks like a bare repository is not listed")
	}
}

// Ignore rules work with SHA-256 too.
func TestIndexOfSHA256(t *testing.T) {
	dir := tempDir(t)
	git(t, dir, "init", "-q", "--object-format=sha256")
	write(t, dir, stateFiles)
	git(t, dir, "add", "-f", ".")
	write(t, dir, map[string]string{"ignored.log": "x"})
	for _, how := range [][]string{{"--index-version", "2"}, {"--index-version", "4"}, {"--split-index"}} {
		git(t, dir, append([]string{"update-index"}, how...)...)
		checkFiles(t, dir)
	}
}

func TestTooMany(t *testing.T) {
	dir := newRepo(t, map[string]string{"a": "x", "b/c": "x", "b/d": "x", "e": "x"})
	mkfifo(t, filepath.Join(dir, "b/pipe"))
	for most, fine := range map[int]bool{5: true, 4: false, 3: false, 0: false} {
		r := open(t, dir)
		if r.MaxFiles != DefaultMaxFiles {
			t.Errorf("MaxFiles = %d", r.MaxFiles)
		}
		r.MaxFiles = most
		if l, err := r.Worktree().Files(); (err == nil) != fine || !fine && (!errors.Is(err, ErrTooMany) || len(l.Files) > 0) {
			t.Errorf("at most %d: %d files, %v", most, len(l.Files), err)
		}
		head, err := r.Commit("HEAD")
		if err != nil {
			t.Fatal(err)
		}
		if l, err := head.Files(); (err == nil) != (most >= 4) || err != nil && (!errors.Is(err, ErrTooMany) || len(l.Files) > 0) {
			t.Errorf("at most %d of the commit: %d files, %v", most, len(l.Files), err)
		}
	}
}

func TestDeepFolders(t *testing.T) {
	dir := tempDir(t)
	at, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxDepth + 100 {
		if i == maxDepth/2 {
			if err := at.WriteFile("half", []byte("x"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := at.Mkdir("d", 0o755); err != nil {
			t.Fatal(err)
		}
		next, err := at.OpenRoot("d")
		at.Close()
		if err != nil {
			t.Fatal(err)
		}
		at = next
	}
	at.Close()
	tree := open(t, dir).Worktree()
	within(t, "Files", func() {
		l := filesOf(t, tree)
		half := strings.Repeat("d/", maxDepth/2) + "half"
		sameList(t, "Files", fileNames(l), []string{half})
		if len(l.Skipped) != 1 || l.Skipped[0].Reason != errTooDeep.Error() {
			t.Errorf("Skipped = %q", l.Skipped)
		}
		if data, err := tree.ReadFile(half); string(data) != "x" || err != nil {
			t.Errorf("ReadFile = %q, %v", data, err)
		}
	})
	deep := strings.Repeat("d/", maxDepth+50) + "d"
	for _, op := range following {
		if err := operations(tree)[op](deep); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v", op, err)
		}
	}
	if _, err := tree.Digest("."); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("Digest: %v", err)
	}
}

// What takes the place of a file or folder after the look at it is not read.
func TestSwapped(t *testing.T) {
	dir := newRepo(t, map[string]string{"d/config": "x", "e/f/config": "x", "a": "x", "b": "other", "p/x": "x"})
	tree := open(t, dir).Worktree().(*worktree)
	for _, name := range []string{"d", "e", "e/f", "p"} {
		tree.folders.Store(name, nil) // as if they had been looked at
	}
	for name, link := range map[string]string{"d": ".git", "e": "g"} {
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, "was-"+name)); err != nil {
			t.Fatal(err)
		}
		write(t, dir, map[string]string{name: "-> " + link, "g/f/config": "not asked for"})
	}
	mkfifo(t, filepath.Join(dir, "p"))
	for _, name := range []string{"d/config", "e/f/config", "p/x"} {
		within(t, name, func() {
			if data, err := tree.ReadFile(name); err == nil {
				t.Errorf("ReadFile(%s) = %q", name, data)
			}
			if entries, err := tree.list(filepath.Dir(name)); err == nil {
				t.Errorf("%s has %d entries", filepath.Dir(name), len(entries))
			}
		})
	}

	before, err := tree.repo.dir.Lstat("a")
	if err != nil {
		t.Fatal(err)
	}
	for what, swap := range map[string]func(name string){
		"a symlink": func(name string) { os.Remove(name); os.Symlink("b", name) },
		"a link":    func(name string) { os.Remove(name); os.Link(filepath.Join(dir, "b"), name) },
		"a pipe":    func(name string) { mkfifo(t, name) },
		"a folder":  func(name string) { os.Remove(name); os.Mkdir(name, 0o755) },
	} {
		swap(filepath.Join(dir, "a"))
		within(t, what, func() {
			if f, _, err := openExact(tree.repo.dir, "a", before); err == nil {
				f.Close()
				t.Errorf("%s in its place is opened", what)
			}
		})
	}
}

func TestChangedWhileRead(t *testing.T) {
	dir := newRepo(t, map[string]string{"a": strings.Repeat("old\n", 1000), "d/gone": "x", "d/stays": "x"})
	tree := open(t, dir).Worktree()
	f, err := tree.Open("a")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	half := make([]byte, 10)
	if _, err := f.Read(half); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "a"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("new\n")
	for err = nil; err == nil; {
		_, err = f.Read(half)
	}
	if !errors.Is(err, errChanged) {
		t.Errorf("reading a file that changed: %v", err)
	}
	// What is gone since the folder was listed.
	entries, err := tree.ReadDir("d")
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(dir, "d/gone"))
	for _, e := range entries {
		if _, err := tree.ReadFile("d/" + e.Name()); (err != nil) != (e.Name() == "gone") || err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("ReadFile(%s): %v", e.Name(), err)
		}
	}
	os.RemoveAll(filepath.Join(dir, "d"))
	if _, err := tree.ReadDir("d"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadDir of a folder that is gone: %v", err)
	}
	w := walker{tree: tree.(*worktree)}
	w.most = 10
	w.folder(nil, "d", "d", nil, nil, all, 1)
	if len(w.out.Files)+len(w.out.Skipped) > 0 || w.failed.Load() != nil {
		t.Errorf("a folder that is gone gives %+v", w.out)
	}
}
