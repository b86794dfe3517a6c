package source

import (
	"fmt"
	"path/filepath"
)

// HookIndex gives the index that git tells its hooks to look at, for [Repository.Index]:
// that of the commit which is being made, which is another than the repository's own
// for `git commit -a` and `git commit FILE`. It is empty for the repository's own. env
// looks up what git has in the environment.
//
// It is an error if git means another repository or work tree than this one.
func (r *Repository) HookIndex(env func(string) string) (string, error) {
	if dir := env("GIT_DIR"); dir != "" {
		switch {
		case r.git == nil:
			return "", fmt.Errorf("GIT_DIR is %s, and %s has no .git that leads there: make a work tree that has one with `git worktree add`, or unset GIT_DIR", dir, r.root)
		case r.git.broken != nil:
			return "", r.git.broken
		case !r.isAt(dir, r.git.dir):
			return "", fmt.Errorf("GIT_DIR is %s, and the files here belong to %s: run this in the work tree of the former, or unset GIT_DIR", dir, r.git.dir)
		}
	}
	if tree := env("GIT_WORK_TREE"); tree != "" {
		// Unlike the other paths, "." would be right from the root of any.
		if abs, err := filepath.Abs(tree); err != nil || !sameFile(abs, r.root) {
			return "", fmt.Errorf("GIT_WORK_TREE is %s, and the files here are those of %s: run this in a work tree that has a .git of its own, as `git worktree add` makes them, or unset GIT_WORK_TREE", tree, r.root)
		}
	}
	index := env("GIT_INDEX_FILE")
	if index == "" || r.git == nil {
		return index, nil
	}
	if !filepath.IsAbs(index) {
		// Git runs hooks at the root.
		index = filepath.Join(r.root, index)
	}
	if dir := filepath.Dir(index); isGitFolder(dir) && !sameFile(dir, r.git.dir) {
		return "", fmt.Errorf("GIT_INDEX_FILE is %s, and the files here belong to %s: run this in the work tree of the former, or unset GIT_INDEX_FILE", index, r.git.dir)
	}
	return index, nil
}

// isAt says that a path of the environment leads to a folder. A relative one begins
// where we are, as for git, or at the root, where git runs hooks.
func (r *Repository) isAt(name, dir string) bool {
	if !filepath.IsAbs(name) && sameFile(filepath.Join(r.root, name), dir) {
		return true
	}
	abs, err := filepath.Abs(name)
	return err == nil && sameFile(abs, dir)
}
