package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/scantling-dev/scantling/internal/diff"
	"github.com/scantling-dev/scantling/lint"
)

// maxComment is how many characters a comment on GitHub may have, of which some are
// left to who puts a line of his own around it.
const maxComment = 65536 - 2048

// writeChangesMarkdown writes a comment for a pull request: what is said in one line
// first, then each change. What does not fit any more is counted.
func writeChangesMarkdown(w io.Writer, v *changeView) error {
	var b strings.Builder
	fmt.Fprintf(&b, "**scantling diff** against %s: %s; %s\n\n", code(v.Summary.Base), v.headline(), v.found())
	var end strings.Builder
	for _, aside := range v.asides() {
		end.WriteString(prose(aside) + ".\n")
	}
	if end.Len() > 0 {
		end.WriteString("\n")
	}
	room := maxComment - b.Len() - end.Len() - 400
	// What could not be told comes first: it must not be cut off.
	section := func(title string, n int, item func(i int) string, more string) {
		if n == 0 {
			return
		}
		b.WriteString(title)
		for i := range n {
			text := item(i)
			if b.Len()+len(text) > room {
				fmt.Fprintf(&b, "\n**%s**: the text report shows them.\n\n", count(n-i, "more "+more))
				return
			}
			b.WriteString(text)
		}
		b.WriteString("\n")
	}
	unknown := v.Changes.Objects.Unknown
	section("Not compared:\n\n", len(unknown), func(i int) string { return "- " + prose(failure(&unknown[i])) + "\n" }, "unit")
	var fresh, fixed []*lint.Finding
	for i := range v.Changes.Findings {
		switch f := &v.Changes.Findings[i]; {
		case f.State == lint.Fixed:
			fixed = append(fixed, f)
		case f.State == lint.New && f.Suppressed == nil:
			fresh = append(fresh, f)
		}
	}
	const header = "| | severity | finding | where |\n|---|---|---|---|\n"
	section(header, len(fresh)+len(fixed), func(i int) string {
		if i < len(fresh) {
			return row("new", fresh[i])
		}
		return row("fixed", fixed[i-len(fresh)])
	}, "finding")
	section("", len(v.entries), func(i int) string { return details(v.entries[i]) }, "object")
	b.WriteString(end.String())
	_, err := io.WriteString(w, b.String())
	return err
}

// row is a finding in a table.
func row(state string, f *lint.Finding) string {
	where := prose(brief(f.Object.String(), maxLine/4))
	if at := position(f.Origin.Span, maxLine/4); at != "" {
		where += " " + code(at)
	}
	return fmt.Sprintf("| %s | %s | %s (%s) | %s |\n", state, f.Severity, prose(brief(f.Message, maxLine)), code(f.Rule), strings.TrimSpace(where))
}

// details is one change, folded up.
func details(e *changeEntry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<details><summary>%s %s", sign(e.Kind), prose(title(e.Change)))
	if len(e.Units) > 0 {
		fmt.Fprintf(&b, " in %s", prose(shorten(foldUnits(e.Units), maxLine)))
	}
	b.WriteString("</summary>\n\n")
	var lines []string
	for _, f := range e.fields {
		lines = append(lines, diffLines(f)...)
	}
	if len(lines) > maxFieldLines {
		lines = append(lines[:maxFieldLines], fmt.Sprintf("# and %s", count(len(lines)-maxFieldLines, "more line")))
	}
	if e.More > 0 {
		lines = append(lines, "# and "+count(e.More, "more field"))
	}
	if len(lines) > 0 {
		// A fence longer than any in the text can't be ended by it.
		text := strings.Join(lines, "\n")
		fence := strings.Repeat("`", max(3, longest(text, '`')+1))
		fmt.Fprintf(&b, "%sdiff\n%s\n%s\n\n", fence, text, fence)
	}
	if at := brief(e.File, maxLine/2); at != "" {
		fmt.Fprintf(&b, "Written in %s.\n\n", code(at))
	}
	b.WriteString("</details>\n")
	return b.String()
}

// diffLines are a field as lines of a diff.
func diffLines(f *diff.Field) []string {
	path := brief(f.Path, maxLine)
	var lines []string
	switch {
	case len(f.Lines) > 0:
		lines = append(lines, "# "+path)
		for _, line := range f.Lines {
			lines = append(lines, line[:1]+" "+Line(line[1:]))
		}
		if f.MoreLines > 0 {
			lines = append(lines, "# and "+count(f.MoreLines, "more line"))
		}
	case f.Mask != "" && f.Kind == diff.Changed && *f.Before == *f.After:
		lines = append(lines, "! "+fieldLine(f))
	default:
		if f.Before != nil {
			lines = append(lines, "- "+path+": "+brief(*f.Before, maxLine))
		}
		if f.After != nil {
			lines = append(lines, "+ "+path+": "+brief(*f.After, maxLine))
		}
	}
	return lines
}

// code is text as a span of code, which nothing in it can end.
func code(s string) string {
	s = brief(s, maxLine/2)
	// In a table a bar would end the cell even in code.
	s = strings.ReplaceAll(s, "|", "¦")
	tick := strings.Repeat("`", longest(s, '`')+1)
	if tick == "`" {
		return tick + s + tick
	}
	return tick + " " + s + " " + tick
}

// prose is text that Markdown and HTML make nothing else of: no link, no image, no
// tag. GitHub looks for people and issues in what the reader sees, so that there
// something invisible has to part the sign from the name.
func prose(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '@' || r == '#':
			b.WriteString(string(r) + "&#8203;")
		case strings.ContainsRune("&<>|`*_[]\\~!$:", r):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// longest is the length of the longest run of a character.
func longest(s string, c rune) int {
	most, n := 0, 0
	for _, r := range s {
		if n++; r != c {
			n = 0
		}
		most = max(most, n)
	}
	return most
}
