package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/scantling-dev/scantling/internal/check"
	"github.com/scantling-dev/scantling/internal/report"
	"github.com/scantling-dev/scantling/render"
	"github.com/urfave/cli/v2"
)

func unitsCommand() *cli.Command {
	return &cli.Command{
		Name:      "units",
		Usage:     "list what was found to render and what became of it",
		ArgsUsage: "[path ...]",
		Flags: append(inputFlags(),
			&cli.BoolFlag{Name: "all", Usage: "list the files and folders that are no unit, too, and what they were taken for", EnvVars: []string{"SCANTLING_ALL"}}),
		Action: func(c *cli.Context) error {
			w, err := open(c)
			if err != nil {
				return err
			}
			defer w.close()
			outcome, err := w.check(c.Context, w.tree)
			if err != nil {
				return err
			}
			return listUnits(c, outcome)
		},
	}
}

func listUnits(c *cli.Context, outcome *check.Outcome) error {
	t := tabwriter.NewWriter(c.App.Writer, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "KIND\tSTATUS\tOBJECTS\tUNIT")
	for _, u := range outcome.Graph.Units {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\n", u.Kind, u.Status, u.Objects, report.Line(u.ID()))
		if u.Status != render.Rendered && u.Reason != "" {
			fmt.Fprintf(t, "\t\t\t  %s\n", report.Line(u.Reason))
		}
	}
	if c.Bool("all") {
		for _, n := range outcome.Graph.Notes {
			fmt.Fprintf(t, "-\t-\t-\t%s: %s\n", report.Line(n.Path), report.Line(n.What))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(outcome.Graph.Units) == 0 {
		return &exitError{exitNothing, fmt.Errorf("nothing to render was found")}
	}
	return nil
}
