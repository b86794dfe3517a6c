package source

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

const (
	objectCache  = 32 * cache.MiByte // mostly for the bases of deltas
	openPacks    = 16                // file descriptors
	lazyObject   = 1 << 20           // larger loose objects are not read before their size was judged
	maxAlternate = 5                 // alternates of alternates, as git has it
)

// objects reads git's object database through go-git's storage. Neither
// git.Repository nor its configuration is used: go-git refuses to open
// repositories over extensions that do not touch what is read here.
type objects struct {
	partial bool // the user left objects at the server

	mu      sync.Mutex            // go-git's storage is not safe for concurrent use
	stores  []*filesystem.Storage // the repository's, then those of its alternates
	cut     map[plumbing.Hash]bool
	folders map[plumbing.Hash]*folder
	sizes   map[plumbing.Hash]int64
}

func newObjects(git *gitFolder) (o *objects, err error) {
	defer recoverAs(&err)
	o = &objects{
		cut:     map[plumbing.Hash]bool{},
		folders: map[plumbing.Hash]*folder{},
		sizes:   map[plumbing.Hash]int64{},
	}
	lru := cache.NewObjectLRU(objectCache)
	open := func(fsys billy.Filesystem) {
		o.stores = append(o.stores, filesystem.NewStorageWithOptions(noAlternates{fsys}, lru, filesystem.Options{
			// A list of the loose objects, made once, saves a look at the disk
			// for every packed one.
			ExclusiveAccess:      true,
			MaxOpenDescriptors:   openPacks,
			LargeObjectThreshold: lazyObject,
		}))
	}
	own := osfs.New(git.dir)
	if git.common != git.dir {
		own = dotgit.NewRepositoryFilesystem(own, osfs.New(git.common))
	}
	open(own)
	shallow, err := o.stores[0].Shallow()
	if err != nil {
		return nil, fmt.Errorf("read where the shallow clone ends: %w", err)
	}
	for _, h := range shallow {
		o.cut[h] = true
	}
	folder := filepath.Join(git.common, "objects")
	promised, err := filepath.Glob(filepath.Join(globQuote(folder), "pack", "*.promisor"))
	o.partial = err == nil && len(promised) > 0
	alternates, err := findAlternates(folder)
	if err != nil {
		return nil, err
	}
	for _, dir := range alternates {
		open(osfs.New(filepath.Dir(dir)))
	}
	return o, nil
}

