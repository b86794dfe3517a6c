package cli

import (
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/internal/check"
	"github.com/scantling-dev/scantling/lint"
	"github.com/urfave/cli/v2"
)

func explainCommand() *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "say what a rule is about, with examples",
		ArgsUsage: "RULE",
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return fmt.Errorf("explain takes the id of one rule: see scantling rules")
			}
			id := c.Args().First()
			var ids []string
			for _, r := range check.Rules() {
				if r.ID == id {
					return explain(c, r)
				}
				ids = append(ids, r.ID)
			}
			return fmt.Errorf("unknown rule %q%s", id, suggestion(id, ids))
		},
	}
}

func explain(c *cli.Context, r *lint.Rule) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\n%s\n\n", r.ID, r.Title, wrap(r.Why))
	fmt.Fprintf(&b, "Remedy: %s\n\n", wrap(r.Fix))
	fmt.Fprintf(&b, "Severity  %s\nCategory  %s\nDefault   %s\nSince     %s\n", r.Severity, r.Category, onOff(r), r.Since)
	if len(r.Frameworks) > 0 {
		fmt.Fprintf(&b, "Covers    %s\n", strings.Join(r.Frameworks, ", "))
	}
	for _, o := range r.Options {
		fmt.Fprintf(&b, "Option    %s: %s Default: %s.\n", o.Name, o.Doc, strings.Join(o.Default, ", "))
	}
	if r.Category != lint.Problems {
		fmt.Fprintf(&b, "Ignore    # scantling:ignore %s -- REASON\n", r.ID)
	}
	for _, f := range txtar.Parse([]byte(r.Examples)).Files {
		heading := "Reported"
		if strings.HasPrefix(f.Name, "good") {
			heading = "Not reported"
		}
		fmt.Fprintf(&b, "\n%s:\n\n", heading)
		for _, line := range strings.Split(strings.TrimSpace(string(f.Data)), "\n") {
			if at := strings.Index(line, " # want"); at >= 0 {
				line = line[:at] + "   # <-- here"
			}
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
