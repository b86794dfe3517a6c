// Package cache keeps what one run found for the next, in a folder outside of the
// repository. It knows nothing of what it keeps: an entry is a string of bytes
// under a key, and the key holds all that the bytes depend on, so that an entry
// is either right or not asked for.
//
//	CACHEDIR.TAG, .gitignore   keep backups and git away
//	written                    how much was written since the size was last counted
//	<kind>/<64 hex digits>     an entry, named by its key
//	<kind>/.new-<letters>      an entry that is being written
//
// Nothing that goes wrong here is the run's concern: what can't be read is not
// there, and what can't be written is found again the next time. Any number of
// processes may use one folder.
package cache

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Kind is what an entry is. Each kind has a folder of its own.
type Kind string

// The kinds of entries.
const (
	Runs    Kind = "runs"    // what a whole run found
	Units   Kind = "units"   // what the units of a repository gave
	Objects Kind = "objects" // summaries of objects, by digest
	Files   Kind = "files"   // verdicts on files
)

// Kinds are all kinds, in the order in which they are shown.
func Kinds() []Kind { return []Kind{Runs, Units, Objects, Files} }

// Key identifies an entry among those of its kind. It must be a cryptographic
// digest of all that the entry depends on: the version of the program, too.
type Key [32]byte

func (k Key) name() string { return hex.EncodeToString(k[:]) }

// Variable is the environment variable that names the folder.
const Variable = "SCANTLING_CACHE"

// sharedVariable names the folder of what scantling fetch downloads; where it is
// set, one folder holds everything.
const sharedVariable = "SCANTLING_CACHE_DIR"

// DefaultMaxSize is how large a cache may become where nothing else is said.
const DefaultMaxSize = 512 << 20

// DefaultDir is where the cache lies: what SCANTLING_CACHE says, or a folder below
// SCANTLING_CACHE_DIR or the user's own folder for caches.
func DefaultDir() (string, error) {
	if dir := os.Getenv(Variable); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := os.Getenv(sharedVariable); dir != "" {
		return filepath.Abs(filepath.Join(dir, "lint"))
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no folder for caches (%w): set %s", err, Variable)
	}
	return filepath.Join(dir, "scantling", "lint"), nil
}

// Cache is a folder of entries. A nil *Cache keeps nothing. It is safe for
// concurrent use.
type Cache struct {
	dir     string
	maxSize int64

	mu       sync.Mutex
	root     *os.Root          // nil until it is needed
	kinds    map[Kind]*os.Root // those that were needed
	missing  bool              // there is no folder yet
	refused  error             // why the folder is not used, or not written to any more
	readonly bool              // refused is about writing alone
	written  int64
	closed   bool
}

// Open gives the cache in a folder, which is neither looked at nor made before it
// is needed. It is kept below maxSize bytes; 0 means DefaultMaxSize.
func Open(dir string, maxSize int64) *Cache {
	if maxSize <= 0 {
		maxSize = DefaultMaxSize
	}
	return &Cache{dir: dir, maxSize: maxSize, kinds: map[Kind]*os.Root{}}
}

// Dir is the folder.
func (c *Cache) Dir() string {
	if c == nil {
		return ""
	}
	return c.dir
}

var (
	errClosed   = errors.New("the cache is closed")
	errTooLarge = errors.New("the entry is too large for the cache")
)

// maxEntry is how large an entry may be: so large that a few of them fit.
func (c *Cache) maxEntry() int64 { return c.maxSize / 4 }

// folder opens the cache's folder, which must be the user's own: who can write to
// it decides what the next run finds.
func (c *Cache) folder(create bool) (*os.Root, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.openLocked(create)
}

// kind opens the folder of a kind.
func (c *Cache) kind(kind Kind, create bool) (*os.Root, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	root, err := c.openLocked(create)
	if err != nil {
		return nil, err
	}
	if folder := c.kinds[kind]; folder != nil {
		return folder, nil
	}
	if create {
		if err := makeKind(root, kind); err != nil {
			return nil, c.readonlyLocked(err)
		}
	}
	folder, err := openKind(root, kind)
	if err != nil {
		return nil, err
	}
	c.kinds[kind] = folder
	return folder, nil
}

// openKind opens the folder of a kind, which is no link to another.
func openKind(root *os.Root, kind Kind) (*os.Root, error) {
	info, err := root.Lstat(string(kind))
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is no folder", kind)
	}
	return root.OpenRoot(string(kind))
}

