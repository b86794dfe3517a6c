package source

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// gitFiles is what git would list, less what is not on the disk and the folders
// that git names instead of entering them.
func gitFiles(t *testing.T, dir string) []string {
	t.Helper()
	return slices.DeleteFunc(names(t, dir, "ls-files", "-co", "--exclude-standard", "-z"), func(n string) bool {
		info, err := os.Lstat(filepath.Join(dir, n))
		return err != nil || info.IsDir()
	})
}

func checkFiles(t *testing.T, dir string) Listing {
	t.Helper()
	l := filesOf(t, open(t, dir).Worktree())
	if l.IgnoreError != nil {
		t.Errorf("no ignore rules: %v", l.IgnoreError)
	}
	sameList(t, "Files", fileNames(l), gitFiles(t, dir))
	for _, f := range l.Files {
		info, err := os.Lstat(filepath.Join(dir, f.Name))
		if err != nil || info.Size() != f.Size || (info.Mode()&os.ModeSymlink != 0) != f.Symlink {
			t.Errorf("%+v, but the disk has %v, %v", f, info, err)
		}
	}
	return l
}

func TestFilesLikeGit(t *testing.T) {
	dir := newRepo(t, sample)
	write(t, dir, map[string]string{
		"secret.env":              "tracked, and ignored later",
		"vendor/keep/tracked":     "in a folder that is ignored later",
		"vendor/keep/deep/in/two": "x",
		"gone":                    "deleted later",
		"becomes-folder":          "x",
		"folder-becomes-link/x":   "x",
	})
	commitAll(t, dir, "second")
	os.Remove(filepath.Join(dir, "gone"))
	os.Remove(filepath.Join(dir, "becomes-folder"))
	os.RemoveAll(filepath.Join(dir, "folder-becomes-link"))
	write(t, dir, map[string]string{
		".gitignore":              "*.env\n/vendor/\n*.log\n!keep.log\nbuild/\n",
		".git/info/exclude":       "*.excluded\n!not.env\n",
		"new.yaml":                "untracked",
		"new.env":                 "ignored",
		"not.env":                 "info/exclude is weaker than .gitignore",
		"x.excluded":              "x",
		"a.log":                   "x",
		"keep.log":                "x",
		"vendor/other":            "x",
		"vendor/keep/new":         "x",
		"vendor/keep/.gitignore":  "!*\n",
		"build/out":               "x",
		"deep/build":              "a file, and the rule is for folders",
		"deep/er/build/x":         "x",
		"deep/.gitignore":         "!a.env\nonly-here\n/er/no\n",
		"deep/a.env":              "x",
		"deep/b.env":              "x",
		"deep/er/a.env":           "x",
		"deep/er/only-here":       "x",
		"deep/er/no":              "x",
		"deep/no":                 "x",
		"only-here":               "x",
		"becomes-folder/x":        "x",
		"folder-becomes-link":     "-> deep",
		"apps/.gitignore":         "-> ../deep/.gitignore",
		"apps/only-here":          "git does not follow a .gitignore that is a symlink",
		"link-to-folder/build":    "-> ../deep",
		"über/ß.yaml":             "x",
		"space at end /x":         "x",
		"looks/.git/like":         "an empty .git makes no repository",
		"nested/sub/x":            "x",
		"submodules-too/.gitkeep": "",
	})
	git(t, dir, "add", "deep/no", "über")
	nested := filepath.Join(dir, "nested")
	git(t, nested, "init", "-q")
	other := newRepo(t, map[string]string{"in-submodule": "x"})
	git(t, dir, "submodule", "--quiet", "add", other, "submodules-too/sub")
	git(t, dir, "worktree", "add", "-q", "--detach", "linked")

	l := checkFiles(t, dir)
	want := []Skip{{"linked", "is a git repository of its own"}, {"nested", "is a git repository of its own"}, {"submodules-too/sub", "is a submodule"}}
	if !slices.Equal(l.Skipped, want) {
		t.Errorf("Skipped = %q, want %q", l.Skipped, want)
	}
	checkFiles(t, filepath.Join(dir, "linked"))
	// Callers may do with the slices what they like.
	tree := open(t, dir).Worktree()
	first := filesOf(t, tree)
	first.Files[0].Name = "spoilt"
	if filesOf(t, tree).Files[0].Name == "spoilt" {
		t.Error("two callers share a slice")
	}
}

