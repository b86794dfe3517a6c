//go:build unix

package source

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// trustFiles are files that every kind of conversion would change.
var trustFiles = map[string]string{
	"lf.yaml": "a: 1\nb: 2\n", "crlf.yaml": "a: 1\r\nb: 2\r\n", "id.yaml": "# $Id$\na: 1\n", "apps/web/deploy.yaml": "kind: Deployment\n",
	"apps/ü.yaml": "a: ü\n", "apps/empty": "", "run.sh": "#!/bin/sh\n", "link": "-> lf.yaml",
}

// settle makes the index younger than all files in it, as it is a moment after
// somebody worked on them.
func settle(t *testing.T, dir string, again ...string) {
	t.Helper()
	long := time.Now().Add(-time.Hour)
	for _, name := range names(t, dir, "ls-files", "-z") {
		full := filepath.Join(dir, name)
		if info, err := os.Lstat(full); err == nil && info.Mode().IsRegular() {
			os.Chtimes(full, long, long)
		}
	}
	time.Sleep(20 * time.Millisecond) // ctime, which nobody can set, is of now
	gitTry(t, dir, nil, nil, append(again, "update-index", "-q", "--refresh")...)
}

// checkTrust holds that every digest is that of the bytes on the disk, and gives how
// many files were not read for it.
func checkTrust(t *testing.T, dir string) (unread int) {
	t.Helper()
	tree := open(t, dir).Worktree().(*worktree)
	listing := filesOf(t, tree)
	var list []string
	for _, f := range listing.Files {
		list = append(list, f.Name)
		if e, _ := tree.seen.Load().entry(f.Name); e != nil && e.known {
			if _, ok := tree.seen.Load().trust().id(f.Name, &e.inode); ok {
				unread++
			}
		}
	}
	digests := digestsOf(tree, list)
	for _, name := range list {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue // a symlink to nowhere
		}
		if want := Digest(identify(blobKind, data).String()); digests[name] != want {
			t.Errorf("Digest(%s) = %s, and the bytes on the disk have %s", name, digests[name], want)
		}
		mark, err := MarkOf(tree, name)
		if err != nil || mark.Size != int64(len(data)) {
			t.Errorf("MarkOf(%s) = %v, %v", name, mark, err)
		}
		if own := digests[name]; mark.Digest != own && line(t, dir, "cat-file", "-s", string(mark.Digest)) == fmt.Sprint(len(data)) {
			t.Errorf("%s has the mark %v, which is that of another file", name, mark)
		}
		if got, err := tree.ReadFile(name); err != nil || string(got) != string(data) {
			t.Errorf("ReadFile(%s) after its digest: %v", name, err)
		}
	}
	return unread
}

