package source

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// worktree is the tree on the disk. Of git it needs the index alone.
type worktree struct {
	repo *Repository
	// folders holds the names that were seen to be real folders. Without it
	// every file costs a look at each folder above it. If one is replaced by a
	// symlink meanwhile, os.Root still keeps us inside.
	folders sync.Map
	handles handles
	hidden  []string // git's own folders, if they have another name than .git
	files   func() (Listing, error)
	// seen is what the walk that lists the files saw; nil before.
	seen atomic.Pointer[snapshot]
	// given holds what was seen of the files whose digest was given since the
	// walk, as contents. What is read later must be the same.
	given sync.Map
}

// contents tells that a file was written to.
type contents struct {
	size  int64
	mtime instant
}

func contentsOf(info fs.FileInfo) contents {
	return contents{info.Size(), instantOf(info.ModTime())}
}

func newWorktree(r *Repository) *worktree {
	w := &worktree{repo: r, handles: handles{root: r.dir}}
	if r.git != nil {
		w.hidden = r.git.hidden(r.root)
	}
	w.files = sync.OnceValues(func() (Listing, error) { return listWorktree(w) })
	return w
}

func (w *worktree) Ref() string { return "worktree" }

func (w *worktree) kind(name string) (fs.FileMode, error) {
	if _, ok := w.folders.Load(name); ok {
		return fs.ModeDir, nil
	}
	if w.hides(name) || !utf8.ValidString(name) {
		return 0, fs.ErrNotExist
	}
	if e, known := w.seen.Load().entry(name); e != nil {
		return e.kind, nil
	} else if known {
		return 0, fs.ErrNotExist
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

// stat describes what is at a real name, as the walk saw it if it was there.
func (w *worktree) stat(name string) (fs.FileInfo, error) {
	if info := w.seen.Load().info(name); info != nil {
		return info, nil
	}
	return w.lstat(name)
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
	if kind, ok := w.plain(name); ok {
		return name, kind, nil
	}
	return resolve(w, name, follow)
}

// plain says that the walk saw a name that leads to itself. It enters folders alone,
// so that no symlink is on the way to what it saw.
func (w *worktree) plain(name string) (kind fs.FileMode, ok bool) {
	e, _ := w.seen.Load().entry(name)
	if e == nil || e.kind&fs.ModeSymlink != 0 || w.hides(name) {
		return 0, false
	}
	return e.kind, true
}

func (w *worktree) Resolve(name string) (string, error) {
	if _, ok := w.plain(name); ok && fs.ValidPath(name) {
		return name, nil
	}
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
	info, err := w.stat(real)
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
	info, err := w.stat(real)
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
	f, info, err := w.open(real)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return &workFile{f: f, name: name, before: info, info: rename(info, name), left: MaxFileSize}, nil
}

// open opens a regular file by its real name. The kind is looked at before,
// since opening a device may already do something.
func (w *worktree) open(real string) (*os.File, fs.FileInfo, error) {
	h, base, err := w.handles.get(real)
	if err != nil {
		return nil, nil, err
	}
	defer w.handles.put(h)
	before, err := h.dir.Lstat(base)
	switch {
	case err != nil:
		return nil, nil, diskError(err)
	case before.IsDir():
		return nil, nil, errFolder
	case !before.Mode().IsRegular():
		return nil, nil, ErrSpecial
	case before.Size() > MaxFileSize:
		return nil, nil, ErrTooLarge
	}
	if given, ok := w.given.Load(real); ok && given != contentsOf(before) {
		return nil, nil, errChanged
	}
	return openExact(h.dir, base, before)
}

func (w *worktree) ReadFile(name string) ([]byte, error) {
	real, _, err := w.find(name, true)
	if err != nil {
		return nil, pathError("read", name, err)
	}
	data, err := w.read(real, MaxFileSize)
	if err != nil {
		return nil, pathError("read", name, err)
	}
	return data, nil
}

func (w *worktree) read(real string, most int64) ([]byte, error) {
	f, info, err := w.open(real)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readOpened(f, info, most)
}

func readOpened(f *os.File, info fs.FileInfo, most int64) ([]byte, error) {
	if info.Size() > most {
		return nil, ErrTooLarge
	}
	data, err := readBounded(f, info.Size(), most)
	if err != nil {
		return nil, err
	}
	return data, unchanged(f, info)
}

// unchanged compares a file that was read with what it was before: some old and
// some new lines together may say what nobody wrote.
func unchanged(f *os.File, before fs.FileInfo) error {
	after, err := f.Stat()
	if err == nil && (after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime())) {
		err = errChanged
	}
	return err
}

// workFile is an opened file that can only be read, and not beyond MaxFileSize
// even if it grows.
type workFile struct {
	f            *os.File
	name         string
	info, before fs.FileInfo // as asked for, and as the system gave it
	left         int64
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
	case err == io.EOF:
		if changed := unchanged(f.f, f.before); changed != nil {
			return n, pathError("read", f.name, changed)
		}
		return n, io.EOF
	case err != nil:
		return n, pathError("read", f.name, diskError(err))
	}
	return n, nil
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
	if seen := w.seen.Load(); seen != nil {
		if list, ok := seen.folders[real]; ok {
			entries := make([]fs.DirEntry, 0, len(list))
			for i := range list {
				if w.shows(real, list[i].name) {
					entries = append(entries, seenDirEntry{w, real, &list[i]})
				}
			}
			return entries, nil
		}
	}
	return w.diskEntries(real)
}

