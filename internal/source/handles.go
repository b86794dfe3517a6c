package source

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"unicode/utf8"
)

// handles keeps some folders of the work tree open. Every folder is opened from
// the one above it, so that a path of many folders costs one step, and is then
// compared with what is there: os.Root would follow a symlink that took a
// folder's place since it was listed, into .git for one.
type handles struct {
	root *os.Root

	mu   sync.Mutex
	open map[string]*handle
	tick int
}

const maxHandles = 32

type handle struct {
	dir   *os.Root
	users int
	used  int  // the tick of the last use
	gone  bool // to be closed by the last user
}

// get gives the folder that name is in, to be given back with put, and the last
// component as the system writes it. Names that the system can't have, or
// reads as something else than a path below the folder (for Windows a\b, NUL,
// x:y), do not exist.
func (h *handles) get(name string) (*handle, string, error) {
	local, err := filepath.Localize(name)
	if err != nil || !utf8.ValidString(name) {
		return nil, "", fs.ErrNotExist
	}
	dir, err := h.folder(path.Dir(name))
	return dir, filepath.Base(local), err
}

func (h *handles) folder(dir string) (*handle, error) {
	if dir == "." {
		return &handle{dir: h.root, users: 1}, nil
	}
	if got := h.known(dir); got != nil {
		return got, nil
	}
	parent, err := h.folder(path.Dir(dir))
	if err != nil {
		return nil, err
	}
	defer h.put(parent)
	root, err := openFolderIn(parent.dir, path.Base(dir))
	if err != nil {
		return nil, err
	}
	return h.keep(dir, root), nil
}

// openFolderIn opens a folder that is a folder, and no symlink to one.
func openFolderIn(parent *os.Root, name string) (*os.Root, error) {
	// With the dot, the system is told to open nothing but a folder: it would
	// wait at a named pipe.
	root, err := parent.OpenRoot(name + string(filepath.Separator) + ".")
	if err != nil {
		return nil, diskError(err)
	}
	info, err := root.Stat(".")
	if err == nil {
		var there fs.FileInfo
		if there, err = parent.Lstat(name); err == nil && !os.SameFile(info, there) {
			err = errChanged
		}
	}
	if err != nil {
		root.Close()
		return nil, diskError(err)
	}
	return root, nil
}

func (h *handles) known(dir string) *handle {
	h.mu.Lock()
	defer h.mu.Unlock()
	got := h.open[dir]
	if got != nil {
		h.tick++
		got.users++
		got.used = h.tick
	}
	return got
}

// keep remembers an opened folder, unless somebody else was faster.
func (h *handles) keep(dir string, root *os.Root) *handle {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tick++
	if got := h.open[dir]; got != nil {
		root.Close()
		got.users++
		got.used = h.tick
		return got
	}
	if h.open == nil {
		h.open = map[string]*handle{}
	}
	if len(h.open) >= maxHandles {
		h.drop()
	}
	got := &handle{dir: root, users: 1, used: h.tick}
	h.open[dir] = got
	return got
}

func (h *handles) put(got *handle) {
	if got.dir == h.root {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if got.users--; got.users == 0 && got.gone {
		got.dir.Close()
	}
}

// drop forgets the folder that was not used for the longest time.
func (h *handles) drop() {
	var name string
	var oldest *handle
	for n, got := range h.open {
		if oldest == nil || got.used < oldest.used {
			name, oldest = n, got
		}
	}
	delete(h.open, name)
	if oldest.gone = true; oldest.users == 0 {
		oldest.dir.Close()
	}
}
