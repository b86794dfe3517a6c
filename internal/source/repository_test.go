package source

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// checkCommit compares a commit's tree with what git says of it.
func checkCommit(t *testing.T, dir, rev string) Tree {
	t.Helper()
	tree := commitOf(t, dir, rev)
	var want []File
	var skips []Skip
	for _, l := range names(t, dir, "ls-tree", "-r", "-z", "--long", rev) {
		meta, name, _ := strings.Cut(l, "\t")
		fields := strings.Fields(meta)
		if fields[1] == "commit" {
			skips = append(skips, Skip{name, "is a submodule"})
			continue
		}
		var size int64
		fmt.Sscan(fields[3], &size)
		want = append(want, File{name, fields[0] == "120000", size})
		if fields[0] == "120000" {
			continue
		}
		if d, err := tree.Digest(name); string(d) != fields[2] || err != nil {
			t.Errorf("Digest(%s) = %s, %v, want %s", name, d, err, fields[2])
		}
	}
	slices.SortFunc(want, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	got := filesOf(t, tree)
	if !slices.Equal(got.Files, want) {
		t.Errorf("Files = %v\nwant %v", got.Files, want)
	}
	if !slices.Equal(got.Skipped, skips) {
		t.Errorf("Skipped = %q, want %q", got.Skipped, skips)
	}
	if d, err := tree.Digest("."); string(d) != line(t, dir, "rev-parse", rev+"^{tree}") || err != nil {
		t.Errorf("Digest(.) = %s, %v", d, err)
	}
	return tree
}

func TestRevisions(t *testing.T) {
	dir := newRepo(t, sample)
	write(t, dir, map[string]string{"two": "2"})
	commitAll(t, dir, "two")
	git(t, dir, "tag", "light")
	git(t, dir, "tag", "-a", "-m", "x", "annotated")
	git(t, dir, "tag", "-a", "-m", "x", "twice", "annotated")
	git(t, dir, "checkout", "-q", "-b", "feature/one", "HEAD~1")
	write(t, dir, map[string]string{"one": "1"})
	commitAll(t, dir, "one")
	git(t, dir, "merge", "-q", "-m", "merge", "main")
	git(t, dir, "branch", "both", "HEAD~1")
	git(t, dir, "tag", "both", "main") // a tag goes before a branch
	git(t, dir, "branch", "beef", "main")
	git(t, dir, "pack-refs", "--all")
	git(t, dir, "branch", "-f", "both", "HEAD") // loose now, and packed
	hash := line(t, dir, "rev-parse", "HEAD")

	clone := filepath.Join(tempDir(t), "clone")
	git(t, dir, "clone", "-q", "--no-tags", dir, clone)
	git(t, clone, "remote", "add", "other", dir)
	git(t, clone, "update-ref", "refs/remotes/other/only/there", "HEAD~1")
	git(t, clone, "gc", "-q")

	for _, c := range []struct {
		dir  string
		revs []string
	}{
		{dir, []string{"HEAD", "@", "main", "feature/one", "light", "annotated", "twice", "both", "beef", "heads/both", "tags/both", "refs/heads/both",
			"HEAD~1", "HEAD~", "HEAD^", "HEAD^2", "HEAD^2~1", "HEAD^^", "HEAD^0", "HEAD~0", "main~1^0", "annotated^{commit}", "twice~1", "annotated^{}",
			hash, hash[:7], hash[:8], hash[:4] + hash[4:9], strings.ToUpper(hash), hash + "~1", hash[:11] + "^2"}},
		{clone, []string{"HEAD", "origin/main", "origin/feature/one", "origin", "remotes/origin/main", "feature/one", "origin/main~1", "other/only/there", hash[:9]}},
	} {
		for _, rev := range c.revs {
			tree := checkCommit(t, c.dir, rev)
			full := line(t, c.dir, "rev-parse", rev+"^{commit}")
			want := rev + "@" + full[:7]
			if strings.HasPrefix(full, strings.ToLower(rev)) {
				want = full[:7]
			}
			if tree.Ref() != want {
				t.Errorf("Ref of %s = %s, want %s", rev, tree.Ref(), want)
			}
		}
	}
	// Names that git itself knows only with the remote before them.
	for rev, means := range map[string]string{"main": "origin/main", "beef": "origin/beef", "only/there": "other/only/there", "main~1": "origin/main~1"} {
		want := line(t, clone, "rev-parse", means+"^{tree}")
		if got, err := commitOf(t, clone, rev).Digest("."); string(got) != want || err != nil {
			t.Errorf("%s: %s, %v, want %s as %s", rev, got, err, want, means)
		}
	}
	git(t, clone, "update-ref", "refs/remotes/third/only/there", "HEAD~2")

	repo := open(t, clone)
	for rev, says := range map[string]string{
		"nope": "`git fetch origin nope`", "only/there": "several remotes", "": "revision", "~1": "revision", "^1": "revision", "-x": "revision",
		"HEAD:apps": "revision", "main..HEAD": "revision", "@{u}": "revision", "HEAD^{tree}": "^{commit}", "HEAD~x": "revision", "HEAD^3": "2 parents",
		"HEAD~99": "parent", "HEAD~99999999999999999999": "revision", "HEAD^{": "^{commit}", "../../config": "revision",
		strings.Repeat("0", 40): "missing", "HEAD^{tree": "^{commit}", "config": "no branch", "refs/heads": "no branch", "a b": "revision",
		line(t, clone, "rev-parse", "HEAD:README.md"): "is a blob and no commit", line(t, clone, "rev-parse", "HEAD:apps"): "is a tree and no commit",
	} {
		if _, err := repo.Commit(rev); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("Commit(%q): %v, want one that says %q", rev, err, says)
		}
		if _, err := repo.MergeBase(rev); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("MergeBase(%q): %v, want one that says %q", rev, err, says)
		}
	}
}

