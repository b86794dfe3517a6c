package source

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Repository is a folder on the disk and the git repository that it belongs to,
// if there is one. It may be used concurrently, and needs no closing.
type Repository struct {
	root, prefix string
	dir          *os.Root
	git          *gitFolder // nil in a folder that is no git repository
	objects      func() (*objects, error)
}

// gitFolder is where git keeps its things. In a linked work tree, dir holds
// its HEAD and index, common what it shares with the others.
type gitFolder struct {
	dir, common string
	broken      error // why git cannot be used at all, if so
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
	r := &Repository{root: root, prefix: filepath.ToSlash(prefix), dir: handle, git: git}
	r.objects = sync.OnceValues(r.openObjects)
	return r, nil
}

// Root is the absolute path of the work tree's root on the disk, with symlinks
// followed.
func (r *Repository) Root() string { return r.root }

// Prefix is the path from the root to the folder that was opened, with slashes;
// "." at the root.
func (r *Repository) Prefix() string { return r.prefix }

// Git is nil when commits can be read. Else it says why not, and what the user
// can do about it.
func (r *Repository) Git() error {
	_, err := r.objects()
	return err
}

// Worktree is the tree on the disk. Every call gives a new one, and each lists
// its files once: take a new one to see what has changed.
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
	return newCommitTree(objs, c.tree, ref), nil
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
		return nil, fmt.Errorf("%s is in no git repository: comparing with a base needs git; run this in a clone, or without a base", r.root)
	}
	if r.git.broken != nil {
		return nil, r.git.broken
	}
	if err := checkFormat(r.git.common); err != nil {
		return nil, err
	}
	return newObjects(r.git)
}

// discover walks upwards to the first folder with a .git. It does not ask
// go-git, which does not find a linked work tree's root from below, and does
// not ask the environment.
func discover(dir string) (root string, git *gitFolder, err error) {
	for at := dir; ; at = filepath.Dir(at) {
		own := filepath.Join(at, ".git")
		info, err := os.Stat(own)
		switch {
		case err != nil:
		case info.IsDir():
			// An empty .git is none, for git too.
			if isGitFolder(own) {
				return at, openGitFolder(own), nil
			}
		case info.Mode().IsRegular():
			return at, followGitFile(at, own), nil
		}
		if isGitFolder(at) {
			if filepath.Base(at) == ".git" || filepath.Base(filepath.Dir(at)) == "worktrees" {
				return "", nil, fmt.Errorf("%s is git's own folder; run this in the work tree", at)
			}
			return "", nil, fmt.Errorf("%s is a bare repository, which has no work tree: clone it, or add one with `git worktree add`", at)
		}
		if filepath.Dir(at) == at {
			return dir, nil, nil
		}
	}
}

// isGitFolder asks what git asks: a HEAD, and objects and refs here or in the
// common folder.
func isGitFolder(dir string) bool {
	head, err := os.Lstat(filepath.Join(dir, "HEAD"))
	if err != nil || head.IsDir() {
		return false
	}
	if _, err := os.Stat(filepath.Join(dir, "commondir")); err == nil {
		return true
	}
	for _, name := range []string{"objects", "refs"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}

// followGitFile reads a .git that is a file, as linked work trees and
// submodules have it.
func followGitFile(root, name string) *gitFolder {
	data, err := readSmall(name, 64<<10)
	if err != nil {
		return &gitFolder{broken: fmt.Errorf("read %s: %w", name, err)}
	}
	target, ok := strings.CutPrefix(strings.TrimRight(string(data), "\r\n"), "gitdir: ")
	if !ok {
		return &gitFolder{broken: fmt.Errorf("%s is not a file that git wrote; clone the repository again, or remove it to go on without git", name)}
	}
	dir := filepath.FromSlash(target)
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	if !isGitFolder(dir) {
		return &gitFolder{broken: fmt.Errorf("%s points to %s, which is no git folder; mend it with `git worktree repair` or `git submodule update --init`", name, dir)}
	}
	return openGitFolder(dir)
}

func openGitFolder(dir string) *gitFolder {
	// go-git's file system treats a symlink at its own root as a way out.
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	g := &gitFolder{dir: dir, common: dir}
	data, err := readSmall(filepath.Join(dir, "commondir"), 64<<10)
	if errors.Is(err, fs.ErrNotExist) {
		return g
	}
	if err != nil {
		g.broken = fmt.Errorf("read the git folder: %w", err)
		return g
	}
	common := filepath.FromSlash(strings.TrimSpace(string(data)))
	if !filepath.IsAbs(common) {
		common = filepath.Join(dir, common)
	}
	if real, err := filepath.EvalSymlinks(common); err == nil {
		common = real
	}
	if g.common = common; !isGitFolder(common) {
		g.broken = fmt.Errorf("the work tree belongs to %s, which is no git folder any more; mend it with `git worktree repair`", common)
	}
	return g
}

// checkFormat reads what the repository demands of a program that reads it.
// The configuration is read for that alone, and not by a full parser: whatever
// else is in it, includes for one, must have no effect.
func checkFormat(gitDir string) error {
	data, err := readSmall(filepath.Join(gitDir, "config"), 4<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the git configuration: %w", err)
	}
	version, extensions := "0", map[string]string{}
	section := ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			header, rest, _ := strings.Cut(line[1:], "]")
			section, line = strings.ToLower(strings.TrimSpace(header)), strings.TrimSpace(rest)
		}
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		value, _, _ = strings.Cut(value, "#")
		value, _, _ = strings.Cut(value, ";")
		value = strings.ToLower(strings.Trim(strings.TrimSpace(value), `"`))
		switch section {
		case "core":
			if key == "repositoryformatversion" {
				version = value
			}
		case "extensions":
			extensions[key] = value
		}
	}
	if version != "0" && version != "1" {
		return fmt.Errorf("the git repository has format version %q, and only 0 and 1 can be read", version)
	}
	for _, key := range slices.Sorted(maps.Keys(extensions)) {
		switch value := extensions[key]; key {
		case "worktreeconfig", "partialclone", "preciousobjects", "relativeworktrees", "noop", "noop-v1":
			// None changes how objects and references are stored.
		case "objectformat":
			if value != "sha1" {
				return fmt.Errorf("the git repository names its objects by %s (extensions.objectFormat), and only SHA-1 can be read", value)
			}
		case "refstorage":
			if value != "files" {
				return fmt.Errorf("the git repository keeps its references in a %s (extensions.refStorage), which cannot be read; `git refs migrate --ref-format=files` makes them readable", value)
			}
		default:
			if version == "1" { // in version 0, git passes over what it does not know
				return fmt.Errorf("the git repository uses extensions.%s, which is not supported", key)
			}
		}
	}
	return nil
}
