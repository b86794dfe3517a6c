package lint

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Inside is a place in a field's text, as in a file that a ConfigMap holds.
type Inside struct {
	// Key says which part of the text it is, such as "database.password". It is
	// part of what the finding is known by: never a line's number or a value.
	Key string
	// Word stands before the value on its line.
	Word string
	// Line is the value's in the text, from 1.
	Line int
}

// ReportInside is ReportAs for a part of a field's text. Of a text that is written
// as it stands, in a block scalar or in a file of its own, the finding's place
// becomes the line of that part.
func (p *Pass) ReportInside(s Severity, path *field.Path, in Inside, format string, args ...any) {
	if f, ok := p.finding(p.Object, s, path, format, args...); ok {
		f.enter(in)
		p.report(f)
	}
}

// ReportInside is ReportAs for a part of a text that begins at a place of the
// file.
func (p *TreePass) ReportInside(s Severity, at manifest.Span, key string, in Inside, format string, args ...any) {
	f := p.finding(s, at, key, "", format, args...)
	f.enter(in)
	p.report(f)
}

// enter makes the finding one about a part of its field's text.
func (f *Finding) enter(in Inside) {
	f.inside, f.whole = in, f.stable
	if in.Key != "" {
		f.stable += "/" + in.Key
	}
}

// Locate moves findings about a part of a text from the field that holds it to the
// part's own line, where the file shows the text as it stands. It settles what is
// not settled. source gives nil for a file that can't be read.
func Locate(findings []Finding, source func(file string) []byte) {
	Settle(findings)
	var order []int
	for i := range findings {
		if f := &findings[i]; f.inside.Line > 0 && f.Origin.File != "" && f.Origin.Line > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		return strings.Compare(findings[i].Origin.File, findings[j].Origin.File)
	})
	var lines []string
	file := ""
	for _, i := range order {
		f := &findings[i]
		if f.Origin.File != file {
			file = f.Origin.File
			lines = strings.Split(string(source(file)), "\n")
		}
		if line, column, ok := f.inside.find(lines, f.Origin.Line); ok {
			at := &f.Origin
			at.Line, at.Column = line, column
			at.EndLine, at.EndColumn = line, utf8.RuneCountInString(strings.TrimRight(lines[line-1], " \t\r"))+1
		} else if f.Origin.Line > len(lines) || !strings.Contains(lines[f.Origin.Line-1], f.inside.Word) {
			// A template makes the text: all that is in it is one fault here.
			f.stable = f.whole
		}
	}
}

// find is the line, from 1, and the column of the part's value, of a text that
// begins at a line of a file.
func (in Inside) find(lines []string, from int) (line, column int, ok bool) {
	first, end, ok := textAt(lines, from)
	if !ok {
		return 0, 0, false
	}
	if i := first + in.Line - 1; i < end {
		if column, ok := in.valueIn(lines[i]); ok {
			return i + 1, column, true
		}
		if at := strings.Index(lines[i], in.Word); at >= 0 {
			return i + 1, utf8.RuneCountInString(lines[i][:at]) + 1, true
		}
	}
	// A template's actions take lines of their own: what stands only once in the
	// text is meant.
	for i := first; i < end; i++ {
		if c, found := in.valueIn(lines[i]); found {
			if line > 0 {
				return 0, 0, false
			}
			line, column = i+1, c
		}
	}
	return line, column, line > 0
}

// textAt are the lines, from 0 and without the last, of the text that begins at a
// line, from 1: those of a block scalar whose key stands there, or all of a file.
func textAt(lines []string, from int) (first, end int, ok bool) {
	if from > len(lines) {
		return 0, 0, false
	}
	header := lines[from-1]
	if !opensBlock(header) {
		return 0, len(lines), from == 1
	}
	indent := indentOf(header)
	end = from
	for i := from; i < len(lines); i++ {
		if strings.TrimSpace(lines[i]) == "" {
			continue
		}
		if indentOf(lines[i]) <= indent {
			break
		}
		end = i + 1
	}
	return from, end, true
}

// opensBlock says that a line of YAML ends with the mark of a block scalar.
func opensBlock(line string) bool {
	if text, _, ok := strings.Cut(line, " #"); ok {
		line = text
	}
	line = strings.TrimRight(line, " \t\r")
	mark := strings.TrimRight(line, "+-123456789")
	return len(line)-len(mark) <= 2 && (strings.HasSuffix(mark, "|") || strings.HasSuffix(mark, ">"))
}

// valueIn is the column of the value that stands behind the word on a line.
func (in Inside) valueIn(line string) (column int, ok bool) {
	i := 0
	for {
		next := strings.Index(line[i:], in.Word)
		if next < 0 || in.Word == "" {
			return 0, false
		}
		i += next + len(in.Word)
		rest := strings.TrimLeft(line[i:], "\"' \t")
		if rest == "" || strings.IndexByte("=:>,", rest[0]) < 0 && len(rest) == len(line[i:]) {
			// Part of a longer word.
			continue
		}
		rest = strings.TrimLeft(rest, "=:>, \t")
		return utf8.RuneCountInString(line[:len(line)-len(rest)]) + 1, rest != "" && rest != "\r"
	}
}