func TestAmbiguousHash(t *testing.T) {
	dir := newRepo(t, nil)
	tree := line(t, dir, "rev-parse", "HEAD^{tree}")
	seen := map[string][]byte{}
	for i := 0; ; i++ { // of some hundred, two share their first four digits
		data := fmt.Appendf(nil, "tree %s\nauthor a <a> %d +0000\ncommitter a <a> %d +0000\n\nx\n", tree, i, i)
		sum := identify(commitKind, data)
		id := hex.EncodeToString(sum[:])
		other := seen[id[:4]]
		if seen[id[:4]] = data; other == nil {
			continue
		}
		for _, c := range [][]byte{data, other} {
			if _, err := gitTry(t, dir, c, nil, "hash-object", "-t", "commit", "-w", "--stdin"); err != nil {
				t.Fatal(err)
			}
		}
		short := id[:4]
		if _, err := open(t, dir).Commit(short); err == nil || !strings.Contains(err.Error(), "2 commits begin with") {
			t.Errorf("Commit(%s): %v", short, err)
		}
		checkCommit(t, dir, id[:12])
		return
	}
}

func TestOpen(t *testing.T) {
	// What the environment says of git must not matter.
	t.Setenv("GIT_DIR", filepath.Join(tempDir(t), "elsewhere"))
	t.Setenv("GIT_WORK_TREE", "/")
	t.Setenv("GIT_INDEX_FILE", "/dev/zero")

	dir := newRepo(t, sample)
	for _, name := range []string{"later", "last"} {
		write(t, dir, map[string]string{name: "x"})
		commitAll(t, dir, name)
	}
	parent := tempDir(t)
	at := func(name string) string { return filepath.Join(parent, name) }

	git(t, dir, "worktree", "add", "-q", "--detach", at("linked"), "HEAD~1")
	git(t, dir, "clone", "-q", "--shared", dir, at("shared"))
	git(t, dir, "clone", "-q", "--shared", at("shared"), at("shared-twice"))
	git(t, dir, "clone", "-q", "--reference", dir, dir, at("reference"))
	git(t, dir, "clone", "-q", "--separate-git-dir", at("meta"), dir, at("separate"))
	git(t, dir, "clone", "-q", dir, at("extension"))
	git(t, at("extension"), "config", "extensions.worktreeConfig", "true")
	git(t, at("extension"), "config", "--worktree", "core.sparseCheckout", "false")
	git(t, dir, "clone", "-q", dir, at("version1"))
	for _, kv := range []string{"core.repositoryFormatVersion=1", "extensions.worktreeConfig=true", "extensions.preciousObjects=true", "extensions.objectFormat=sha1", "extensions.noop=x", "extensions.partialClone=origin"} {
		key, value, _ := strings.Cut(kv, "=")
		git(t, at("version1"), "config", key, value)
	}
	git(t, dir, "clone", "-q", dir, at("detached"))
	git(t, at("detached"), "checkout", "-q", "--detach", "HEAD~1")
	git(t, dir, "clone", "-q", dir, at("hooked"))
	write(t, at("hooked"), map[string]string{".git/config": "[include]\n\tpath = /dev/zero\n[core]\n\tfsmonitor = \"touch ran\"\n\tbare = false # ; \"\n[alias]\n\tx = !touch ran\n[extensions] worktreeConfig = true\n"})
	git(t, dir, "clone", "-q", dir, at("linked-git"))
	if err := os.Rename(at("linked-git/.git"), at("moved-git")); err != nil {
		t.Fatal(err)
	}
	write(t, at("linked-git"), map[string]string{".git": "-> " + at("moved-git")})
	git(t, at("linked-git"), "config", "core.worktree", at("linked-git"))
	git(t, at("separate"), "config", "core.worktree", "../separate")
	git(t, dir, "clone", "-q", "-c", "protocol.file.allow=always", dir, at("super"))
	git(t, at("super"), "submodule", "--quiet", "add", dir, "sub")
	git(t, dir, "clone", "-q", dir, at("git-dotgit-file"))

	for _, name := range []string{"linked", "shared", "shared-twice", "reference", "separate", "extension", "version1", "detached", "linked-git", "super", "super/sub"} {
		t.Run(name, func(t *testing.T) {
			root := at(name)
			for _, sub := range []string{".", "apps/web/base"} {
				r := open(t, filepath.Join(root, filepath.FromSlash(sub)))
				if r.Root() != line(t, root, "rev-parse", "--show-toplevel") || r.Prefix() != sub {
					t.Errorf("Root, Prefix = %s, %s, want %s, %s", r.Root(), r.Prefix(), root, sub)
				}
				if err := r.Git(); err != nil {
					t.Errorf("Git: %v", err)
				}
			}
			checkFiles(t, root)
			checkCommit(t, root, "HEAD")
			checkCommit(t, root, "HEAD~1")
			got, err := open(t, root).MergeBase(line(t, root, "rev-parse", "HEAD~1"))
			if want := line(t, root, "merge-base", "HEAD", "HEAD~1"); got != want || err != nil {
				t.Errorf("MergeBase = %s, %v, want %s", got, err, want)
			}
		})
	}
	t.Run("hooked", func(t *testing.T) {
		r := open(t, at("hooked"))
		filesOf(t, r.Worktree())
		if _, err := r.Commit("HEAD"); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(at("hooked/ran")); err == nil {
			t.Error("a program that the configuration names was run")
		}
	})
	t.Run("through a symlink", func(t *testing.T) {
		write(t, parent, map[string]string{"way": "-> shared/apps"})
		r := open(t, at("way/web"))
		if r.Root() != at("shared") || r.Prefix() != "apps/web" {
			t.Errorf("Root, Prefix = %s, %s", r.Root(), r.Prefix())
		}
	})
	t.Run("relative", func(t *testing.T) {
		t.Chdir(at("shared/apps"))
		if r := open(t, "."); r.Root() != at("shared") || r.Prefix() != "apps" {
			t.Errorf("Root, Prefix = %s, %s", r.Root(), r.Prefix())
		}
	})
	for what, dir := range map[string]string{"bare": "a bare repository", "shared/.git": "git's own folder", "shared/.git/hooks": "git's own folder",
		"shared/README.md": "not a folder", "nowhere": "no such file"} {
		if what == "bare" {
			git(t, at("shared"), "clone", "-q", "--bare", ".", at("bare"))
		}
		if _, err := Open(at(what)); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("Open(%s): %v, want one that says %q", what, err, dir)
		}
	}
}

