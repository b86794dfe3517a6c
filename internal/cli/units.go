package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/scantling-dev/scantling/internal/check"
	"github.com/scantling-dev/scantling/internal/report"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/render"
	"github.com/urfave/cli/v2"
)

var unitFormats = []string{"text", "json", "mermaid", "dot"}

func unitsCommand() *cli.Command {
	return &cli.Command{
		Name:      "units",
		Usage:     "show what the repository deploys: what was found to render, what led to it, and what became of it",
		ArgsUsage: "[path ...]",
		Flags: append(slices.Concat(inputFlags(), baseFlags()),
			&cli.BoolFlag{Name: "changed", Usage: "show only the units that a change touches: that read, list or look for something that is another in the base, which is HEAD unless --base or --base-tree names one", EnvVars: []string{"SCANTLING_CHANGED"}},
			&cli.BoolFlag{Name: "staged", Usage: "look at what is staged, as git would commit it, whatever lies in the work tree", EnvVars: []string{"SCANTLING_STAGED"}},
			&cli.BoolFlag{Name: "all", Usage: "list the files and folders that are no unit, too, and what they were taken for", EnvVars: []string{"SCANTLING_ALL"}},
			&cli.StringFlag{Name: "format", Value: "text", Usage: "write `FORMAT`: " + strings.Join(unitFormats, ", "), EnvVars: []string{"SCANTLING_FORMAT"}}),
		Action: func(c *cli.Context) error {
			format := c.String("format")
			if !slices.Contains(unitFormats, format) {
				return fmt.Errorf("--format: unknown format %q%s", format, suggestion(format, unitFormats))
			}
			w, err := open(c)
			if err != nil {
				return err
			}
			defer w.close()
			if c.Bool("changed") {
				return runChanged(c, w, format)
			}
			outcome, err := w.units(c, w.tree)
			if err != nil {
				return err
			}
			if err := writeUnits(c.App.Writer, format, outcome, c.Bool("all")); err != nil {
				return fmt.Errorf("writing the units: %w", err)
			}
			if len(outcome.Graph.Units) == 0 {
				return &exitError{exitNothing, fmt.Errorf("nothing to render was found")}
			}
			return nil
		},
	}
}

// units renders a tree, with what is remembered of its units.
func (w *workspace) units(c *cli.Context, tree source.Tree) (*check.Outcome, error) {
	kept := w.store
	if tree != w.tree {
		var err error
		if kept, err = openStore(tree); err != nil {
			return nil, err
		}
		defer func() { _ = kept.Close() }()
	}
	from := w.source(kept)
	from.Memory = w.memory
	return check.Units(c.Context, tree, w.config, from, w.paths)
}

// runChanged shows the units that a change touches.
func runChanged(c *cli.Context, w *workspace, format string) error {
	base, err := w.openBase(c)
	if err != nil {
		return err
	}
	if base == nil {
		if base, err = baseTree(w.repo, "HEAD", true); err != nil {
			return err
		}
	}
	head, err := w.units(c, w.tree)
	if err != nil {
		return err
	}
	before, err := w.units(c, base)
	if err != nil {
		return fmt.Errorf("looking at %s: %w", base.Ref(), err)
	}
	touched, gone := head.Touched(before)
	head.Graph.Units, head.Graph.Notes = touched, nil
	if err := writeUnits(c.App.Writer, format, head, false); err != nil {
		return fmt.Errorf("writing the units: %w", err)
	}
	for _, id := range gone {
		fmt.Fprintf(c.App.ErrWriter, "scantling: %s is not there any more\n", report.Line(id))
	}
	return nil
}

func writeUnits(w io.Writer, format string, outcome *check.Outcome, all bool) error {
	tree := newUnitTree(outcome.Graph.Units)
	switch format {
	case "json":
		return tree.json(w, outcome, all)
	case "mermaid":
		return tree.mermaid(w)
	case "dot":
		return tree.dot(w)
	}
	return tree.text(w, outcome, all)
}

