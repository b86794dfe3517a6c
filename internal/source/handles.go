package source

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"unicode/utf8"
)

// handles keeps some folders of the work tree open. os.Root walks down from its
// own folder for every file, component by component, which with a root of the
// file's own folder is one step.
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
	dir := path.Dir(name)
	if dir == "." {
		return &handle{dir: h.root, users: 1}, local, nil
	}
	h.mu.Lock()
	if got := h.open[dir]; got != nil {
		h.tick++
		got.users++
		got.used = h.tick
		h.mu.Unlock()
		return got, filepath.Base(local), nil
	}
	h.mu.Unlock()
	root, err := h.root.OpenRoot(filepath.Dir(local))
	if err != nil {
		return nil, "", diskError(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tick++
	if got := h.open[dir]; got != nil { // somebody was faster
		root.Close()
		got.users++
		got.used = h.tick
		return got, filepath.Base(local), nil
	}
	if h.open == nil {
		h.open = map[string]*handle{}
	}
	if len(h.open) >= maxHandles {
		h.drop()
	}
	got := &handle{dir: root, users: 1, used: h.tick}
	h.open[dir] = got
	return got, filepath.Base(local), nil
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
