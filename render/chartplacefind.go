package render

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// finder finds the place of one node.
type finder struct {
	c  *chartPlaces
	t  *tracedText
	of *text
	q  manifest.Query
	// shift is how many lines the nodes are below those of the text.
	shift int
}

// place is the place of the node; ok is false if what wrote it is not known.
func (f *finder) place() (manifest.Origin, bool) {
	if len(f.q.Missing) > 0 {
		return f.missing()
	}
	v := f.q.Hit.Value
	if f.q.Node == f.q.Hit.Key && v != nil {
		switch {
		case v.Kind != yaml.ScalarNode:
			if at, ok := f.container(v); ok {
				return at, true
			}
		case v.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
			if at, ok := f.block(v); ok {
				return at, true
			}
		case v.ShortTag() == "!!null":
			if at, ok := f.behind(); ok {
				return at, true
			}
		}
	}
	return f.scalar(f.q.Node)
}

// at is where a node stands in the text; ok is false for one of another text.
func (f *finder) at(n *yaml.Node) (line, column int, ok bool) {
	line = n.Line - f.shift
	return line, n.Column, n.Line > 0 && n.Column > 0 && line >= 1 && line <= len(f.t.lines)
}

// token is the text of a node on its first line, and the column behind it; ok is
// false if another text stands there.
func (f *finder) token(n *yaml.Node) (text string, end int, ok bool) {
	line, column, ok := f.at(n)
	if !ok {
		return "", 0, false
	}
	runes := []rune(f.t.lines[line-1])
	if column > len(runes) {
		return "", 0, false
	}
	runes = runes[column-1:]
	width := len(runes)
	switch {
	case n.Kind != yaml.ScalarNode:
		width = 1
	case runes[0] == '"' || runes[0] == '\'':
		width = quotedWidth(runes)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
	default:
		rest := strings.TrimRight(string(runes), " \r")
		if value := []rune(n.Value); strings.HasPrefix(rest, n.Value) {
			width = len(value)
		} else if !strings.HasPrefix(n.Value, rest) {
			return "", 0, false
		}
	}
	return string(runes[:width]), column + width, width > 0
}

// quotedWidth is the width of a quoted scalar, as far as it goes on one line.
func quotedWidth(runes []rune) int {
	quote := runes[0]
	for i := 1; i < len(runes); i++ {
		switch {
		case runes[i] == '\\' && quote == '"':
			i++
		case runes[i] == quote && quote == '\'' && i+1 < len(runes) && runes[i+1] == quote:
			i++
		case runes[i] == quote:
			return i + 1
		}
	}
	return len(runes)
}

// scalar is the place of a scalar, by its own text.
func (f *finder) scalar(n *yaml.Node) (manifest.Origin, bool) {
	text, end, ok := f.token(n)
	if !ok {
		return manifest.Origin{}, false
	}
	line, column, _ := f.at(n)
	parts := f.t.parts(line, column, end)
	action := false
	for _, part := range parts {
		p, ok := f.t.piece(part.run)
		if !ok {
			return manifest.Origin{}, false
		}
		action = action || p.action
	}
	switch {
	case len(parts) == 0:
		return manifest.Origin{}, false
	case action:
		return f.printed(n, parts)
	}
	return f.literal(parts[0], line, text)
}

// literal is the place of text that stands in a template.
func (f *finder) literal(at segment, line int, text string) (manifest.Origin, bool) {
	p, _ := f.t.piece(at.run)
	r := f.t.runs[at.run]
	if f.foreign(p) {
		return f.ask(p, nil, false)
	}
	span := manifest.Span{File: p.file, Line: p.line, Column: p.column, EndLine: p.line, EndColumn: p.column}
	exact := false
	if r.line == line {
		span.Column += at.column - r.column
		exact = f.stands(p.file, span.Line, span.Column, text)
	}
	span.EndColumn = span.Column
	if exact {
		span.EndColumn += len([]rune(text))
	}
	return manifest.Origin{Span: span, Exact: exact, Via: f.templateSteps(p, false)}, true
}

// stands says that a text stands at a place of a file.
func (f *finder) stands(file string, line, column int, text string) bool {
	lines := f.c.source(file)
	if line < 1 || line > len(lines) {
		return false
	}
	runes := []rune(lines[line-1])
	return column >= 1 && column <= len(runes) && strings.HasPrefix(string(runes[column-1:]), text)
}