// unitTree are units under those that led to them.
type unitTree struct {
	roots []*render.Unit
	below map[*render.Unit][]*render.Unit
	// order numbers the units as they are shown, from 1.
	order map[*render.Unit]int
}

func newUnitTree(units []*render.Unit) *unitTree {
	t := &unitTree{below: map[*render.Unit][]*render.Unit{}, order: map[*render.Unit]int{}}
	listed := map[*render.Unit]bool{}
	for _, u := range units {
		listed[u] = true
	}
	for _, u := range units {
		parent := u.Parent
		for parent != nil && !listed[parent] {
			parent = parent.Parent
		}
		if parent == nil {
			t.roots = append(t.roots, u)
		} else {
			t.below[parent] = append(t.below[parent], u)
		}
	}
	for _, list := range t.below {
		slices.SortFunc(list, func(a, b *render.Unit) int {
			return cmp.Or(cmp.Compare(order(a.Kind), order(b.Kind)), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Cluster, b.Cluster))
		})
	}
	t.walk(func(u *render.Unit, _ []bool) { t.order[u] = len(t.order) + 1 })
	return t
}

// order puts what leads on before what does not.
func order(k render.Kind) int {
	if k == render.HelmRelease {
		return 1
	}
	return 0
}

// walk visits all units from the top. last says for each level whether the unit,
// or what it is below, is the last one there.
func (t *unitTree) walk(visit func(u *render.Unit, last []bool)) {
	var down func(list []*render.Unit, last []bool)
	down = func(list []*render.Unit, last []bool) {
		for i, u := range list {
			here := append(slices.Clone(last), i == len(list)-1)
			visit(u, here)
			down(t.below[u], here)
		}
	}
	for _, u := range t.roots {
		visit(u, nil)
		down(t.below[u], nil)
	}
}

// label names a unit below another one, which tells the cluster.
func label(u *render.Unit) string {
	if u.Name == "" {
		return u.Path
	}
	text := u.Path + " (" + u.Name + ")"
	if u.Parent != nil && u.Cluster != u.Parent.Cluster && u.Parent.Cluster != "" {
		text += " in " + u.Cluster
	}
	return text
}

func (t *unitTree) text(w io.Writer, outcome *check.Outcome, all bool) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "KIND\tSTATUS\tOBJECTS\tUNIT")
	t.walk(func(u *render.Unit, last []bool) {
		branch, under := branches(last)
		fmt.Fprintf(table, "%s\t%s\t%d\t%s%s\n", u.Kind, u.Status, u.Objects, branch, report.Line(label(u)))
		if u.Status != render.Rendered && u.Reason != "" {
			if len(t.below[u]) > 0 {
				under += "│ "
			} else {
				under += "  "
			}
			fmt.Fprintf(table, "\t\t\t%s%s\n", under, report.Line(u.Reason))
		}
	})
	if all {
		for _, n := range outcome.Graph.Notes {
			fmt.Fprintf(table, "-\t-\t-\t%s: %s\n", report.Line(n.Path), report.Line(n.What))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if n := len(outcome.Needs()); n > 0 {
		_, err := fmt.Fprintf(w, "\n%d to fetch from elsewhere: scantling fetch --list\n", n)
		return err
	}
	return nil
}

// branches draw the lines before a unit, and before what is said of it.
func branches(last []bool) (branch, under string) {
	for i, end := range last {
		switch {
		case i < len(last)-1 && end:
			branch, under = branch+"   ", under+"   "
		case i < len(last)-1:
			branch, under = branch+"│  ", under+"│  "
		case end:
			branch, under = branch+"└─ ", under+"   "
		default:
			branch, under = branch+"├─ ", under+"│  "
		}
	}
	return branch, under
}

type unitsJSON struct {
	Version int        `json:"version"`
	Units   []unitJSON `json:"units"`
	Needs   []needJSON `json:"needs"`
	Notes   []noteJSON `json:"notes,omitempty"`
}

type unitJSON struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Path    string `json:"path"`
	Name    string `json:"name,omitempty"`
	Cluster string `json:"cluster,omitempty"`
	Parent  string `json:"parent,omitempty"`
	Line    int    `json:"line,omitempty"`
	Status  string `json:"status"`
	Reason  string `json:"reason,omitempty"`
	Objects int    `json:"objects"`
}

