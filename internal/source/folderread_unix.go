//go:build linux || darwin || freebsd

package source

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// maxOpenFolders is how deep the walk keeps the folders that it is in open. Below,
// each is opened by its path.
const maxOpenFolders = 64

// openFolderAt reads a folder that lies in another one. The system is told to open
// a folder that is no symlink, so that nothing has to be compared with what was
// there before: five system calls a folder, where os.Root needs twelve.
func (w *walker) openFolderAt(parent *folderRead, name, base string) (*folderRead, error) {
	if parent == nil || parent.file == nil || parent.depth >= maxOpenFolders {
		return w.openFolder(name)
	}
	fd, err := unix.Openat(int(parent.file.Fd()), base, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	for errors.Is(err, unix.EINTR) {
		fd, err = unix.Openat(int(parent.file.Fd()), base, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	}
	switch {
	case errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP), errors.Is(err, unix.EMLINK):
		return nil, errChanged // it was a folder when it was listed
	case err != nil:
		return nil, diskError(err)
	}
	file := os.NewFile(uintptr(fd), filepath.Join(w.tree.repo.root, filepath.FromSlash(name)))
	d := &folderRead{name: name, file: file, depth: parent.depth + 1}
	if err := d.read(); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// openTop reads the root of the work tree.
func (w *walker) openTop() (*folderRead, error) {
	file, err := w.tree.repo.dir.OpenFile(".", unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, diskError(err)
	}
	defer file.Close()
	// One that package os did not open in an os.Root, which would have it look at
	// every entry.
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	d := &folderRead{name: ".", file: os.NewFile(uintptr(fd), w.tree.repo.root)}
	if err := d.read(); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *folderRead) read() error {
	entries, err := d.file.ReadDir(maxEntries + 1)
	if err != nil && err != io.EOF {
		return diskError(err)
	}
	if len(entries) > maxEntries {
		return errCrowded
	}
	d.entries = make([]seenEntry, len(entries))
	for i, e := range entries {
		d.entries[i] = seenEntry{name: e.Name(), kind: e.Type()}
	}
	d.sort()
	return nil
}

// look completes an entry with what the system says of it now.
func (d *folderRead) look(e *seenEntry) error {
	if d.file == nil || e.known {
		return nil
	}
	var st unix.Stat_t
	err := unix.Fstatat(int(d.file.Fd()), e.name, &st, unix.AT_SYMLINK_NOFOLLOW)
	for errors.Is(err, unix.EINTR) {
		err = unix.Fstatat(int(d.file.Fd()), e.name, &st, unix.AT_SYMLINK_NOFOLLOW)
	}
	if err != nil {
		return diskError(err)
	}
	e.kind, e.known = kindOfMode(uint32(st.Mode)), true
	e.inode = inode{
		mode: uint32(st.Mode), size: st.Size, ino: st.Ino,
		mtime: instant{int64(st.Mtim.Sec), int64(st.Mtim.Nsec)}, ctime: instant{int64(st.Ctim.Sec), int64(st.Ctim.Nsec)},
	}
	return nil
}

func kindOfMode(mode uint32) fs.FileMode {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return 0
	case unix.S_IFDIR:
		return fs.ModeDir
	case unix.S_IFLNK:
		return fs.ModeSymlink
	case unix.S_IFIFO:
		return fs.ModeNamedPipe
	case unix.S_IFSOCK:
		return fs.ModeSocket
	case unix.S_IFBLK:
		return fs.ModeDevice
	case unix.S_IFCHR:
		return fs.ModeDevice | fs.ModeCharDevice
	}
	return fs.ModeIrregular
}
