// Package source reads a repository: its work tree, or any of its commits, as
// one kind of read-only tree.
//
// Everything above works on a [Tree] and never on the disk, so that a file
// means the same wherever it comes from: symlinks are data that one resolver
// follows, nothing outside the repository and nothing of git's own folder can
// be opened, and equal bytes have equal digests.
//
// No program is started, no hook, filter or alias that a git configuration
// names is run, no environment variable such as GIT_DIR is read. Because
// filters are not run, a work tree file is given as it lies on the disk and a
// commit's file as git stores it: with core.autocrlf they differ in their line
// ends, and a file in Git LFS is its pointer in a commit.
package source

import (
	"errors"
	"io/fs"
)

// MaxFileSize is the most that is read of one file: 64 MiB. A larger one gives
// [ErrTooLarge].
const MaxFileSize = 64 << 20

// The errors that a [Tree] tells apart besides [fs.ErrNotExist] and
// [fs.ErrInvalid]. They come wrapped in an [fs.PathError].
var (
	// ErrOutside: the name, or a symlink on its way, leaves the repository.
	// An absolute symlink does so even if it points back inside.
	ErrOutside = errors.New("leads out of the repository")
	// ErrSpecial: a device, a named pipe, a socket. Reading a folder as a
	// file is another mistake and gives fs.ErrInvalid.
	ErrSpecial = errors.New("is not a regular file")
	// ErrLoop: more than 40 symlinks on the way.
	ErrLoop = errors.New("too many symlinks")
	// ErrTooLarge: larger than MaxFileSize.
	ErrTooLarge = errors.New("larger than 64 MiB")
	// ErrTooMany: Files stopped, since the tree holds more than
	// Repository.MaxFiles, or than a million entries in one folder or of a
	// commit: a few kilobytes of git objects can name 10^13.
	ErrTooMany = errors.New("too many files")
)

// Digest identifies content: the id, in hexadecimal, that git with SHA-1 gives
// to the same bytes. Equal digests mean equal content, whichever tree they
// come from.
type Digest string

// Tree is a snapshot of the repository. Names are slash separated paths from
// the repository root, as [fs.ValidPath] wants them; "." is the root. Git's own
// folder (.git, in any spelling that some file system takes for it) does not
// exist in a Tree, and neither do names that are not UTF-8.
//
// All methods may be called concurrently. Each gives an [fs.PathError].
type Tree interface {
	// Open opens a file or folder, following symlinks inside the repository.
	// It opens nothing but regular files and folders: the rest is ErrSpecial.
	fs.ReadDirFS
	// ReadFile reads a regular file, following symlinks inside the repository.
	fs.ReadFileFS
	// Stat follows symlinks inside the repository.
	fs.StatFS

	// Lstat describes the last component of name itself, be it a symlink;
	// symlinks before it are followed.
	Lstat(name string) (fs.FileInfo, error)
	// ReadLink gives the target of a symlink as it is written.
	ReadLink(name string) (string, error)

	// Resolve returns the path that name leads to, with every symlink in it
	// followed, the last component included. Alone among the methods it takes
	// a name with ".." in it and walks it the way an operating system does:
	// "link/.." is the parent of what link points to.
	// The error wraps ErrOutside, fs.ErrNotExist or ErrLoop.
	Resolve(name string) (string, error)

	// Files lists, sorted by name, every regular file and symlink that belongs
	// to the tree: all of a commit; of a work tree the tracked files that
	// exist and the untracked ones that git does not ignore (see [Listing]).
	// Submodules and nested repositories are not entered, only named in
	// Skipped. An error means that the tree could not be listed at all.
	Files() (Listing, error)

	// Digest identifies what name leads to, symlinks followed: a file's bytes
	// (the id of the git blob) or everything that ReadDir shows in a folder
	// and in the folders below (the id of the git tree; symlinks count by their
	// target's text, empty folders and special files not at all).
	//
	// So a work tree's folder has the digest of a commit's if it holds the
	// same files and none beside them. Ignored files count, since they can be
	// read; so does what is checked out in a submodule, of which a commit knows
	// only the id: such folders differ where nothing else does.
	Digest(name string) (Digest, error)

	// Ref names the tree for people: "worktree", "main@1a2b3c4", or "1a2b3c4"
	// for a commit that was asked for by its hash.
	Ref() string
}

// Listing is what belongs to a tree.
//
// In a work tree the ignore rules are those of every .gitignore and of the
// repository's info/exclude. A person's own core.excludesFile is left out on
// purpose: the same repository gives the same listing on every machine. No
// rules apply in a folder that is no git repository.
type Listing struct {
	Files   []File
	Skipped []Skip
	// IgnoreError says why ignore rules could not be applied to a work tree:
	// its index is unreadable, so that a tracked file could not be told from an
	// ignored one, or a file of rules is. Files then holds ignored files too.
	// It is nil when the rules were applied, and in a folder that is no git
	// repository.
	IgnoreError error
}

// File is a regular file or a symlink. Size is in bytes; a symlink's is that
// of its target's text.
type File struct {
	Name    string
	Symlink bool
	Size    int64
}

// Skip is something in the tree that Files could not list or did not enter,
// and the reason in a few words. Name is a path of the tree, cut short if it is
// too long for one; the reason quotes a name that cannot be one.
type Skip struct {
	Name, Reason string
}

// The reasons of a Skip that is a folder with files of another repository.
const (
	ReasonSubmodule  = "is a submodule"
	ReasonRepository = "is a git repository of its own"
)
