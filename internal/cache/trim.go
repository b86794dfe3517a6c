package cache

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// journal is the file to which each run adds how much it wrote. To count what is
// there means to list all, which most runs are spared.
const (
	journal    = "written"
	maxJournal = 1 << 16
)

// occupied is what a file takes of the disk, roughly: whole blocks. It bounds the
// number of small entries, too.
func occupied(size int64) int64 {
	const block = 4 << 10
	return (size + block - 1) / block * block
}

// account notes what was written. When that is an eighth of the maximal size since
// the last time, all is counted and what is too much removed.
func (c *Cache) account(root *os.Root, written int64) {
	before, ok := readJournal(root)
	if ok && before+written <= c.maxSize/8 {
		if appendJournal(root, written) == nil {
			return
		}
	}
	// Who removes the journal trims. Without one nobody knows how much there is.
	if err := root.Remove(journal); ok && errors.Is(err, fs.ErrNotExist) {
		return
	}
	c.trim(root)
	_ = appendJournal(root, 0)
}

// readJournal adds up what was written. ok is false where that is not known.
func readJournal(root *os.Root) (sum int64, ok bool) {
	info, err := root.Lstat(journal)
	if err != nil {
		return 0, false
	}
	data, err := readRegular(root, journal, info, maxJournal)
	if err != nil || !bytes.HasSuffix(data, []byte("\n")) {
		return 0, false
	}
	for line := range bytes.Lines(data) {
		n, err := strconv.ParseInt(string(bytes.TrimSuffix(line, []byte("\n"))), 10, 48)
		if err != nil || n < 0 {
			return 0, false
		}
		sum += n
	}
	return sum, true
}

// appendJournal adds a line; several processes may at once.
func appendJournal(root *os.Root, n int64) error {
	f, err := root.OpenFile(journal, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(strconv.FormatInt(n, 10) + "\n")
	return errors.Join(err, f.Close())
}

// abandoned is the age from which a file that is being written is taken for one of
// a process that was killed.
const abandoned = time.Hour

// trim removes what killed processes left, and the entries that were not used for
// longest until three quarters of the maximal size are left, if there is more than
// seven eighths of it.
func (c *Cache) trim(root *os.Root) {
	var all []file
	var total int64
	now := time.Now()
	for _, kind := range Kinds() {
		files, err := list(root, kind)
		if err != nil {
			continue
		}
		for _, f := range files {
			if f.temporary && now.Sub(f.used) > abandoned {
				_ = root.Remove(f.name)
				continue
			}
			total += occupied(f.size)
			if !f.temporary {
				all = append(all, f)
			}
		}
	}
	if total <= c.maxSize/8*7 {
		return
	}
	slices.SortFunc(all, func(a, b file) int { return a.used.Compare(b.used) })
	for _, f := range all {
		if total <= c.maxSize/4*3 {
			return
		}
		if root.Remove(f.name) == nil {
			total -= occupied(f.size)
		}
	}
}

// file is a file of the cache.
type file struct {
	name      string // with the kind's folder
	size      int64
	used      time.Time
	temporary bool
}

// list gives the files of a kind that are the cache's. What else lies there is
// somebody else's.
func list(root *os.Root, kind Kind) ([]file, error) {
	folder, err := openKind(root, kind)
	if err != nil {
		return nil, err
	}
	defer func() { _ = folder.Close() }()
	dir, err := folder.Open(".")
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, name := range names {
		temporary := strings.HasPrefix(name, newPrefix)
		if !temporary && !isKey(name) {
			continue
		}
		info, err := folder.Lstat(name)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		files = append(files, file{string(kind) + "/" + name, info.Size(), info.ModTime(), temporary})
	}
	return files, nil
}

func isKey(name string) bool {
	if len(name) != 2*len(Key{}) {
		return false
	}
	key, err := hex.DecodeString(name)
	return err == nil && hex.EncodeToString(key) == name
}
