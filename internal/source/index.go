package source

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"slices"
)

const (
	maxIndexFile  = 256 << 20 // two million entries
	maxIndexNames = 256 << 20 // bytes: version 4 repeats no beginnings, and 64 MB of it can mean terabytes
)

// tracked is what the index says: sorted names, and which are submodules.
type tracked struct {
	names      []string
	submodules map[string]bool
}

// indexFile is an index with the time of its last change, which tells what was
// changed after it.
type indexFile struct {
	index
	written instant
}

// readIndex reads the index in a git folder; one that is missing is empty, as
// git has it after init. format is the hash that the repository uses.
func readIndex(dir *os.Root, format string) (*indexFile, error) {
	// Looked at before it is read: of one that is replaced meanwhile, less is
	// believed.
	info, err := dir.Stat("index")
	if errors.Is(diskError(err), fs.ErrNotExist) {
		return &indexFile{}, nil
	}
	var idx index
	if err == nil {
		idx, err = loadIndex(dir, "index", format)
	}
	if err != nil {
		return nil, fmt.Errorf("read the git index: %w", err)
	}
	return &indexFile{idx, instantOf(info.ModTime())}, nil
}

// loadIndex reads an index of the given name, both halves of one that is split.
func loadIndex(dir *os.Root, name, format string) (index, error) {
	data, err := readIn(dir, name, maxIndexFile)
	if errors.Is(err, fs.ErrNotExist) {
		return index{}, nil
	}
	if err != nil {
		return index{}, err
	}
	return parseIndex(dir, data, format)
}

// parseIndex reads an index of which the other half, if it is split, lies in dir.
func parseIndex(dir *os.Root, data []byte, format string) (index, error) {
	hash, ok := map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New}[format]
	if !ok {
		return index{}, fmt.Errorf("the repository names its objects by %s, which is not supported", format)
	}
	idx, err := decodeIndex(data, hash())
	if err != nil || idx.shared == "" {
		return idx, err
	}
	if data, err = readIn(dir, "sharedindex."+idx.shared, maxIndexFile); err != nil {
		return index{}, fmt.Errorf("it is split, and its other half is lost: %w%s", err, mendIndex)
	}
	base, err := decodeIndex(data, hash())
	if err == nil {
		idx.entries, err = joinIndex(base, idx)
	}
	return idx, err
}

const mendIndex = "; `rm .git/index` and `git reset` make a new one"

var (
	errIndexEnds  = errors.New("it ends too early" + mendIndex)
	errIndexSplit = errors.New("its two halves do not fit together" + mendIndex)
	errIndexNames = errors.New("its names are longer than any that git tracks" + mendIndex)
)

// index is a decoded index file.
type index struct {
	entries []indexEntry

	// A split index holds what differs from a file sharedindex.<shared>: which
	// of its entries, by their place, are gone, and which are replaced by the
	// entries here that have no name, in order.
	shared            string
	removed, replaced []int
}

type indexEntry struct {
	name string
	mode uint32
	id   []byte // of the blob; of the tree for a folder, of the commit for a submodule
	// stage is 0, or which side of a conflict the entry is.
	stage uint8
	// intended says that only the name was added: git add --intent-to-add.
	intended bool
	// stat is what the system said of the file when git last compared it with
	// the entry. Of the numbers git keeps the lower 32 bits.
	stat struct{ ctime, ctimeNsec, mtime, mtimeNsec, ino, size uint32 }
}

// kind is the mode without the permissions.
func (e *indexEntry) kind() uint32 { return e.mode & 0o170000 }

const (
	kindFolder    = 0o040000 // outside of a sparse checkout
	kindSubmodule = 0o160000
)

// decodeIndex reads an index of version 2, 3 or 4, and one without a checksum
// (index.skipHash) and of a sparse checkout too.
func decodeIndex(data []byte, hash hash.Hash) (idx index, err error) {
	const header = 12
	if len(data) < header+hash.Size() {
		return idx, errIndexEnds
	}
	if string(data[:4]) != "DIRC" {
		return idx, errors.New("it is no index" + mendIndex)
	}
	body, sum := data[:len(data)-hash.Size()], data[len(data)-hash.Size():]
	hash.Write(body)
	if !bytes.Equal(hash.Sum(nil), sum) && !bytes.Equal(sum, make([]byte, len(sum))) {
		return idx, errors.New("its checksum is wrong" + mendIndex)
	}
	version := binary.BigEndian.Uint32(data[4:])
	if version < 2 || version > 4 {
		return idx, fmt.Errorf("it has version %d, and only 2 to 4 can be read; `git update-index --index-version 4` changes it", version)
	}
	count := binary.BigEndian.Uint32(data[8:])
	rest, err := idx.decodeEntries(body[header:], count, version, hash.Size())
	if err != nil {
		return index{}, err
	}
	// Of the extensions, those in lower case change what the entries mean.
	for len(rest) > 0 {
		if len(rest) < 8 {
			return index{}, errIndexEnds
		}
		name, size := string(rest[:4]), int64(binary.BigEndian.Uint32(rest[4:]))
		rest = rest[8:]
		if size > int64(len(rest)) {
			return index{}, errIndexEnds
		}
		switch {
		case name == "link":
			err = idx.decodeLink(rest[:size], hash.Size())
		case name != "sdir" && (name[0] < 'A' || name[0] > 'Z'):
			err = fmt.Errorf("it has the extension %q, which is not supported%s", name, mendIndex)
		}
		if err != nil {
			return index{}, err
		}
		rest = rest[size:]
	}
	return idx, nil
}