func TestNoRepository(t *testing.T) {
	dir := tempDir(t)
	write(t, dir, map[string]string{"a/b.yaml": "x", "c.log": "x", ".gitignore": "*.log\n", "d/.git/x": "", "link": "-> a"})
	r := open(t, filepath.Join(dir, "a"))
	if r.Root() != filepath.Join(dir, "a") || r.Prefix() != "." {
		t.Errorf("Root, Prefix = %s, %s", r.Root(), r.Prefix())
	}
	r = open(t, dir)
	l := filesOf(t, r.Worktree())
	sameList(t, "Files", fileNames(l), []string{".gitignore", "a/b.yaml", "c.log", "link"})
	if l.IgnoreError != nil {
		t.Errorf("IgnoreError = %v", l.IgnoreError)
	}
	_, commitErr := r.Commit("HEAD")
	_, baseErr := r.MergeBase("main")
	for _, err := range []error{r.Git(), commitErr, baseErr} {
		if err == nil || !strings.Contains(err.Error(), "--staged and a base need") {
			t.Errorf("%v", err)
		}
	}
}

func TestNotSupported(t *testing.T) {
	set := func(kv ...string) func(dir string) {
		return func(dir string) {
			git(t, dir, "config", "core.repositoryFormatVersion", "1")
			for i := 0; i < len(kv); i += 2 {
				git(t, dir, "config", kv[i], kv[i+1])
			}
		}
	}
	for what, c := range map[string]struct {
		make func(dir string)
		says []string
	}{
		"reftable": {set("extensions.refStorage", "reftable"), []string{"reftable", "`git refs migrate --ref-format=files`"}},
		"unknown":  {set("extensions.somethingNew", "true"), []string{"extensions.somethingnew"}},
		"format":   {set("core.repositoryFormatVersion", "2"), []string{`format version "2"`}},
		"moved": {func(dir string) {
			os.RemoveAll(dir + "/.git")
			write(t, dir, map[string]string{".git": "gitdir: ../x\n"})
		}, []string{"`git worktree repair`"}},
		"bad .git":    {func(dir string) { os.RemoveAll(dir + "/.git"); write(t, dir, map[string]string{".git": "x"}) }, []string{"not a file that git wrote"}},
		"config dir":  {func(dir string) { os.Remove(dir + "/.git/config"); os.Mkdir(dir+"/.git/config", 0o755) }, []string{"git configuration"}},
		"lost common": {func(dir string) { write(t, dir, map[string]string{".git/commondir": "../nowhere\n"}) }, []string{"`git worktree repair`"}},
	} {
		t.Run(what, func(t *testing.T) {
			dir := newRepo(t, map[string]string{"a": "x"})
			c.make(dir)
			checkUnsupported(t, dir, c.says)
		})
	}
	t.Run("sha256", func(t *testing.T) {
		dir := tempDir(t)
		git(t, dir, "init", "-q", "--object-format=sha256")
		write(t, dir, map[string]string{"a": "x"})
		commitAll(t, dir, "first")
		checkUnsupported(t, dir, []string{"sha256", "SHA-1"})
	})
}

