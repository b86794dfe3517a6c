package cli

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/scantling-dev/scantling/internal/check"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/report"
	"github.com/scantling-dev/scantling/render"
	"github.com/scantling-dev/scantling/secrets"
	"github.com/urfave/cli/v2"
)

func renderCommand() *cli.Command {
	return &cli.Command{
		Name:      "render",
		Usage:     "print what the kustomization, chart or manifests at a path give",
		ArgsUsage: "[path]",
		Flags: append(inputFlags(),
			&cli.StringFlag{Name: "values", Usage: "render a chart with the values of `FILE`, relative to the chart, over its defaults", EnvVars: []string{"SCANTLING_VALUES"}},
			&cli.BoolFlag{Name: "origins", Usage: "say beside each line where it is written, after ~ where that is only near", EnvVars: []string{"SCANTLING_ORIGINS"}},
			&cli.BoolFlag{Name: "show-secrets", Usage: "print the values of Secrets", EnvVars: []string{"SCANTLING_SHOW_SECRETS"}}),
		Action: func(c *cli.Context) error {
			if c.NArg() > 1 {
				return fmt.Errorf("render takes one path")
			}
			w, err := open(c)
			if err != nil {
				return err
			}
			defer w.close()
			return printRendered(c, w)
		},
	}
}

func printRendered(c *cli.Context, w *workspace) error {
	name := "."
	if len(w.paths) > 0 {
		name = w.paths[0]
	}
	r, err := render.New(w.tree, check.RenderOptions(w.config, w.source(w.store)))
	if err != nil {
		return err
	}
	unit, err := r.PathUnit(name)
	if err != nil {
		return &exitError{exitNothing, err}
	}
	if v := c.String("values"); v != "" {
		if unit, err = unit.WithValues(v); err != nil {
			return err
		}
	}
	var results []*render.Result
	if unit.Kind == render.Plain {
		if results, err = r.Deployed(c.Context, name); err != nil {
			return err
		}
	}
	if len(results) == 0 {
		res, err := r.Render(c.Context, unit)
		if err != nil {
			return err
		}
		results = append(results, res)
	}
	var out bytes.Buffer
	for _, res := range results {
		if c.Bool("origins") {
			r.Trace(c.Context, res, res.Objects)
		}
		for _, o := range res.Objects {
			var places map[string]manifest.Origin
			if c.Bool("origins") {
				places = placesOf(o)
			}
			if err := writeObject(&out, o, c.Bool("show-secrets"), places, colourful(c.App.Writer)); err != nil {
				return fmt.Errorf("printing %s: %w", o.ID(), err)
			}
		}
	}
	text := out.String()
	if !c.Bool("show-secrets") {
		text = r.Hide(text)
	}
	if _, err := io.WriteString(c.App.Writer, text); err != nil {
		return err
	}
	incomplete := false
	for _, res := range results {
		for _, p := range res.Problems {
			fmt.Fprintf(c.App.ErrWriter, "scantling: %s: %s\n", place(p.At), report.Message(p.Message))
		}
		incomplete = incomplete || res.Unit.Status == render.NotRendered || slices.ContainsFunc(res.Problems, func(p render.Problem) bool {
			return !p.Minor && p.Class != "not-fetched" && p.Class != "schema"
		})
		if res.Unit.Kind == render.Plain && len(res.Objects)+len(res.Problems) == 0 {
			return &exitError{exitNothing, fmt.Errorf("nothing to render in %s: it holds no Kubernetes object", name)}
		}
	}
	if incomplete {
		return &exitError{code: exitFindings}
	}
	return nil
}

// writeObject writes an object as a YAML document, each line with where it is
// written if places are given.
func writeObject(out *bytes.Buffer, o *manifest.Object, showSecrets bool, places map[string]manifest.Origin, color bool) error {
	node := o.Node
	if !showSecrets {
		node = secrets.MaskNode(node)
	}
	fmt.Fprintf(out, "---\n# %s\n", place(o.Origin.Span))
	if places == nil {
		return report.WriteYAML(out, node)
	}
	var text bytes.Buffer
	if err := report.WriteYAML(&text, node); err != nil {
		return err
	}
	return annotate(out, text.String(), places, color)
}

func place(at manifest.Span) string {
	name := report.Line(at.File)
	if at.Line == 0 {
		return name
	}
	return name + ":" + strconv.Itoa(at.Line)
}
