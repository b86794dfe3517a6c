package source

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

const maxListing = 128 << 20 // bytes of all names

// listing is a Listing in the making, by several goroutines at once.
type listing struct {
	most int // files, with those that are skipped

	mu    sync.Mutex
	out   Listing
	bytes int
	// ignoreAt is where IgnoreError comes from: of several, the first by name
	// is kept, so that every run gives the same.
	ignoreAt string
}

func (l *listing) add(files ...File) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out.Files = append(l.out.Files, files...)
	for _, f := range files {
		l.bytes += len(f.Name)
	}
	return l.check()
}

func (l *listing) skip(name, reason string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out.Skipped = append(l.out.Skipped, Skip{name, reason})
	l.bytes += len(name) + len(reason)
	return l.check()
}

func (l *listing) check() error {
	if len(l.out.Files)+len(l.out.Skipped) > l.most {
		return fmt.Errorf("%w: there are more than %d", ErrTooMany, l.most)
	}
	if l.bytes > maxListing {
		return fmt.Errorf("%w: their names have more than %d bytes", ErrTooMany, maxListing)
	}
	return nil
}

// ignoreFailed keeps why the rules at name could not be applied.
func (l *listing) ignoreFailed(name string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out.IgnoreError == nil || name < l.ignoreAt {
		l.out.IgnoreError, l.ignoreAt = err, name
	}
}

func (l *listing) sorted() Listing {
	slices.SortFunc(l.out.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(l.out.Skipped, func(a, b Skip) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Reason, b.Reason))
	})
	return l.out
}

// minParallel is the number of tracked files from which on a folder is worth a
// goroutine.
const minParallel = 64

// walker lists a work tree.
type walker struct {
	listing
	tree       *worktree
	submodules map[string]bool
	read       []*folderRead // by mu

	// Most of the time goes into system calls: folders are listed side by side
	// while a slot is free.
	slots   chan struct{}
	running sync.WaitGroup
	failed  atomic.Pointer[error] // why the walk stops, the first reason there was
}

func listWorktree(t *worktree) (Listing, error) {
	w := walker{tree: t, slots: make(chan struct{}, runtime.GOMAXPROCS(0))}
	w.most = t.repo.MaxFiles
	how := all
	var idx tracked
	var staged *indexFile
	var rules ignoreRules
	if git := t.repo.git; git != nil {
		err := git.broken
		if err == nil {
			staged, err = readIndex(git.own, git.config.objectFormat())
		}
		if err != nil {
			w.ignoreFailed("", err)
		} else {
			how = some
			idx = staged.tracked()
			rules = w.withExcludes(git)
		}
	}
	w.submodules = idx.submodules
	top, err := w.openTop()
	if err != nil {
		return Listing{}, fmt.Errorf("list the work tree %s: %w", t.repo.root, listError(err))
	}
	w.keep(top)
	w.walk(top, idx.names, rules, how, 1)
	w.running.Wait()
	if err := w.failed.Load(); err != nil {
		return Listing{}, fmt.Errorf("list the work tree %s: %w", t.repo.root, *err)
	}
	t.seen.Store(newSnapshot(t, w.read, staged))
	return w.sorted(), nil
}

