package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// maxFolder is the most that is kept of one folder: 1 GiB.
const maxFolder = 1 << 30

// Folder collects the files of a git repository or an artifact in a cache.
// Nothing that its files are named makes a path on the disk.
type Folder struct {
	cache *Cache
	items []*item
	size  int64
}

// NewFolder begins a folder.
func (c *Cache) NewFolder() *Folder { return &Folder{cache: c} }

// File adds a regular file. Size is what the source says it is, in bytes; of a
// file larger than MaxFileSize only that is kept. A name that leads out of the
// folder, or that means something else to some file system, is refused.
func (f *Folder) File(name string, size int64, content io.Reader) error {
	if err := f.check(name); err != nil {
		return err
	}
	it := &item{path: name, size: size}
	f.items = append(f.items, it)
	if size > MaxFileSize {
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(content, size+1))
	if err != nil {
		return fmt.Errorf("reading %q: %w", clip(name), err)
	}
	if int64(len(data)) != size {
		return fmt.Errorf("%q has not the size that it is said to have", clip(name))
	}
	if f.size += size; f.size > maxFolder {
		return errors.New("its files are larger than 1 GiB together")
	}
	it.digest, err = f.cache.Put(data)
	return err
}

// Link adds a symlink. One that leads out of the folder is kept as it is, and
// refused when it is followed.
func (f *Folder) Link(name, target string) error {
	if err := f.check(name); err != nil {
		return err
	}
	if err := checkText(target); err != nil {
		return fmt.Errorf("the symlink %q: %w", clip(name), err)
	}
	f.items = append(f.items, &item{path: name, mode: fs.ModeSymlink, target: target})
	return nil
}

func (f *Folder) check(name string) error {
	if !safePath(name) {
		return fmt.Errorf("a file is named %q, and such a name is not kept", clip(name))
	}
	if len(f.items) >= maxEntries {
		return fmt.Errorf("more than %d files", maxEntries)
	}
	return nil
}

// Done keeps the folder and returns its digest, and the size of its files in
// bytes.
func (f *Folder) Done() (digest string, size int64, err error) {
	l, err := newListing(f.items)
	if err != nil {
		return "", 0, err
	}
	data := l.format()
	if len(data) > maxListing {
		return "", 0, errors.New("the names of its files are too long together")
	}
	digest, err = f.cache.Put(data)
	return digest, f.size, err
}
