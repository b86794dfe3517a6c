package source

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// folderRead is a folder of the work tree as the walk read it.
type folderRead struct {
	name    string
	entries []seenEntry // sorted by name
	// file is the folder itself, so that what is in it can be looked at without
	// a way to it; nil if the entries were looked at already.
	file  *os.File
	depth int // folders above it that are open
}

// seenEntry is what the walk saw of an entry. Of one that is not listed it knows
// no more than the kind.
type seenEntry struct {
	name  string
	kind  fs.FileMode // fs.FileMode.Type
	known bool        // the rest is there
	inode inode
}

// inode is what tells that a file was not changed, as git takes it.
type inode struct {
	mode         uint32 // as the system has it; 0 where it has none
	size         int64
	ino          uint64
	mtime, ctime instant
}

// instant is a time as file systems have it.
type instant struct{ sec, nsec int64 }

func instantOf(t time.Time) instant { return instant{t.Unix(), int64(t.Nanosecond())} }

func (i instant) before(j instant) bool {
	return i.sec < j.sec || i.sec == j.sec && i.nsec < j.nsec
}

func (i instant) time() time.Time { return time.Unix(i.sec, i.nsec) }

func (d *folderRead) close() {
	if d.file != nil {
		d.file.Close()
	}
}

func (d *folderRead) sort() {
	slices.SortFunc(d.entries, func(a, b seenEntry) int { return strings.Compare(a.name, b.name) })
}

// entry is the entry of a name, nil if there is none.
func (d *folderRead) entry(name string) *seenEntry {
	i, ok := slices.BinarySearchFunc(d.entries, name, func(e seenEntry, name string) int { return strings.Compare(e.name, name) })
	if !ok {
		return nil
	}
	return &d.entries[i]
}

// openFolder reads a folder by its path, with all that the system says of its
// entries.
func (w *walker) openFolder(name string) (*folderRead, error) {
	infos, err := w.tree.list(name)
	if err != nil {
		return nil, err
	}
	d := &folderRead{name: name, entries: make([]seenEntry, len(infos))}
	for i, info := range infos {
		d.entries[i] = seenEntry{name: info.Name(), kind: info.Mode().Type(), known: true, inode: inode{
			size: info.Size(), mtime: instantOf(info.ModTime()),
		}}
	}
	return d, nil
}
