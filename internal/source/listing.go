package source

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// readSmall reads a file of git's own folder, which must be a regular one and
// not larger than most.
func readSmall(name string, most int64) ([]byte, error) {
	// A named pipe would wait for a writer: look before, not after.
	if info, err := os.Stat(name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, pathError("read", name, ErrSpecial)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	data, err := readBounded(f, info.Size(), most)
	if errors.Is(err, ErrTooLarge) {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, most)
	}
	return data, err
}

// walker lists a work tree.
type walker struct {
	tree       *worktree
	submodules map[string]bool

	// Most of the time goes into system calls: folders are listed side by side
	// while a slot is free.
	slots   chan struct{}
	running sync.WaitGroup
	mu      sync.Mutex
	out     Listing
}

func listWorktree(t *worktree) (Listing, error) {
	w := walker{tree: t, slots: make(chan struct{}, runtime.GOMAXPROCS(0))}
	every := t.repo.git == nil
	var idx tracked
	var rules ignoreRules
	if git := t.repo.git; git != nil {
		err := git.broken
		if err == nil {
			idx, err = readIndex(git.dir)
		}
		if err != nil {
			w.out.IgnoreError, every = err, true
		} else if data, err := readSmall(filepath.Join(git.common, "info", "exclude"), maxIgnoreFile); err == nil {
			rules = rules.with("", data)
		}
	}
	w.submodules = idx.submodules
	infos, err := t.list(".")
	if err != nil {
		return Listing{}, fmt.Errorf("list the work tree %s: %w", t.repo.root, err)
	}
	how := some
	if every {
		how = all
	}
	w.walk(".", infos, idx.names, rules, how)
	w.running.Wait()
	slices.SortFunc(w.out.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(w.out.Skipped, func(a, b Skip) int {
		return strings.Compare(a.Name+"\x00"+a.Reason, b.Name+"\x00"+b.Reason)
	})
	return w.out, nil
}

// which untracked files of a folder are listed
type which int

const (
	all  which = iota
	some       // those that are not ignored
	none
)

// walk lists a folder. names holds the tracked files in it and below.
func (w *walker) walk(dir string, infos []fs.FileInfo, names []string, rules ignoreRules, how which) {
	prefix := ""
	if dir != "." {
		prefix = dir + "/"
	}
	if how == some {
		for _, info := range infos {
			// Git does not follow a .gitignore that is a symlink either.
			if info.Name() == ".gitignore" && info.Mode().IsRegular() && info.Size() <= maxIgnoreFile {
				if data, err := w.tree.read(prefix+".gitignore", 0); err == nil {
					rules = rules.with(prefix, data)
				}
			}
		}
	}
	var files []File
	defer func() {
		w.mu.Lock()
		w.out.Files = append(w.out.Files, files...)
		w.mu.Unlock()
	}()
	for _, info := range infos {
		base := info.Name()
		if isDotGit(base) {
			continue
		}
		if !utf8.ValidString(base) {
			w.skip(dir, fmt.Sprintf("holds %q: the name is not UTF-8", base))
			continue
		}
		name := prefix + base
		if info.IsDir() {
			below := under(names, name+"/")
			inner := how
			if how == none || how == some && rules.ignored(name, true) {
				inner = none
			}
			select {
			case w.slots <- struct{}{}:
				w.running.Go(func() {
					w.folder(name, below, rules, inner)
					<-w.slots
				})
			default:
				w.folder(name, below, rules, inner)
			}
			continue
		}
		_, isTracked := slices.BinarySearch(names, name)
		if !isTracked && (how == none || how == some && rules.ignored(name, false)) {
			continue
		}
		switch mode := info.Mode(); {
		case mode.IsRegular(), mode&fs.ModeSymlink != 0:
			files = append(files, File{name, !mode.IsRegular(), info.Size()})
		default:
			w.skip(name, "is "+special(mode))
		}
	}
}

// folder enters a folder, unless it is another repository or holds nothing to
// list.
func (w *walker) folder(name string, names []string, rules ignoreRules, how which) {
	if w.submodules[name] {
		w.skip(name, "is a submodule")
		return
	}
	if how == none && len(names) == 0 && !w.submoduleBelow(name) {
		return
	}
	infos, err := w.tree.list(name)
	if err != nil {
		if pe, ok := errors.AsType[*fs.PathError](err); ok {
			err = pe.Err
		}
		w.skip(name, "cannot be read: "+err.Error())
		return
	}
	if w.isRepository(name, infos) {
		w.skip(name, "is a git repository of its own")
		if len(names) == 0 {
			return
		}
		how = none // what this repository tracks it also lists
	}
	w.walk(name, infos, names, rules, how)
}

func (w *walker) submoduleBelow(name string) bool {
	for s := range w.submodules {
		if strings.HasPrefix(s, name+"/") {
			return true
		}
	}
	return false
}

// isRepository reports whether a folder with these entries is the top of a
// repository or of a work tree. A folder that is merely called .git makes none,
// so that nobody can hide a folder by putting an empty one in it.
func (w *walker) isRepository(name string, infos []fs.FileInfo) bool {
	for _, info := range infos {
		if !strings.EqualFold(info.Name(), ".git") {
			continue
		}
		own := name + "/" + info.Name()
		switch mode := info.Mode(); {
		case mode.IsDir():
			if _, err := w.tree.lstat(own + "/HEAD"); err == nil {
				return true
			}
		case mode.IsRegular():
			if data, err := w.tree.read(own, 0); err == nil && bytes.HasPrefix(data, []byte("gitdir: ")) {
				return true
			}
		case mode&fs.ModeSymlink != 0:
			return true
		}
	}
	return false
}

func (w *walker) skip(name, reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out.Skipped = append(w.out.Skipped, Skip{name, reason})
}

func special(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "no regular file"
}

// under gives the part of sorted names that begins with prefix.
func under(names []string, prefix string) []string {
	low, _ := slices.BinarySearch(names, prefix)
	names = names[low:]
	// A sorted run of names that share a prefix ends before the prefix with its
	// last byte one higher.
	high, _ := slices.BinarySearch(names, prefix[:len(prefix)-1]+string(prefix[len(prefix)-1]+1))
	return names[:high]
}
