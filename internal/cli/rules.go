package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/scantling-dev/scantling/internal/check"
	"github.com/scantling-dev/scantling/internal/ruledocs"
	"github.com/scantling-dev/scantling/lint"
	"github.com/urfave/cli/v2"
)

func rulesCommand() *cli.Command {
	return &cli.Command{
		Name:  "rules",
		Usage: "list the rules",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "profile", Usage: "only those of `PROFILE`: recommended, strict, pss-baseline, pss-restricted, nsa, cis or all", EnvVars: []string{"SCANTLING_PROFILE"}},
			&cli.StringFlag{Name: "framework", Usage: "list the items of `STANDARD` with the rules that cover them: pss, cis, nsa, mitre or cve", EnvVars: []string{"SCANTLING_FRAMEWORK"}},
			&cli.BoolFlag{Name: "json", Usage: "print JSON", EnvVars: []string{"SCANTLING_JSON"}},
		},
		Action: func(c *cli.Context) error {
			rules := sortedRules()
			if name := c.String("profile"); name != "" {
				profile, err := lint.ParseProfile(name)
				if err != nil {
					return fmt.Errorf("--profile: %w", err)
				}
				rules = slices.DeleteFunc(rules, func(r *lint.Rule) bool { return !profile.Has(r) })
			}
			if name := c.String("framework"); name != "" {
				return printCoverage(c, rules, name)
			}
			if c.Bool("json") {
				return printRulesJSON(c, rules)
			}
			t := tabwriter.NewWriter(c.App.Writer, 0, 4, 2, ' ', 0)
			fmt.Fprintln(t, "RULE\tSEVERITY\tCATEGORY\tPROFILE\tTITLE")
			for _, r := range rules {
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", r.ID, r.Severity, r.Category, cmp.Or(r.Profile, lint.Recommended), r.Title)
			}
			return t.Flush()
		},
	}
}

// frameworks are how the items of the standards begin in lint.Rule.Frameworks.
var frameworks = map[string]string{"pss": "PSS:", "cis": "CIS-", "nsa": "NSA-", "mitre": "MITRE:", "cve": "CVE-"}

// coverage is an item of a standard and the rules that cover it.
type coverage struct {
	Item  string   `json:"item"`
	Rules []string `json:"rules"`
}

// printCoverage lists the items of a standard.
func printCoverage(c *cli.Context, rules []*lint.Rule, standard string) error {
	prefix, ok := frameworks[strings.ToLower(standard)]
	if !ok {
		names := slices.Sorted(maps.Keys(frameworks))
		return fmt.Errorf("--framework: unknown standard %q: it is one of %s%s", standard, strings.Join(names, ", "), suggestion(standard, names))
	}
	byItem := map[string][]string{}
	for _, r := range rules {
		for _, item := range r.Frameworks {
			if strings.HasPrefix(item, prefix) {
				byItem[item] = append(byItem[item], r.ID)
			}
		}
	}
	items := make([]coverage, 0, len(byItem))
	for item, ids := range byItem {
		items = append(items, coverage{item, ids})
	}
	slices.SortFunc(items, func(a, b coverage) int { return compareItems(a.Item, b.Item) })
	if c.Bool("json") {
		return printJSON(c, items)
	}
	t := tabwriter.NewWriter(c.App.Writer, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "ITEM\tRULES")
	for _, i := range items {
		for n, id := range i.Rules {
			item := ""
			if n == 0 {
				item = i.Item
			}
			fmt.Fprintf(t, "%s\t%s\n", item, id)
		}
	}
	return t.Flush()
}

// compareItems compares the numbers of items as numbers: 5.2.10 comes after
// 5.2.9.
func compareItems(a, b string) int {
	split := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(".:-", r) })
	}
	return slices.CompareFunc(split(a), split(b), func(x, y string) int {
		return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y))
	})
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
	type peer struct {
		Tool string `json:"tool"`
		ID   string `json:"id"`
	}
	type entry struct {
		ID         string   `json:"id"`
		Title      string   `json:"title"`
		Severity   string   `json:"severity"`
		Category   string   `json:"category"`
		Default    bool     `json:"default"`
		Profile    string   `json:"profile"`
		Since      string   `json:"since"`
		Why        string   `json:"why"`
		Fix        string   `json:"fix"`
		Frameworks []string `json:"frameworks,omitempty"`
		Peers      []peer   `json:"peers,omitempty"`
	}
	entries := make([]entry, 0, len(rules))
	for _, r := range rules {
		var peers []peer
		for _, p := range ruledocs.Peers(r.ID) {
			peers = append(peers, peer{p.Tool, p.ID})
		}
		entries = append(entries, entry{r.ID, r.Title, r.Severity.String(), string(r.Category), lint.Recommended.Has(r),
			string(cmp.Or(r.Profile, lint.Recommended)), r.Since, r.Why, r.Fix, r.Frameworks, peers})
	}
	return printJSON(c, entries)
}

func printJSON(c *cli.Context, v any) error {
	e := json.NewEncoder(c.App.Writer)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
