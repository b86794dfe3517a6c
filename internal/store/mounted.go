package store

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Tree is what a store needs of a repository's tree: reading alone. Names are
// slash paths from the root.
type Tree interface {
	fs.ReadDirFS
	fs.ReadFileFS
	fs.StatFS
	// Resolve is the path that a name leads to, symlinks followed; the name may
	// hold "..".
	Resolve(name string) (string, error)
}

// Mounted is a tree in which what a store keeps is seen below MountPoint. What
// the repository itself has of that name is hidden. Nothing in the store leads
// back to the repository or to another request's content.
type Mounted struct {
	tree  Tree
	store *Store
}

var _ Tree = (*Mounted)(nil)

// NewMounted puts a store into a tree. The store may be nil: nothing is kept
// then.
func NewMounted(tree Tree, s *Store) *Mounted { return &Mounted{tree, s} }

// enter takes a name below MountPoint apart: the content of the request that it
// names, and the rest of the name. A name of the repository gives nil; MountPoint
// itself is an empty folder, so that nothing can be found by listing it.
func (m *Mounted) enter(name string) (f *Files, prefix, rest string, err error) {
	parts := slices.DeleteFunc(strings.Split(name, "/"), func(p string) bool { return p == "" || p == "." })
	switch {
	case strings.HasPrefix(name, "/"), len(parts) == 0, parts[0] != MountPoint:
		return nil, "", "", nil
	case len(parts) == 1:
		return mountRoot, MountPoint, ".", nil
	case parts[1] == "..":
		return nil, "", "", ErrOutside
	case m.store == nil:
		return nil, "", "", fs.ErrNotExist
	}
	f, err = m.store.Files(parts[1])
	return f, MountPoint + "/" + parts[1], strings.Join(append([]string{"."}, parts[2:]...), "/"), err
}

var mountRoot = &Files{listing: &listing{items: map[string]*item{".": {path: ".", mode: fs.ModeDir}}}}

// Resolve is the path that a name leads to.
func (m *Mounted) Resolve(name string) (string, error) {
	f, prefix, rest, err := m.enter(name)
	if err != nil {
		return "", &fs.PathError{Op: "resolve", Path: name, Err: bare(err)}
	}
	if f == nil {
		real, err := m.tree.Resolve(name)
		if err == nil && hidden(real) {
			return "", &fs.PathError{Op: "resolve", Path: name, Err: fs.ErrNotExist}
		}
		return real, err
	}
	real, err := f.Resolve(rest)
	if err != nil {
		return "", named(err, name)
	}
	return path.Join(prefix, real), nil
}

// hidden says that a path of the repository is one that the store takes.
func hidden(name string) bool { return name == MountPoint || strings.HasPrefix(name, MountPoint+"/") }

// named puts the whole name into an error of a view.
func named(err error, name string) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return &fs.PathError{Op: pe.Op, Path: name, Err: pe.Err}
	}
	return err
}

// in calls one of two functions: that of the store's content or that of the
// repository.
func in[T any](m *Mounted, op, name string, store func(*Files, string) (T, error), tree func(string) (T, error)) (T, error) {
	f, _, rest, err := m.enter(name)
	if err != nil {
		var none T
		return none, &fs.PathError{Op: op, Path: name, Err: bare(err)}
	}
	if f == nil {
		return tree(name)
	}
	if !fs.ValidPath(name) {
		var none T
		return none, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	got, err := store(f, path.Clean(rest))
	if err != nil {
		return got, named(err, name)
	}
	return got, nil
}

// ReadFile reads a file.
func (m *Mounted) ReadFile(name string) ([]byte, error) {
	return in(m, "read", name, (*Files).ReadFile, m.tree.ReadFile)
}

// Stat describes what a name leads to.
func (m *Mounted) Stat(name string) (fs.FileInfo, error) {
	return in(m, "stat", name, (*Files).Stat, m.tree.Stat)
}

// ReadDir lists a folder. MountPoint is in no listing.
func (m *Mounted) ReadDir(name string) ([]fs.DirEntry, error) {
	return in(m, "readdir", name, (*Files).ReadDir, func(name string) ([]fs.DirEntry, error) {
		entries, err := m.tree.ReadDir(name)
		if name == "." {
			entries = slices.DeleteFunc(slices.Clone(entries), func(e fs.DirEntry) bool { return e.Name() == MountPoint })
		}
		return entries, err
	})
}

// Open opens a file or folder.
func (m *Mounted) Open(name string) (fs.File, error) { return open(m, name) }