func (w *walker) withExcludes(git *gitFolder) ignoreRules {
	data, err := readIn(git.shared, "info/exclude", maxIgnoreFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var rules ignoreRules
	if err == nil {
		rules, err = rules.with("", data)
	}
	if err != nil {
		w.ignoreFailed("", fmt.Errorf("apply the rules of info/exclude in git's folder: %w", err))
	}
	return rules
}

// listError drops the wrapping of package os, whose paths are not those of the
// tree.
func listError(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

func (w *walker) fail(err error) {
	if err != nil {
		w.failed.CompareAndSwap(nil, &err)
	}
}

// which untracked files of a folder are listed
type which int

const (
	all  which = iota
	some       // those that are not ignored
	none
)

// walk lists a folder, and closes it. names holds the tracked files in it and
// below.
func (w *walker) walk(d *folderRead, names []string, rules ignoreRules, how which, depth int) {
	defer d.close()
	prefix := ""
	if d.name != "." {
		prefix = d.name + "/"
	}
	if how == some {
		// Git does not follow a .gitignore that is a symlink either.
		if e := d.entry(".gitignore"); e != nil && e.kind.IsRegular() {
			rules = w.withRules(prefix, rules)
		}
	}
	var files []File
	defer func() { w.fail(w.add(files...)) }()
	for i := range d.entries {
		e := &d.entries[i]
		name := prefix + e.name
		if w.tree.hides(name) {
			continue
		}
		if w.failed.Load() != nil {
			return
		}
		if !utf8.ValidString(e.name) {
			w.fail(w.skip(d.name, fmt.Sprintf("holds %q: the name is not UTF-8", e.name)))
			continue
		}
		if e.kind.IsDir() {
			below := under(names, name+"/")
			inner := how
			if how == none || how == some && rules.ignored(name, true) {
				inner = none
			}
			w.folder(d, name, e.name, below, rules, inner, depth+1)
			continue
		}
		_, isTracked := slices.BinarySearch(names, name)
		if !isTracked && (how == none || how == some && rules.ignored(name, false)) {
			continue
		}
		if len(name) > maxPath {
			w.fail(w.skip(name[:60]+"…", errLongPath.Error()))
			continue
		}
		switch err := d.look(e); {
		case errors.Is(err, fs.ErrNotExist):
			// gone since it was listed
		case err != nil:
			w.fail(w.skip(name, "cannot be looked at: "+listError(err).Error()))
		case e.kind.IsRegular(), e.kind&fs.ModeSymlink != 0:
			files = append(files, File{name, !e.kind.IsRegular(), e.inode.size})
		default:
			w.fail(w.skip(name, "is "+special(e.kind)))
		}
	}
}

// withRules adds the rules of the .gitignore in the folder prefix.
func (w *walker) withRules(prefix string, rules ignoreRules) ignoreRules {
	name := prefix + ".gitignore"
	data, err := w.tree.read(name, maxIgnoreFile)
	if err == nil {
		var more ignoreRules
		if more, err = rules.with(prefix, data); err == nil {
			return more
		}
	}
	if errors.Is(err, ErrTooLarge) {
		err = errLarge
	}
	w.ignoreFailed(name, fmt.Errorf("apply the rules of %s: %w", name, listError(err)))
	return rules
}

// folder enters a folder, unless it is another repository or holds nothing to
// list.
func (w *walker) folder(parent *folderRead, name, base string, names []string, rules ignoreRules, how which, depth int) {
	if w.submodules[name] {
		w.fail(w.skip(name, ReasonSubmodule))
		return
	}
	if how == none && len(names) == 0 && !w.submoduleBelow(name) {
		return
	}
	if depth > maxDepth {
		w.fail(w.skip(name, errTooDeep.Error()))
		return
	}
	if len(name) > maxPath {
		w.fail(w.skip(name[:60]+"…", errLongPath.Error()))
		return
	}
	d, err := w.openFolderAt(parent, name, base)
	if errors.Is(err, fs.ErrNotExist) {
		return // gone since it was listed
	}
	if err != nil {
		w.fail(w.skip(name, "cannot be read: "+listError(err).Error()))
		return
	}
	if w.isRepository(d) {
		w.fail(w.skip(name, ReasonRepository))
		if len(names) == 0 {
			d.close()
			return
		}
		how = none // what this repository tracks it also lists
	}
	w.keep(d)
	if how == some && len(names) < minParallel {
		w.walk(d, names, rules, how, depth)
		return
	}
	select {
	case w.slots <- struct{}{}:
		w.running.Go(func() {
			w.walk(d, names, rules, how, depth)
			<-w.slots
		})
	default:
		w.walk(d, names, rules, how, depth)
	}
}

func (w *walker) keep(d *folderRead) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.read = append(w.read, d)
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
func (w *walker) isRepository(d *folderRead) bool {
	for _, e := range d.entries {
		if !strings.EqualFold(e.name, ".git") {
			continue
		}
		own := d.name + "/" + e.name
		switch {
		case e.kind.IsDir():
			if _, err := w.tree.lstat(own + "/HEAD"); err == nil {
				return true
			}
		case e.kind.IsRegular():
			if data, err := w.tree.read(own, maxPathFile); err == nil && bytes.HasPrefix(data, []byte("gitdir: ")) {
				return true
			}
		case e.kind&fs.ModeSymlink != 0:
			return true
		}
	}
	return false
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