func checkUnsupported(t *testing.T, dir string, says []string) {
	t.Helper()
	r := open(t, dir)
	_, commitErr := r.Commit("HEAD")
	_, baseErr := r.MergeBase("HEAD")
	for _, err := range []error{r.Git(), commitErr, baseErr} {
		for _, s := range says {
			if err == nil || !strings.Contains(err.Error(), s) {
				t.Errorf("%v, want one that says %q", err, s)
			}
		}
	}
	// The work tree does without.
	sameList(t, "Files", fileNames(filesOf(t, r.Worktree())), []string{"a"})
	if data, err := r.Worktree().ReadFile("a"); string(data) != "x" || err != nil {
		t.Errorf("ReadFile: %q, %v", data, err)
	}
}

func TestShallow(t *testing.T) {
	origin := newRepo(t, sample)
	for i := range 3 {
		git(t, origin, "checkout", "-q", "-B", "feature", "main")
		write(t, origin, map[string]string{"f": fmt.Sprint(i)})
		commitAll(t, origin, "f")
		git(t, origin, "checkout", "-q", "main")
		write(t, origin, map[string]string{"m": fmt.Sprint(i)})
		commitAll(t, origin, "m")
	}
	first := line(t, origin, "rev-list", "--max-parents=0", "main")
	clone := filepath.Join(tempDir(t), "clone")
	git(t, origin, "clone", "-q", "--depth", "1", "--branch", "feature", "file://"+origin, clone)
	checkCommit(t, clone, "HEAD")
	r := open(t, clone)
	for _, rev := range []string{"main", "origin/main", "HEAD~1", first} {
		_, commitErr := r.Commit(rev)
		_, baseErr := r.MergeBase(rev)
		for _, err := range []error{commitErr, baseErr} {
			if err == nil || !strings.Contains(err.Error(), "`git fetch --unshallow`") || !strings.Contains(err.Error(), "fetch-depth: 0") {
				t.Errorf("%s: %v", rev, err)
			}
		}
	}
	// Both are there, and what joins them is not.
	git(t, clone, "fetch", "-q", "--depth", "1", "origin", "main:refs/remotes/origin/main")
	if data, err := commitOf(t, clone, "main").ReadFile("m"); string(data) != "2" || err != nil {
		t.Errorf("the base's file: %q, %v", data, err)
	}
	if base, err := open(t, clone).MergeBase("main"); err == nil || !strings.Contains(err.Error(), "fetch-depth: 0") {
		t.Errorf("MergeBase = %s, %v", base, err)
	}
	git(t, clone, "fetch", "-q", "--unshallow")
	want := line(t, clone, "merge-base", "HEAD", "origin/main")
	if got, err := open(t, clone).MergeBase("main"); got != want || err != nil {
		t.Errorf("MergeBase = %s, %v, want %s", got, err, want)
	}
}

func TestPartialClone(t *testing.T) {
	origin := newRepo(t, sample)
	git(t, origin, "config", "uploadpack.allowFilter", "true")
	write(t, origin, map[string]string{"README.md": "new"})
	commitAll(t, origin, "new")
	clone := filepath.Join(tempDir(t), "clone")
	git(t, origin, "clone", "-q", "--filter=blob:none", "file://"+origin, clone)
	checkFiles(t, clone)
	tree := commitOf(t, clone, "HEAD~1")
	_, err := tree.ReadFile("README.md")
	if err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "`git fetch --refetch --no-filter`") {
		t.Errorf("a file that is not here: %v", err)
	}
	if !slices.Contains(fileNames(filesOf(t, tree)), "README.md") {
		t.Error("Files does not have it")
	}
	if data, err := tree.ReadFile("crlf.txt"); string(data) != sample["crlf.txt"] || err != nil {
		t.Errorf("a file that is here: %q, %v", data, err)
	}
	git(t, clone, "fetch", "-q", "--refetch", "--no-filter")
	if data, err := commitOf(t, clone, "HEAD~1").ReadFile("README.md"); string(data) != sample["README.md"] || err != nil {
		t.Errorf("fetched as told: %q, %v", data, err)
	}
}

