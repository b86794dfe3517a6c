package source

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
)

const maxIndexFile = 1 << 30 // some ten million entries

// tracked is what the index says: sorted names, and which are submodules.
type tracked struct {
	names      []string
	submodules map[string]bool
}

// readIndex reads the index in a git folder; one that is missing is empty, as
// git has it after init.
func readIndex(gitDir string) (tracked, error) {
	data, err := readSmall(filepath.Join(gitDir, "index"), maxIndexFile)
	if errors.Is(err, fs.ErrNotExist) {
		return tracked{}, nil
	}
	if err == nil {
		var t tracked
		if t, err = decodeIndex(data); err == nil {
			return t, nil
		}
	}
	return tracked{}, fmt.Errorf("read the git index: %w", err)
}

var errIndexEnds = errors.New("it ends too early; `rm .git/index` and `git reset` make a new one")

// decodeIndex reads an index of version 2, 3 or 4, of which only the names and
// the kind of the entries are wanted. go-git's decoder, which takes ten times as
// long, refuses the index of a sparse checkout and one without a checksum
// (index.skipHash).
func decodeIndex(data []byte) (t tracked, err error) {
	const header, fixed = 12, 62 // of the file; of an entry, to its name
	if len(data) < header+sha1.Size {
		return t, errIndexEnds
	}
	if string(data[:4]) != "DIRC" {
		return t, errors.New("it is no index; `rm .git/index` and `git reset` make a new one")
	}
	body, sum := data[:len(data)-sha1.Size], data[len(data)-sha1.Size:]
	if got := sha1.Sum(body); !bytes.Equal(got[:], sum) && !bytes.Equal(sum, make([]byte, sha1.Size)) {
		return t, errors.New("its checksum is wrong; `rm .git/index` and `git reset` make a new one")
	}
	version := binary.BigEndian.Uint32(data[4:])
	if version < 2 || version > 4 {
		return t, fmt.Errorf("it has version %d, and only 2 to 4 can be read; `git update-index --index-version 4` changes it", version)
	}
	count := int64(binary.BigEndian.Uint32(data[8:]))
	if count > int64(len(body)/fixed) {
		return t, errIndexEnds
	}
	t.names = make([]string, 0, count)
	t.submodules = map[string]bool{}
	rest, last := body[header:], []byte(nil)
	for range count {
		if len(rest) < fixed+2 {
			return t, errIndexEnds
		}
		mode := binary.BigEndian.Uint32(rest[24:])
		at := fixed
		if version >= 3 && rest[60]&0x40 != 0 { // a second word of flags
			at += 2
		}
		var name []byte
		if version == 4 {
			// The name is that of the entry before, less some bytes at its end,
			// plus those that follow.
			cut, n := offset(rest[at:])
			end := bytes.IndexByte(rest[at+n:], 0)
			if n == 0 || end < 0 || cut > len(last) {
				return t, errIndexEnds
			}
			name = slices.Concat(last[:len(last)-cut], rest[at+n:at+n+end])
			rest = rest[at+n+end+1:]
			last = name
		} else {
			end := bytes.IndexByte(rest[at:], 0)
			if end < 0 {
				return t, errIndexEnds
			}
			name = rest[at : at+end]
			// At least one zero, and as many as fill up eight bytes.
			if size := (at + end + 8) &^ 7; size <= len(rest) {
				rest = rest[size:]
			} else {
				return t, errIndexEnds
			}
		}
		switch mode & 0o170000 {
		case 0o160000:
			t.submodules[string(name)] = true
		case 0o040000:
			// A folder outside of a sparse checkout: nothing in it is on the disk.
		default:
			t.names = append(t.names, string(name))
		}
	}
	// Of the extensions, those in lower case change what the entries mean.
	for len(rest) >= 8 {
		name, size := string(rest[:4]), int64(binary.BigEndian.Uint32(rest[4:]))
		switch {
		case name == "link":
			return tracked{}, errors.New("it is split in two; `git update-index --no-split-index` makes it one")
		case name != "sdir" && (name[0] < 'A' || name[0] > 'Z'):
			return tracked{}, fmt.Errorf("it has the extension %q, which is not supported", name)
		case size > int64(len(rest)-8):
			return tracked{}, errIndexEnds
		}
		rest = rest[8+size:]
	}
	slices.Sort(t.names)
	// A file in conflict has an entry for each side.
	t.names = slices.Compact(t.names)
	return t, nil
}

// offset reads a number as git's varint.c writes it, and its length, 0 if it
// has no end or no name is so long.
func offset(data []byte) (value, n int) {
	for n < len(data) && n < 4 {
		c := data[n]
		n++
		value += int(c & 0x7f)
		if c&0x80 == 0 {
			return value, n
		}
		value = (value + 1) << 7
	}
	return 0, 0
}
