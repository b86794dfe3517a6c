package source

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
)

const (
	maxTarget  = 4096      // bytes of a symlink's target, as Linux has it
	maxEntries = 1_000_000 // of a commit: a tree bomb lists 10^13 in a few kilobytes
)

// commitTree is the tree of a commit. Nothing is checked out: folders are read
// when they are asked for, and kept for all commits of the repository.
type commitTree struct {
	objects *objects
	root    objectID
	ref     string
	most    int // files that are listed
	files   func() (Listing, error)
}

func newCommitTree(o *objects, root objectID, ref string, most int) *commitTree {
	c := &commitTree{objects: o, root: root, ref: ref, most: most}
	c.files = sync.OnceValues(c.list)
	return c
}

func (c *commitTree) Ref() string { return c.ref }

// entry looks a name up without following symlinks.
func (c *commitTree) entry(name string) (entry, error) {
	at := entry{name: ".", mode: fs.ModeDir | 0o755, id: c.root}
	if name == "." {
		return at, nil
	}
	for part := range strings.SplitSeq(name, "/") {
		if !at.mode.IsDir() {
			return entry{}, fs.ErrNotExist
		}
		f, err := c.objects.folder(at.id)
		if err != nil {
			return entry{}, err
		}
		next, ok := f.entry(part)
		if !ok {
			return entry{}, fs.ErrNotExist
		}
		at = next
	}
	return at, nil
}

func (c *commitTree) kind(name string) (fs.FileMode, error) {
	e, err := c.entry(name)
	return e.mode.Type(), err
}

func (c *commitTree) link(name string) (string, error) {
	e, err := c.entry(name)
	if err != nil {
		return "", err
	}
	size, err := c.objects.size(e.id)
	if err != nil {
		return "", err
	}
	if size > maxTarget {
		return "", ErrTooLarge
	}
	target, err := c.objects.read(e.id, blobKind)
	return string(target), err
}

// find resolves a name for a method that follows symlinks.
func (c *commitTree) find(name string, follow bool) (entry, error) {
	if err := checkName(name); err != nil {
		return entry{}, err
	}
	real, _, err := resolve(c, name, follow)
	if err != nil {
		return entry{}, err
	}
	return c.entry(real)
}

// info describes an entry under the name that was asked for.
func (c *commitTree) info(e entry, name string) (fs.FileInfo, error) {
	i := entryInfo{name: path.Base(name), mode: e.mode}
	if !e.mode.IsDir() {
		var err error
		if i.size, err = c.objects.size(e.id); err != nil {
			return nil, err
		}
	}
	return i, nil
}

func (c *commitTree) Resolve(name string) (string, error) {
	real, _, err := resolve(c, name, true)
	if err != nil {
		return "", pathError("resolve", name, err)
	}
	return real, nil
}

func (c *commitTree) Stat(name string) (fs.FileInfo, error) { return c.stat("stat", name, true) }

func (c *commitTree) Lstat(name string) (fs.FileInfo, error) { return c.stat("lstat", name, false) }

func (c *commitTree) stat(op, name string, follow bool) (fs.FileInfo, error) {
	e, err := c.find(name, follow)
	if err != nil {
		return nil, pathError(op, name, err)
	}
	info, err := c.info(e, name)
	if err != nil {
		return nil, pathError(op, name, err)
	}
	return info, nil
}

func (c *commitTree) ReadLink(name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", pathError("readlink", name, err)
	}
	real, mode, err := resolve(c, name, false)
	if err == nil && mode&fs.ModeSymlink == 0 {
		err = errNoLink
	}
	if err != nil {
		return "", pathError("readlink", name, err)
	}
	target, err := c.link(real)
	if err != nil {
		return "", pathError("readlink", name, err)
	}
	return target, nil
}

func (c *commitTree) Open(name string) (fs.File, error) {
	e, err := c.find(name, true)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	info, err := c.info(e, name)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	if e.mode.IsDir() {
		entries, err := c.entries(e)
		if err != nil {
			return nil, pathError("open", name, err)
		}
		return &openFolder{name: name, info: info, entries: entries}, nil
	}
	data, err := c.objects.read(e.id, blobKind)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return &blobFile{name: name, info: info, rest: data}, nil
}

