package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"
)

// Store is what a repository's requests were answered with when they were last
// fetched: by its lock, from its vendor folder or the cache; without an entry in
// the lock, by what the cache remembers. It reads and never writes, and is safe
// for concurrent use.
type Store struct {
	tree  Tree
	cache *Cache // nil if there is none
	lock  *Lock

	mu    sync.Mutex
	found map[string]*found
}

type found struct {
	once  sync.Once
	entry Entry
	files *Files
	err   error
}

// Open opens the store of a tree: of the work tree or, for a comparison, of a
// commit, whose own lock and vendor folder count. cacheDir is the cache's folder,
// which need not exist; empty means that there is none.
func Open(tree Tree, cacheDir string) (*Store, error) {
	data, err := tree.ReadFile(LockFile)
	if errors.Is(err, fs.ErrNotExist) {
		return New(tree, &Lock{}, cacheDir)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", LockFile, err)
	}
	lock, err := ParseLock(data)
	if err != nil {
		return nil, err
	}
	return New(tree, lock, cacheDir)
}

// New is Open with another lock than the tree's own.
func New(tree Tree, lock *Lock, cacheDir string) (*Store, error) {
	s := &Store{tree: tree, lock: lock, found: map[string]*found{}}
	if cacheDir == "" {
		return s, nil
	}
	root, err := os.OpenRoot(cacheDir)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("opening the cache: %w", err)
	}
	s.cache = &Cache{root}
	return s, nil
}

// Close gives the cache's folder back.
func (s *Store) Close() error {
	if s.cache == nil {
		return nil
	}
	return s.cache.Close()
}

// Lock is what the repository's lock says. It is not to be changed.
func (s *Store) Lock() *Lock { return s.lock }

// Files is what is kept for a request's ID. The error wraps fs.ErrNotExist when
// nothing is, and ErrChanged when what is there is not what was fetched.
func (s *Store) Files(id string) (*Files, error) {
	if len(id) != idDigits || !isHex(id) {
		return nil, fs.ErrNotExist
	}
	s.mu.Lock()
	f := s.found[id]
	if f == nil {
		f = &found{}
		s.found[id] = f
	}
	s.mu.Unlock()
	f.once.Do(func() {
		f.entry, f.files, f.err = s.find(id)
		if errors.Is(f.err, fs.ErrNotExist) {
			f.err = fs.ErrNotExist
		}
	})
	return f.files, f.err
}

// Used are the entries of what was asked for and is kept, by ID.
func (s *Store) Used() map[string]Entry {
	s.mu.Lock()
	ids := slices.Collect(maps.Keys(s.found))
	s.mu.Unlock()
	used := map[string]Entry{}
	for _, id := range ids {
		if _, err := s.Files(id); err == nil {
			used[id] = s.found[id].entry
		}
	}
	return used
}

// Verify reads all that is kept for a request and checks it against the digests.
func (s *Store) Verify(r Request) error {
	f, err := s.Files(r.ID())
	if err != nil {
		return err
	}
	return f.verify()
}

func (s *Store) find(id string) (Entry, *Files, error) {
	e, locked := s.lock.Find(id)
	if !locked {
		if s.cache == nil {
			return Entry{}, nil, fs.ErrNotExist
		}
		var err error
		if e, err = s.cache.remembered(id); err != nil {
			return Entry{}, nil, err
		}
	}
	err := fs.ErrNotExist
	var f *Files
	if locked && s.lock.Vendor != "" && e.Vendored != "" {
		f, err = vendored{s.tree, s.lock.Vendor + "/" + e.Vendored}.files(e)
	}
	if errors.Is(err, fs.ErrNotExist) && s.cache != nil {
		f, err = s.cache.files(e)
	}
	return e, f, err
}

// keeper is a place that keeps content: the cache or the vendor folder.
type keeper interface {
	// whole is the size of a chart or file.
	whole() (int64, error)
	// folder reads a folder's listing.
	folder() ([]byte, error)
	read(*item) ([]byte, error)
}

// filesOf is the content of an entry, as it is seen below the mount point.
func filesOf(e Entry, k keeper, isFolder bool) (*Files, error) {
	if !isFolder {
		size, err := k.whole()
		if err != nil {
			return nil, err
		}
		l, err := newListing([]*item{{path: e.fileName(), digest: e.Digest, size: size}})
		return &Files{listing: l, read: k.read, single: true}, err
	}
	data, err := k.folder()
	if err != nil {
		return nil, err
	}
	if Digest(data) != e.Digest {
		return nil, ErrChanged
	}
	l, err := parseListing(data)
	return &Files{listing: l, read: k.read}, err
}

// fileName is the name of content that is one file.
func (e Entry) fileName() string {
	if e.Kind == File {
		return FileName
	}
	return ChartFile
}

type cached struct {
	*Cache
	digest string
}

func (c *Cache) files(e Entry) (*Files, error) {
	k := cached{c, e.Digest}
	isFolder := e.Kind == Git
	if e.Kind == OCI {
		// An artifact may hold a packaged chart in place of a folder.
		data, err := c.blob(e.Digest)
		if err != nil {
			return nil, err
		}
		isFolder = bytes.HasPrefix(data, []byte(listingHead))
	}
	return filesOf(e, k, isFolder)
}

func (c cached) whole() (int64, error)         { return c.size(c.digest) }
func (c cached) folder() ([]byte, error)       { return c.blob(c.digest) }
func (c cached) read(it *item) ([]byte, error) { return c.blob(it.digest) }
