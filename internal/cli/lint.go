package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scantling-dev/scantling/internal/check"
	"github.com/scantling-dev/scantling/internal/diff"
	"github.com/scantling-dev/scantling/internal/report"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/render"
	"github.com/scantling-dev/scantling/secrets"
	"github.com/urfave/cli/v2"
)

func lintFlags() []cli.Flag {
	return append(inputFlags(),
		&cli.StringFlag{Name: "base", Usage: "compare with the merge base of HEAD and `REV`; only what is new counts", EnvVars: []string{"SCANTLING_BASE"}},
		&cli.BoolFlag{Name: "fix", Usage: "encrypt the files with plaintext secrets in place, as scantling encrypt does, where a rule of .sops.yaml covers them", EnvVars: []string{"SCANTLING_FIX"}},
		&cli.StringFlag{Name: "fail-on", Usage: "exit with 1 from this `SEVERITY` on: info, low, medium, high, critical, or none (default: high)", EnvVars: []string{"SCANTLING_FAIL_ON"}},
		&cli.StringSliceFlag{Name: "profile", Usage: "run the rules of `PROFILE`: recommended, strict, pss-baseline, pss-restricted, nsa, cis or all; may be given several times (default: extends of the configuration, else recommended)", EnvVars: []string{"SCANTLING_PROFILE"}},
		&cli.StringSliceFlag{Name: "report", Usage: "write `FORMAT[=FILE]`: text, json or sarif; may be given several times", EnvVars: []string{"SCANTLING_REPORT"}},
		&cli.BoolFlag{Name: "staged", Usage: "check what is staged, as git would commit it, whatever lies in the work tree", EnvVars: []string{"SCANTLING_STAGED"}},
		&cli.BoolFlag{Name: "strict", Usage: "exit with 3 when anything was not rendered", EnvVars: []string{"SCANTLING_STRICT"}},
	)
}

func lintCommand() *cli.Command {
	return &cli.Command{
		Name:      "lint",
		Usage:     "render what the repository deploys and check it (the default)",
		ArgsUsage: "[path ...]",
		Flags:     lintFlags(),
		Action: func(c *cli.Context) error {
			w, err := open(c)
			if err != nil {
				return err
			}
			defer w.close()
			return runLint(c, w)
		},
	}
}

// runLint checks the workspace, compares with the base if there is one, writes
// the reports and decides the exit code.
func runLint(c *cli.Context, w *workspace) error {
	start := time.Now()
	threshold, err := failOn(c, w.config.FailOn)
	if err != nil {
		return err
	}
	targets, err := reportTargets(c.StringSlice("report"))
	if err != nil {
		return err
	}
	for i, t := range targets {
		if t.file == "" {
			continue
		}
		if targets[i].file, err = reportFile(w.repo.Root(), t.file); err != nil {
			return fmt.Errorf("writing the %s report: %w", t.format, err)
		}
	}
	if c.Bool("fix") && c.Bool("staged") {
		return errors.New("--fix changes files of the work tree, of which --staged sees nothing: leave one of them out")
	}
	var base source.Tree
	baseName := c.String("base")
	if baseName != "" {
		if base, err = baseTree(w.repo, baseName); err != nil {
			return err
		}
		w.since = baseName
	}
	head, findings, err := w.judge(c.Context, base)
	if err != nil {
		return err
	}
	if c.Bool("fix") {
		changed, err := w.fix(c, findings)
		if err != nil {
			return err
		}
		if changed {
			w.tree = w.repo.Worktree()
			if head, findings, err = w.judge(c.Context, base); err != nil {
				return err
			}
		}
	}
	if base != nil {
		baseName = base.Ref()
	}
	units := reportUnits(head.Graph)
	r := &report.Report{
		Findings: findings,
		Rules:    check.Rules(),
		Units:    units,
		Summary:  report.Summarize(findings, units, head.Objects, time.Since(start), baseName),
		Version:  version(),
		Source: func(name string) []byte {
			data, err := w.tree.ReadFile(name)
			if err != nil {
				return nil
			}
			return data
		},
		Secret: secrets.Shows,
	}
	if err := writeReports(c, targets, r); err != nil {
		return err
	}
	if worst, ok := lint.Worst(findings); ok && threshold != nil && worst >= *threshold {
		return &exitError{code: exitFindings}
	}
	if head.Objects == 0 && len(findings) == 0 {
		return &exitError{exitNothing, fmt.Errorf("nothing to check: no kustomization, chart or manifest was found")}
	}
	if c.Bool("strict") {
		if n := incomplete(head.Graph); n > 0 {
			return &exitError{exitNothing, fmt.Errorf("%d of %d units were not rendered, or not wholly: see scantling units", n, len(head.Graph.Units))}
		}
	}
	return nil
}

