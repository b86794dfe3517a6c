package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/scantling-dev/scantling/internal/check"
	"github.com/scantling-dev/scantling/lint"
	"github.com/urfave/cli/v2"
)

func rulesCommand() *cli.Command {
	return &cli.Command{
		Name:  "rules",
		Usage: "list the rules",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print JSON", EnvVars: []string{"SCANTLING_JSON"}}},
		Action: func(c *cli.Context) error {
			rules := sortedRules()
			if c.Bool("json") {
				return printRulesJSON(c, rules)
			}
			t := tabwriter.NewWriter(c.App.Writer, 0, 4, 2, ' ', 0)
			fmt.Fprintln(t, "RULE\tSEVERITY\tCATEGORY\tDEFAULT\tTITLE")
			for _, r := range rules {
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", r.ID, r.Severity, r.Category, onOff(r), r.Title)
			}
			return t.Flush()
		},
	}
}

func onOff(r *lint.Rule) string {
	if lint.Recommended.Has(r) {
		return "on"
	}
	return "off"
}

func sortedRules() []*lint.Rule {
	rules := slices.Clone(check.Rules())
	slices.SortFunc(rules, func(a, b *lint.Rule) int {
		if c := strings.Compare(string(a.Category), string(b.Category)); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return rules
}

func printRulesJSON(c *cli.Context, rules []*lint.Rule) error {
	type entry struct {
		ID         string   `json:"id"`
		Title      string   `json:"title"`
		Severity   string   `json:"severity"`
		Category   string   `json:"category"`
		Default    bool     `json:"default"`
		Since      string   `json:"since"`
		Why        string   `json:"why"`
		Fix        string   `json:"fix"`
		Frameworks []string `json:"frameworks,omitempty"`
	}
	entries := make([]entry, 0, len(rules))
	for _, r := range rules {
		entries = append(entries, entry{r.ID, r.Title, r.Severity.String(), string(r.Category), lint.Recommended.Has(r), r.Since, r.Why, r.Fix, r.Frameworks})
	}
	e := json.NewEncoder(c.App.Writer)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(entries)
}