func (w *worktree) diskEntries(real string) ([]fs.DirEntry, error) {
	infos, err := w.list(real)
	if err != nil {
		return nil, err
	}
	entries := make([]fs.DirEntry, 0, len(infos))
	for _, info := range infos {
		if w.shows(real, info.Name()) {
			entries = append(entries, fs.FileInfoToDirEntry(info))
		}
	}
	return entries, nil
}

func (w *worktree) shows(dir, base string) bool {
	return !w.hides(join(dir, base)) && utf8.ValidString(base)
}

// hides reports whether a path is git's own folder.
func (w *worktree) hides(name string) bool {
	return isDotGit(path.Base(name)) || slices.Contains(w.hidden, name)
}

// list gives all that is in a folder, sorted by name.
func (w *worktree) list(real string) ([]fs.FileInfo, error) {
	h, base, err := w.handles.get(real)
	if err != nil {
		return nil, err
	}
	defer w.handles.put(h)
	before, err := h.dir.Lstat(base)
	if err != nil {
		return nil, diskError(err)
	}
	if !before.IsDir() {
		return nil, errNoFold
	}
	f, _, err := openExact(h.dir, base, before)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(maxEntries + 1)
	if err != nil && err != io.EOF {
		return nil, diskError(err)
	}
	if len(entries) > maxEntries {
		return nil, errCrowded
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
	var id objectID
	if mode.IsDir() {
		id, _, err = w.folderID(real)
	} else {
		id, err = w.fileID(real)
	}
	if err != nil {
		return "", pathError("digest", name, err)
	}
	return Digest(id.String()), nil
}

func (w *worktree) fileID(real string) (objectID, error) {
	seen := w.seen.Load()
	if e, _ := seen.entry(real); e != nil && e.known {
		if id, ok := seen.trust().id(real, &e.inode); ok {
			w.given.Store(real, contents{e.inode.size, e.inode.mtime})
			return id, nil
		}
	}
	f, info, err := w.open(real)
	if err != nil {
		return objectID{}, err
	}
	defer f.Close()
	data, err := readOpened(f, info, MaxFileSize)
	if err != nil {
		return objectID{}, err
	}
	if seen != nil {
		w.given.Store(real, contentsOf(info))
	}
	return identify(blobKind, data), nil
}

// folderID is the id of the tree object that git would write for the folder,
// and whether there is nothing in it that git could keep.
func (w *worktree) folderID(real string) (id objectID, empty bool, err error) {
	type line struct {
		key  string // git sorts a folder as if its name ended in a slash
		text string
	}
	if strings.Count(real, "/") >= maxDepth {
		return id, false, errTooDeep
	}
	entries, err := w.diskEntries(real)
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
		var sum objectID
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
			sum, mode = identify(blobKind, []byte(target)), "120000"
		case info.Mode().IsRegular():
			sum, err = w.fileID(name)
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
	return identify(treeKind, tree), len(lines) == 0, nil
}
