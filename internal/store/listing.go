package store

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A folder that was fetched is kept as a listing: a line for each file and
// symlink, sorted by path, that says what it holds. The listing's digest is the
// folder's. Names are looked up in the listing and never on a disk, so that
// nothing that a file system makes of a name matters.
//
//	scantling folder 1
//	file <sha256> <bytes> <path>
//	link <target> <path>
//	large <bytes> <path>
//
// The fields are separated by tabs, which no name holds.
const listingHead = "scantling folder 1\n"

const (
	maxListing  = 32 << 20
	maxEntries  = 100000
	maxDepth    = 256
	maxSymlinks = 40 // as many as Linux follows
)

// item is a file, folder or symlink of a listing.
type item struct {
	path   string
	mode   fs.FileMode // its type alone
	digest string      // of a file; empty if it was too large to keep
	size   int64
	target string // of a symlink
}

type listing struct {
	items    map[string]*item
	children map[string][]*item // by folder, sorted by name
}

// newListing makes a listing of files and symlinks. It refuses names that don't
// make a tree.
func newListing(items []*item) (*listing, error) {
	if len(items) > maxEntries {
		return nil, fmt.Errorf("more than %d files", maxEntries)
	}
	l := &listing{items: map[string]*item{".": {path: ".", mode: fs.ModeDir}}, children: map[string][]*item{}}
	for _, it := range items {
		if !safePath(it.path) || strings.Count(it.path, "/") >= maxDepth {
			return nil, fmt.Errorf("a file is named %q, and such a name is not kept", clip(it.path))
		}
		if l.items[it.path] != nil {
			return nil, fmt.Errorf("%q is there twice", clip(it.path))
		}
		if err := l.parents(it.path); err != nil {
			return nil, err
		}
		l.items[it.path] = it
	}
	for _, it := range l.items {
		if it.path != "." {
			dir := path.Dir(it.path)
			l.children[dir] = append(l.children[dir], it)
		}
	}
	for _, c := range l.children {
		slices.SortFunc(c, func(a, b *item) int { return cmp.Compare(a.path, b.path) })
	}
	return l, nil
}

func (l *listing) parents(name string) error {
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		it := l.items[dir]
		switch {
		case it == nil:
			l.items[dir] = &item{path: dir, mode: fs.ModeDir}
		case it.mode.IsDir():
			return nil
		default:
			return fmt.Errorf("%q is a file and a folder", clip(dir))
		}
	}
}

// format writes the listing: the same content always gives the same bytes.
func (l *listing) format() []byte {
	var items []*item
	for _, it := range l.items {
		if !it.mode.IsDir() {
			items = append(items, it)
		}
	}
	slices.SortFunc(items, func(a, b *item) int { return cmp.Compare(a.path, b.path) })
	var out bytes.Buffer
	out.WriteString(listingHead)
	for _, it := range items {
		switch {
		case it.mode&fs.ModeSymlink != 0:
			fmt.Fprintf(&out, "link\t%s\t%s\n", it.target, it.path)
		case it.digest == "":
			fmt.Fprintf(&out, "large\t%d\t%s\n", it.size, it.path)
		default:
			fmt.Fprintf(&out, "file\t%s\t%d\t%s\n", strings.TrimPrefix(it.digest, digestPrefix), it.size, it.path)
		}
	}
	return out.Bytes()
}

var errListing = errors.New("it is no listing of a folder")

// parseListing reads what format wrote, and nothing else.
func parseListing(data []byte) (*listing, error) {
	body, ok := strings.CutPrefix(string(data), listingHead)
	if !ok || len(data) > maxListing {
		return nil, errListing
	}
	var items []*item
	for line := range strings.Lines(body) {
		if len(items) >= maxEntries {
			return nil, errListing
		}
		it, err := parseItem(strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
		if err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	l, err := newListing(items)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(l.format(), data) {
		return nil, errListing
	}
	return l, nil
}

func parseItem(fields []string) (*item, error) {
	it, size := &item{path: fields[len(fields)-1]}, ""
	switch {
	case len(fields) == 4 && fields[0] == "file":
		it.digest, size = digestPrefix+fields[1], fields[2]
		if _, err := digits(it.digest); err != nil {
			return nil, err
		}
	case len(fields) == 3 && fields[0] == "large":
		size = fields[1]
	case len(fields) == 3 && fields[0] == "link":
		it.mode, it.target = fs.ModeSymlink, fields[1]
		return it, checkText(it.target)
	default:
		return nil, errListing
	}
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil || n < 0 || it.digest != "" && n > MaxFileSize {
		return nil, errListing
	}
	it.size = n
	return it, nil
}

// resolve walks a name, which may hold "..", to what it leads to. Symlinks are
// followed within the listing.
func (l *listing) resolve(name string) (*item, error) {
	if name == "" {
		return nil, fs.ErrInvalid
	}
	if outsideName(name) {
		return nil, ErrOutside
	}
	at, todo := l.items["."], strings.Split(name, "/")
	for links := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		if part == "" || part == "." {
			continue
		}
		if !at.mode.IsDir() {
			return nil, fs.ErrNotExist
		}
		if part == ".." {
			if at.path == "." {
				return nil, ErrOutside
			}
			at = l.items[path.Dir(at.path)]
			continue
		}
		next := l.items[path.Join(at.path, part)]
		if next == nil {
			return nil, fs.ErrNotExist
		}
		if next.mode&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		if links++; links > maxSymlinks {
			return nil, errors.New("too many symlinks")
		}
		if outsideName(next.target) {
			return nil, ErrOutside
		}
		// The link's own name is replaced by its target.
		todo = append(strings.Split(next.target, "/"), todo...)
	}
	return at, nil
}

// outsideName says that a name is absolute, on any system.
func outsideName(name string) bool {
	return strings.HasPrefix(name, "/") || strings.HasPrefix(name, `\`) || len(name) > 1 && name[1] == ':'
}

// info describes an item, under the name by which it was asked for.
type info struct {
	name string
	*item
}

func (i info) Name() string               { return i.name }
func (i info) Size() int64                { return i.size }
func (i info) Type() fs.FileMode          { return i.mode }
func (i info) ModTime() time.Time         { return time.Time{} }
func (i info) IsDir() bool                { return i.mode.IsDir() }
func (i info) Sys() any                   { return nil }
func (i info) Info() (fs.FileInfo, error) { return i, nil }

func (i info) Mode() fs.FileMode {
	if i.mode.IsDir() {
		return i.mode | 0o755
	}
	return i.mode | 0o644
}