type needJSON struct {
	Kind    string `json:"kind"`
	URL     string `json:"url"`
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
}

type noteJSON struct {
	Path string `json:"path"`
	What string `json:"what"`
}

func (t *unitTree) json(w io.Writer, outcome *check.Outcome, all bool) error {
	out := unitsJSON{Version: 1, Units: []unitJSON{}, Needs: []needJSON{}}
	t.walk(func(u *render.Unit, _ []bool) {
		j := unitJSON{ID: report.Line(u.ID()), Kind: string(u.Kind), Path: report.Line(u.Path), Name: report.Line(u.Name), Cluster: report.Line(u.Cluster),
			Line: u.At.Line, Status: string(u.Status), Objects: u.Objects}
		if u.Status != render.Rendered {
			j.Reason = report.Message(u.Reason)
		}
		if u.Parent != nil {
			j.Parent = report.Line(u.Parent.ID())
		}
		out.Units = append(out.Units, j)
	})
	for _, q := range outcome.Needs() {
		out.Needs = append(out.Needs, needJSON{string(q.Kind), report.Line(q.URL), report.Line(q.Name), report.Line(q.Version)})
	}
	if all {
		for _, n := range outcome.Graph.Notes {
			out.Notes = append(out.Notes, noteJSON{report.Line(n.Path), report.Line(n.What)})
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// title names a unit in a graph, in two lines.
func title(u *render.Unit) (first, second string) {
	name := cmp.Or(u.Name, u.Path)
	if u.Parent == nil {
		name = label(u)
	}
	first = string(u.Kind) + " " + report.Line(name)
	switch u.Status {
	case render.Rendered:
		second = fmt.Sprintf("%d objects", u.Objects)
	case render.Partial:
		second = fmt.Sprintf("%d objects, partial", u.Objects)
	default:
		second = "not rendered"
	}
	return first, second
}

func (t *unitTree) mermaid(w io.Writer) error {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	// Mermaid has entities for what it would take as its own.
	escape := strings.NewReplacer(`"`, "#quot;", "#", "#35;", "<", "#lt;", ">", "#gt;", "`", "#96;", ";", "#59;").Replace
	t.walk(func(u *render.Unit, _ []bool) {
		first, second := title(u)
		fmt.Fprintf(&b, "  u%d[\"%s<br>%s\"]\n", t.order[u], escape(first), escape(second))
		if u.Status != render.Rendered {
			fmt.Fprintf(&b, "  class u%d %s\n", t.order[u], strings.ReplaceAll(string(u.Status), "-", ""))
		}
	})
	t.edges(func(from, to int) { fmt.Fprintf(&b, "  u%d --> u%d\n", from, to) })
	b.WriteString("  classDef partial stroke-dasharray: 5 5\n  classDef notrendered stroke:#c00,color:#c00\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *unitTree) dot(w io.Writer) error {
	var b strings.Builder
	b.WriteString("digraph units {\n  rankdir=LR\n  node [shape=box]\n")
	escape := strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace
	t.walk(func(u *render.Unit, _ []bool) {
		first, second := title(u)
		style := ""
		switch u.Status {
		case render.Partial:
			style = ", style=dashed"
		case render.NotRendered:
			style = ", color=red, fontcolor=red"
		}
		fmt.Fprintf(&b, "  u%d [label=\"%s\\n%s\"%s]\n", t.order[u], escape(first), escape(second), style)
	})
	t.edges(func(from, to int) { fmt.Fprintf(&b, "  u%d -> u%d\n", from, to) })
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// edges are the pairs of a unit and one that it leads to, in order.
func (t *unitTree) edges(visit func(from, to int)) {
	t.walk(func(u *render.Unit, _ []bool) {
		for _, child := range t.below[u] {
			visit(t.order[u], t.order[child])
		}
	})
}
