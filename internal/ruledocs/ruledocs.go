// Package ruledocs writes the documentation of rules as Markdown, from what the
// rules say of themselves.
package ruledocs

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/rules"
	"github.com/scantling-dev/scantling/secrets"
)

// Pages are all pages of the documentation of a set of rules, by file name: a
// page for each rule, README.md, which lists them, and peers.md, which finds them
// by the ids of other tools.
func Pages(all []*lint.Rule) map[string]string {
	pages := map[string]string{"README.md": index(all), "peers.md": peers()}
	for _, r := range all {
		pages[r.ID+".md"] = Page(r)
	}
	return pages
}

// Page is what there is to say of one rule.
func Page(r *lint.Rule) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s.\n\n", r.ID, sentence(r.Title))
	b.WriteString("| severity | category | profiles | since |\n|---|---|---|---|\n")
	fmt.Fprintf(&b, "| %s | %s | %s | %s |\n\n", r.Severity, r.Category, strings.Join(profiles(r), ", "), r.Since)
	fmt.Fprintf(&b, "## Why\n\n%s\n\n## Remedy\n\n%s\n", r.Why, r.Fix)
	if len(r.Options) > 0 {
		b.WriteString("\n## Options\n\n| option | default | |\n|---|---|---|\n")
		for _, o := range r.Options {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", o.Name, codes(o.Default), cell(o.Doc))
		}
		fmt.Fprintf(&b, "\n```yaml\nrules:\n  %s:\n    options:\n      %s: [%s]\n```\n", r.ID, r.Options[0].Name, strings.Join(quoted(r.Options[0].Default), ", "))
	}
	writeExamples(&b, r)
	if len(r.Frameworks) > 0 {
		fmt.Fprintf(&b, "\n## Covers\n\n%s\n", strings.Join(r.Frameworks, ", "))
	}
	if same := Peers(r.ID); len(same) > 0 {
		b.WriteString("\n## The same elsewhere\n\n| tool | check |\n|---|---|\n")
		for _, p := range same {
			fmt.Fprintf(&b, "| %s | `%s` |\n", p.Tool, p.ID)
		}
	}
	if r.Category != lint.Problems {
		fmt.Fprintf(&b, "\n## To ignore it\n\n```yaml\n# scantling:ignore %s -- why\n```\n\nSee [Ignoring a finding](../configuration.md#ignoring-a-finding).\n", r.ID)
	}
	return b.String()
}

// profiles are the names of the profiles that have a rule, but for "all".
func profiles(r *lint.Rule) []string {
	var names []string
	for _, p := range lint.Profiles() {
		if p.Has(r) {
			names = append(names, string(p))
		}
	}
	return names
}

// Example is one of a rule's examples: what is reported on, or what is not.
type Example struct {
	Reported bool
	Lines    []string
}

// Examples are a rule's examples, the reported ones first. The lines at which the
// rule reports end with a comment that says so.
func Examples(r *lint.Rule) []Example {
	files := txtar.Parse([]byte(r.Examples)).Files
	apart := marksApart(files)
	var all []Example
	last := ""
	for _, f := range files {
		group, name, several := strings.Cut(f.Name, "/")
		if strings.HasPrefix(name, "@") && !strings.HasPrefix(name, "@base/") {
			// How the test reads the example.
			continue
		}
		if !several || group != last {
			all = append(all, Example{Reported: strings.HasPrefix(group, "bad")})
		}
		last = group
		e := &all[len(all)-1]
		if several {
			if len(e.Lines) > 0 {
				e.Lines = append(e.Lines, "")
			}
			if before, ok := strings.CutPrefix(name, "@base/"); ok {
				name = before + ", in the base"
			}
			e.Lines = append(e.Lines, "# "+name)
		}
		text := strings.TrimRight(secrets.Elide(string(f.Data)), "\n")
		for i, line := range strings.Split(text, "\n") {
			if at := strings.Index(line, " # want"); at >= 0 {
				line = line[:at] + here
			} else if apart[mark{f.Name, i + 1}] {
				line += here
			}
			e.Lines = append(e.Lines, line)
		}
	}
	slices.SortStableFunc(all, func(a, b Example) int {
		rank := map[bool]int{true: 0, false: 1}
		return cmp.Compare(rank[a.Reported], rank[b.Reported])
	})
	return all
}

const here = "   # <-- here"

// mark is a line of a file at which a rule reports.
type mark struct {
	file string
	line int
}

// marksApart are those that stand in no file itself: where that can hold no
// comment.
func marksApart(files []txtar.File) map[mark]bool {
	marks := map[mark]bool{}
	for _, f := range files {
		group, name, _ := strings.Cut(f.Name, "/")
		if name != "@want" {
			continue
		}
		for line := range strings.Lines(string(f.Data)) {
			file, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
			number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
			if n, err := strconv.Atoi(strings.TrimSuffix(number, ":")); err == nil {
				marks[mark{group + "/" + file, n}] = true
			}
		}
	}
	return marks
}

