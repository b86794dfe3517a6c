package source

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

var (
	errChanged = errors.New("was changed by another program while it was read; run this again")
	errCrowded = &because{"holds more than 1,000,000 entries", ErrTooMany}
)

// openExact opens the file or folder name in dir, and fails if that is by now
// another than before describes. os.Root follows symlinks that stay in dir,
// whatever flags it is given: only the comparison shows that none was put there
// since the look.
func openExact(dir *os.Root, name string, before fs.FileInfo) (*os.File, fs.FileInfo, error) {
	f, err := dir.OpenFile(name, openFlags, 0)
	if err != nil {
		return nil, nil, diskError(err)
	}
	info, err := f.Stat()
	if err == nil && (!os.SameFile(before, info) || info.Mode().Type() != before.Mode().Type()) {
		err = errChanged
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// openRegular opens a regular file below one of git's own folders. Symlinks
// inside of it are followed, as git does, and none that leads out. Nothing else
// is opened: a named pipe would wait for a writer, and a device may already do
// something.
func openRegular(dir *os.Root, name string) (*os.File, fs.FileInfo, error) {
	name = filepath.FromSlash(name)
	before, err := dir.Stat(name)
	switch {
	case err != nil:
		return nil, nil, diskError(err)
	case before.IsDir():
		return nil, nil, errFolder
	case !before.Mode().IsRegular():
		return nil, nil, ErrSpecial
	}
	return openExact(dir, name, before)
}

// readIn reads a regular file below one of git's own folders, if it has no more
// than the given number of bytes.
func readIn(dir *os.Root, name string, most int64) ([]byte, error) {
	f, info, err := openRegular(dir, name)
	if err != nil {
		return nil, pathError("read", name, err)
	}
	defer f.Close()
	if info.Size() > most {
		return nil, pathError("read", name, errLarge)
	}
	data, err := readBounded(f, info.Size(), most)
	if errors.Is(err, ErrTooLarge) {
		err = errLarge
	}
	if err != nil {
		return nil, pathError("read", name, err)
	}
	return data, nil
}

// errLarge is about git's own files, whose limits are not MaxFileSize.
var errLarge = errors.New("is larger than any that git writes")

// namesIn lists a folder below one of git's own, sorted. One that is missing
// holds nothing.
func namesIn(dir *os.Root, name string) ([]string, error) {
	name = filepath.FromSlash(name)
	before, err := dir.Stat(name)
	if err = diskError(err); errors.Is(err, fs.ErrNotExist) || err == nil && !before.IsDir() {
		return nil, nil
	}
	if err != nil {
		return nil, pathError("list", name, err)
	}
	f, _, err := openExact(dir, name, before)
	if err != nil {
		return nil, pathError("list", name, err)
	}
	defer f.Close()
	names, err := f.Readdirnames(maxEntries + 1)
	if err != nil && err != io.EOF {
		return nil, pathError("list", name, err)
	}
	if len(names) > maxEntries {
		return nil, pathError("list", name, errCrowded)
	}
	slices.Sort(names)
	return names, nil
}

// diskError makes what systems answer for "there is no such thing" one error.
func diskError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG):
		return fs.ErrNotExist
	case errors.Is(err, syscall.ELOOP):
		return ErrLoop
	}
	return err
}

// readBounded reads to the end, which may be further than size by now, but not
// further than most.
func readBounded(r io.Reader, size, most int64) ([]byte, error) {
	// One more than the size, so that the end is met without growing.
	data := make([]byte, 0, min(size, most)+1)
	for {
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if int64(len(data)) > most {
			return nil, ErrTooLarge
		}
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
		if len(data) == cap(data) {
			data = slices.Grow(data, int(min(int64(cap(data))+512, most+1-int64(len(data)))))
		}
	}
}
