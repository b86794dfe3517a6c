package source

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unicode/utf8"
)

// worktree is the tree on the disk. It needs no go-git but for the index.
type worktree struct {
	repo *Repository
	// folders holds the names that were seen to be real folders. Without it
	// every file costs a look at each folder above it. If one is replaced by a
	// symlink meanwhile, os.Root still keeps us inside.
	folders sync.Map
	handles handles
	files   func() (Listing, error)
}

func newWorktree(r *Repository) *worktree {
	w := &worktree{repo: r, handles: handles{root: r.dir}}
	w.files = sync.OnceValues(func() (Listing, error) { return listWorktree(w) })
	return w
}

func (w *worktree) Ref() string { return "worktree" }

func (w *worktree) kind(name string) (fs.FileMode, error) {
	if _, ok := w.folders.Load(name); ok {
		return fs.ModeDir, nil
	}
	info, err := w.lstat(name)
	if err != nil {
		return 0, err
	}
	if info.IsDir() {
		w.folders.Store(name, nil)
	}
	return info.Mode().Type(), nil
}

func (w *worktree) lstat(name string) (fs.FileInfo, error) {
	h, base, err := w.handles.get(name)
	if err != nil {
		return nil, err
	}
	defer w.handles.put(h)
	info, err := h.dir.Lstat(base)
	return info, diskError(err)
}

// diskError makes what systems answer for "there is no such thing" one error.
func diskError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG):
		return fs.ErrNotExist
	case errors.Is(err, syscall.ELOOP):
		return ErrLoop
	}
	return err
}

func (w *worktree) link(name string) (string, error) {
	h, base, err := w.handles.get(name)
	if err != nil {
		return "", err
	}
	defer w.handles.put(h)
	target, err := h.dir.Readlink(base)
	if err != nil {
		return "", diskError(err)
	}
	return filepath.ToSlash(target), nil
}

// find resolves a name for a method that follows symlinks.
func (w *worktree) find(name string, follow bool) (string, fs.FileMode, error) {
	if err := checkName(name); err != nil {
		return "", 0, err
	}
	return resolve(w, name, follow)
}

func (w *worktree) Resolve(name string) (string, error) {
	real, _, err := resolve(w, name, true)
	if err != nil {
		return "", pathError("resolve", name, err)
	}
	return real, nil
}

func (w *worktree) Stat(name string) (fs.FileInfo, error) {
	real, _, err := w.find(name, true)
	if err != nil {
		return nil, pathError("stat", name, err)
	}
	info, err := w.lstat(real)
	if err != nil {
		return nil, pathError("stat", name, err)
	}
	return rename(info, name), nil
}

func (w *worktree) Lstat(name string) (fs.FileInfo, error) {
	real, _, err := w.find(name, false)
	if err != nil {
		return nil, pathError("lstat", name, err)
	}
	info, err := w.lstat(real)
	if err != nil {
		return nil, pathError("lstat", name, err)
	}
	return rename(info, name), nil
}

func (w *worktree) ReadLink(name string) (string, error) {
	real, mode, err := w.find(name, false)
	if err == nil && mode&fs.ModeSymlink == 0 {
		err = errNoLink
	}
	if err != nil {
		return "", pathError("readlink", name, err)
	}
	target, err := w.link(real)
	if err != nil {
		return "", pathError("readlink", name, err)
	}
	return target, nil
}

func (w *worktree) Open(name string) (fs.File, error) {
	real, mode, err := w.find(name, true)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	if mode.IsDir() {
		info, err := w.lstat(real)
		if err != nil {
			return nil, pathError("open", name, err)
		}
		entries, err := w.entries(real)
		if err != nil {
			return nil, pathError("open", name, err)
		}
		return &openFolder{name: name, info: rename(info, name), entries: entries}, nil
	}
	f, info, err := w.open(real, mode)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return &workFile{f: f, name: name, info: rename(info, name), left: MaxFileSize}, nil
}

func (w *worktree) openRaw(real string) (*os.File, error) {
	h, base, err := w.handles.get(real)
	if err != nil {
		return nil, err
	}
	defer w.handles.put(h)
	f, err := h.dir.OpenFile(base, openFlags, 0)
	return f, diskError(err)
}

// open opens a regular file by its real name. The kind is looked at before,
// since opening a device may already do something, and again after, since
// another program may have put something else in its place.
func (w *worktree) open(real string, mode fs.FileMode) (*os.File, fs.FileInfo, error) {
	if mode.IsDir() {
		return nil, nil, errFolder
	}
	if !mode.IsRegular() {
		return nil, nil, ErrSpecial
	}
	f, err := w.openRaw(real)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = ErrSpecial
	case info.Size() > MaxFileSize:
		err = ErrTooLarge
	default:
		return f, info, nil
	}
	f.Close()
	return nil, nil, err
}

func (w *worktree) ReadFile(name string) ([]byte, error) {
	real, mode, err := w.find(name, true)
	if err != nil {
		return nil, pathError("read", name, err)
	}
	data, err := w.read(real, mode)
	if err != nil {
		return nil, pathError("read", name, err)
	}
	return data, nil
}

func (w *worktree) read(real string, mode fs.FileMode) ([]byte, error) {
	f, info, err := w.open(real, mode)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBounded(f, info.Size(), MaxFileSize)
}

