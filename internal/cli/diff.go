package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/scantling-dev/scantling/internal/check"
	"github.com/scantling-dev/scantling/internal/diff"
	"github.com/scantling-dev/scantling/internal/report"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/render"
	"github.com/urfave/cli/v2"
)

func diffFlags() []cli.Flag {
	return slices.Concat(inputFlags(), baseFlags(), []cli.Flag{
		&cli.BoolFlag{Name: "all", Usage: "show what decides nothing in the cluster, too: checksums, labels that name a chart, digests in names", EnvVars: []string{"SCANTLING_ALL"}},
		// SCANTLING_FAIL_ON and SCANTLING_REPORT say what lint does.
		&cli.StringFlag{Name: "fail-on", Usage: "exit with 1 from new findings of this `SEVERITY` on: info, low, medium, high, critical, or none", Value: "none", EnvVars: []string{"SCANTLING_DIFF_FAIL_ON"}},
		&cli.StringSliceFlag{Name: "profile", Usage: "run the rules of `PROFILE`, as scantling lint does; may be given several times", EnvVars: []string{"SCANTLING_PROFILE"}},
		&cli.StringSliceFlag{Name: "report", Usage: "write `FORMAT[=FILE]`: text, json or markdown; may be given several times", EnvVars: []string{"SCANTLING_DIFF_REPORT"}},
		&cli.BoolFlag{Name: "staged", Usage: "compare what is staged, as git would commit it, whatever lies in the work tree", EnvVars: []string{"SCANTLING_STAGED"}},
	})
}

func diffCommand() *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "show what a change does to the cluster: the objects, and the findings that come and go",
		ArgsUsage: "[base] [path ...]",
		Description: "The base is a branch, a tag or a commit; the change is compared with the merge base\n" +
			"of HEAD and it. Without one it is the branch that the current one follows, or the\n" +
			"default branch of the remote.",
		Flags:  diffFlags(),
		Action: showDiff,
	}
}

// showDiff compares the workspace with its base, writes the reports and decides the
// exit code.
func showDiff(c *cli.Context) error {
	start := time.Now()
	rev, args, err := baseArgument(c)
	if err != nil {
		return err
	}
	w, err := openPaths(c, args)
	if err != nil {
		return err
	}
	defer w.close()
	threshold, err := failOn(c, nil)
	if err != nil {
		return err
	}
	targets, err := w.reportTargets(c.StringSlice("report"), report.ChangeFormats())
	if err != nil {
		return err
	}
	if err := nameBase(c, w, rev); err != nil {
		return err
	}
	base, err := w.openBase(c)
	if err != nil {
		return err
	}
	// The whole of both trees is compared: what a path concerns may be others in
	// the two.
	paths := w.paths
	w.paths = nil
	if w.memory = nil; w.keys == nil {
		// What the base has in common with the change is rendered once. Of what other
		// runs found the objects are not known.
		w.memory = check.NewMemory(nil, w.name(), w.identity(c))
	}
	w.watch = newWatch(w.tree)
	head, findings, err := w.judge(c.Context, base)
	if err != nil {
		return err
	}
	changes := w.watch.compare()
	if len(paths) > 0 {
		concerned := w.watch.concerned(paths)
		changes.Keep(func(unit string) bool { return concerned[unit] })
		findings = slices.DeleteFunc(findings, func(f lint.Finding) bool {
			return !within(f.Origin.File, paths) && !slices.ContainsFunc(f.Units, func(u string) bool { return concerned[u] })
		})
	}
	units := reportUnits(head.Graph)
	r := &report.Changes{
		Report: report.Report{
			Findings: findings, Rules: check.Rules(), Units: units, Version: version(),
			Summary: report.Summarize(findings, units, head.Objects, time.Since(start), base.Ref()),
		},
		Objects:   changes,
		BaseUnits: reportUnits(&render.Graph{Units: w.watch.base}),
		All:       c.Bool("all"),
	}
	if err := writeReports(c, targets, func(out io.Writer, format string, o report.Options) error {
		return report.WriteChanges(out, format, r, o)
	}); err != nil {
		return err
	}
	if threshold != nil && fails(findings, *threshold) {
		return &exitError{code: exitFindings}
	}
	if head.Objects == 0 && len(changes.Entries)+len(findings) == 0 {
		return &exitError{exitNothing, errors.New("nothing to compare: no kustomization, chart or manifest was found")}
	}
	return nil
}