func TestUnreadDigests(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" && runtime.GOOS != "freebsd" {
		t.Skip("every file is read here")
	}
	const files = 7 // regular ones
	attributes := func(text string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			write(t, dir, map[string]string{".gitattributes": text})
			again(t, dir)
		}
	}
	filter := []string{"-c", "filter.rot.clean=tr a-z b-za", "-c", "filter.rot.smudge=tr b-za a-z"}
	for what, c := range map[string]struct {
		make func(t *testing.T, dir string)
		want int // files that are not read
	}{
		"as it is":           {func(*testing.T, string) {}, files},
		"nothing is settled": {func(t *testing.T, dir string) { again(t, dir) }, -1},
		"index of version 4": {func(t *testing.T, dir string) { git(t, dir, "update-index", "--index-version", "4") }, files},
		"split index":        {func(t *testing.T, dir string) { git(t, dir, "update-index", "--split-index") }, files},
		"untracked cache": {func(t *testing.T, dir string) {
			git(t, dir, "update-index", "--force-untracked-cache")
			git(t, dir, "status")
		}, files},
		"packed":                {func(t *testing.T, dir string) { git(t, dir, "gc", "-q") }, files},
		"attributes of colours": {attributes("*.yaml diff=x linguist-language=YAML\n"), -1},
		"text": {func(t *testing.T, dir string) {
			write(t, dir, map[string]string{".gitattributes": "* text=auto eol=lf\n"})
			git(t, dir, "add", "--renormalize", ".")
			settle(t, dir)
		}, -1},
		"eol=crlf":               {attributes("*.yaml text eol=crlf\n"), -1},
		"ident":                  {attributes("*.yaml ident\n"), -1},
		"encoding":               {attributes("*.yaml text working-tree-encoding=UTF-16LE\n"), -1},
		"encoding of one length": {attributes("*.yaml text working-tree-encoding=GBK\n"), -1},
		"autocrlf":               {func(t *testing.T, dir string) { again(t, dir, "-c", "core.autocrlf=true") }, -1},
		"autocrlf=input":         {func(t *testing.T, dir string) { again(t, dir, "-c", "core.autocrlf=input") }, -1},
		"eol of the user": {func(t *testing.T, dir string) {
			write(t, dir, map[string]string{".git/info/attributes": "* text\n"})
			again(t, dir, "-c", "core.eol=crlf")
		}, -1},
		"a filter": {func(t *testing.T, dir string) {
			write(t, dir, map[string]string{".gitattributes": "*.yaml filter=rot\n"})
			again(t, dir, filter...)
		}, -1},
		"a filter by a macro": {func(t *testing.T, dir string) {
			write(t, dir, map[string]string{".gitattributes": "[attr]odd filter=rot\n\"lf.yaml\" odd\n"})
			again(t, dir, filter...)
		}, 0},
		"a filter of info/attributes": {func(t *testing.T, dir string) {
			write(t, dir, map[string]string{".git/info/attributes": "/lf.yaml filter=rot\napps/** filter=rot\n"})
			again(t, dir, filter...)
		}, 3},
		"a filter of a folder": {func(t *testing.T, dir string) {
			write(t, dir, map[string]string{"apps/.gitattributes": "deploy.yaml filter=rot\n"})
			again(t, dir, filter...)
		}, -1},
		"attributes that are ignored": {func(t *testing.T, dir string) {
			write(t, dir, map[string]string{"apps/.gitattributes": "deploy.yaml filter=rot\n", ".gitignore": ".gitattributes\n"})
			again(t, dir, filter...)
		}, -1},
		"attributes that are not on the disk": {func(t *testing.T, dir string) {
			write(t, dir, map[string]string{".gitattributes": "lf.yaml filter=rot\n"})
			again(t, dir, filter...)
			os.Remove(filepath.Join(dir, ".gitattributes"))
		}, 0},
		"attributes elsewhere": {func(t *testing.T, dir string) {
			write(t, dir, map[string]string{".git/far": "lf.yaml filter=rot\n"})
			git(t, dir, "config", "core.attributesFile", filepath.Join(dir, ".git/far"))
			again(t, dir, filter...)
		}, 0},
		"attributes of a work tree's own configuration": {func(t *testing.T, dir string) {
			write(t, dir, map[string]string{".git/far": "lf.yaml filter=rot\n"})
			git(t, dir, "config", "extensions.worktreeConfig", "true")
			git(t, dir, "config", "--worktree", "core.attributesFile", filepath.Join(dir, ".git/far"))
			again(t, dir, filter...)
		}, 0},
		"whatever the case": {func(t *testing.T, dir string) {
			git(t, dir, "config", "core.ignoreCase", "true")
			write(t, dir, map[string]string{".gitattributes": "LF.yaml filter=rot\n"})
			again(t, dir, filter...)
		}, -1},
		"a filter that was taken away": {func(t *testing.T, dir string) {
			write(t, dir, map[string]string{".gitattributes": "*.yaml filter=longer\n"})
			again(t, dir, "-c", "filter.longer.clean=cat; echo more", "-c", "filter.longer.smudge=sed '$d'")
			git(t, dir, "rm", "-q", "--cached", ".gitattributes")
			os.Remove(filepath.Join(dir, ".gitattributes"))
		}, 2}, // apps/empty, which no pattern matches, and run.sh
		"written, of the same size": {func(t *testing.T, dir string) { write(t, dir, map[string]string{"lf.yaml": "a: 9\nb: 2\n"}) }, files - 1},
		"written, and its time set back": {func(t *testing.T, dir string) {
			name := filepath.Join(dir, "lf.yaml")
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			overwrite(t, name, "a: 9\nb: 2\n")
			os.Chtimes(name, info.ModTime(), info.ModTime())
			// A younger index, for which git did not look at the file again.
			time.Sleep(20 * time.Millisecond)
			write(t, dir, map[string]string{"other.yaml": "x\n"})
			git(t, dir, "add", "other.yaml")
		}, -1},
		"an index as old as the files": {func(t *testing.T, dir string) {
			info, err := os.Stat(filepath.Join(dir, "lf.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			os.Chtimes(filepath.Join(dir, ".git/index"), info.ModTime(), info.ModTime())
		}, 0},
		"touched":           {func(t *testing.T, dir string) { os.Chtimes(filepath.Join(dir, "lf.yaml"), time.Now(), time.Now()) }, files - 1},
		"other permissions": {func(t *testing.T, dir string) { os.Chmod(filepath.Join(dir, "run.sh"), 0o755) }, files - 1},
		"a symlink now":     {func(t *testing.T, dir string) { write(t, dir, map[string]string{"lf.yaml": "-> crlf.yaml"}) }, files - 1},
		"another moved there": {func(t *testing.T, dir string) {
			if err := os.Rename(filepath.Join(dir, "lf.yaml"), filepath.Join(dir, "run.sh")); err != nil {
				t.Fatal(err)
			}
		}, files - 2},
		"assumed to be unchanged": {func(t *testing.T, dir string) {
			git(t, dir, "update-index", "--assume-unchanged", "lf.yaml")
			overwrite(t, filepath.Join(dir, "lf.yaml"), "a: 9\nb: 2\n")
		}, files - 1},
		"left out of the work tree, and there": {func(t *testing.T, dir string) {
			git(t, dir, "update-index", "--skip-worktree", "lf.yaml")
			overwrite(t, filepath.Join(dir, "lf.yaml"), "a: 9\nb: 2\n")
		}, files - 1},
		"said to be unchanged by a monitor": {func(t *testing.T, dir string) {
			write(t, dir, map[string]string{".git/hooks/query": "#!/bin/sh\nprintf 'token\\0'\n"})
			os.Chmod(filepath.Join(dir, ".git/hooks/query"), 0o755)
			git(t, dir, "config", "core.fsmonitor", ".git/hooks/query")
			git(t, dir, "update-index", "--fsmonitor")
			git(t, dir, "status")
			overwrite(t, filepath.Join(dir, "lf.yaml"), "a: 9\nb: 2\n")
		}, files - 1},
		"staged and written again": {func(t *testing.T, dir string) {
			overwrite(t, filepath.Join(dir, "lf.yaml"), "a: 8\nb: 2\n")
			git(t, dir, "add", "lf.yaml")
			overwrite(t, filepath.Join(dir, "lf.yaml"), "a: 9\nb: 2\n")
		}, -1},
		"staged without a file": {func(t *testing.T, dir string) {
			id := line(t, dir, "rev-parse", "HEAD:crlf.yaml")
			git(t, dir, "update-index", "--cacheinfo", "100644,"+id+",lf.yaml")
		}, files - 1},
		"added by name only": {func(t *testing.T, dir string) {
			write(t, dir, map[string]string{"later.yaml": "x\n", "none.yaml": ""})
			git(t, dir, "add", "-N", "later.yaml", "none.yaml")
		}, files},
		"the object is gone": {func(t *testing.T, dir string) {
			id := line(t, dir, "rev-parse", "HEAD:lf.yaml")
			os.Remove(filepath.Join(dir, ".git/objects", id[:2], id[2:]))
		}, files - 1},
	} {
		t.Run(what, func(t *testing.T) {
			dir := newRepo(t, trustFiles)
			settle(t, dir)
			c.make(t, dir)
			if got := checkTrust(t, dir); got != c.want && c.want >= 0 {
				t.Errorf("%d files were not read, want %d", got, c.want)
			}
			settle(t, dir)
			checkTrust(t, dir)
		})
	}
}

// again checks all files out again, and adds them, as git is configured.
func again(t *testing.T, dir string, config ...string) {
	t.Helper()
	run := func(args ...string) {
		t.Helper()
		if _, err := gitTry(t, dir, nil, nil, append(config[:len(config):len(config)], args...)...); err != nil {
			t.Fatal(err)
		}
	}
	run("add", "-A")
	run("commit", "-q", "--allow-empty", "-m", "again")
	for _, name := range names(t, dir, "ls-files", "-z") {
		if !strings.HasSuffix(name, ".gitattributes") {
			os.Remove(filepath.Join(dir, name))
		}
	}
	run("checkout", "-q", ".")
	settle(t, dir, config...)
}

// overwrite writes to a file that stays what it is.
func overwrite(t *testing.T, name, text string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
	if err == nil {
		_, err = f.WriteString(text)
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestUnreadDigestRaces: files that are written again and again while git adds
// them, always of one size.
func TestUnreadDigestRaces(t *testing.T) {
	dir := newRepo(t, trustFiles)
	for i := range 25 {
		overwrite(t, filepath.Join(dir, "lf.yaml"), fmt.Sprintf("a: %04d\n", i))
		git(t, dir, "add", "lf.yaml")
		overwrite(t, filepath.Join(dir, "lf.yaml"), fmt.Sprintf("b: %04d\n", i))
		checkTrust(t, dir)
		if i%3 == 0 {
			write(t, dir, map[string]string{"other": fmt.Sprint(i)})
			git(t, dir, "add", "other")
			checkTrust(t, dir)
		}
	}
}

// What is read after its digest was given is what the digest is of, or an error.
func TestChangedAfterDigest(t *testing.T) {
	dir := newRepo(t, trustFiles)
	settle(t, dir)
	for _, text := range []string{"a: 9\nb: 2\n", "longer than it was before\n"} {
		tree := open(t, dir).Worktree()
		filesOf(t, tree)
		if _, err := tree.Digest("lf.yaml"); err != nil {
			t.Fatal(err)
		}
		overwrite(t, filepath.Join(dir, "lf.yaml"), text)
		if data, err := tree.ReadFile("lf.yaml"); err == nil || !strings.Contains(err.Error(), "changed by another program") {
			t.Errorf("ReadFile gives %q, %v", data, err)
		}
	}
}

// digestsOf are the digests of files; one that has none is left out.
func digestsOf(tree Tree, names []string) map[string]Digest {
	digests := map[string]Digest{}
	for _, name := range names {
		if d, err := tree.Digest(name); err == nil {
			digests[name] = d
		}
	}
	return digests
}