func globQuote(name string) string {
	if filepath.Separator == '\\' {
		return name // Windows has no way to quote, and [ is rare
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}

// findAlternates gives the object folders that this one borrows from, as `git
// clone --shared` makes it. They lie outside the repository; but it is the
// user's own git that wrote them down, where no pull request can.
//
// go-git would follow them too, and read every pack's index again for every
// object.
func findAlternates(folder string) ([]string, error) {
	var found []string
	seen := map[string]bool{folder: true}
	var follow func(folder string, depth int) error
	follow = func(folder string, depth int) error {
		data, err := readSmall(filepath.Join(folder, "info", "alternates"), 1<<20)
		if errors.Is(err, fs.ErrNotExist) || depth > maxAlternate {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the alternates of the git repository: %w", err)
		}
		for line := range strings.Lines(string(data)) {
			line = strings.TrimRight(line, "\r\n")
			if line == "" || line[0] == '#' {
				continue
			}
			if unquoted, err := strconv.Unquote(line); err == nil {
				line = unquoted
			}
			dir := filepath.FromSlash(line)
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(folder, dir)
			}
			// A missing one is passed over as git does: what it held is then
			// missing, and said so by name. go-git knows no other name than
			// objects.
			if real, err := filepath.EvalSymlinks(dir); err == nil && filepath.Base(real) == "objects" && !seen[real] {
				seen[real] = true
				found = append(found, real)
				if err := follow(real, depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return found, follow(folder, 1)
}

// noAlternates keeps go-git from looking for alternates on its own.
type noAlternates struct{ billy.Filesystem }

func (n noAlternates) Open(name string) (billy.File, error) {
	if filepath.ToSlash(filepath.Clean(name)) == "objects/info/alternates" {
		return nil, fs.ErrNotExist
	}
	return n.Filesystem.Open(name)
}

// find gets an object, a large one unread. The caller holds the mutex.
func (o *objects) find(id plumbing.Hash) (plumbing.EncodedObject, error) {
	var broken error
	for _, s := range o.stores {
		obj, err := s.EncodedObject(plumbing.AnyObject, id)
		if err == nil {
			return obj, nil
		}
		if !errors.Is(err, plumbing.ErrObjectNotFound) && broken == nil {
			broken = err
		}
	}
	return nil, o.lost(id, broken)
}

// lost is the error for an object that is not there. It never is
// fs.ErrNotExist: the file exists, only its content cannot be read.
func (o *objects) lost(id plumbing.Hash, broken error) error {
	switch {
	case broken != nil:
		return fmt.Errorf("read the git object %s: %w; `git fsck` tells more", id, broken)
	case o.partial:
		return fmt.Errorf("the git object %s was left at the server by a partial clone; `git fetch --refetch --no-filter` gets everything", id)
	}
	return fmt.Errorf("the git object %s is missing or damaged; `git fsck` tells more", id)
}

// read gets the content of an object of the given type.
func (o *objects) read(id plumbing.Hash, want plumbing.ObjectType) (data []byte, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer recoverAs(&err)
	obj, err := o.find(id)
	if err != nil {
		return nil, err
	}
	return o.content(obj, id, want)
}

func (o *objects) content(obj plumbing.EncodedObject, id plumbing.Hash, want plumbing.ObjectType) ([]byte, error) {
	if obj.Type() != want {
		return nil, fmt.Errorf("the git object %s is a %s and no %s", id, obj.Type(), want)
	}
	if obj.Size() > MaxFileSize {
		return nil, ErrTooLarge
	}
	r, err := obj.Reader()
	if err != nil {
		return nil, o.lost(id, err)
	}
	defer r.Close()
	data, err := readBounded(r, obj.Size(), MaxFileSize)
	if err != nil {
		return nil, o.lost(id, err)
	}
	// go-git does not compare, and an equal digest is all that the cache asks.
	if objectID(want.String(), data) != id {
		return nil, o.lost(id, errors.New("its content has another hash"))
	}
	return data, nil
}

// size is the size of a blob, which is not read for it.
func (o *objects) size(id plumbing.Hash) (size int64, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer recoverAs(&err)
	if size, ok := o.sizes[id]; ok {
		return size, nil
	}
	var broken error
	for _, s := range o.stores {
		size, err := s.EncodedObjectSize(id)
		if err == nil {
			o.sizes[id] = size
			return size, nil
		}
		if !errors.Is(err, plumbing.ErrObjectNotFound) && broken == nil {
			broken = err
		}
	}
	return 0, o.lost(id, broken)
}

// folder is a decoded tree object.
type folder struct {
	entries []entry  // sorted by name
	left    []string // why an entry was left out, its name quoted
}

type entry struct {
	name string
	mode fs.FileMode // fs.ModeIrregular for a submodule
	id   plumbing.Hash
}

func (e entry) submodule() bool { return e.mode == fs.ModeIrregular }

func (f *folder) entry(name string) (entry, bool) {
	i, ok := slices.BinarySearchFunc(f.entries, name, func(e entry, name string) int { return strings.Compare(e.name, name) })
	if !ok || f.entries[i].submodule() {
		return entry{}, false
	}
	return f.entries[i], true
}

// folder gets a tree. Commits share most of theirs, so they are kept.
func (o *objects) folder(id plumbing.Hash) (*folder, error) {
	o.mu.Lock()
	f := o.folders[id]
	o.mu.Unlock()
	if f != nil {
		return f, nil
	}
	data, err := o.read(id, plumbing.TreeObject)
	if err != nil {
		return nil, err
	}
	f, err = decodeFolder(data)
	if err != nil {
		return nil, fmt.Errorf("the git tree %s is damaged: %w; `git fsck` tells more", id, err)
	}
	o.mu.Lock()
	o.folders[id] = f
	o.mu.Unlock()
	return f, nil
}

// decodeFolder reads a tree object. go-git's decoder gives up on the whole
// folder over one name that it does not like; here the rest stays.
func decodeFolder(data []byte) (*folder, error) {
	f := &folder{}
	for len(data) > 0 {
		mode, rest, ok := bytes.Cut(data, []byte(" "))
		name, rest, ok2 := bytes.Cut(rest, []byte{0})
		if !ok || !ok2 || len(rest) < len(plumbing.ZeroHash) {
			return nil, errors.New("it ends within an entry")
		}
		e := entry{name: string(name)}
		data = rest[copy(e.id[:], rest):]
		switch {
		case e.name == "" || e.name == "." || e.name == ".." || strings.Contains(e.name, "/"):
			f.left = append(f.left, fmt.Sprintf("holds %q: no file can have this name", e.name))
			continue
		case isDotGit(e.name):
			f.left = append(f.left, fmt.Sprintf("holds %q: the name belongs to git itself", e.name))
			continue
		case !utf8.ValidString(e.name):
			f.left = append(f.left, fmt.Sprintf("holds %q: the name is not UTF-8", e.name))
			continue
		}
		switch bits, _ := strconv.ParseUint(string(mode), 8, 32); bits & 0o170000 {
		case 0o040000:
			e.mode = fs.ModeDir | 0o755
		case 0o100000:
			e.mode = 0o644
			if bits&0o100 != 0 {
				e.mode = 0o755
			}
		case 0o120000:
			e.mode = fs.ModeSymlink | 0o777
		case 0o160000:
			e.mode = fs.ModeIrregular
		default:
			f.left = append(f.left, fmt.Sprintf("holds %q: git knows no mode %q", e.name, mode))
			continue
		}
		f.entries = append(f.entries, e)
	}
	// Stable, so that of two with one name the first is kept.
	slices.SortStableFunc(f.entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	kept := f.entries[:0]
	for i, e := range f.entries {
		if i > 0 && f.entries[i-1].name == e.name {
			f.left = append(f.left, fmt.Sprintf("holds %q twice: the second is left out", e.name))
			continue
		}
		kept = append(kept, e)
	}
	f.entries = kept
	return f, nil
}

// recoverAs makes an error of a panic in a library that reads git's files.
func recoverAs(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("git data that cannot be read: %v", p)
	}
}
