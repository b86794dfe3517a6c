package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/check"
	"github.com/scantling-dev/scantling/internal/diff"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/render"
	"github.com/urfave/cli/v2"
)

// baseFlags are the options that say what to compare with.
func baseFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "base", Usage: "compare with the merge base of HEAD and `REV`; only what is new counts", EnvVars: []string{"SCANTLING_BASE"}},
		&cli.BoolFlag{Name: "base-exact", Usage: "compare with what --base names itself, not with the merge base", EnvVars: []string{"SCANTLING_BASE_EXACT"}},
		&cli.StringFlag{Name: "base-tree", Usage: "compare with the checkout in `DIR` instead of a revision; needs no git", EnvVars: []string{"SCANTLING_BASE_TREE"}},
	}
}

// openBase is the tree that the options say to compare with; nil for none.
func (w *workspace) openBase(c *cli.Context) (source.Tree, error) {
	rev, dir, exact := c.String("base"), c.String("base-tree"), c.Bool("base-exact")
	switch {
	case dir != "" && rev != "":
		return nil, errors.New("--base-tree and --base both say what to compare with: leave one of them out, or unset SCANTLING_BASE or SCANTLING_BASE_TREE")
	case dir != "" && exact:
		return nil, errors.New("--base-exact says how to take --base, and --base-tree needs none: leave one of them out")
	case dir != "":
		return w.baseCheckout(dir)
	case rev != "":
		w.since = rev
		return baseTree(w.repo, rev, exact)
	case exact:
		return nil, errors.New("--base-exact says how to take --base: name the revision with --base REV")
	}
	return nil, nil
}

// baseTree is the tree of a revision, or else of the merge base of HEAD and it.
func baseTree(repo *source.Repository, rev string, exact bool) (source.Tree, error) {
	if err := repo.Git(); err != nil {
		return nil, fmt.Errorf("can't compare with %s: %w", rev, err)
	}
	if exact {
		return repo.Commit(rev)
	}
	hash, err := repo.MergeBase(rev)
	if err != nil {
		return nil, err
	}
	return repo.Commit(hash)
}

// checkout is a tree on the disk that is compared with.
type checkout struct {
	source.Tree
	dir string
}

func (t *checkout) Ref() string { return t.dir }

// baseCheckout is the tree in a folder, which is its root whatever repository it
// lies in.
func (w *workspace) baseCheckout(dir string) (source.Tree, error) {
	repo, err := source.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("--base-tree: there is no folder %s: make it with `git worktree add %s REV`", dir, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("--base-tree: %w", err)
	}
	repo.MaxFiles = w.repo.MaxFiles
	return &checkout{repo.Worktree(), dir}, nil
}

// compare checks the base and marks what is new in head and what is fixed.
func compare(ctx context.Context, w *workspace, head *check.Outcome, base source.Tree) ([]lint.Finding, error) {
	now, err := filesOf(w.tree)
	if err != nil {
		return nil, err
	}
	then, err := filesOf(base)
	if err != nil {
		return nil, err
	}
	old := *w
	moved := diff.MovedFrom(w.paths, now, then)
	old.paths = slices.Concat(w.paths, moved)
	before, err := old.check(ctx, base, nil)
	if err != nil {
		return nil, fmt.Errorf("checking %s: %w", base.Ref(), err)
	}
	problems := map[string]bool{}
	for _, r := range check.Rules() {
		// A schema error is about an object, which a unit may have failed to give.
		problems[r.ID] = r.Category == lint.Problems && r.ID != "schema"
	}
	headFailed, baseFailed := head.Failed(), before.Failed()
	findings := diff.Compare(head.Findings, before.Findings, diff.Options{
		HeadFailed: without(headFailed, baseFailed), BaseFailed: without(baseFailed, headFailed),
		Problem: func(rule string) bool { return problems[rule] },
		Head:    now, Base: then,
		HeadUnits: unitNames(head.Graph), BaseUnits: unitNames(before.Graph),
	})
	if len(moved) > 0 {
		// What did not move from there to the paths was not asked for.
		findings = slices.DeleteFunc(findings, func(f lint.Finding) bool { return f.State == lint.Fixed && !under(f.Origin.File, w.paths) })
	}
	excused := check.Excused(head.Findings, before.Findings, w.config, w.configOf(base))
	return slices.Concat(findings, excused), nil
}

// under says that a file is one of the paths or lies below one.
func under(name string, paths []string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { return name == p || strings.HasPrefix(name, p+"/") })
}

// filesOf is what is in a tree, by which is told what was moved.
func filesOf(tree source.Tree) (*lint.Tree, error) {
	listing, err := tree.Files()
	if err != nil {
		return nil, fmt.Errorf("listing the files of %s: %w", tree.Ref(), err)
	}
	files := &lint.Tree{ReadFile: tree.ReadFile, Digest: func(name string) (string, error) {
		d, err := tree.Digest(name)
		return string(d), err
	}}
	for _, f := range listing.Files {
		files.Files = append(files.Files, f.Name)
	}
	return files, nil
}

func unitNames(g *render.Graph) map[string]bool {
	names := map[string]bool{}
	for _, u := range g.Units {
		names[u.ID()] = true
	}
	return names
}

func without(a, b map[string]bool) map[string]bool {
	only := map[string]bool{}
	for k := range a {
		if !b[k] {
			only[k] = true
		}
	}
	return only
}