func TestMergeBaseLikeGit(t *testing.T) {
	dir := newRepo(t, nil)
	tree := line(t, dir, "rev-parse", "HEAD^{tree}")
	r := rand.New(rand.NewPCG(3, 4))
	make := func(when int, parents ...string) string {
		args := []string{"commit-tree", "-m", fmt.Sprint("x", r.Uint64()), tree}
		for _, p := range parents {
			args = append(args, "-p", p)
		}
		out, err := gitTry(t, dir, nil, []string{fmt.Sprintf("GIT_COMMITTER_DATE=%d +0000", 1_700_000_000+when)}, args...)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(out)
	}
	several, none := 0, 0
	for graph := range 12 {
		commits := []string{make(1000)}
		for i := range 25 {
			var parents []string
			for range r.IntN(4) {
				// Mostly recent ones, so that the histories cross.
				p := commits[max(0, len(commits)-1-r.IntN(6))]
				if !slices.Contains(parents, p) {
					parents = append(parents, p)
				}
			}
			when := 1001 + i
			switch graph % 3 {
			case 1:
				when = 1000 // all in the same second
			case 2:
				when = 1000 + r.IntN(60) // clocks that go wrong
			}
			commits = append(commits, make(when, parents...))
		}
		for range 8 {
			a, b := commits[len(commits)-1-r.IntN(8)], commits[len(commits)-1-r.IntN(12)]
			git(t, dir, "update-ref", "--no-deref", "HEAD", a)
			out, err := gitTry(t, dir, nil, nil, "merge-base", "--all", a, b)
			all := strings.Fields(out)
			got, gotErr := open(t, dir).MergeBase(b)
			if err != nil {
				none++
				if gotErr == nil || !strings.Contains(gotErr.Error(), "nothing in common") {
					t.Errorf("MergeBase = %s, %v, and git finds none", got, gotErr)
				}
				continue
			}
			if !slices.Contains(all, got) || gotErr != nil {
				t.Errorf("MergeBase = %s, %v, want one of %s", got, gotErr, all)
			}
			if len(all) > 1 {
				several++
			}
			if graph%3 == 0 {
				if first := line(t, dir, "merge-base", a, b); got != first {
					t.Errorf("MergeBase = %s, and git takes %s", got, first)
				}
			}
			git(t, dir, "update-ref", "--no-deref", "HEAD", b)
			if other, err := open(t, dir).MergeBase(a); other != got || err != nil {
				t.Errorf("the other way round: %s, %v, not %s", other, err, got)
			}
		}
	}
	if several < 3 || none < 3 {
		t.Errorf("%d pairs with several bases and %d with none: the graphs say nothing", several, none)
	}
}

// looseCommit writes a commit without a run of git.
func looseCommit(t *testing.T, dir, tree string, when int, parents ...string) string {
	t.Helper()
	text := "tree " + tree + "\n"
	for _, p := range parents {
		text += "parent " + p + "\n"
	}
	text += fmt.Sprintf("author a <a@example.org> %d +0000\ncommitter a <a@example.org> %d +0000\n\nx\n", 1_700_000_000+when, 1_700_000_000+when)
	id := identify(commitKind, []byte(text))
	writeLoose(t, dir, hex.EncodeToString(id[:]), "commit", []byte(text))
	return hex.EncodeToString(id[:])
}

// The walk ends before it sees that one base is an ancestor of the other.
func TestMergeBaseWithWrongClocks(t *testing.T) {
	dir := newRepo(t, nil)
	tree := line(t, dir, "rev-parse", "HEAD^{tree}")
	older := looseCommit(t, dir, tree, 100)
	between := looseCommit(t, dir, tree, 1, older)
	newer := looseCommit(t, dir, tree, 50, between)
	a, b := looseCommit(t, dir, tree, 200, newer, older), looseCommit(t, dir, tree, 201, newer, older)
	git(t, dir, "update-ref", "HEAD", a)
	want := line(t, dir, "merge-base", "--all", a, b)
	if got, err := open(t, dir).MergeBase(b); got != want || err != nil {
		t.Errorf("MergeBase = %s, %v, want %s", got, err, want)
	}
}

// The walk ends soon after the base, however long the history is.
func TestMergeBaseReadsLittle(t *testing.T) {
	dir := newRepo(t, nil)
	tree := line(t, dir, "rev-parse", "HEAD^{tree}")
	trunk := looseCommit(t, dir, tree, 0)
	for i := range 300 {
		trunk = looseCommit(t, dir, tree, i, trunk)
	}
	objs, err := open(t, dir).objects()
	if err != nil {
		t.Fatal(err)
	}
	h := history{objs, map[objectID]commit{}}
	left, err := objs.commitOf(looseCommit(t, dir, tree, 400, trunk))
	if err != nil {
		t.Fatal(err)
	}
	right, err := objs.commitOf(looseCommit(t, dir, tree, 401, trunk))
	if err != nil {
		t.Fatal(err)
	}
	found, err := h.common(left, right)
	if err != nil || len(found) != 1 || found[0].id.String() != trunk {
		t.Errorf("common: %v, %v, want %s", found, err, trunk)
	}
	if len(h.known) > 5 {
		t.Errorf("read %d commits", len(h.known))
	}
}

