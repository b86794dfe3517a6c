package check

import (
	"crypto/sha256"
	"fmt"
	"io/fs"

	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/internal/store"
	"github.com/scantling-dev/scantling/internal/wire"
	"github.com/scantling-dev/scantling/render"
)

// watched is a tree that notes what is looked at.
type watched struct {
	source.Tree
	seen *render.Looks
}

// Underlying is the tree itself.
func (w *watched) Underlying() source.Tree { return w.Tree }

func (w *watched) Open(name string) (fs.File, error) {
	w.seen.Note(name, render.Found|render.Read|render.Listed)
	return w.Tree.Open(name)
}

func (w *watched) ReadDir(name string) ([]fs.DirEntry, error) {
	w.seen.Note(name, render.Found|render.Listed)
	return w.Tree.ReadDir(name)
}

func (w *watched) ReadFile(name string) ([]byte, error) {
	w.seen.Note(name, render.Found|render.Read)
	return w.Tree.ReadFile(name)
}

func (w *watched) Stat(name string) (fs.FileInfo, error) {
	w.seen.Note(name, render.Found)
	return w.Tree.Stat(name)
}

func (w *watched) Lstat(name string) (fs.FileInfo, error) {
	w.seen.Note(name, render.Found)
	return w.Tree.Lstat(name)
}

func (w *watched) ReadLink(name string) (string, error) {
	w.seen.Note(name, render.Found)
	return w.Tree.ReadLink(name)
}

func (w *watched) Resolve(name string) (string, error) {
	w.seen.Note(name, render.Found)
	return w.Tree.Resolve(name)
}

func (w *watched) Digest(name string) (source.Digest, error) {
	w.seen.Note(name, render.Found|render.Read)
	return w.Tree.Digest(name)
}

// contents identifies all files that belong to a tree.
func contents(tree source.Tree) ([sha256.Size]byte, map[string]bool, error) {
	var e wire.Encoder
	listing, err := tree.Files()
	if err != nil {
		return [sha256.Size]byte{}, nil, err
	}
	plain := make(map[string]bool, len(listing.Files))
	for _, f := range listing.Files {
		e.Text(f.Name)
		e.Bool(f.Symlink)
		if f.Symlink {
			target, err := tree.ReadLink(f.Name)
			e.Text(target)
			e.Text(fmt.Sprint(err))
			continue
		}
		mark, err := source.MarkOf(tree, f.Name)
		e.Text(string(mark.Digest))
		e.Int(int(mark.Size))
		if e.Bool(err != nil); err == nil {
			plain[f.Name] = true
		}
	}
	for _, s := range listing.Skipped {
		e.Text(s.Name)
		e.Text(s.Reason)
	}
	e.Text(fmt.Sprint(listing.IgnoreError))
	return sha256.Sum256(e.Buf), plain, nil
}

// beside are the looks that say more than what all files hold.
func beside(seen []render.Look, plain map[string]bool) []render.Look {
	var list []render.Look
	for _, l := range seen {
		if l.What&render.Listed != 0 || !plain[l.Name] {
			list = append(list, l)
		}
	}
	return list
}

// shown identifies what a tree, with what was fetched, shows to some looks.
func shown(tree source.Tree, kept *store.Store, looks []render.Look) [sha256.Size]byte {
	prints := render.NewPrints(tree, kept)
	var e wire.Encoder
	for _, l := range looks {
		e.Text(prints.Of(l))
	}
	return sha256.Sum256(e.Buf)
}
