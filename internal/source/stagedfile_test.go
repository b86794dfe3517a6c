package source

import (
	"errors"
	"testing"
)

func TestStagedFile(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		t.Run(format, func(t *testing.T) {
			dir := t.TempDir()
			git(t, dir, "init", "-q", "-b", "main", "--object-format="+format)
			write(t, dir, map[string]string{"a.txt": "one\n", "b.txt": "other\n", "c.txt": "untracked\n", "d.txt": "intended\n"})
			git(t, dir, "add", "a.txt", "b.txt")
			git(t, dir, "add", "--intent-to-add", "d.txt")
			write(t, dir, map[string]string{"a.txt": "two\n"})
			r, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			s, err := r.Staged("a.txt")
			if err != nil || s == nil {
				t.Fatal(s, err)
			}
			if !s.Is([]byte("one\n")) || !s.Is([]byte("one\r\n")) || s.Is([]byte("two\n")) {
				t.Error("the index does not hold what was added")
			}
			for _, name := range []string{"c.txt", "d.txt"} {
				if s, err := r.Staged(name); s != nil || err != nil {
					t.Errorf("%s, of which nothing is staged: %v, %v", name, s, err)
				}
			}
		})
	}
}

func TestStagedFileConflict(t *testing.T) {
	dir := t.TempDir()
	git(t, dir, "init", "-q", "-b", "main")
	commit := func(text string) {
		t.Helper()
		write(t, dir, map[string]string{"a.txt": text})
		git(t, dir, "add", "a.txt")
		git(t, dir, "commit", "-q", "-m", text)
	}
	commit("base")
	git(t, dir, "checkout", "-q", "-b", "side")
	commit("side")
	git(t, dir, "checkout", "-q", "main")
	commit("main")
	if _, err := gitTry(t, dir, nil, nil, "merge", "-q", "side"); err == nil {
		t.Fatal("the merge should end in a conflict")
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Staged("a.txt"); !errors.Is(err, ErrUnmerged) {
		t.Errorf("error %v, want ErrUnmerged", err)
	}
}

func TestStagedOutsideOfGit(t *testing.T) {
	r, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if s, err := r.Staged("a.txt"); s != nil || err != nil {
		t.Errorf("%v, %v", s, err)
	}
}