func TestUnborn(t *testing.T) {
	dir := tempDir(t)
	git(t, dir, "init", "-q")
	r := open(t, dir)
	if err := r.Git(); err != nil {
		t.Error(err)
	}
	if _, err := r.Commit("HEAD"); err == nil || !strings.Contains(err.Error(), "HEAD has no commit yet") {
		t.Errorf("Commit: %v", err)
	}
	if _, err := r.MergeBase("main"); err == nil || !strings.Contains(err.Error(), "HEAD has no commit yet") {
		t.Errorf("MergeBase: %v", err)
	}
}

// mktree writes a tree object that git would not make.
func mktree(t *testing.T, dir string, lines ...[3]string) string {
	t.Helper()
	var data []byte
	for _, l := range lines {
		id, err := hex.DecodeString(l[2])
		if err != nil {
			t.Fatal(err)
		}
		data = append(append(data, l[0]+" "+l[1]+"\x00"...), id...)
	}
	out, err := gitTry(t, dir, data, nil, "hash-object", "-t", "tree", "-w", "--literally", "--stdin")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

func TestHostileTree(t *testing.T) {
	dir := newRepo(t, map[string]string{"good/x": "x"})
	blob, sub := line(t, dir, "rev-parse", "HEAD:good/x"), line(t, dir, "rev-parse", "HEAD:good")
	long := strings.TrimSpace(must(gitTry(t, dir, bytes.Repeat([]byte("a/"), 3000), nil, "hash-object", "-w", "--stdin"))(t))
	null := strings.TrimSpace(must(gitTry(t, dir, []byte("good/x\x00y"), nil, "hash-object", "-w", "--stdin"))(t))
	missing := strings.Repeat("12", 20)
	inner := mktree(t, dir,
		[3]string{"100644", "..", blob}, [3]string{"40000", ".", sub}, [3]string{"40000", ".git", sub}, [3]string{"40000", ".GiT", sub},
		[3]string{"100644", "a/b", blob}, [3]string{"100644", "twice", blob}, [3]string{"40000", "twice", sub}, [3]string{"100644", "bad\xff", blob},
		[3]string{"100000", "odd-mode", blob}, [3]string{"20000", "device", blob}, [3]string{"xyz", "no-mode", blob}, [3]string{"", "empty-mode", blob},
		[3]string{"100664", "group", blob}, [3]string{"120000", "long", long}, [3]string{"120000", "null", null}, [3]string{"120000", "lost", missing},
		[3]string{"120000", "folder-as-link", sub}, [3]string{"100644", "folder-as-file", sub}, [3]string{"40000", "file-as-folder", blob},
		[3]string{"40000", "lost-folder", missing}, [3]string{"100644", "lost-file", missing}, [3]string{"160000", "module", missing},
		[3]string{"100644", strings.Repeat("ä", maxName), blob}, [3]string{"40000", "git~1", sub}, [3]string{"100644", "", blob}, [3]string{strings.Repeat("7", 5000), "long-mode", blob},
		[3]string{"100644", "unsorted", blob}, [3]string{"100644", "after", blob}, [3]string{"100644", `a\b`, blob}, [3]string{"100644", "esc\x1b[2J", blob})
	root := mktree(t, dir, [3]string{"40000", "evil", inner}, [3]string{"40000", "good", sub})
	git(t, dir, "update-ref", "HEAD", line(t, dir, "commit-tree", "-m", "x", root))
	tree := commitOf(t, dir, "HEAD")
	l := filesOf(t, tree)
	sameList(t, "Files", fileNames(l), []string{`evil/a\b`, "evil/after", "evil/esc\x1b[2J", "evil/folder-as-file", "evil/folder-as-link", "evil/group", "evil/long", "evil/lost",
		"evil/lost-file", "evil/null", "evil/odd-mode", "evil/twice", "evil/unsorted", "good/x"})
	for _, f := range l.Files {
		if !fs.ValidPath(f.Name) {
			t.Errorf("%q is no valid path", f.Name)
		}
	}
	for _, want := range []string{`".."`, `"."`, `".git"`, `".GiT"`, `"a/b"`, `"twice"`, `"bad\xff"`, `"device"`, `"no-mode"`, `"empty-mode"`, `"git~1"`, `""`, `"ää`, `"long-mode": git knows no mode "7`} {
		if !slices.ContainsFunc(l.Skipped, func(s Skip) bool { return s.Name == "evil" && strings.HasPrefix(s.Reason, "holds "+want) }) {
			t.Errorf("%s is in no Skip: %q", want, l.Skipped)
		}
	}
	for _, s := range l.Skipped {
		if len(s.Name)+len(s.Reason) > 500 {
			t.Errorf("%.100q… has %d bytes", s, len(s.Reason))
		}
	}
	for _, want := range []string{"evil/file-as-folder", "evil/lost-folder", "evil/module"} {
		if !slices.ContainsFunc(l.Skipped, func(s Skip) bool { return s.Name == want }) {
			t.Errorf("%s is in no Skip: %q", want, l.Skipped)
		}
	}
	entries, err := tree.ReadDir("evil")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		for op, call := range operations(tree) {
			err := call("evil/" + e.Name()) // must not panic, and must not say that it is missing
			if strings.Contains(e.Name(), "lost") && op != "Lstat" && op != "ReadLink" && op != "Resolve" && op != "Digest" && (e.Name() != "lost-folder" || op != "Stat") && (err == nil || errors.Is(err, fs.ErrNotExist)) {
				t.Errorf("%s(%s): %v", op, e.Name(), err)
			}
		}
	}
	if _, err := tree.ReadFile("evil/long"); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a symlink's target of 6,000 bytes: %v", err)
	}
	if _, err := tree.ReadFile("evil/null"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a symlink's target with a zero in it: %v", err)
	}
	for _, name := range []string{"evil/module", "evil/module/x", "evil/.git/x", "evil/.GiT", `evil/.git`} {
		if _, err := tree.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Stat(%s): %v", name, err)
		}
	}
	if data, err := tree.ReadFile("good/x"); string(data) != "x" || err != nil {
		t.Errorf("the rest: %q, %v", data, err)
	}
}