// What a repository tracks is listed even where somebody put another
// repository around it.
func TestNestedRepositoryCannotHide(t *testing.T) {
	dir := newRepo(t, map[string]string{"apps/deploy.yaml": "x", "apps/more/x.yaml": "x"})
	git(t, filepath.Join(dir, "apps"), "init", "-q")
	write(t, dir, map[string]string{"apps/untracked.yaml": "x"})
	l := filesOf(t, open(t, dir).Worktree())
	sameList(t, "Files", fileNames(l), []string{"apps/deploy.yaml", "apps/more/x.yaml"})
	if len(l.Skipped) != 1 || l.Skipped[0].Name != "apps" {
		t.Errorf("Skipped = %q", l.Skipped)
	}
}

func TestFilesBeforeFirstCommit(t *testing.T) {
	dir := tempDir(t)
	git(t, dir, "init", "-q")
	write(t, dir, map[string]string{"a.yaml": "x", "b.log": "x", ".gitignore": "*.log\n"})
	checkFiles(t, dir)
	git(t, dir, "add", "a.yaml")
	checkFiles(t, dir)
}

func TestFilesInConflict(t *testing.T) {
	dir := newRepo(t, map[string]string{"a": "1"})
	git(t, dir, "checkout", "-q", "-b", "side")
	write(t, dir, map[string]string{"a": "2"})
	commitAll(t, dir, "side")
	git(t, dir, "checkout", "-q", "main")
	write(t, dir, map[string]string{"a": "3", ".gitignore": "a\n"})
	commitAll(t, dir, "main")
	if _, err := gitTry(t, dir, nil, nil, "merge", "-q", "side"); err == nil {
		t.Fatal("the merge should end in a conflict")
	}
	checkFiles(t, dir)
}

// Every kind of index that git writes.
func TestIndexKinds(t *testing.T) {
	kinds := map[string]func(dir string){
		"version 2": func(dir string) { git(t, dir, "update-index", "--index-version", "2") },
		"version 3": func(dir string) {
			write(t, dir, map[string]string{"intended": "x"})
			git(t, dir, "add", "-N", "intended")
		},
		"version 4":       func(dir string) { git(t, dir, "update-index", "--index-version", "4") },
		"no checksum":     func(dir string) { noChecksum(t, dir) },
		"untracked cache": func(dir string) { git(t, dir, "update-index", "--force-untracked-cache"); git(t, dir, "status") },
		"sparse folders":  func(dir string) { git(t, dir, "sparse-checkout", "set", "--cone", "--sparse-index", "apps/web/base") },
		"split": func(dir string) {
			git(t, dir, "update-index", "--split-index")
			write(t, dir, map[string]string{"README.md": "replaced", "apps/new.log": "x", "zz/new.yaml": "x"})
			git(t, dir, "add", "-f", "README.md", "apps/new.log", "zz")
			git(t, dir, "rm", "-q", "--cached", "apps/web-a", "crlf.txt")
			git(t, dir, "-c", "core.fileMode=true", "update-index", "--chmod=+x", "empty")
		},
		"split, all gone": func(dir string) {
			git(t, dir, "update-index", "--split-index")
			git(t, dir, "rm", "-q", "-r", "--cached", ".")
		},
		"empty": func(dir string) { git(t, dir, "rm", "-q", "-r", "--cached", ".") },
	}
	long := strings.Repeat("a", 250)
	long = "long/" + long + "/" + long + "/" + strings.Repeat(long+"/", 14) + "x" // longer than the flags can say
	for kind, make := range kinds {
		t.Run(kind, func(t *testing.T) {
			dir := newRepo(t, sample)
			write(t, dir, map[string]string{".gitignore": "*.log\nignored/\n", "ignored/tracked": "x", "a.log": "x", "ignored/other": "x"})
			git(t, dir, "add", "-f", "ignored/tracked")
			blob := line(t, dir, "hash-object", "-w", "empty")
			git(t, dir, "update-index", "--add", "--cacheinfo", "100644,"+blob+","+long)
			make(dir)
			idx, err := readIndex(open(t, dir).git.own, "sha1")
			if err != nil {
				t.Fatal(err)
			}
			if data, err := os.ReadFile(filepath.Join(dir, ".git/index")); err != nil || strings.HasPrefix(kind, "split") != bytes.Contains(data, []byte("link")) {
				t.Errorf("git made another kind of index: %v", err)
			}
			if kind != "sparse folders" { // there git expands the folders, which are not on the disk
				sameList(t, "index", idx.tracked().names, names(t, dir, "ls-files", "-z"))
			}
			checkFiles(t, dir)
		})
	}
}

