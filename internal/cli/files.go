package cli

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mattn/go-isatty"
)

func statFile(name string) (fs.FileInfo, error) { return os.Stat(name) }

func readFile(name string) ([]byte, error) { return os.ReadFile(name) }

// colourful says that colour may be written: to a terminal, unless NO_COLOR is
// set (no-color.org).
func colourful(w io.Writer) bool {
	if o, ok := w.(*output); ok {
		w = o.file
	}
	f, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isatty.IsTerminal(f.Fd())
}

// reportFile is where a report that was given a file's name goes, with the
// symbolic links on the way followed. Links in the repository are refused: a
// pull request may have put them there, to have some other file overwritten.
func reportFile(root, name string) (string, error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return "", err
	}
	volume := filepath.VolumeName(abs)
	at, rest := volume+string(filepath.Separator), strings.Split(strings.Trim(abs[len(volume):], string(filepath.Separator)), string(filepath.Separator))
	for i, element := range rest {
		next := filepath.Join(at, element)
		info, err := os.Lstat(next)
		switch {
		case errors.Is(err, fs.ErrNotExist) && i == len(rest)-1:
			return next, nil
		case err != nil:
			return "", err
		case inside(root, at) && info.Mode()&fs.ModeSymlink != 0:
			return "", fmt.Errorf("%s is a symbolic link in the repository, and such a link is not written through: name another file", name)
		case inside(root, at) && !info.IsDir() && !info.Mode().IsRegular():
			return "", fmt.Errorf("%s is a special file in the repository: name another file", name)
		case info.Mode()&fs.ModeSymlink != 0:
			if next, err = filepath.EvalSymlinks(next); err != nil {
				if i == len(rest)-1 && isStream(filepath.Join(at, element)) {
					return filepath.Join(at, element), nil
				}
				return "", err
			}
		}
		at = next
	}
	if info, err := os.Stat(at); err == nil && info.IsDir() {
		return "", fmt.Errorf("%s is a directory: name a file", name)
	}
	return at, nil
}

// inside says that a path is a folder or lies in it.
func inside(dir, name string) bool {
	rel, err := filepath.Rel(dir, name)
	return err == nil && filepath.IsLocal(rel)
}

// isStream says that a file can be written to but not replaced: a pipe, a
// terminal or another device.
func isStream(name string) bool {
	info, err := os.Stat(name)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// writeFile replaces a file in one step, so that a report is whole or not
// there. A stream, such as /dev/stderr, is written to as it is.
func writeFile(name string, data []byte) error {
	if isStream(name) {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		if _, err := f.Write(data); err != nil {
			_ = f.Close()
			return err
		}
		return f.Close()
	}
	// os.CreateTemp would make a file that nobody else can read.
	temporary := filepath.Join(filepath.Dir(name), ".scantling-"+rand.Text())
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary) }()
	if _, err := f.Write(data); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(temporary, name)
}

// rewriteFile replaces a file of the repository in one step, so that it is whole at any
// time and no copy of what it held is made. It keeps its mode. Nothing is written if it
// is no longer what it was.
func rewriteFile(root *os.Root, name string, before, after []byte) error {
	info, err := root.Lstat(name)
	if err != nil {
		return err
	}
	now, err := root.ReadFile(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || !bytes.Equal(now, before) {
		return errors.New("it was changed while it was read: try again")
	}
	temporary := filepath.Join(filepath.Dir(name), ".scantling-"+rand.Text())
	f, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = root.Remove(temporary) }()
	_, err = f.Write(after)
	if err == nil {
		err = f.Chmod(info.Mode().Perm())
	}
	if err == nil {
		// Else a crash could leave an empty file in the place of the old one.
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return root.Rename(temporary, name)
}
