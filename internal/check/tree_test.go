package check

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"testing/fstest"

	"github.com/scantling-dev/scantling/internal/source"
)

// mapTree is a tree in memory, without symlinks.
type mapTree struct{ fstest.MapFS }

func newMapTree(files map[string]string) mapTree {
	tree := mapTree{fstest.MapFS{}}
	for name, text := range files {
		tree.MapFS[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return tree
}

func (t mapTree) Resolve(name string) (string, error) {
	name = path.Clean(name)
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: "resolve", Path: name, Err: source.ErrOutside}
	}
	_, err := t.Stat(name)
	return name, err
}

func (t mapTree) Files() (source.Listing, error) {
	var l source.Listing
	for _, name := range slices.Sorted(maps.Keys(t.MapFS)) {
		l.Files = append(l.Files, source.File{Name: name, Size: int64(len(t.MapFS[name].Data))})
	}
	return l, nil
}

func (t mapTree) Digest(name string) (source.Digest, error) {
	sum := sha1.New()
	err := fs.WalkDir(t, name, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			fmt.Fprintf(sum, "%s\x00%s\x00", p, t.MapFS[p].Data)
		}
		return err
	})
	return source.Digest(hex.EncodeToString(sum.Sum(nil))), err
}

func (mapTree) Ref() string { return "memory" }