func must(out string, err error) func(t *testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// A few kilobytes that hold 10^13 files, and folders without end.
func TestTreeBombs(t *testing.T) {
	dir := newRepo(t, map[string]string{"x": "x"})
	leaf := [3]string{"100644", "f", line(t, dir, "rev-parse", "HEAD:x")}
	wide := mktree(t, dir, leaf)
	for range 13 {
		var lines [][3]string
		for i := range 10 {
			lines = append(lines, [3]string{"40000", fmt.Sprint("d", i), wide})
		}
		wide = mktree(t, dir, lines...)
	}
	deep := mktree(t, dir, leaf)
	long := mktree(t, dir, leaf)
	for range maxPath/1000 + 1 {
		long = mktree(t, dir, [3]string{"40000", strings.Repeat("x", 1000), long}, leaf)
	}
	for range maxDepth + 10 {
		deep = string(hex.AppendEncode(nil, writeTree(t, dir, "40000 d\x00", deep)))
	}
	commit := func(tree string) Tree {
		return commitOf(t, dir, line(t, dir, "commit-tree", "-m", "x", tree))
	}
	within(t, "Files", func() {
		if l, err := commit(wide).Files(); !errors.Is(err, ErrTooMany) {
			t.Errorf("%d files, %v", len(l.Files), err)
		}
	})
	if data, err := commit(wide).ReadFile(strings.Repeat("d1/", 13) + "f"); string(data) != "x" || err != nil {
		t.Errorf("a file of the bomb: %q, %v", data, err)
	}
	within(t, "Files", func() {
		l := filesOf(t, commit(deep))
		if len(l.Files) != 0 || len(l.Skipped) != 1 || !strings.Contains(l.Skipped[0].Reason, "deep") {
			t.Errorf("%d files, %d skipped", len(l.Files), len(l.Skipped))
		}
	})
	if l := filesOf(t, commit(long)); len(l.Files) != maxPath/1000+1 || len(l.Skipped) != 1 || l.Skipped[0].Reason != errLongPath.Error() {
		t.Errorf("%d files, skipped %q", len(l.Files), l.Skipped)
	}
	if _, err := commit(deep).ReadFile(strings.Repeat("d/", maxDepth+10) + "f"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a file too deep: %v", err)
	}
}

// writeTree writes a loose tree with one entry, without a run of git for each.
func writeTree(t *testing.T, dir, entry, id string) []byte {
	t.Helper()
	sum, err := hex.DecodeString(id)
	if err != nil {
		t.Fatal(err)
	}
	data := append([]byte(entry), sum...)
	tree := identify(treeKind, data)
	writeLoose(t, dir, hex.EncodeToString(tree[:]), "tree", data)
	return tree[:]
}

func TestDamagedObjects(t *testing.T) {
	dir := newRepo(t, map[string]string{"bad.yaml": "bad", "d/badfolder/x": "y", "good.yaml": "good", "swapped": "what it should be"})
	object := func(rev string) string {
		id := line(t, dir, "rev-parse", rev)
		return filepath.Join(dir, ".git/objects", id[:2], id[2:])
	}
	replace := func(name string, data []byte) {
		os.Remove(name)
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	good, err := os.ReadFile(object("HEAD:good.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	replace(object("HEAD:bad.yaml"), []byte("not zlib at all"))
	replace(object("HEAD:d/badfolder"), good[:len(good)/2])
	replace(object("HEAD:swapped"), good)
	tree := commitOf(t, dir, "HEAD")
	l := filesOf(t, tree)
	sameList(t, "Files", fileNames(l), []string{"bad.yaml", "good.yaml", "swapped"})
	if len(l.Skipped) != 1 || l.Skipped[0].Name != "d/badfolder" || !strings.Contains(l.Skipped[0].Reason, "git fsck") {
		t.Errorf("Skipped = %q", l.Skipped)
	}
	for _, name := range []string{"bad.yaml", "d/badfolder/x", "swapped"} {
		if _, err := tree.ReadFile(name); err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "git fsck") {
			t.Errorf("ReadFile(%s): %v", name, err)
		}
	}
	if data, err := tree.ReadFile("good.yaml"); string(data) != "good" || err != nil {
		t.Errorf("the rest: %q, %v", data, err)
	}
	// References that lead in circles or out of git's folder.
	write(t, dir, map[string]string{".git/refs/heads/circle": "ref: refs/heads/circle\n", ".git/refs/heads/out": "ref: ../../../etc/passwd\n",
		".git/refs/heads/junk": "hello\n", ".git/refs/heads/none": ""})
	for _, rev := range []string{"circle", "out", "junk", "none"} {
		if _, err := open(t, dir).Commit(rev); err == nil {
			t.Errorf("Commit(%s) succeeds", rev)
		}
	}
}

func TestDamagedPack(t *testing.T) {
	dir := newRepo(t, sample)
	git(t, dir, "gc", "-q")
	packs, err := filepath.Glob(filepath.Join(dir, ".git/objects/pack/pack-*"))
	if err != nil || len(packs) < 2 {
		t.Fatal(packs, err)
	}
	for _, pack := range packs {
		whole, err := os.ReadFile(pack)
		if err != nil {
			t.Fatal(err)
		}
		os.Chmod(pack, 0o644)
		for i := 0; i < len(whole); i += 1 + len(whole)/40 {
			damaged := slices.Clone(whole)
			damaged[i] ^= 0x55
			for _, data := range [][]byte{damaged, whole[:i]} {
				if err := os.WriteFile(pack, data, 0o644); err != nil {
					t.Fatal(err)
				}
				within(t, pack, func() {
					tree, err := open(t, dir).Commit("HEAD")
					if err != nil {
						return
					}
					l, err := tree.Files()
					if err != nil {
						return
					}
					for _, f := range l.Files {
						if f.Symlink {
							continue
						}
						if data, err := tree.ReadFile(f.Name); err == nil && string(data) != sample[f.Name] {
							t.Errorf("%s: wrong content and no error", f.Name)
						}
					}
				})
			}
		}
		if err := os.WriteFile(pack, whole, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	checkCommit(t, dir, "HEAD")
}

// writeLoose writes an object as git does, whatever is in it.
func writeLoose(t *testing.T, dir, id, kind string, data []byte) {
	t.Helper()
	var buf bytes.Buffer
	z := zlib.NewWriter(&buf)
	fmt.Fprintf(z, "%s %d\x00", kind, len(data))
	z.Write(data)
	z.Close()
	name := filepath.Join(dir, ".git/objects", id[:2], id[2:])
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, buf.Bytes(), 0o444); err != nil {
		t.Fatal(err)
	}
}

func FuzzTreeObject(f *testing.F) {
	f.Add([]byte("100644 a\x00" + strings.Repeat("x", 20)))
	f.Add([]byte("40000 b\x00" + strings.Repeat("x", 20) + "120000 a\x00" + strings.Repeat("x", 20)))
	f.Fuzz(func(t *testing.T, data []byte) {
		folder, err := decodeFolder(data)
		if err != nil {
			return
		}
		for i, e := range folder.entries {
			if !fs.ValidPath(e.name) || strings.Contains(e.name, "/") || isDotGit(e.name) {
				t.Errorf("%q", e.name)
			}
			if i > 0 && folder.entries[i-1].name >= e.name {
				t.Errorf("%q after %q", e.name, folder.entries[i-1].name)
			}
		}
	})
}

// Thousands of parents, and as many common ancestors, take no longer.
func TestMergeBaseOfManyParents(t *testing.T) {
	dir := newRepo(t, nil)
	tree := line(t, dir, "rev-parse", "HEAD^{tree}")
	var many []string
	for i := range 2 * maxCrossings {
		many = append(many, looseCommit(t, dir, tree, 1000+i))
	}
	a, b := looseCommit(t, dir, tree, 5000, many...), looseCommit(t, dir, tree, 5001, many...)
	few := looseCommit(t, dir, tree, 5002, many[:maxCrossings]...)
	git(t, dir, "update-ref", "HEAD", a)
	within(t, "MergeBase", func() {
		if base, err := open(t, dir).MergeBase(b); err == nil || !strings.Contains(err.Error(), "too many") {
			t.Errorf("MergeBase = %s, %v", base, err)
		}
		if base, err := open(t, dir).MergeBase(few); base != many[maxCrossings-1] || err != nil {
			t.Errorf("MergeBase = %s, %v, want %s", base, err, many[maxCrossings-1])
		}
	})
	// What git itself does not take for a parent is none.
	text := fmt.Sprintf("tree %s\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\nparent %s\n\nx\n", tree, many[0])
	id := identify(commitKind, []byte(text))
	writeLoose(t, dir, id.String(), "commit", []byte(text))
	if c, err := objectsOf(t, dir).commit(id); err != nil || len(c.parents) > 0 {
		t.Errorf("parents %v, %v, and git has %q", c.parents, err, line(t, dir, "log", "-1", "--format=%P", id.String()))
	}
}