// noChecksum does what index.skipHash makes a newer git do.
func noChecksum(t *testing.T, dir string) {
	name := filepath.Join(dir, ".git/index")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	clear(data[len(data)-20:])
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Without an index nothing is ignored: a tracked file must not be hidden.
func TestBrokenIndex(t *testing.T) {
	breaks := map[string]func(dir string){
		"half": func(dir string) {
			git(t, dir, "update-index", "--split-index")
			halves, err := filepath.Glob(dir + "/.git/sharedindex.*")
			if err != nil || len(halves) != 1 || os.Remove(halves[0]) != nil {
				t.Fatal(halves, err)
			}
		},
		"damaged": func(dir string) {
			write(t, dir, map[string]string{".git/index": "DIRC\x00\x00\x00\x02 and so on, but not as it should"})
		},
		"ends early":  func(dir string) { cutFile(t, dir+"/.git/index", 100) },
		"no end":      func(dir string) { cutFile(t, dir+"/.git/index", -10) },
		"many":        func(dir string) { handmadeIndex(t, dir, 2, 1<<32-1, "") },
		"new version": func(dir string) { handmadeIndex(t, dir, 5, 0, "") },
		"extension":   func(dir string) { handmadeIndex(t, dir, 2, 0, "newx\x00\x00\x00\x00") },
		"long names":  func(dir string) { longNames(t, dir) },
		"none":        func(dir string) { write(t, dir, map[string]string{".git/index": "x"}) },
		"a folder":    func(dir string) { os.Remove(dir + "/.git/index"); write(t, dir, map[string]string{".git/index/x": ""}) },
		"one byte":    func(dir string) { flip(t, dir+"/.git/index") },
		"git gone": func(dir string) {
			os.RemoveAll(dir + "/.git")
			write(t, dir, map[string]string{".git": "gitdir: /nowhere/at/all\n"})
		},
		"no gitdir": func(dir string) { os.RemoveAll(dir + "/.git"); write(t, dir, map[string]string{".git": "hello\n"}) },
	}
	for what, break_ := range breaks {
		t.Run(what, func(t *testing.T) {
			dir := newRepo(t, map[string]string{"a/tracked.log": "x"})
			write(t, dir, map[string]string{".gitignore": "*.log\na/\n", "new.log": "x"})
			break_(dir)
			l := filesOf(t, open(t, dir).Worktree())
			sameList(t, "Files", fileNames(l), []string{".gitignore", "a/tracked.log", "new.log"})
			if l.IgnoreError == nil || !strings.Contains(l.IgnoreError.Error(), "`") && what != "a folder" && what != "no gitdir" {
				t.Errorf("IgnoreError = %v, want one that names a command", l.IgnoreError)
			}
		})
	}
}

// cutFile shortens a file to so many bytes, or by so many.
func cutFile(t *testing.T, name string, size int64) {
	t.Helper()
	info, err := os.Stat(name)
	if err == nil && size < 0 {
		size += info.Size()
	}
	if err != nil || os.Truncate(name, size) != nil {
		t.Fatal(err)
	}
}

func handmadeIndex(t *testing.T, dir string, version, count uint32, rest string) {
	t.Helper()
	data := binary.BigEndian.AppendUint32([]byte("DIRC"), version)
	data = append(binary.BigEndian.AppendUint32(data, count), rest...)
	data = append(data, make([]byte, 20)...) // no checksum
	if err := os.WriteFile(filepath.Join(dir, ".git/index"), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// longNames writes an index of version 4 with few bytes and very long names:
// each is the one before with a letter more.
func longNames(t *testing.T, dir string) {
	const count = 30_000
	entry := string(make([]byte, 62)) + "\x00a\x00"
	handmadeIndex(t, dir, 4, count, strings.Repeat(entry, count))
}

func flip(t *testing.T, name string) {
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	data[70] ^= 0x40
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func FuzzIndex(f *testing.F) {
	dir := newRepo(f, sample)
	add := func(args ...string) {
		git(f, dir, args...)
		data, err := os.ReadFile(filepath.Join(dir, ".git/index"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	add("update-index", "--index-version", "2")
	add("update-index", "--index-version", "4")
	add("update-index", "--split-index")
	add("rm", "-q", "--cached", "README.md")
	f.Fuzz(func(t *testing.T, data []byte) {
		if n := len(data) - 20; n > 0 {
			clear(data[n:]) // or every change would end at the checksum
		}
		idx, err := decodeIndex(data, sha1.New())
		if err != nil {
			return
		}
		if len(idx.entries)*62 > len(data) {
			t.Errorf("%d names in %d bytes", len(idx.entries), len(data))
		}
		if tracked := idx.tracked(); !slices.IsSorted(tracked.names) {
			t.Errorf("not sorted: %q", tracked.names)
		}
		joinIndex(index{entries: make([]indexEntry, 20)}, idx)
	})
}

// Patterns that a matcher easily gets wrong, each with names to try.
var ignoreCases = []string{
	"a/**\n!a/keep", "*\n!*/\n!*.yaml", "/*\n!/apps\n/apps/*\n!/apps/web", "[!a].yaml", "[^a].yaml", "**/foo/bar", "foo/**/bar",
	"a**b", "b**/x", "a/b**/c", "?**/x", "x/?**/c", "foo/**", "**/foo", "**foo", "foo**", "***", "**", "/**", "a/***/b", "a/b**/c", "*/foo", "/foo", "foo/", "/foo/", "a/foo/",
	"\\#x", "#x", "\\!x", "!x", "x\\ ", "x ", "x  ", "x\\  ", " x", "\tx", "x\r", "\ufeffx", "x\\", "[", "[]", "[]]", "[!]]", "[a", "[a-c]x",
	"[c-a]x", "[a-]x", "[-a]x", "[]-a]x", "[[:digit:]]x", "[[:alpha:][:digit:]]x", "[[:nope:]]x", "[[:digit]x", "[a/b]x", "a[/]b", "a?b",
	"?", "??", "ü", "?ü", "[ü]", "\\a\\b", "\\*", "*\\**", "a\\/b", "*.tar.*", "a*b*c", "*a*a*a*", "foo.*\n!foo.yaml", "!foo\nfoo", "foo\n!foo",
	"foo/\n!foo/", "foo/*\n!foo/bar", "/", "//", "a//b", "./a", "../a", "a/./b", "foo/bar/", "**/", "a/**/", "**/**/foo", "a/**/**/b", "*/*/*",
	"!**/foo\nfoo", "**/a/**/b/**/c", "[[:upper:]]", "[[:space:]]x", "[[:punct:]]x", "[\\]]x", "[\\a-\\c]x", "[a-[:digit:]]x", "[[.a.]]x", "[a-c-e]x",
}

var ignoreNames = []string{
	"a", "b", "x", "foo", "bar", "#x", "!x", "x ", "x  ", " x", "\tx", "x\r", "x\\", "\\x", "ü", "aü", "ab", "axb", "aab", "abc", "a-b", "]", "[", "[]", "[a",
	"*", "**", "a*", "*a", "ax", "bx", "cx", "dx", "1x", "-x", "]x", ":x", "/x", "a.yaml", "b.yaml", "foo.yaml", "foo.log", "x.tar.gz", "keep", "web", "apps",
	"aXbYc", "aaa", "A", "[[:digit]x", "nope]x", "foobar", "barfoo", "c", "e", "ex", "?", "\\*", "dx]", "a]x", "t]x",
}

// TestIgnoreLikeGit gives every case a folder of its own, so that one run of
// git answers for all.
func TestIgnoreLikeGit(t *testing.T) {
	cases := slices.Clone(ignoreCases)
	// Random ones are what nobody would think of; other seeds were tried, with ten times as many.
	const seed, count = 2, 40
	r := rand.New(rand.NewPCG(1, uint64(seed)))
	pieces := []string{"a", "b", "foo", "x", "*", "**", "?", "/", "/", "[ab]", "[!a]", "\\", "!", " ", ".yaml", "**/", "/**", "[", "]", "-", "#"}
	for range count {
		var lines []string
		for range 1 + r.IntN(3) {
			pattern := ""
			for range 1 + r.IntN(5) {
				pattern += pieces[r.IntN(len(pieces))]
			}
			lines = append(lines, pattern)
		}
		cases = append(cases, strings.Join(lines, "\n"))
	}
	dir := newRepo(t, nil)
	files := map[string]string{}
	for i, c := range cases {
		files[fmt.Sprintf("%d/.gitignore", i)] = c
		for j, n := range ignoreNames {
			if strings.HasPrefix(n, "/") {
				continue
			}
			// Most of the names are files, the others folders with more in them.
			if other := ignoreNames[(j*7+i)%len(ignoreNames)]; (i+j)%4 > 0 {
				files[fmt.Sprintf("%d/%s", i, n)] = ""
			} else {
				files[fmt.Sprintf("%d/%s/f", i, n)] = ""
				files[fmt.Sprintf("%d/%s/foo/bar", i, n)] = ""
				files[fmt.Sprintf("%d/%s/b/%s/c", i, n, strings.ReplaceAll(other, "/", ""))] = ""
			}
		}
	}
	write(t, dir, files)
	got := fileNames(filesOf(t, open(t, dir).Worktree()))
	want := gitFiles(t, dir)
	byCase := func(list []string) map[string][]string {
		m := map[string][]string{}
		for _, n := range list {
			c, rest, _ := strings.Cut(n, "/")
			m[c] = append(m[c], rest)
		}
		return m
	}
	gotBy, wantBy := byCase(got), byCase(want)
	ignored := 0
	for i, c := range cases {
		n := fmt.Sprint(i)
		sameList(t, fmt.Sprintf("%q", c), gotBy[n], wantBy[n])
		ignored += len(files)/len(cases) - len(wantBy[n])
	}
	if ignored < len(files)/20 {
		t.Errorf("git ignores only %d of %d files: the cases say nothing", ignored, len(files))
	}
}

// A pattern made to be slow is not.
func TestIgnoreTime(t *testing.T) {
	rules, _ := ignoreRules{}.with("", []byte(strings.Repeat("*a", 200)+"b\n"+strings.Repeat("**/", 200)+"x\n"))
	within(t, "matching", func() { // with backtracking it would take years
		if rules.ignored(strings.Repeat("a", 255), false) || rules.ignored(strings.Repeat("a/", 500)+"y", false) {
			t.Error("matches")
		}
	})
	many, err := ignoreRules{}.with("", bytes.Repeat([]byte("*.a?c\n"), maxIgnoreRules+1))
	if err == nil || many.ignored("x.abc", false) {
		t.Error("more rules than are allowed are in force")
	}
}

// One folder's rules must not reach the folder beside it.
func TestIgnoreStaysInItsFolder(t *testing.T) {
	var base ignoreRules
	for folder, rule := range map[string]string{"": "1", "a/": "2", "a/b/": "3"} {
		base, _ = base.with(folder, []byte(rule))
	}
	left, _ := base.with("a/b/l/", []byte("left"))
	right, _ := base.with("a/b/r/", []byte("right"))
	if !left.ignored("a/b/l/left", false) || !right.ignored("a/b/r/right", false) {
		t.Error("one overwrote the other")
	}
}

func FuzzIgnore(f *testing.F) {
	for _, c := range ignoreCases {
		f.Add(c, "a/b/foo.yaml")
	}
	f.Fuzz(func(t *testing.T, patterns, name string) {
		rules, _ := ignoreRules{}.with("", []byte(patterns))
		rules.ignored(name, false)
		rules.ignored(name, true)
	})
}
