package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"

	"github.com/scantling-dev/scantling/internal/diff"
	"github.com/scantling-dev/scantling/lint"
)

// maxEntries is how many changes a text report shows, and maxFieldLines how many
// lines of each: what is more is counted. JSON holds more.
const (
	maxEntries    = 1000
	maxFieldLines = 100
)

func writeChangesText(w io.Writer, v *changeView, o Options) error {
	if o.Width <= 0 {
		o.Width = defaultWidth
	}
	t := &textWriter{w: bufio.NewWriter(w), r: &v.Report, o: o, units: map[string]*Unit{}}
	for i := range v.BaseUnits {
		t.units[v.BaseUnits[i].ID] = &v.BaseUnits[i]
	}
	for i := range v.Units {
		t.units[v.Units[i].ID] = &v.Units[i]
	}
	for i, e := range v.entries {
		if i == maxEntries {
			fmt.Fprintf(t.w, "and %s more\n\n", count(len(v.entries)-i, "change"))
			break
		}
		next := (*changeEntry)(nil)
		if i+1 < min(len(v.entries), maxEntries) {
			next = v.entries[i+1]
		}
		t.change(e, next)
	}
	for i := range v.Changes.Objects.Unknown {
		if i == maxEntries {
			fmt.Fprintf(t.w, "and %s more\n", count(len(v.Changes.Objects.Unknown)-i, "unit"))
			break
		}
		fmt.Fprintf(t.w, "%s  %s\n", t.style(yellow, "?"), failure(&v.Changes.Objects.Unknown[i]))
	}
	if len(v.Changes.Objects.Unknown) > 0 {
		t.w.WriteString("\n")
	}
	if len(v.rest) > 0 {
		t.w.WriteString("findings about nothing that is listed above:\n")
		for i, f := range v.rest {
			if i == maxEntries {
				fmt.Fprintf(t.w, "    and %s more\n", count(len(v.rest)-i, "finding"))
				break
			}
			t.beside(f, true)
		}
		t.w.WriteString("\n")
	}
	line := v.headline() + " against " + brief(v.Summary.Base, maxLine/2) + ": " + v.found()
	for _, aside := range v.asides() {
		line += ". " + aside
	}
	fmt.Fprintln(t.w, line)
	return t.w.Flush()
}

func signColor(kind diff.ChangeKind) string {
	switch kind {
	case diff.Added:
		return green
	case diff.Removed:
		return red
	}
	return yellow
}

// maxReached is how many characters the units of a change may take.
const maxReached = 240

// change writes one change: the object, where it is written, the units, the fields,
// the findings. Of objects that came or went together the units stand behind the
// last one.
func (t *textWriter) change(e, next *changeEntry) {
	fmt.Fprintf(t.w, "%s %s", t.style(bold+";"+signColor(e.Kind), sign(e.Kind)), t.style(bold, title(e.Change)))
	if at := brief(e.File, maxLine/2); at != "" {
		fmt.Fprintf(t.w, "   %s", t.style(dim, at))
	}
	t.w.WriteString("\n")
	if len(e.findings) == 0 && next != nil && rank(e.Kind) > 0 && next.Kind == e.Kind && slices.Equal(next.Units, e.Units) {
		return
	}
	if len(e.Units) > 1 || e.Units[0] != e.File {
		fmt.Fprintf(t.w, "    %s\n", t.style(dim, "in "+shorten(t.reached(e.Units), maxReached)))
	}
	if len(e.Was) > 0 {
		fmt.Fprintf(t.w, "    %s\n", t.style(dim, "before in "+shorten(t.reached(e.Was), maxReached)))
	}
	lines := 0
	for i, f := range e.fields {
		if lines > maxFieldLines {
			fmt.Fprintf(t.w, "    %s\n", t.style(dim, "and "+count(len(e.fields)-i+e.More, "more field")))
			lines = -1
			break
		}
		lines += 1 + len(f.Lines)
		t.field(f)
	}
	if e.More > 0 && lines >= 0 {
		fmt.Fprintf(t.w, "    %s\n", t.style(dim, "and "+count(e.More, "more field")))
	}
	for _, f := range e.findings {
		t.beside(f, false)
	}
	t.w.WriteString("\n")
}

func (t *textWriter) field(f *diff.Field) {
	mark := "  "
	if f.Kind != diff.Changed {
		mark = t.style(signColor(f.Kind), sign(f.Kind)) + " "
	}
	text := fieldLine(f)
	if f.Noise {
		text = t.style(dim, text+"  (noise)")
	}
	fmt.Fprintf(t.w, "  %s%s\n", mark, text)
	for _, line := range f.Lines {
		shown := line[:1] + " " + Line(line[1:])
		switch line[0] {
		case '+':
			shown = t.style(green, shown)
		case '-':
			shown = t.style(red, shown)
		}
		fmt.Fprintf(t.w, "      %s\n", shown)
	}
	if f.MoreLines > 0 {
		fmt.Fprintf(t.w, "      %s\n", t.style(dim, "and "+count(f.MoreLines, "more line")))
	}
}

// beside writes a finding on one line, beside the object that it is about or with it.
func (t *textWriter) beside(f *lint.Finding, alone bool) {
	state, code := "! new  ", severityColor(f.Severity)
	if f.State == lint.Fixed {
		state, code = "  fixed", green
	}
	fmt.Fprintf(t.w, "  %s  %s  %s  %s", t.style(bold+";"+code, state), t.style(code, fmt.Sprintf("%-8s", f.Severity)), brief(f.Message, maxLine/2), t.style(dim, Escape(f.Rule)))
	if at := position(f.Origin.Span, maxLine/2); at != "" {
		fmt.Fprintf(t.w, "  %s", at)
	}
	if object := brief(f.Object.String(), maxLine/4); alone && object != "" {
		fmt.Fprintf(t.w, "  %s", object)
	}
	t.w.WriteString("\n")
}