// decodeEntries reads the entries and gives what follows them.
func (idx *index) decodeEntries(rest []byte, count, version uint32, hashSize int) ([]byte, error) {
	fixed := 42 + hashSize // of an entry, to its name
	if int64(count) > int64(len(rest)/fixed) {
		return nil, errIndexEnds
	}
	idx.entries = make([]indexEntry, 0, count)
	total, last := 0, []byte(nil)
	for range count {
		if len(rest) < fixed+2 {
			return nil, errIndexEnds
		}
		e := indexEntry{mode: binary.BigEndian.Uint32(rest[24:]), id: rest[40 : 40+hashSize], stage: rest[fixed-2] >> 4 & 3}
		e.decodeStat(rest)
		at := fixed
		if version >= 3 && rest[fixed-2]&0x40 != 0 { // a second word of flags
			e.intended = rest[at]&0x20 != 0
			at += 2
		}
		cut, used := int64(len(last)), 0
		if version == 4 {
			// The name is that of the entry before, less some bytes at its end,
			// plus those that follow.
			if cut, used = offsetNumber(rest[at:]); used == 0 || cut < 0 || cut > int64(len(last)) {
				return nil, errIndexEnds
			}
			at += used
		}
		end := bytes.IndexByte(rest[at:], 0)
		if end < 0 {
			return nil, errIndexEnds
		}
		name := slices.Concat(last[:int64(len(last))-cut], rest[at:at+end])
		size := at + end + 1
		if version < 4 {
			// At least one zero, and as many as fill up eight bytes.
			if size = (at + end + 8) &^ 7; size > len(rest) {
				return nil, errIndexEnds
			}
		} else {
			last = name
		}
		if total += len(name); total > maxIndexNames {
			return nil, errIndexNames
		}
		e.name = string(name)
		idx.entries = append(idx.entries, e)
		rest = rest[size:]
	}
	return rest, nil
}

func (e *indexEntry) decodeStat(data []byte) {
	word := func(i int) uint32 { return binary.BigEndian.Uint32(data[4*i:]) }
	s := &e.stat
	s.ctime, s.ctimeNsec, s.mtime, s.mtimeNsec, s.ino, s.size = word(0), word(1), word(2), word(3), word(5), word(9)
}

// decodeLink reads the extension of a split index.
func (idx *index) decodeLink(data []byte, hashSize int) (err error) {
	if len(data) < hashSize {
		return errIndexEnds
	}
	if !bytes.Equal(data[:hashSize], make([]byte, hashSize)) {
		idx.shared = hex.EncodeToString(data[:hashSize])
	}
	if data = data[hashSize:]; len(data) == 0 {
		return nil
	}
	if idx.removed, data, err = decodeBitmap(data); err == nil {
		idx.replaced, _, err = decodeBitmap(data)
	}
	return err
}

// decodeBitmap reads the places of the bits that are set in a bitmap as git's
// ewah_io.c writes it: words that stand for some that are all alike, each
// followed by words as they are.
func decodeBitmap(data []byte) (set []int, rest []byte, err error) {
	if len(data) < 8 {
		return nil, nil, errIndexEnds
	}
	bits, words := int64(binary.BigEndian.Uint32(data)), int64(binary.BigEndian.Uint32(data[4:]))
	data = data[8:]
	if words*8+4 > int64(len(data)) || bits > maxIndexFile {
		return nil, nil, errIndexEnds
	}
	at := int64(0)
	for words > 0 {
		head := binary.BigEndian.Uint64(data)
		data, words = data[8:], words-1
		run, plain := int64(head>>1&0xffffffff), int64(head>>33)
		if plain > words || run > bits/64+1 {
			return nil, nil, errIndexEnds
		}
		for range run * 64 {
			if head&1 != 0 && at < bits {
				set = append(set, int(at))
			}
			at++
		}
		for range plain {
			word := binary.BigEndian.Uint64(data)
			data, words = data[8:], words-1
			for b := range 64 {
				if word>>b&1 != 0 {
					set = append(set, int(at)+b)
				}
			}
			at += 64
		}
	}
	return set, data[4:], nil // four bytes for who wants to write on
}

// joinIndex puts the halves of a split index together.
func joinIndex(base, over index) ([]indexEntry, error) {
	if base.shared != "" {
		return nil, errIndexSplit
	}
	gone := make([]bool, len(base.entries))
	for _, i := range over.removed {
		if i >= len(gone) {
			return nil, errIndexSplit
		}
		gone[i] = true
	}
	more := over.entries
	for _, i := range over.replaced {
		if i >= len(gone) || len(more) == 0 || more[0].name != "" {
			return nil, errIndexSplit
		}
		name := base.entries[i].name
		base.entries[i] = more[0]
		base.entries[i].name = name
		more = more[1:]
	}
	var entries []indexEntry
	for i, e := range base.entries {
		if !gone[i] {
			entries = append(entries, e)
		}
	}
	for _, e := range more {
		if e.name == "" {
			return nil, errIndexSplit
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func (idx *index) tracked() tracked {
	t := tracked{names: make([]string, 0, len(idx.entries)), submodules: map[string]bool{}}
	for _, e := range idx.entries {
		switch e.kind() {
		case kindSubmodule:
			t.submodules[e.name] = true
		case kindFolder:
			// Nothing in it is on the disk.
		default:
			t.names = append(t.names, e.name)
		}
	}
	slices.Sort(t.names)
	// A file in conflict has an entry for each side.
	t.names = slices.Compact(t.names)
	return t
}
