package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/scantling-dev/scantling/internal/check"
	"github.com/scantling-dev/scantling/internal/report"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/render"
	"github.com/scantling-dev/scantling/secrets"
	"github.com/urfave/cli/v2"
)

func lintFlags() []cli.Flag {
	return slices.Concat(inputFlags(), baseFlags(), []cli.Flag{
		&cli.BoolFlag{Name: "fix", Usage: "encrypt the files with plaintext secrets in place, as scantling encrypt does, where a rule of .sops.yaml covers them", EnvVars: []string{"SCANTLING_FIX"}},
		&cli.StringFlag{Name: "fail-on", Usage: "exit with 1 from this `SEVERITY` on: info, low, medium, high, critical, or none (default: high)", EnvVars: []string{"SCANTLING_FAIL_ON"}},
		&cli.StringSliceFlag{Name: "profile", Usage: "run the rules of `PROFILE`: recommended, strict, pss-baseline, pss-restricted, nsa, cis or all; may be given several times (default: extends of the configuration, else recommended)", EnvVars: []string{"SCANTLING_PROFILE"}},
		&cli.StringSliceFlag{Name: "report", Usage: "write `FORMAT[=FILE]`: text, json or sarif; may be given several times", EnvVars: []string{"SCANTLING_REPORT"}},
		&cli.StringFlag{Name: "shard", Usage: "do part `I/N` of the run, for scantling merge to join: 1/4 is the first of four", EnvVars: []string{"SCANTLING_SHARD"}},
		&cli.BoolFlag{Name: "staged", Usage: "check what is staged, as git would commit it, whatever lies in the work tree", EnvVars: []string{"SCANTLING_STAGED"}},
		&cli.BoolFlag{Name: "strict", Usage: "exit with 3 when anything was not rendered", EnvVars: []string{"SCANTLING_STRICT"}},
	})
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
			if w.shard != nil {
				return runShard(c, w)
			}
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
	targets, err := w.reportTargets(c.StringSlice("report"), report.Formats())
	if err != nil {
		return err
	}
	if c.Bool("fix") && c.Bool("staged") {
		return errors.New("--fix changes files of the work tree, of which --staged sees nothing: leave one of them out")
	}
	base, err := w.openBase(c)
	if err != nil {
		return err
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
	r := w.report(head, findings, base)
	r.Summary.Elapsed = time.Since(start)
	if err := writeReports(c, targets, func(out io.Writer, format string, o report.Options) error {
		return report.Write(out, format, r, o)
	}); err != nil {
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

// report is what is told of a run.
func (w *workspace) report(head *check.Outcome, findings []lint.Finding, base source.Tree) *report.Report {
	baseName := ""
	if base != nil {
		baseName = base.Ref()
	}
	units := reportUnits(head.Graph)
	return &report.Report{
		Findings: findings,
		Rules:    check.Rules(),
		Units:    units,
		Summary:  report.Summarize(findings, units, head.Objects, 0, baseName),
		Version:  version(),
		Source:   sourceOf(w.tree),
		Secret:   secrets.Shows,
	}
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

func reportUnits(g *render.Graph) []report.Unit {
	units := make([]report.Unit, 0, len(g.Units))
	for _, u := range g.Units {
		units = append(units, report.Unit{ID: u.ID(), Cluster: u.Cluster, Kind: string(u.Kind), Path: u.Path, Name: u.Name, Status: string(u.Status), Reason: u.Reason, Objects: u.Objects})
	}
	return units
}

// target is one report to write: to a file, or to stdout.
type target struct{ format, file string }

// reportTargets reads the values of --report, each one of the formats, and finds
// out where the files are before anything is done.
func (w *workspace) reportTargets(values, formats []string) ([]target, error) {
	targets, err := parseTargets(values, formats)
	if err != nil {
		return nil, err
	}
	for i, t := range targets {
		if t.file == "" {
			continue
		}
		if targets[i].file, err = reportFile(w.repo.Root(), t.file); err != nil {
			return nil, fmt.Errorf("writing the %s report: %w", t.format, err)
		}
	}
	return targets, nil
}

func parseTargets(values, formats []string) ([]target, error) {
	if len(values) == 0 {
		return []target{{format: "text"}}, nil
	}
	var targets []target
	stdout := 0
	for _, v := range values {
		format, file, named := strings.Cut(v, "=")
		if !slices.Contains(formats, format) {
			return nil, fmt.Errorf("--report: unknown format %q%s", format, suggestion(format, formats))
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

// writeReports writes each report with write.
func writeReports(c *cli.Context, targets []target, write func(w io.Writer, format string, o report.Options) error) error {
	for _, t := range targets {
		if t.file == "" {
			if err := write(c.App.Writer, t.format, report.Options{Color: colourful(c.App.Writer)}); err != nil {
				return fmt.Errorf("writing the %s report: %w", t.format, err)
			}
			continue
		}
		var b bytes.Buffer
		if err := write(&b, t.format, report.Options{}); err != nil {
			return fmt.Errorf("writing the %s report: %w", t.format, err)
		}
		if err := writeFile(t.file, b.Bytes()); err != nil {
			return fmt.Errorf("writing the %s report: %w", t.format, err)
		}
	}
	return nil
}
