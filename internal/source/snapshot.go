package source

import (
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// snapshot is what a walk over the work tree saw. From then on the tree answers
// from it what there is, of what kind and how large, so that nothing is looked at
// twice and all answers are of one moment; only contents are read from the disk.
type snapshot struct {
	folders map[string][]seenEntry
	// staged is the index that the walk went by; nil without one.
	staged *indexFile
	trust  func() *trust
}

func newSnapshot(t *worktree, read []*folderRead, staged *indexFile) *snapshot {
	s := &snapshot{folders: make(map[string][]seenEntry, len(read)), staged: staged}
	for _, d := range read {
		s.folders[d.name] = d.entries
	}
	if staged != nil { // the halves of a split index follow one another
		slices.SortStableFunc(staged.entries, func(a, b indexEntry) int { return strings.Compare(a.name, b.name) })
	}
	s.trust = sync.OnceValue(func() *trust { return newTrust(t, s) })
	return s
}

// entry gives what the walk saw of a name. It is nil for what was not there; folder
// says that the walk was in the folder and that it is known.
func (s *snapshot) entry(name string) (e *seenEntry, folder bool) {
	if s == nil {
		return nil, false
	}
	entries, ok := s.folders[path.Dir(name)]
	if !ok || name == "." {
		return nil, false
	}
	i, found := slices.BinarySearchFunc(entries, path.Base(name), func(e seenEntry, name string) int { return strings.Compare(e.name, name) })
	if !found {
		return nil, true
	}
	return &entries[i], true
}

// info describes a file as the walk saw it; nil if it did not look closely.
func (s *snapshot) info(name string) fs.FileInfo {
	e, _ := s.entry(name)
	if e == nil || !e.known || e.inode.mode == 0 || !e.kind.IsRegular() {
		return nil
	}
	return seenInfo{e}
}

// seenInfo describes a file of a snapshot.
type seenInfo struct{ entry *seenEntry }

func (i seenInfo) Name() string       { return i.entry.name }
func (i seenInfo) Size() int64        { return i.entry.inode.size }
func (i seenInfo) Mode() fs.FileMode  { return fs.FileMode(i.entry.inode.mode & 0o777) }
func (i seenInfo) ModTime() time.Time { return i.entry.inode.mtime.time() }
func (i seenInfo) IsDir() bool        { return false }
func (i seenInfo) Sys() any           { return nil }
func (i seenInfo) String() string     { return fs.FormatFileInfo(i) }

// seenDirEntry is an entry of a folder of a snapshot.
type seenDirEntry struct {
	tree  *worktree
	dir   string
	entry *seenEntry
}

func (e seenDirEntry) Name() string      { return e.entry.name }
func (e seenDirEntry) IsDir() bool       { return e.entry.kind.IsDir() }
func (e seenDirEntry) Type() fs.FileMode { return e.entry.kind }
func (e seenDirEntry) String() string    { return fs.FormatDirEntry(e) }

func (e seenDirEntry) Info() (fs.FileInfo, error) {
	name := join(e.dir, e.entry.name)
	info, err := e.tree.stat(name)
	if err != nil {
		return nil, pathError("stat", name, err)
	}
	return info, nil
}

// trust tells the content of files that git looked at and that were not touched
// since. That git takes them for unchanged is not enough: the digest must be that
// of the bytes on the disk, and the index has the id of what git would store.
//
// Both are the same if
//   - the file's inode, size, and times of change (mtime, and ctime, which no
//     program can set) are those that the index has of it: it was not written to
//     since git read or wrote it,
//   - both times lie before that of the index, else it may have been written to
//     again within the same tick of the clock (git's "racy" files),
//   - the object has as many bytes as the file: line ends, $Id$ and Git LFS, which
//     make another content of it, also make it longer or shorter, whichever
//     configuration and attributes there were when git wrote the file, and whoever
//     set them,
//   - no attributes of the repository name a filter or an encoding for it, which
//     could keep the length.
//
// What is left is a filter that keeps the length of what it changes, and is named
// outside of the repository or was in a commit that was checked out before.
//
// The bits of the index that tell git to look away (assume unchanged, skip
// worktree, fsmonitor) are not believed.
type trust struct {
	staged      *indexFile
	objects     func() (*objects, error) // opened when a size is asked for
	conversions *conversions
}

// newTrust is nil if nothing can be trusted.
func newTrust(w *worktree, s *snapshot) *trust {
	if s.staged == nil || w.repo.git.config.unreadable() != nil || runtime.GOOS == "windows" {
		return nil
	}
	c, err := s.conversions(w)
	if err != nil {
		return nil
	}
	return &trust{s.staged, w.repo.objects, c}
}

// id gives the id of a file as the walk saw it, if it is known.
func (t *trust) id(name string, seen *inode) (objectID, bool) {
	id, ok := t.stored(name, seen)
	if !ok {
		return id, false
	}
	objects, err := t.objects()
	if err != nil {
		return id, false
	}
	size, err := objects.size(id)
	return id, err == nil && size == seen.size
}

// stored gives the id of what git stores of a file as the walk saw it. It is that of
// the file itself if it has the same size.
func (t *trust) stored(name string, seen *inode) (id objectID, ok bool) {
	if t == nil {
		return id, false
	}
	e := t.staged.find(name)
	if e == nil || seen.size > MaxFileSize || !e.describes(seen) || !seen.mtime.before(t.staged.written) || !seen.ctime.before(t.staged.written) || t.conversions.of(name) {
		return id, false
	}
	copy(id[:], e.id)
	return id, true
}

// describes says that the entry was made of this file as it is.
func (e *indexEntry) describes(seen *inode) bool {
	const regular, kind = 0o100000, 0o170000
	s := &e.stat
	return e.stage == 0 && !e.intended && e.kind() == regular && seen.mode&kind == regular &&
		s.size == uint32(seen.size) && s.ino == uint32(seen.ino) && s.ino != 0 &&
		sameInstant(seen.mtime, s.mtime, s.mtimeNsec) && sameInstant(seen.ctime, s.ctime, s.ctimeNsec)
}

// sameInstant compares with a time of the index. One without a fraction, as some
// programs write it, says too little.
func sameInstant(seen instant, sec, nsec uint32) bool {
	return uint32(seen.sec) == sec && uint32(seen.nsec) == nsec
}

// find is the entry of a file, nil if there is none or if it is in conflict.
func (f *indexFile) find(name string) *indexEntry {
	i, ok := slices.BinarySearchFunc(f.entries, name, func(e indexEntry, name string) int { return strings.Compare(e.name, name) })
	if !ok || f.entries[i].stage != 0 {
		return nil
	}
	return &f.entries[i]
}
