package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const maxPathFile = 64 << 10 // of a file that holds a path or a reference

// gitFolder is where git keeps its things. In a linked work tree, dir holds its
// HEAD and index, common what it shares with the others. All that is read in
// them is read through own and shared, which nothing leads out of.
type gitFolder struct {
	dir, common string
	own, shared *os.Root
	config      gitConfig
	configError error
	broken      error // why git cannot be used at all, if so
}

// discover walks upwards to the first folder with a .git. It does not ask the
// environment.
func discover(dir string) (root string, git *gitFolder, err error) {
	bare := ""
	for at := dir; ; at = filepath.Dir(at) {
		if git := gitOf(at); git != nil {
			return at, git, nil
		}
		if isGitFolder(at) {
			if filepath.Base(at) == ".git" {
				return "", nil, fmt.Errorf("%s is git's own folder; run this in the work tree", at)
			}
			// A work tree around it goes before: a pull request can bring a
			// folder that looks like a bare repository, and no .git.
			bare = at
		}
		if filepath.Dir(at) != at {
			continue
		}
		if bare != "" {
			return "", nil, fmt.Errorf("%s is a bare repository, which has no work tree: clone it, or add one with `git worktree add`", bare)
		}
		return dir, nil, nil
	}
}

// gitOf gives what .git in the folder root leads to, nil if there is none.
func gitOf(root string) *gitFolder {
	own := filepath.Join(root, ".git")
	info, err := os.Stat(own)
	switch {
	case err != nil:
		return nil
	case info.Mode().IsRegular():
		target, err := gitFile(root)
		if err != nil {
			return &gitFolder{broken: err}
		}
		own = target
		if !isGitFolder(own) {
			return &gitFolder{broken: fmt.Errorf("%s points to %s, which is no git folder; mend it with `git worktree repair` or `git submodule update --init`", filepath.Join(root, ".git"), own)}
		}
	case !isGitFolder(own): // an empty .git is none, for git too
		return nil
	}
	g := &gitFolder{}
	g.broken = g.open(root, own)
	return g
}

// gitFile reads a .git that is a file, as linked work trees and submodules have
// it.
func gitFile(root string) (string, error) {
	name := filepath.Join(root, ".git")
	dir, err := os.OpenRoot(root)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	defer dir.Close()
	data, err := readIn(dir, ".git", maxPathFile)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	target, ok := strings.CutPrefix(string(data), "gitdir: ")
	if !ok {
		return "", fmt.Errorf("%s is not a file that git wrote; clone the repository again, or remove it to go on without git", name)
	}
	return pathFrom(root, target), nil
}

// pathFrom reads a path that git wrote into a file in the folder dir.
func pathFrom(dir, text string) string {
	name := filepath.FromSlash(strings.TrimRight(text, "\r\n"))
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	return name
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

// open opens dir as the git folder of the work tree root. Where it leads out of
// the work tree it must point back, as linked work trees and submodules do:
// else a .git that came with somebody's files could name any repository of the
// machine.
func (g *gitFolder) open(root, dir string) (err error) {
	// A symlink is looked at for what it leads to.
	if g.dir, err = filepath.EvalSymlinks(dir); err != nil {
		return fmt.Errorf("open git's folder: %w", err)
	}
	if g.own, err = os.OpenRoot(g.dir); err != nil {
		return fmt.Errorf("open git's folder: %w", err)
	}
	if _, inside := below(root, g.dir); !inside {
		if err := g.pointsBack(root); err != nil {
			return err
		}
	}
	g.common, g.shared = g.dir, g.own
	data, err := readIn(g.own, "commondir", maxPathFile)
	if err == nil {
		// Git puts linked work trees in one place only.
		common := pathFrom(g.dir, strings.TrimSpace(string(data)))
		if real, err := filepath.EvalSymlinks(common); err == nil {
			common = real
		}
		if !isGitFolder(common) || !sameFile(g.dir, filepath.Join(common, "worktrees", filepath.Base(g.dir))) {
			return fmt.Errorf("the work tree belongs to %s, which is not its git folder any more; mend it with `git worktree repair`", common)
		}
		g.common = common
		if g.shared, err = os.OpenRoot(common); err != nil {
			return fmt.Errorf("open git's folder: %w", err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("open git's folder %s: %w", g.dir, err)
	}
	g.config, g.configError = readGitConfig(g.shared, "config")
	return nil
}

// pointsBack is nil if the git folder names the work tree root as its own.
// Nothing else is read in it before.
func (g *gitFolder) pointsBack(root string) error {
	if data, err := readIn(g.own, "gitdir", maxPathFile); err == nil {
		if sameFile(pathFrom(g.dir, string(data)), filepath.Join(root, ".git")) {
			return nil
		}
		return fmt.Errorf("%s leads to %s, which belongs to another work tree and does not point back; `git worktree repair` mends it", filepath.Join(root, ".git"), g.dir)
	}
	// With extensions.worktreeConfig, the second file has it.
	for _, name := range []string{"config", "config.worktree"} {
		config, err := readGitConfig(g.own, name)
		if err != nil {
			return err
		}
		if worktree := config["core.worktree"]; worktree != "" && sameFile(pathFrom(g.dir, worktree), root) {
			return nil
		}
	}
	return fmt.Errorf("%s leads to %s, which does not point back; if they belong together, `git config core.worktree %s` says so", filepath.Join(root, ".git"), g.dir, root)
}

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// below gives the path of name from the folder dir, with slashes, if it lies in
// it.
func below(dir, name string) (string, bool) {
	rel, err := filepath.Rel(dir, name)
	if err != nil || rel == "." || !filepath.IsLocal(rel) {
		return "", false
	}
	return filepath.ToSlash(rel), true
}

// hidden gives the paths of the work tree root at which git's folders lie under
// another name than .git, as `git clone --bare url .bare` puts them there.
func (g *gitFolder) hidden(root string) []string {
	var names []string
	for _, dir := range []string{g.dir, g.common} {
		if name, ok := below(root, dir); ok && !isDotGit(strings.Split(name, "/")[0]) {
			names = append(names, name)
		}
	}
	return names
}