// readBounded reads to the end, which may be further than size by now, but not
// further than most.
func readBounded(r io.Reader, size, most int64) ([]byte, error) {
	// One more than the size, so that the end is met without growing.
	data := make([]byte, 0, min(size, most)+1)
	for {
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if int64(len(data)) > most {
			return nil, ErrTooLarge
		}
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
		if len(data) == cap(data) {
			data = slices.Grow(data, int(min(int64(cap(data))+512, most+1-int64(len(data)))))
		}
	}
}

// workFile is an opened file that can only be read, and not beyond MaxFileSize
// even if it grows.
type workFile struct {
	f    *os.File
	name string
	info fs.FileInfo
	left int64
}

func (f *workFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *workFile) Close() error               { return f.f.Close() }

func (f *workFile) Read(p []byte) (int, error) {
	if int64(len(p)) > f.left+1 {
		p = p[:f.left+1]
	}
	n, err := f.f.Read(p)
	f.left -= int64(n)
	switch {
	case f.left < 0:
		f.left = 0
		return n - 1, pathError("read", f.name, ErrTooLarge)
	case err != nil && err != io.EOF:
		return n, pathError("read", f.name, diskError(err))
	}
	return n, err
}

func (w *worktree) ReadDir(name string) ([]fs.DirEntry, error) {
	real, mode, err := w.find(name, true)
	if err == nil && !mode.IsDir() {
		err = errNoFold
	}
	if err != nil {
		return nil, pathError("readdir", name, err)
	}
	entries, err := w.entries(real)
	if err != nil {
		return nil, pathError("readdir", name, err)
	}
	return entries, nil
}

// entries gives what a folder shows: neither .git nor names that no Tree has.
func (w *worktree) entries(real string) ([]fs.DirEntry, error) {
	infos, err := w.list(real)
	if err != nil {
		return nil, err
	}
	entries := make([]fs.DirEntry, 0, len(infos))
	for _, info := range infos {
		if !isDotGit(info.Name()) && utf8.ValidString(info.Name()) {
			entries = append(entries, fs.FileInfoToDirEntry(info))
		}
	}
	return entries, nil
}

// list gives all that is in a folder, sorted by name.
func (w *worktree) list(real string) ([]fs.FileInfo, error) {
	f, err := w.openRaw(real)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return nil, diskError(err)
	}
	infos := make([]fs.FileInfo, 0, len(entries))
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone since it was listed
		}
		if err != nil {
			return nil, diskError(err)
		}
		infos = append(infos, info)
	}
	slices.SortFunc(infos, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	return infos, nil
}

func (w *worktree) Files() (Listing, error) { return copyListing(w.files()) }

// copyListing gives every caller slices of its own: they are computed once.
func copyListing(l Listing, err error) (Listing, error) {
	l.Files = slices.Clone(l.Files)
	l.Skipped = slices.Clone(l.Skipped)
	return l, err
}

func (w *worktree) Digest(name string) (Digest, error) {
	real, mode, err := w.find(name, true)
	if err != nil {
		return "", pathError("digest", name, err)
	}
	var id [sha1.Size]byte
	if mode.IsDir() {
		id, _, err = w.folderID(real)
	} else {
		id, err = w.fileID(real, mode)
	}
	if err != nil {
		return "", pathError("digest", name, err)
	}
	return Digest(hex.EncodeToString(id[:])), nil
}

func (w *worktree) fileID(real string, mode fs.FileMode) (id [sha1.Size]byte, err error) {
	data, err := w.read(real, mode.Type())
	if err != nil {
		return id, err
	}
	return objectID("blob", data), nil
}

// objectID is git's name for an object of the given kind.
func objectID(kind string, data []byte) (id [sha1.Size]byte) {
	h := sha1.New()
	io.WriteString(h, kind+" "+strconv.Itoa(len(data))+"\x00")
	h.Write(data)
	h.Sum(id[:0])
	return id
}

// folderID is the id of the tree object that git would write for the folder,
// and whether there is nothing in it that git could keep.
func (w *worktree) folderID(real string) (id [sha1.Size]byte, empty bool, err error) {
	type line struct {
		key  string // git sorts a folder as if its name ended in a slash
		text string
	}
	entries, err := w.entries(real)
	if err != nil {
		return id, false, err
	}
	lines := make([]line, 0, len(entries))
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return id, false, err
		}
		name := join(real, e.Name())
		key, mode := e.Name(), "100644"
		var sum [sha1.Size]byte
		switch {
		case info.IsDir():
			var nothing bool
			sum, nothing, err = w.folderID(name)
			if nothing {
				continue
			}
			key, mode = key+"/", "40000"
		case info.Mode()&fs.ModeSymlink != 0:
			var target string
			target, err = w.link(name)
			sum, mode = objectID("blob", []byte(target)), "120000"
		case info.Mode().IsRegular():
			sum, err = w.fileID(name, info.Mode())
			if info.Mode()&0o100 != 0 && runtime.GOOS != "windows" {
				mode = "100755"
			}
		default:
			continue
		}
		if err != nil {
			return id, false, pathError("digest", name, err)
		}
		lines = append(lines, line{key, mode + " " + e.Name() + "\x00" + string(sum[:])})
	}
	slices.SortFunc(lines, func(a, b line) int { return strings.Compare(a.key, b.key) })
	var tree []byte
	for _, l := range lines {
		tree = append(tree, l.text...)
	}
	return objectID("tree", tree), len(lines) == 0, nil
}
