package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// CacheVariable is the environment variable that names the cache's folder.
const CacheVariable = "SCANTLING_CACHE_DIR"

// DefaultCacheDir is where the cache lies: what SCANTLING_CACHE_DIR says, or a
// folder below the user's own for caches.
func DefaultCacheDir() (string, error) {
	if dir := os.Getenv(CacheVariable); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no folder for caches (%w): set %s", err, CacheVariable)
	}
	return filepath.Join(dir, "scantling", "store"), nil
}

// Cache is a folder outside of the repository, shared by all repositories of a
// user, that keeps content under its digest:
//
//	sha256/<64 digits>   a chart, a file, a listing of a folder
//	refs/<request's ID>  what a request led to when it was last fetched
//
// It is safe for concurrent use, by several processes too.
type Cache struct{ root *os.Root }

const (
	blobs = "sha256"
	refs  = "refs"
)

// OpenCache opens a cache, which is made if it is not there.
func OpenCache(dir string) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the cache: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the cache: %w", err)
	}
	for _, sub := range []string{blobs, refs} {
		if err := root.Mkdir(sub, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("making the cache: %w", err)
		}
	}
	return &Cache{root}, nil
}

// Close gives the folder back.
func (c *Cache) Close() error { return c.root.Close() }

// Put keeps bytes and returns their digest.
func (c *Cache) Put(data []byte) (string, error) {
	if len(data) > MaxFileSize {
		return "", ErrTooLarge
	}
	digest := Digest(data)
	d, err := digits(digest)
	if err != nil {
		return "", err
	}
	if kept, err := c.blob(digest); err == nil && Digest(kept) == digest {
		return digest, nil
	}
	if err := replace(c.root, blobs+"/"+d, data, 0o600); err != nil {
		return "", fmt.Errorf("writing to the cache: %w", err)
	}
	return digest, nil
}

// Remember keeps what a request led to, for repositories whose lock does not say
// it.
func (c *Cache) Remember(e Entry) error {
	e.Vendored = ""
	data, err := (&Lock{Entries: []Entry{e}}).Format()
	if err != nil {
		return err
	}
	if err := replace(c.root, refs+"/"+e.ID(), data, 0o600); err != nil {
		return fmt.Errorf("writing to the cache: %w", err)
	}
	return nil
}

// remembered is the entry of a request's ID, if the request was ever fetched.
func (c *Cache) remembered(id string) (Entry, error) {
	data, err := readBlob(c.root, refs+"/"+id)
	if err != nil {
		return Entry{}, err
	}
	l, err := ParseLock(data)
	if err != nil {
		return Entry{}, fmt.Errorf("the cache is damaged: %w", err)
	}
	e, ok := l.Find(id)
	if !ok {
		return Entry{}, fs.ErrNotExist
	}
	return e, nil
}

// blob reads bytes; whether they are those of the digest is the caller's to
// check.
func (c *Cache) blob(digest string) ([]byte, error) {
	d, err := digits(digest)
	if err != nil {
		return nil, err
	}
	return readBlob(c.root, blobs+"/"+d)
}

func (c *Cache) size(digest string) (int64, error) {
	d, err := digits(digest)
	if err != nil {
		return 0, err
	}
	info, err := c.root.Lstat(blobs + "/" + d)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// readBlob reads a regular file below a folder.
func readBlob(root *os.Root, name string) ([]byte, error) {
	info, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if len(data) > MaxFileSize {
		return nil, ErrTooLarge
	}
	return data, nil
}

// replace writes a file in one step, so that it is whole or not there.
func replace(root *os.Root, name string, data []byte, mode fs.FileMode) error {
	temporary := path.Dir(name) + "/.scantling-" + rand.Text()
	f, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() { _ = root.Remove(temporary) }()
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return root.Rename(temporary, name)
}
