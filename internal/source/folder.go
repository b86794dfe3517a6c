package source

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// folder is a decoded tree object.
type folder struct {
	entries []entry  // sorted by name
	left    []string // why an entry was left out, its name quoted
}

type entry struct {
	name string
	mode fs.FileMode // fs.ModeIrregular for a submodule
	id   objectID
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
func (o *objects) folder(id objectID) (*folder, error) {
	o.mu.Lock()
	f := o.folders[id]
	o.mu.Unlock()
	if f != nil {
		return f, nil
	}
	data, err := o.read(id, treeKind)
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

// maxName is in bytes; the file systems in use end at 255 characters.
const maxName = 1024

// decodeFolder reads a tree object. A name that no Tree can have is left out,
// and the rest stays.
func decodeFolder(data []byte) (*folder, error) {
	f := &folder{}
	for len(data) > 0 {
		mode, rest, ok := bytes.Cut(data, []byte(" "))
		name, rest, ok2 := bytes.Cut(rest, []byte{0})
		if !ok || !ok2 || len(rest) < len(objectID{}) {
			return nil, errors.New("it ends within an entry")
		}
		var e entry
		data = rest[copy(e.id[:], rest):]
		if len(f.entries)+len(f.left) >= maxEntries {
			return nil, errCrowded
		}
		if len(name) > maxName {
			f.left = append(f.left, fmt.Sprintf("holds %q…: the name has %d bytes", name[:60], len(name)))
			continue
		}
		e.name = string(name)
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
			f.left = append(f.left, fmt.Sprintf("holds %q: git knows no mode %.20q", e.name, mode))
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
