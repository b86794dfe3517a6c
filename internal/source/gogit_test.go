package source

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	gogitobject "github.com/go-git/go-git/v5/plumbing/object"
)

// TestLikeGoGit compares every commit of a repository, loose and packed, with
// what go-git reads of it: a second opinion beside git's own.
func TestLikeGoGit(t *testing.T) {
	dir := newRepo(t, sample)
	for i := range 5 {
		write(t, dir, map[string]string{"changes": strings.Repeat(fmt.Sprintln("line", i), 100), fmt.Sprintf("d%d/f", i): fmt.Sprint(i)})
		commitAll(t, dir, fmt.Sprint(i))
	}
	for _, state := range []string{"loose", "packed"} {
		if state == "packed" {
			git(t, dir, "repack", "-adfq")
		}
		theirs, err := gogit.PlainOpen(dir)
		if err != nil {
			t.Fatal(err)
		}
		revisions := strings.Fields(git(t, dir, "rev-list", "HEAD"))
		for _, revision := range revisions {
			commit, err := theirs.CommitObject(plumbing.NewHash(revision))
			if err != nil {
				t.Fatal(err)
			}
			tree, err := commit.Tree()
			if err != nil {
				t.Fatal(err)
			}
			ours := commitOf(t, dir, revision)
			if d, err := ours.Digest("."); string(d) != tree.Hash.String() || err != nil {
				t.Errorf("%s, %s: Digest(.) = %s, %v, want %s", state, revision, d, err, tree.Hash)
			}
			walker := gogitobject.NewTreeWalker(tree, true, nil)
			var want []string
			for {
				name, entry, err := walker.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if entry.Mode == filemode.Dir || entry.Mode == filemode.Submodule {
					continue
				}
				want = append(want, name)
				if entry.Mode == filemode.Symlink {
					continue
				}
				file, err := tree.File(name)
				if err != nil {
					t.Fatal(err)
				}
				text, err := file.Contents()
				if err != nil {
					t.Fatal(err)
				}
				if data, err := ours.ReadFile(name); string(data) != text || err != nil {
					t.Errorf("%s, %s: ReadFile(%s) differs, %v", state, revision, name, err)
				}
			}
			slices.Sort(want)
			if got := fileNames(filesOf(t, ours)); !slices.Equal(got, want) {
				t.Errorf("%s, %s: Files = %q, want %q", state, revision, got, want)
			}
		}
		if len(revisions) != 6 {
			t.Errorf("%d commits", len(revisions))
		}
	}
}
