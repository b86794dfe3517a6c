package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
)

// Files is what is kept for one request, read-only: a folder that holds
// ChartFile, FileName, or the files of a git repository or artifact. No name and
// no symlink leads out of it. Bytes are checked against their digest whenever
// they are read. It is safe for concurrent use.
type Files struct {
	listing *listing
	read    func(*item) ([]byte, error)
	single  bool // a chart or a file, no folder
}

var (
	_ fs.ReadDirFS  = (*Files)(nil)
	_ fs.ReadFileFS = (*Files)(nil)
	_ fs.StatFS     = (*Files)(nil)
)

// Resolve is the path that a name leads to, with every symlink followed. The
// name may hold "..".
func (f *Files) Resolve(name string) (string, error) {
	it, err := f.listing.resolve(name)
	if err != nil {
		return "", &fs.PathError{Op: "resolve", Path: name, Err: err}
	}
	return it.path, nil
}

func (f *Files) find(op, name string) (*item, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	it, err := f.listing.resolve(name)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return it, nil
}

// Stat describes what a name leads to.
func (f *Files) Stat(name string) (fs.FileInfo, error) {
	it, err := f.find("stat", name)
	if err != nil {
		return nil, err
	}
	return info{path.Base(name), it}, nil
}

// ReadFile reads a file. The error wraps ErrChanged if its bytes are not those
// that were fetched.
func (f *Files) ReadFile(name string) ([]byte, error) {
	it, err := f.find("read", name)
	if err != nil {
		return nil, err
	}
	data, err := f.content(it)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return data, nil
}

func (f *Files) content(it *item) ([]byte, error) {
	switch {
	case it.mode.IsDir():
		return nil, fmt.Errorf("is a folder: %w", fs.ErrInvalid)
	case it.digest == "":
		return nil, ErrTooLarge
	}
	data, err := f.read(it)
	if errors.Is(err, fs.ErrNotExist) {
		// It is listed: a reader must not take it for a file that never was.
		return nil, ErrChanged
	}
	if err != nil {
		return nil, bare(err)
	}
	if Digest(data) != it.digest {
		return nil, ErrChanged
	}
	return data, nil
}

// bare drops the path of an error, which is none of the view's.
func bare(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// ReadDir lists a folder, sorted by name.
func (f *Files) ReadDir(name string) ([]fs.DirEntry, error) {
	it, err := f.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if !it.mode.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fmt.Errorf("is not a folder: %w", fs.ErrInvalid)}
	}
	var entries []fs.DirEntry
	for _, c := range f.listing.children[it.path] {
		entries = append(entries, info{path.Base(c.path), c})
	}
	return entries, nil
}

// Open opens a file or folder.
func (f *Files) Open(name string) (fs.File, error) { return open(f, name) }

// verify reads everything. The error names the first file that is not what was
// fetched.
func (f *Files) verify() error {
	for _, it := range f.listing.items {
		if it.mode.IsRegular() && it.digest != "" {
			if _, err := f.content(it); err != nil {
				return fmt.Errorf("%s: %w", it.path, err)
			}
		}
	}
	return nil
}

// reader is what open needs of a view.
type reader interface {
	fs.StatFS
	fs.ReadFileFS
	fs.ReadDirFS
}

func open(r reader, name string) (fs.File, error) {
	stat, err := r.Stat(name)
	if err != nil {
		return nil, err
	}
	if stat.IsDir() {
		entries, err := r.ReadDir(name)
		if err != nil {
			return nil, err
		}
		return &openFolder{name: name, stat: stat, entries: entries}, nil
	}
	data, err := r.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &openFile{bytes.NewReader(data), stat}, nil
}

type openFile struct {
	*bytes.Reader
	stat fs.FileInfo
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.stat, nil }
func (f *openFile) Close() error               { return nil }

type openFolder struct {
	name    string
	stat    fs.FileInfo
	entries []fs.DirEntry
}

func (f *openFolder) Stat() (fs.FileInfo, error) { return f.stat, nil }
func (f *openFolder) Close() error               { return nil }

func (f *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.name, Err: fs.ErrInvalid}
}

// ReadDir gives the next n entries, or with n of zero or less all that are left.
func (f *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(f.entries) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(f.entries) {
		n = len(f.entries)
	}
	entries := f.entries[:n]
	f.entries = f.entries[n:]
	return entries, nil
}
