package source

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// DefaultMaxFiles is what [Repository.MaxFiles] begins with.
const DefaultMaxFiles = 200_000

// Repository is a folder on the disk and the git repository that it belongs to,
// if there is one. It may be used concurrently, and needs no closing.
type Repository struct {
	// MaxFiles is the most files that Tree.Files lists, those that it skips
	// included; with more it gives [ErrTooMany]. To be set before any use.
	MaxFiles int

	root, prefix string
	dir          *os.Root
	git          *gitFolder // nil in a folder that is no git repository
	objects      func() (*objects, error)
}

// Open finds the repository that the folder dir belongs to, upwards from it. A
// folder in no git repository is its own root, and Git says why it has no
// commits. A bare repository is an error, and so is a place inside git's own
// folder: there is no work tree.
//
// Broken git data is no error here: the work tree can be read without.
func Open(dir string) (*Repository, error) {
	path, err := filepath.Abs(dir)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return nil, fmt.Errorf("open the repository: %w", err)
	}
	if info, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open the repository: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("open the repository: %s is not a folder; name the folder that holds it", dir)
	}
	root, git, err := discover(path)
	if err != nil {
		return nil, fmt.Errorf("open the repository: %w", err)
	}
	prefix, err := filepath.Rel(root, path)
	if err != nil {
		return nil, fmt.Errorf("open the repository: %w", err)
	}
	handle, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("open the repository: %w", err)
	}
	r := &Repository{MaxFiles: DefaultMaxFiles, root: root, prefix: filepath.ToSlash(prefix), dir: handle, git: git}
	r.objects = sync.OnceValues(r.openObjects)
	return r, nil
}

// Root is the absolute path of the work tree's root on the disk, with symlinks
// followed.
func (r *Repository) Root() string { return r.root }

// Prefix is the path from the root to the folder that was opened, with slashes;
// "." at the root.
func (r *Repository) Prefix() string { return r.prefix }

// Remotes are the URLs of the repository's remotes as the git configuration has
// them, sorted. They may hold credentials.
func (r *Repository) Remotes() []string {
	if r.git == nil {
		return nil
	}
	var urls []string
	for key, value := range r.git.config {
		if strings.HasPrefix(key, "remote.") && strings.HasSuffix(key, ".url") && value != "" {
			urls = append(urls, value)
		}
	}
	slices.Sort(urls)
	return slices.Compact(urls)
}

// Git is nil when commits can be read. Else it says why not, and what the user
// can do about it.
func (r *Repository) Git() error {
	_, err := r.objects()
	return err
}

// Worktree is the tree on the disk. Every call gives a new one, and each lists
// its files once. From then on it tells what there is as the list saw it, and a file
// that is written to after its digest or mark was given is an error to read: take a
// new one to see what has changed.
func (r *Repository) Worktree() Tree { return newWorktree(r) }

// Commit is the tree of a commit. rev is a branch, a tag, a remote branch
// ("origin/main", or "main" where no local branch of that name exists), a hash
// or the beginning of one, each with ~N or ^N after it. A name stands for the
// tag before the branch before the remote branch, as git has it.
//
// The error says what to do: fetch more of a shallow clone, for one. It is that
// of Git when there are no commits to read.
func (r *Repository) Commit(rev string) (Tree, error) {
	objs, err := r.objects()
	if err != nil {
		return nil, fmt.Errorf("read the commit %s: %w", rev, err)
	}
	c, err := objs.commitOf(rev)
	if err != nil {
		return nil, fmt.Errorf("read the commit %s: %w", rev, err)
	}
	if _, err := objs.folder(c.tree); err != nil {
		return nil, fmt.Errorf("read the commit %s: %w", rev, err)
	}
	short := c.id.String()[:7]
	ref := rev + "@" + short
	if strings.HasPrefix(c.id.String(), strings.ToLower(rev)) {
		ref = short
	}
	return newCommitTree(objs, c.tree, ref, r.MaxFiles), nil
}

// MergeBase gives the full hash of the best common ancestor of HEAD and rev: the
// commit that a pull request branched off from. If there are several, as after
// crosswise merges, it is the one committed last, and of those committed in the
// same second the one with the lowest hash, so that every machine takes the
// same.
//
// Histories that share nothing are an error, which in a shallow clone says how
// to fetch the rest.
func (r *Repository) MergeBase(rev string) (string, error) {
	objs, err := r.objects()
	if err != nil {
		return "", fmt.Errorf("find the merge base of HEAD and %s: %w", rev, err)
	}
	base, err := objs.mergeBase(rev)
	if err != nil {
		return "", fmt.Errorf("find the merge base of HEAD and %s: %w", rev, err)
	}
	return base.String(), nil
}

func (r *Repository) openObjects() (*objects, error) {
	if r.git == nil {
		return nil, fmt.Errorf("%s is in no git repository, which --staged and a base need: run this in a clone, or without them", r.root)
	}
	if r.git.broken != nil {
		return nil, r.git.broken
	}
	if r.git.configError != nil {
		return nil, r.git.configError
	}
	if err := r.git.config.unreadable(); err != nil {
		return nil, err
	}
	return newObjects(r.git)
}