func writeExamples(b *strings.Builder, r *lint.Rule) {
	heading := ""
	for _, e := range Examples(r) {
		h := "Not reported"
		if e.Reported {
			h = "Reported"
		}
		if h != heading {
			heading = h
			fmt.Fprintf(b, "\n## %s\n", h)
		}
		fmt.Fprintf(b, "\n```yaml\n%s\n```\n", strings.Join(e.Lines, "\n"))
	}
}

// Peers are the checks of other tools that look for the same as a rule.
func Peers(id string) []rules.Peer {
	for _, e := range rules.Catalogue() {
		if e.ID == id {
			return e.Peers
		}
	}
	return nil
}

var aboutProfiles = map[lint.Profile]string{
	lint.Recommended:   "what holds when nothing is configured: faults to be mended on the first day",
	lint.Strict:        "that, and what a repository in good order is held to",
	lint.PSSBaseline:   "the Baseline level of the Pod Security Standards",
	lint.PSSRestricted: "the Restricted level of the Pod Security Standards",
	lint.NSA:           "the Kubernetes Hardening Guidance of NSA and CISA, 1.2",
	lint.CIS:           "the CIS Kubernetes Benchmark, 1.12",
	lint.All:           "every rule, those that contradict each other included",
}

func index(all []*lint.Rule) string {
	var b strings.Builder
	b.WriteString("# Rules\n\n`scantling explain RULE` prints a page of these; it takes the id of another tool's check, too ([peers.md](peers.md)).\n\n")
	b.WriteString("## Profiles\n\n`extends` in the configuration, or `--profile`, chooses.\n\n| profile | rules | |\n|---|---|---|\n")
	for _, p := range lint.Profiles() {
		n := 0
		for _, r := range all {
			if r.Category != lint.Problems && p.Has(r) {
				n++
			}
		}
		fmt.Fprintf(&b, "| `%s` | %d | %s |\n", p, n, aboutProfiles[p])
	}
	byCategory := map[lint.Category][]*lint.Rule{}
	for _, r := range all {
		byCategory[r.Category] = append(byCategory[r.Category], r)
	}
	for _, c := range slices.Sorted(maps.Keys(byCategory)) {
		fmt.Fprintf(&b, "\n## %s\n\n| rule | severity | profile | |\n|---|---|---|---|\n", c)
		slices.SortFunc(byCategory[c], func(a, b *lint.Rule) int { return strings.Compare(a.ID, b.ID) })
		for _, r := range byCategory[c] {
			fmt.Fprintf(&b, "| [%s](%s.md) | %s | %s | %s |\n", r.ID, r.ID, r.Severity, cmp.Or(r.Profile, lint.Recommended), cell(r.Title))
		}
	}
	b.WriteString("\n## Left out on purpose\n\n| | why |\n|---|---|\n")
	for _, e := range rules.Catalogue() {
		if e.LeftOut != "" {
			fmt.Fprintf(&b, "| %s | %s |\n", e.ID, cell(e.LeftOut))
		}
	}
	return b.String()
}

func peers() string {
	ours := map[rules.Peer][]string{}
	for _, e := range rules.Catalogue() {
		for _, p := range e.Peers {
			ours[p] = append(ours[p], e.ID)
		}
	}
	var b strings.Builder
	b.WriteString("# The checks of other tools\n\nWhich rule looks for the same. What other tools are told to ignore by annotations and comments holds here, too; `scantling migrate` rewrites it.\n")
	tool := ""
	for _, p := range slices.SortedFunc(maps.Keys(ours), func(a, b rules.Peer) int {
		return cmp.Or(strings.Compare(a.Tool, b.Tool), strings.Compare(a.ID, b.ID))
	}) {
		if p.Tool != tool {
			tool = p.Tool
			fmt.Fprintf(&b, "\n## %s\n\n| check | rule |\n|---|---|\n", tool)
		}
		links := make([]string, 0, len(ours[p]))
		for _, id := range ours[p] {
			links = append(links, fmt.Sprintf("[%s](%s.md)", id, id))
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", p.ID, strings.Join(links, ", "))
	}
	return b.String()
}

// sentence begins with a capital.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// cell is a text in a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }

func codes(values []string) string {
	if len(values) == 0 {
		return "none"
	}
	coded := make([]string, 0, len(values))
	for _, v := range values {
		coded = append(coded, "`"+cell(v)+"`")
	}
	return strings.Join(coded, ", ")
}

func quoted(values []string) []string {
	all := make([]string, 0, len(values))
	for _, v := range values {
		all = append(all, fmt.Sprintf("%q", v))
	}
	return all
}