// judge checks the workspace and compares it with the base, if there is one.
func (w *workspace) judge(ctx context.Context, base source.Tree) (*check.Outcome, []lint.Finding, error) {
	head, err := w.check(ctx, w.tree, base)
	if err != nil {
		return nil, nil, err
	}
	if base == nil {
		return head, head.Findings, nil
	}
	findings, err := compare(ctx, w, head, base)
	return head, findings, err
}

// incomplete counts the units that gave not all that they deploy.
func incomplete(g *render.Graph) int {
	n := 0
	for _, u := range g.Units {
		if u.Status != render.Rendered {
			n++
		}
	}
	return n
}

// baseTree is the tree of the merge base of HEAD and a revision.
func baseTree(repo *source.Repository, rev string) (source.Tree, error) {
	if err := repo.Git(); err != nil {
		return nil, fmt.Errorf("can't compare with %s: %w", rev, err)
	}
	hash, err := repo.MergeBase(rev)
	if err != nil {
		return nil, err
	}
	return repo.Commit(hash)
}

func compare(ctx context.Context, w *workspace, head *check.Outcome, base source.Tree) ([]lint.Finding, error) {
	before, err := w.check(ctx, base, nil)
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
		HeadFailed: without(headFailed, baseFailed),
		BaseFailed: without(baseFailed, headFailed),
		Problem:    func(rule string) bool { return problems[rule] },
	})
	excused := check.Excused(head.Findings, before.Findings, w.config, w.configOf(base))
	return slices.Concat(findings, excused), nil
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

func reportUnits(g *render.Graph) []report.Unit {
	units := make([]report.Unit, 0, len(g.Units))
	for _, u := range g.Units {
		units = append(units, report.Unit{ID: u.ID(), Cluster: u.Cluster, Kind: string(u.Kind), Path: u.Path, Name: u.Name, Status: string(u.Status), Reason: u.Reason, Objects: u.Objects})
	}
	return units
}

// target is one report to write: to a file, or to stdout.
type target struct{ format, file string }

func reportTargets(values []string) ([]target, error) {
	if len(values) == 0 {
		return []target{{format: "text"}}, nil
	}
	var targets []target
	stdout := 0
	for _, v := range values {
		format, file, named := strings.Cut(v, "=")
		if !slices.Contains(report.Formats(), format) {
			return nil, fmt.Errorf("--report: unknown format %q%s", format, suggestion(format, report.Formats()))
		}
		if named && file == "" {
			return nil, fmt.Errorf("--report %s: the file's name is missing", v)
		}
		if !named {
			if stdout++; stdout > 1 {
				return nil, fmt.Errorf("--report: only one report can go to stdout: give the others a file, as in %s=FILE", format)
			}
		}
		targets = append(targets, target{format, file})
	}
	return targets, nil
}

func writeReports(c *cli.Context, targets []target, r *report.Report) error {
	for _, t := range targets {
		if t.file == "" {
			if err := report.Write(c.App.Writer, t.format, r, report.Options{Color: colourful(c.App.Writer)}); err != nil {
				return fmt.Errorf("writing the %s report: %w", t.format, err)
			}
			continue
		}
		var b bytes.Buffer
		if err := report.Write(&b, t.format, r, report.Options{}); err != nil {
			return fmt.Errorf("writing the %s report: %w", t.format, err)
		}
		if err := writeFile(t.file, b.Bytes()); err != nil {
			return fmt.Errorf("writing the %s report: %w", t.format, err)
		}
	}
	return nil
}
