package source

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

const (
	maxLinks = 40   // as many as Linux follows
	maxDepth = 1024 // components of a path; git stops at 2048
	maxPath  = 4096 // bytes of a path, as Linux has it
)

var (
	errFolder  = &because{"is a folder", fs.ErrInvalid}
	errNoFold  = &because{"is not a folder", fs.ErrInvalid}
	errNoLink  = &because{"is not a symlink", fs.ErrInvalid}
	errTooDeep = &because{"nested more than 1024 folders deep", fs.ErrInvalid}

	errLongPath = &because{"has a path of more than 4096 bytes", fs.ErrInvalid}
)

// because says in its own words what an error of package fs says too broadly.
type because struct {
	text string
	err  error
}

func (b *because) Error() string { return b.text }
func (b *because) Unwrap() error { return b.err }

// disk is what the resolver knows of a tree. The names that it passes lead
// through folders only, never through symlinks, and are free of "..".
type disk interface {
	kind(name string) (fs.FileMode, error) // of the entry itself: fs.FileMode.Type
	link(name string) (string, error)      // the target of a symlink, with slashes
}

// resolve walks name component by component and returns where it leads and
// what is there. It is the only place that follows symlinks. With follow false
// the last component is not followed.
//
// A component that should be a folder and is a file gives fs.ErrNotExist, as a
// missing one: both mean that there is nothing of that name.
func resolve(d disk, name string, follow bool) (string, fs.FileMode, error) {
	if name == "" {
		return "", 0, fs.ErrInvalid
	}
	if absolute(name) {
		return "", 0, ErrOutside
	}
	cur, mode := ".", fs.ModeDir
	todo := components(name)
	links, depth := 0, 0
	for len(todo) > 0 {
		comp := todo[0]
		todo = todo[1:]
		if !mode.IsDir() {
			return "", 0, fs.ErrNotExist
		}
		if comp == ".." {
			if cur == "." {
				return "", 0, ErrOutside
			}
			cur = path.Dir(cur)
			depth--
			continue
		}
		if isDotGit(comp) {
			return "", 0, fs.ErrNotExist
		}
		if depth++; depth > maxDepth {
			return "", 0, errTooDeep
		}
		next := join(cur, comp)
		m, err := d.kind(next)
		if err != nil {
			return "", 0, err
		}
		if m&fs.ModeSymlink != 0 && (follow || len(todo) > 0) {
			if links++; links > maxLinks {
				return "", 0, ErrLoop
			}
			target, err := d.link(next)
			if err != nil {
				return "", 0, err
			}
			if absolute(target) {
				return "", 0, ErrOutside
			}
			if target == "" {
				return "", 0, fs.ErrNotExist
			}
			// The link's own name is replaced by its target; the rest of the
			// way goes on from there.
			todo = append(components(target), todo...)
			depth--
			continue
		}
		cur, mode = next, m
	}
	return cur, mode, nil
}

// components takes a path apart and drops what means "here".
func components(name string) []string {
	parts := strings.Split(name, "/")
	kept := parts[:0]
	for _, p := range parts {
		if p != "" && p != "." {
			kept = append(kept, p)
		}
	}
	return kept
}

// absolute also knows the absolute paths of Windows, on every system: a
// repository that is refused on one machine is refused on all.
func absolute(name string) bool {
	if strings.HasPrefix(name, "/") || strings.HasPrefix(name, `\`) {
		return true
	}
	if len(name) < 3 || name[1] != ':' || (name[2] != '/' && name[2] != '\\') {
		return false
	}
	c := name[0] | 0x20
	return 'a' <= c && c <= 'z'
}

func join(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "/" + name
}

// checkName refuses what io/fs calls an invalid path, telling the ways out of
// the repository from mere misspellings.
func checkName(name string) error {
	if fs.ValidPath(name) {
		return nil
	}
	if clean := path.Clean(name); absolute(name) || clean == ".." || strings.HasPrefix(clean, "../") {
		return ErrOutside
	}
	return fs.ErrInvalid
}

// pathError wraps err for a method of Tree and drops the wrapping of package
// os, whose paths are not those of the tree.
func pathError(op, name string, err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// isDotGit reports whether some file system takes name for .git: one that
// ignores case, NTFS with its short name, its streams and its trailing dots and
// blanks, or HFS+ with the characters that it does not see. Git refuses to
// track such names for the same reason: .git may hold the credentials of a
// continuous integration run.
func isDotGit(name string) bool {
	if name == "" || (name[0] != '.' && name[0]|0x20 != 'g' && name[0] < 0x80) {
		return false
	}
	name, _, _ = strings.Cut(name, ":")
	name = strings.TrimRight(strings.Map(dropUnseen, name), ". ")
	return strings.EqualFold(name, ".git") || strings.EqualFold(name, "git~1")
}

func dropUnseen(r rune) rune {
	switch {
	case r >= 0x200c && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x206a && r <= 0x206f, r == 0xfeff:
		return -1
	}
	return r
}