func (c *commitTree) ReadFile(name string) ([]byte, error) {
	e, err := c.find(name, true)
	if err == nil && e.mode.IsDir() {
		err = errFolder
	}
	if err != nil {
		return nil, pathError("read", name, err)
	}
	data, err := c.objects.read(e.id, blobKind)
	if err != nil {
		return nil, pathError("read", name, err)
	}
	return data, nil
}

func (c *commitTree) ReadDir(name string) ([]fs.DirEntry, error) {
	e, err := c.find(name, true)
	if err == nil && !e.mode.IsDir() {
		err = errNoFold
	}
	if err != nil {
		return nil, pathError("readdir", name, err)
	}
	entries, err := c.entries(e)
	if err != nil {
		return nil, pathError("readdir", name, err)
	}
	return entries, nil
}

func (c *commitTree) entries(e entry) ([]fs.DirEntry, error) {
	f, err := c.objects.folder(e.id)
	if err != nil {
		return nil, err
	}
	entries := make([]fs.DirEntry, 0, len(f.entries))
	for _, e := range f.entries {
		if !e.submodule() {
			entries = append(entries, commitEntry{c, e})
		}
	}
	return entries, nil
}

// commitEntry asks for the size when somebody wants to know it.
type commitEntry struct {
	tree  *commitTree
	entry entry
}

func (e commitEntry) Name() string               { return e.entry.name }
func (e commitEntry) IsDir() bool                { return e.entry.mode.IsDir() }
func (e commitEntry) Type() fs.FileMode          { return e.entry.mode.Type() }
func (e commitEntry) Info() (fs.FileInfo, error) { return e.tree.info(e.entry, e.entry.name) }
func (e commitEntry) String() string             { return fs.FormatDirEntry(e) }

// blobFile is an opened file of a commit.
type blobFile struct {
	name   string
	info   fs.FileInfo
	rest   []byte
	closed bool
}

func (f *blobFile) Stat() (fs.FileInfo, error) { return f.info, nil }

func (f *blobFile) Read(p []byte) (int, error) {
	if f.closed {
		return 0, pathError("read", f.name, fs.ErrClosed)
	}
	if len(f.rest) == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

func (f *blobFile) Close() error {
	if f.closed {
		return pathError("close", f.name, fs.ErrClosed)
	}
	f.closed, f.rest = true, nil
	return nil
}

// Digest needs to read no file: git knows it. What was left out of a folder for
// its name counts in the folder's digest.
func (c *commitTree) Digest(name string) (Digest, error) {
	e, err := c.find(name, true)
	if err != nil {
		return "", pathError("digest", name, err)
	}
	return Digest(e.id.String()), nil
}

func (c *commitTree) Files() (Listing, error) { return copyListing(c.files()) }

func (c *commitTree) list() (Listing, error) {
	l := listing{most: c.most}
	seen := 0
	var walk func(dir string, id objectID, depth int) error
	walk = func(dir string, id objectID, depth int) error {
		f, err := c.objects.folder(id)
		if err != nil {
			if dir == "." {
				return err
			}
			return l.skip(dir, "cannot be read: "+err.Error())
		}
		for _, reason := range f.left {
			if err := l.skip(dir, reason); err != nil {
				return err
			}
		}
		if seen += len(f.entries); seen > maxEntries {
			return fmt.Errorf("%w: it has more than 1,000,000 folders and files", ErrTooMany)
		}
		for _, e := range f.entries {
			name := join(dir, e.name)
			var err error
			switch {
			case e.submodule():
				err = l.skip(name, ReasonSubmodule)
			case len(name) > maxPath:
				err = l.skip(name[:60]+"…", errLongPath.Error())
			case !e.mode.IsDir():
				size, sizeErr := c.objects.size(e.id)
				if sizeErr != nil {
					// It belongs to the tree, and reading it tells what is wrong.
					size = 0
				}
				err = l.add(File{name, !e.mode.IsRegular(), size})
			case depth == maxDepth:
				err = l.skip(name, errTooDeep.Error())
			default:
				err = walk(name, e.id, depth+1)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := walk(".", c.root, 1); err != nil {
		return Listing{}, fmt.Errorf("list the files of %s: %w", c.ref, err)
	}
	return l.sorted(), nil
}