// fails says that a change brings a finding of the severity or a worse one.
func fails(findings []lint.Finding, threshold lint.Severity) bool {
	worst, ok := lint.Worst(findings)
	return ok && worst >= threshold
}

// baseArgument takes the base out of the arguments: the first one, if it names a
// revision. What is a path, too, is taken for one when it is written as ./path.
func baseArgument(c *cli.Context) (rev string, paths []string, err error) {
	args := c.Args().Slice()
	if len(args) == 0 {
		return "", nil, nil
	}
	dir := "."
	if len(args) > 1 {
		dir = folderOf(args[1])
	}
	repo, err := source.Open(dir)
	if err != nil {
		return "", nil, err
	}
	_, err = repo.Commit(args[0])
	if err == nil {
		return args[0], args[1:], nil
	}
	if _, missing := statFile(args[0]); missing == nil {
		return "", args, nil
	}
	return "", nil, err
}

// nameBase sees to it that the options name a base: the given revision, or the
// default.
func nameBase(c *cli.Context, w *workspace, rev string) error {
	if rev == "" {
		if c.String("base") != "" || c.String("base-tree") != "" {
			return nil
		}
		var err error
		if rev, err = w.repo.DefaultBase(); err != nil {
			return err
		}
	} else if c.String("base-tree") != "" {
		return fmt.Errorf("%s and --base-tree both say what to compare with: leave one of them out", rev)
	}
	return c.Set("base", rev)
}

// within says that a file is, or lies in, one of the paths.
func within(file string, paths []string) bool {
	return slices.ContainsFunc(paths, func(p string) bool {
		return p == "." || file == p || strings.HasPrefix(file, p+"/")
	})
}

// watch takes what the units of two trees give.
type watch struct {
	head       source.Tree
	now, then  *diff.Objects
	here, base []*render.Unit
}

func newWatch(head source.Tree) *watch {
	contents := diff.NewContents()
	return &watch{head: head, now: contents.NewObjects(), then: contents.NewObjects()}
}

// rendered is who takes the objects of a tree.
func (w *watch) rendered(tree source.Tree) func(res *render.Result, hidden func(text string) bool) {
	objects := w.then
	if tree == w.head {
		objects = w.now
	}
	return func(res *render.Result, hidden func(text string) bool) {
		objects.Add(unitKey(res.Unit), res.Objects, hidden)
	}
}

// checked takes the units of a tree once all of them are rendered.
func (w *watch) checked(tree source.Tree, outcome *check.Outcome) {
	if tree == w.head {
		w.here = outcome.Graph.Units
	} else {
		w.base = outcome.Graph.Units
	}
}

func (w *watch) compare() *diff.Changes {
	return diff.CompareObjects(w.now, w.then, unitStates(w.here), unitStates(w.base))
}

// unitKey tells the units of a tree apart: a folder may be one of two kinds.
func unitKey(u *render.Unit) string { return string(u.Kind) + " " + u.ID() }

func unitStates(units []*render.Unit) []diff.UnitState {
	states := make([]diff.UnitState, 0, len(units))
	for _, u := range units {
		s := diff.UnitState{
			Key: unitKey(u), ID: u.ID(), Kind: string(u.Kind), Path: u.Path, Name: u.Name,
			Failed: u.Status == render.NotRendered, Partial: u.Status == render.Partial, Reason: u.Reason,
		}
		if u.Parent != nil {
			s.Parent = unitKey(u.Parent)
		}
		states = append(states, s)
	}
	return states
}

// concerned are the units of either tree that paths concern.
func (w *watch) concerned(paths []string) map[string]bool {
	concerned := map[string]bool{}
	for _, u := range slices.Concat(w.here, w.base) {
		if slices.ContainsFunc(paths, u.Concerns) {
			concerned[u.ID()] = true
		}
	}
	return concerned
}
