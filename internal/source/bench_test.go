package source

import (
	"fmt"
	"testing"
)

// largeRepo has 30,000 tracked files in 3,000 folders, and ignored ones.
func largeRepo(b *testing.B) string {
	files := map[string]string{".gitignore": "*.log\n/build/\nnode_modules/\n!keep.log\n**/tmp/*.swp\n"}
	for i := range 30_000 {
		files[fmt.Sprintf("apps/team%d/app%d/overlays/env%d/file%d.yaml", i/1000, i/100, i/10%10, i)] = fmt.Sprintf("kind: ConfigMap\nmetadata: {name: n%d}\n", i)
	}
	dir := newRepo(b, files)
	more := map[string]string{}
	for i := range 1000 {
		more[fmt.Sprintf("build/x%d/out.yaml", i)] = ""
		more[fmt.Sprintf("apps/team%d/note%d.log", i%30, i)] = ""
	}
	write(b, dir, more)
	git(b, dir, "gc", "-q")
	return dir
}

func BenchmarkLarge(b *testing.B) {
	dir := largeRepo(b)
	b.Run("worktree", func(b *testing.B) {
		for b.Loop() {
			if l := filesOf(b, open(b, dir).Worktree()); len(l.Files) != 30_001 {
				b.Fatal(len(l.Files))
			}
		}
	})
	b.Run("index", func(b *testing.B) {
		for b.Loop() {
			if _, err := readIndex(open(b, dir).git.own, "sha1"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("commit", func(b *testing.B) {
		for b.Loop() {
			if l := filesOf(b, commitOf(b, dir, "HEAD")); len(l.Files) != 30_001 {
				b.Fatal(len(l.Files))
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			w := open(b, dir).Worktree()
			for _, f := range filesOf(b, w).Files {
				if _, err := w.ReadFile(f.Name); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("readcommit", func(b *testing.B) {
		for b.Loop() {
			w := commitOf(b, dir, "HEAD")
			for _, f := range filesOf(b, w).Files {
				if _, err := w.ReadFile(f.Name); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("digest", func(b *testing.B) {
		for b.Loop() {
			if _, err := open(b, dir).Worktree().Digest("apps"); err != nil {
				b.Fatal(err)
			}
		}
	})
	// What a run costs in which nothing changed: the list and all digests, unread.
	b.Run("unread", func(b *testing.B) {
		for b.Loop() {
			w := open(b, dir).Worktree()
			var list []string
			for _, f := range filesOf(b, w).Files {
				list = append(list, f.Name)
			}
			if got := digestsOf(w, list); len(got) != 30_001 {
				b.Fatal(len(got))
			}
		}
	})
	b.Run("marks", func(b *testing.B) {
		for b.Loop() {
			w := open(b, dir).Worktree()
			for _, f := range filesOf(b, w).Files {
				if _, err := MarkOf(w, f.Name); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