// readonlyLocked notes why nothing can be written: a full or read-only disk is not
// tried again and again.
func (c *Cache) readonlyLocked(err error) error {
	err = fmt.Errorf("writing to the cache: %w", err)
	if c.refused == nil {
		c.refused, c.readonly = err, true
	}
	return err
}

func (c *Cache) openLocked(create bool) (*os.Root, error) {
	switch {
	case c.closed:
		return nil, errClosed
	case c.refused != nil && (create || !c.readonly):
		return nil, c.refused
	case c.root != nil:
		return c.root, nil
	case c.missing && !create:
		return nil, fs.ErrNotExist
	}
	root, err := openFolder(c.dir, create)
	if errors.Is(err, fs.ErrNotExist) && !create {
		c.missing = true
		return nil, err
	}
	if err != nil {
		c.refused = err
		return nil, err
	}
	c.root = root
	return root, nil
}

func openFolder(dir string, create bool) (*os.Root, error) {
	if create {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("making the cache: %w", err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the cache: %w", err)
	}
	info, err := root.Stat(".")
	if err == nil {
		err = trusted(info)
	}
	if err != nil {
		_ = root.Close()
		return nil, fmt.Errorf("the cache %s is not used: %w", dir, err)
	}
	return root, nil
}

// usedWithin is how exactly the last use of an entry is known: reading an entry
// must not write each time.
const usedWithin = time.Hour

// Get reads an entry. One that is damaged is removed, and not there.
func (c *Cache) Get(kind Kind, key Key) ([]byte, bool) {
	if c == nil {
		return nil, false
	}
	root, err := c.kind(kind, false)
	if err != nil {
		return nil, false
	}
	name := key.name()
	info, err := root.Lstat(name)
	if err != nil {
		return nil, false
	}
	stored, err := readRegular(root, name, info, c.maxEntry()+headerSize)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil, false
	}
	var data []byte
	if err == nil {
		data, err = decode(kind, key, stored, c.maxEntry())
	}
	if err != nil {
		_ = root.Remove(name)
		return nil, false
	}
	if now := time.Now(); now.Sub(info.ModTime()) > usedWithin {
		_ = root.Chtimes(name, now, now)
	}
	return data, true
}

var errNoEntry = errors.New("this is no entry")

// readRegular reads a file whose Lstat is known. Nothing else is opened: a pipe
// could block, and a link lead elsewhere.
func readRegular(root *os.Root, name string, info fs.FileInfo, most int64) ([]byte, error) {
	if !info.Mode().IsRegular() || info.Size() > most {
		return nil, errNoEntry
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, err
	}
	return data, nil
}

// Put keeps an entry. The bytes are not held. An error means that it is not kept;
// the run goes on without.
func (c *Cache) Put(kind Kind, key Key, data []byte) error {
	if c == nil {
		return nil
	}
	if int64(len(data)) > c.maxEntry() {
		return errTooLarge
	}
	root, err := c.kind(kind, true)
	if err != nil {
		return err
	}
	stored := encode(kind, key, data)
	err = replace(root, key.name(), stored)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		return c.readonlyLocked(err)
	}
	c.written += occupied(int64(len(stored)))
	return nil
}

// makeKind makes the folder of a kind, and what marks the cache as one.
func makeKind(root *os.Root, kind Kind) error {
	if err := mark(root); err != nil {
		return err
	}
	if err := root.Mkdir(string(kind), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// The files that keep backup programs and git away. The one's first line is that
// of https://bford.info/cachedir/.
const (
	tagFile    = "CACHEDIR.TAG"
	tag        = "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of scantling, which may be deleted at any time: docs/cache.md.\n"
	ignoreFile = ".gitignore"
	ignoreAll  = "*\n"
)

func mark(root *os.Root) error {
	for _, f := range []struct{ name, text string }{{tagFile, tag}, {ignoreFile, ignoreAll}} {
		if _, err := root.Lstat(f.name); err == nil {
			continue
		}
		if err := replace(root, f.name, []byte(f.text)); err != nil {
			return err
		}
	}
	return nil
}

// Close gives the folder back. Now and then it removes what was not used for
// longest, to keep below the maximal size.
func (c *Cache) Close() {
	if c == nil {
		return
	}
	c.mu.Lock()
	root, kinds, written := c.root, c.kinds, c.written
	c.root, c.kinds, c.written, c.closed = nil, nil, 0, true
	c.mu.Unlock()
	for _, folder := range kinds {
		_ = folder.Close()
	}
	if root == nil {
		return
	}
	if written > 0 {
		c.account(root, written)
	}
	_ = root.Close()
}
