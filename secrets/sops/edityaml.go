package sops

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// yamlText finds the nodes of a parsed stream in its text. The parser tells where a
// scalar begins and not where it ends.
type yamlText struct {
	text []byte
	// lines are where the lines begin.
	lines []int
	// The node that was found last: columns are counted in runes, and a line may hold
	// any number of nodes.
	line, column, offset int
}

func newYAMLText(text []byte) *yamlText {
	t := &yamlText{text: text, lines: []int{0}}
	for i, c := range text {
		if c == '\n' {
			t.lines = append(t.lines, i+1)
		}
	}
	return t
}

// oddBreak is the line of a line break that editors and YAML take differently, or 0.
func oddBreak(text []byte) int {
	at := -1
	for i, c := range text {
		if c == '\r' && (i+1 == len(text) || text[i+1] != '\n') {
			at = i
			break
		}
	}
	for _, s := range [...]string{"\u0085", "\u2028", "\u2029", "\ufeff"} {
		if i := bytes.Index(text, []byte(s)); i >= 0 && (at < 0 || i < at) {
			at = i
		}
	}
	if at < 0 {
		return 0
	}
	return 1 + bytes.Count(text[:at], []byte{'\n'})
}

// place is the offset of a line and column, both from 1; false if there is none.
func (t *yamlText) place(line, column int) (int, bool) {
	if line < 1 || line > len(t.lines) || column < 1 {
		return 0, false
	}
	at, n := t.lines[line-1], 1
	if line == t.line && column >= t.column {
		at, n = t.offset, t.column
	}
	for ; n < column; n++ {
		if at >= len(t.text) {
			return 0, false
		}
		_, size := utf8.DecodeRune(t.text[at:])
		at += size
	}
	t.line, t.column, t.offset = line, column, at
	return at, true
}

// scalar is where the text of a scalar stands, without anchor and tag. The indent is the
// column, from 0, of the block collection that it is in; -1 for none.
func (t *yamlText) scalar(n *yaml.Node, indent int) (textRange, bool) {
	at, ok := t.place(n.Line, n.Column)
	if !ok {
		return textRange{}, false
	}
	if n.Value == "" && n.Tag == "!!null" && n.Style&^yaml.TaggedStyle == 0 {
		// Nothing is written.
		return textRange{start: at, end: at}, true
	}
	if at, ok = t.skipProperties(at, n); !ok {
		return textRange{}, false
	}
	end := -1
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		end = t.doubleQuoted(at)
	case n.Style&yaml.SingleQuotedStyle != 0:
		end = t.singleQuoted(at)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return t.block(at, n, indent)
	default:
		end = t.plain(at, n.Value)
	}
	return textRange{start: at, end: end}, end >= at
}

// skipProperties passes over the anchor and the tag of a node.
func (t *yamlText) skipProperties(at int, n *yaml.Node) (int, bool) {
	if n.Anchor == "" && n.Style&yaml.TaggedStyle == 0 {
		return at, true
	}
	for at < len(t.text) && (t.text[at] == '&' || t.text[at] == '!') {
		for at < len(t.text) && !isBlank(t.text[at]) {
			at++
		}
		for at < len(t.text) && isBlank(t.text[at]) {
			at++
		}
	}
	return at, at < len(t.text)
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func (t *yamlText) doubleQuoted(at int) int {
	if at >= len(t.text) || t.text[at] != '"' {
		return -1
	}
	for i := at + 1; i < len(t.text); i++ {
		switch t.text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

func (t *yamlText) singleQuoted(at int) int {
	if at >= len(t.text) || t.text[at] != '\'' {
		return -1
	}
	for i := at + 1; i < len(t.text); i++ {
		if t.text[i] != '\'' {
			continue
		}
		if i+1 == len(t.text) || t.text[i+1] != '\'' {
			return i + 1
		}
		i++
	}
	return -1
}

// plain is the end of a scalar without quotes, which ends where its value does: only
// white space is written otherwise, where it goes over several lines.
func (t *yamlText) plain(at int, value string) int {
	i := at
	for j := 0; j < len(value); {
		if isBlank(value[j]) {
			if i >= len(t.text) || !isBlank(t.text[i]) {
				return -1
			}
			for j < len(value) && isBlank(value[j]) {
				j++
			}
			for i < len(t.text) && isBlank(t.text[i]) {
				i++
			}
			continue
		}
		if i >= len(t.text) || t.text[i] != value[j] {
			return -1
		}
		i, j = i+1, j+1
	}
	return i
}

// block is where a block scalar stands: its header, and its lines from the break behind
// the header to the end of the last that is not empty.
func (t *yamlText) block(at int, n *yaml.Node, indent int) (textRange, bool) {
	if at >= len(t.text) || t.text[at] != '|' && t.text[at] != '>' {
		return textRange{}, false
	}
	r := textRange{start: at}
	width := 0
	at++
	for ; at < len(t.text) && strings.IndexByte("+-0123456789", t.text[at]) >= 0; at++ {
		if c := t.text[at]; c >= '0' {
			width = max(indent, 0) + int(c-'0')
		}
	}
	r.end = at
	// Up to the end of the line there may be a comment.
	body := t.lineEnd(at)
	r.bodyStart, r.bodyEnd = body, body
	var content []string
	for start := t.nextLine(body); start < len(t.text); start = t.nextLine(t.lineEnd(start)) {
		line := t.text[start:t.lineEnd(start)]
		spaces := len(line) - len(bytes.TrimLeft(line, " "))
		if len(line) == spaces && (width == 0 || spaces <= width) {
			content = append(content, "")
			continue
		}
		if width == 0 {
			width = max(spaces, indent+1, 1)
		}
		if spaces < width {
			break
		}
		content = append(content, string(line[width:]))
		r.bodyEnd = start + len(line)
	}
	return r, sameBlock(content, n)
}

// sameBlock says that the lines give the value.
func sameBlock(lines []string, n *yaml.Node) bool {
	written := strings.Join(lines, "\n")
	if n.Style&yaml.FoldedStyle != 0 {
		return strings.Join(strings.Fields(written), " ") == strings.Join(strings.Fields(n.Value), " ")
	}
	return strings.TrimRight(written, "\n") == strings.TrimRight(n.Value, "\n")
}

// lineEnd is the end of the line, before its break.
func (t *yamlText) lineEnd(at int) int {
	end := bytes.IndexByte(t.text[at:], '\n')
	if end < 0 {
		return len(t.text)
	}
	end += at
	if end > at && t.text[end-1] == '\r' {
		end--
	}
	return end
}

// nextLine is the begin of the line behind an end.
func (t *yamlText) nextLine(end int) int {
	if end < len(t.text) && t.text[end] == '\r' {
		end++
	}
	return min(end+1, len(t.text))
}

// comments are the comments of a text, without the mark, among what is no scalar. The
// scalars are sorted and do not overlap.
func (t *yamlText) comments(scalars []textRange) []textRange {
	var found []textRange
	between := func(from, to int) {
		for i := from; i < to; i++ {
			// The parser takes every # for a comment there, be it behind a comma.
			if t.text[i] != '#' {
				continue
			}
			end := min(t.lineEnd(i), to)
			found = append(found, textRange{start: i + 1, end: end})
			i = end
		}
	}
	at := 0
	for _, s := range scalars {
		between(at, s.start)
		at = max(at, s.end)
		if s.bodyEnd > s.bodyStart {
			between(at, s.bodyStart)
			at = s.bodyEnd
		}
	}
	between(at, len(t.text))
	return found
}
