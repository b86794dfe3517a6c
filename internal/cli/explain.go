package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/scantling-dev/scantling/internal/check"
	"github.com/scantling-dev/scantling/internal/ruledocs"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/rules"
	"github.com/urfave/cli/v2"
)

func explainCommand() *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "say what a rule is about, with examples; takes the id of another tool's check, too",
		ArgsUsage: "RULE",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "markdown", Usage: "print Markdown, as in docs/rules", EnvVars: []string{"SCANTLING_MARKDOWN"}},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return fmt.Errorf("explain takes the id of one rule, or of a check of another tool: see scantling rules")
			}
			id := c.Args().First()
			found, ids := ruleNamed(id)
			switch len(found) {
			case 0:
				return fmt.Errorf("unknown rule %q%s", id, suggestion(id, ids))
			case 1:
				return explain(c, found[0])
			}
			t := tabwriter.NewWriter(c.App.Writer, 0, 4, 2, ' ', 0)
			fmt.Fprintf(t, "%d rules look for %s:\n\n", len(found), id)
			for _, r := range found {
				fmt.Fprintf(t, "%s\t%s\t%s\n", r.ID, r.Severity, r.Title)
			}
			return t.Flush()
		},
	}
}

// ruleNamed are the rules that an id names: ours, that of a check of another tool,
// or an item of a standard such as CVE-2025-1974. ids are those of all rules.
func ruleNamed(id string) (found []*lint.Rule, ids []string) {
	ours := rules.Ours("", id)
	for _, r := range check.Rules() {
		ids = append(ids, r.ID)
		if r.ID == id {
			return []*lint.Rule{r}, nil
		}
		if slices.Contains(ours, r.ID) || slices.ContainsFunc(r.Frameworks, func(f string) bool { return strings.EqualFold(f, id) }) {
			found = append(found, r)
		}
	}
	return found, ids
}

func explain(c *cli.Context, r *lint.Rule) error {
	if c.Bool("markdown") {
		_, err := io.WriteString(c.App.Writer, ruledocs.Page(r))
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\n%s\n\n", r.ID, r.Title, wrap(r.Why))
	fmt.Fprintf(&b, "Remedy: %s\n\n", wrap(r.Fix))
	fmt.Fprintf(&b, "Severity  %s\nCategory  %s\nProfile   %s\nSince     %s\n", r.Severity, r.Category, cmp.Or(r.Profile, lint.Recommended), r.Since)
	if len(r.Frameworks) > 0 {
		fmt.Fprintf(&b, "Covers    %s\n", strings.Join(r.Frameworks, ", "))
	}
	for _, o := range r.Options {
		fmt.Fprintf(&b, "Option    %s: %s Default: %s.\n", o.Name, o.Doc, strings.Join(o.Default, ", "))
	}
	for _, p := range ruledocs.Peers(r.ID) {
		fmt.Fprintf(&b, "Elsewhere %s %s\n", p.Tool, p.ID)
	}
	if r.Category != lint.Problems {
		fmt.Fprintf(&b, "Ignore    # scantling:ignore %s -- REASON\n", r.ID)
	}
	for _, e := range ruledocs.Examples(r) {
		heading := "Not reported"
		if e.Reported {
			heading = "Reported"
		}
		fmt.Fprintf(&b, "\n%s:\n\n", heading)
		for _, line := range e.Lines {
			b.WriteString(strings.TrimRight("    "+line, " ") + "\n")
		}
	}
	_, err := c.App.Writer.Write([]byte(b.String()))
	return err
}

// wrap breaks a paragraph into lines of at most 80 columns.
func wrap(text string) string {
	var b strings.Builder
	width := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case width+1+len(word) > 80:
			b.WriteByte('\n')
			width = 0
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += len(word)
	}
	return b.String()
}
