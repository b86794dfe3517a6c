package source

import (
	"io"
	"io/fs"
	"path"
	"time"
)

// named is what Stat gives for a symlink: the file it leads to under the name
// that was asked for.
type named struct {
	fs.FileInfo
	name string
}

func (n named) Name() string   { return n.name }
func (n named) String() string { return fs.FormatFileInfo(n) }

func rename(info fs.FileInfo, name string) fs.FileInfo {
	if base := path.Base(name); info.Name() != base {
		return named{info, base}
	}
	return info
}

// entryInfo describes an entry of a commit. Git keeps no times, so there are
// none.
type entryInfo struct {
	name string
	mode fs.FileMode
	size int64
}

func (i entryInfo) Name() string       { return i.name }
func (i entryInfo) Size() int64        { return i.size }
func (i entryInfo) Mode() fs.FileMode  { return i.mode }
func (i entryInfo) ModTime() time.Time { return time.Time{} }
func (i entryInfo) IsDir() bool        { return i.mode.IsDir() }
func (i entryInfo) Sys() any           { return nil }
func (i entryInfo) String() string     { return fs.FormatFileInfo(i) }

// openFolder is an opened folder of either tree.
type openFolder struct {
	name    string
	info    fs.FileInfo
	entries []fs.DirEntry // what has not been handed out yet
	closed  bool
}

func (f *openFolder) Stat() (fs.FileInfo, error) {
	if f.closed {
		return nil, pathError("stat", f.name, fs.ErrClosed)
	}
	return f.info, nil
}

func (f *openFolder) Read([]byte) (int, error) {
	return 0, pathError("read", f.name, errFolder)
}

func (f *openFolder) Close() error {
	if f.closed {
		return pathError("close", f.name, fs.ErrClosed)
	}
	f.closed = true
	return nil
}

func (f *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if f.closed {
		return nil, pathError("readdir", f.name, fs.ErrClosed)
	}
	if n > 0 && len(f.entries) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(f.entries) {
		n = len(f.entries)
	}
	part := f.entries[:n:n]
	f.entries = f.entries[n:]
	return part, nil
}
