package render

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// printedValue is a value that an action printed, where it was set.
type printedValue struct {
	setting setting
	path    []string
	piece   *piece
	sure    bool
	grade   grade
	// offset is where it stands in the text that was printed.
	offset int
	// line is the line in a value of several, from 1, if not all of it is meant;
	// key says that it is the key that was printed.
	line int
	key  bool
}

// grade says how much of a text a value accounts for.
type grade int

const (
	noMatch    grade = iota
	unsetMatch       // the value is empty, and a default was printed
	partMatch        // it is a part of the text
	wholeMatch
)

// printed is the place of a scalar that actions wrote, at least in part.
func (f *finder) printed(n *yaml.Node, parts []segment) (manifest.Origin, bool) {
	var found []printedValue
	var first *piece
	plain := true // nothing but text and the release's name
	for _, part := range parts {
		p, _ := f.t.piece(part.run)
		if !p.action {
			continue
		}
		if first == nil {
			first = p
		}
		shown := part.text
		if len(parts) == 1 {
			shown = n.Value
		}
		plain = plain && f.certain(p)
		if w, ok := f.source(p, part.run, n, shown); ok {
			found = append(found, w)
		} else if at, ok := f.otherSource(p, shown); ok && len(parts) == 1 {
			return at, true
		}
	}
	if len(found) == 0 {
		if w, ok := f.named(first, n.Value); ok && len(parts) == 1 {
			return f.set(w)
		}
		if p, ok := f.t.piece(parts[0].run); ok && plain && !p.action {
			first = p
		}
		return f.unresolved(first, n, plain)
	}
	best := found[len(found)-1]
	at, ok := f.set(best)
	for _, w := range slices.Backward(found[:len(found)-1]) {
		if span, _ := w.setting.place(); span.Line > 0 && !w.setting.source.foreign {
			at.Via = append(at.Via, manifest.Step{Span: span.Span, What: "values key " + oneLine(setKey(w.path))})
		}
	}
	return at, ok
}

// named is the value that was printed of those that an action, or one of the
// includes that it is in, tells the name of in quotes: named templates are asked
// so for one of several values.
func (f *finder) named(p *piece, shown string) (printedValue, bool) {
	view := f.c.releaseValues(f.of.chart)
	scope, _, _ := dependencyOf(f.t.name, f.of.file)
	for i, at := 0, p; at != nil && i < maxCallers; i++ {
		parts := strings.Split(f.action(at), `"`)
		for j := 1; j < len(parts); j += 2 {
			path := slices.Concat(scope, strings.Split(parts[j], "."))
			s, ok := view.lookup(path)
			if !ok || parts[j] == "" || s.node.Kind != yaml.ScalarNode || s.empty() {
				continue
			}
			if g, _ := accounts(s.node, shown); g == wholeMatch {
				return printedValue{setting: s, path: path, piece: p, sure: true, grade: g}, true
			}
		}
		if at.caller < 0 || at.caller >= len(f.t.pieces) {
			break
		}
		at = &f.t.pieces[at.caller]
	}
	return printedValue{}, false
}

// certain says that what an action prints can be changed nowhere but in the
// template: it is a constant, or the name of the release.
func (f *finder) certain(p *piece) bool {
	if len(p.refs) > 0 {
		return !slices.ContainsFunc(p.refs, func(r ref) bool { return r.kind != refRelease })
	}
	text := strings.TrimLeft(strings.TrimPrefix(f.action(p), "{{"), "- \t")
	return strings.HasPrefix(text, "`") || strings.HasPrefix(text, `"`) || strings.HasPrefix(text, ".Release.")
}

// source is the value that an action printed as a text.
func (f *finder) source(p *piece, run int, n *yaml.Node, shown string) (printedValue, bool) {
	view := f.c.releaseValues(f.of.chart)
	var best printedValue
	for _, r := range p.refs {
		if r.kind != refValues {
			continue
		}
		for _, inner := range f.inner(r, run, n) {
			w, ok := f.resolve(view, r, run, inner, func(s setting) (grade, int) {
				switch {
				case s.node.Kind == yaml.ScalarNode:
					return accounts(s.node, shown)
				case r.whole:
					return f.holds(view, s, shown), 0
				}
				return noMatch, 0
			})
			if !ok {
				w, ok = f.otherMatch(view, r, run, n, shown)
			}
			if !ok {
				w, ok = f.movedMatch(view, r, shown)
			}
			w.piece = p
			switch {
			case ok && w.grade == wholeMatch:
				return w, true
			case ok && (w.grade > best.grade || w.grade == best.grade && w.offset > best.offset):
				best = w
			case !ok && best.grade == noMatch && len(inner) == 0:
				best = f.unsetSource(view, r, p)
			}
		}
	}
	return best, best.grade != noMatch
}

// otherMatch is a value of which an action printed the key, or one of several
// lines.
func (f *finder) otherMatch(view *valuesView, r ref, run int, n *yaml.Node, shown string) (printedValue, bool) {
	if len(r.path) > 0 && r.path[len(r.path)-1] == anyItem {
		name := decoded(strings.Trim(shown, `"'`))
		for _, p := range view.expand(r.path) {
			if s, ok := view.lookup(p); ok && s.key != nil && s.key.Value == name {
				return printedValue{setting: s, path: p, sure: name == shown, grade: wholeMatch, key: true}, true
			}
		}
	}
	line, _, ok := f.at(n)
	if at := f.t.runs[run].line; !ok || line < at {
		return printedValue{}, false
	}
	text := strings.TrimSpace(f.t.lines[line-1])
	w, ok := f.resolve(view, r, run, nil, func(s setting) (grade, int) {
		if s.node.Kind == yaml.ScalarNode && f.c.onlyLine(s.node, text) > 0 {
			return wholeMatch, 0
		}
		return noMatch, 0
	})
	if ok && w.setting.node.Kind == yaml.ScalarNode {
		w.line = f.c.onlyLine(w.setting.node, text)
	}
	return w, ok
}

// movedMatch is a value that stands under the one key of the chart's defaults, and
// which templates read without that key: the chart's first template puts what is
// under it in the place of all values, as those of Istio do.
func (f *finder) movedMatch(view *valuesView, r ref, shown string) (printedValue, bool) {
	s, ok := view.moved(r.path)
	if !ok || s.node.Kind != yaml.ScalarNode || s.empty() {
		return printedValue{}, false
	}
	reads := func(p piece) bool {
		return slices.ContainsFunc(p.refs, func(r ref) bool { return r.kind == refValues && len(r.path) > 0 && r.path[0] == s.keys[0] })
	}
	if slices.ContainsFunc(f.t.pieces, reads) {
		return printedValue{}, false
	}
	g, offset := accounts(s.node, shown)
	return printedValue{setting: s, path: r.path, sure: true, grade: g, offset: offset}, g != noMatch
}

// unsetSource is a value that is written as an empty one, so that a default was
// printed in its place.
func (f *finder) unsetSource(view *valuesView, r ref, p *piece) printedValue {
	paths := view.expand(r.path)
	if len(paths) != 1 {
		return printedValue{}
	}
	s, ok := view.lookup(paths[0])
	if !ok || !s.empty() || s.node.Kind != yaml.ScalarNode {
		return printedValue{}
	}
	// Where several values may have been the default, this one need not be the
	// one to be set.
	others := slices.DeleteFunc(slices.Clone(p.refs), func(o ref) bool { return slices.Equal(o.path, r.path) })
	return printedValue{setting: s, path: paths[0], piece: p, sure: f.unset(view, others) && f.defaults(p), grade: unsetMatch}
}

// defaults says that an action prints a value or, in its place, a default.
func (f *finder) defaults(p *piece) bool {
	text := f.action(p)
	return strings.Contains(text, "default ") || strings.Contains(text, "coalesce ")
}

// action is the text of an action in its template; empty if it is not to be had.
func (f *finder) action(p *piece) string {
	lines := f.c.source(p.file)
	if !p.written || p.line < 1 || p.line > len(lines) {
		return ""
	}
	const most = 30 // lines of one action
	runes := []rune(lines[p.line-1])
	text := string(runes[min(max(p.column-1, 0), len(runes)):])
	for i := p.line; i < min(len(lines), p.line+most) && !strings.Contains(text, "}}"); i++ {
		text += "\n" + lines[i]
	}
	text, _, _ = strings.Cut(text, "}}")
	return text
}

// inner are the paths below a ref's own at which a node may stand that an action
// printed: of one that prints YAML, the place in that.
func (f *finder) inner(r ref, run int, n *yaml.Node) [][]string {
	if !r.whole {
		return [][]string{nil}
	}
	line, column, _ := f.at(n)
	if keys, ok := f.t.keysAt(run, line, column, f.c.limits()); ok {
		return [][]string{keys}
	}
	var paths [][]string
	for i := range f.q.Path {
		paths = append(paths, f.q.Path[i:])
	}
	return append(paths, nil)
}

// resolve finds the one of the values that a ref may stand for which match
// accepts. A ref to the items of a range stands for as many as there are; where
// the action ran once for each of them, the run tells which.
func (f *finder) resolve(view *valuesView, r ref, run int, inner []string, match func(setting) (grade, int)) (printedValue, bool) {
	paths := view.expand(r.path)
	try := func(p []string) (printedValue, bool) {
		p = append(slices.Clip(p), inner...)
		s, ok := view.lookup(p)
		if !ok {
			return printedValue{}, false
		}
		g, offset := match(s)
		return printedValue{setting: s, path: p, sure: true, grade: g, offset: offset}, g != noMatch
	}
	if len(paths) == 0 {
		return printedValue{}, false
	}
	if rank, count := f.t.rank(run); len(paths) > 1 && count == len(paths) {
		if w, ok := try(paths[rank]); ok {
			return w, true
		}
	}
	var found []printedValue
	for _, p := range paths {
		if w, ok := try(p); ok {
			found = append(found, w)
		}
	}
	if len(found) == 0 {
		return printedValue{}, false
	}
	best := slices.MaxFunc(found, func(a, b printedValue) int { return int(a.grade - b.grade) })
	best.sure = len(found) == 1
	return best, true
}

// set is the place of a value that was printed: where it is set, if that is in
// this repository.
func (f *finder) set(w printedValue) (manifest.Origin, bool) {
	if w.setting.source.foreign {
		return f.ask(w.piece, w.path, w.sure && w.grade != noMatch)
	}
	at, stands := w.setting.place()
	switch {
	case w.key && w.setting.source.where == nil:
		at.Span = manifest.NodeSpan(w.setting.source.file, w.setting.key)
	case w.key:
		stands = false
	case w.line > 0:
		at.Span, stands = f.blockLine(w, at.Span, stands)
	}
	if at.Line == 0 {
		return f.unresolved(w.piece, nil, false)
	}
	at.Exact = stands && w.sure
	at.Key, at.Missing = setKey(w.path), ""
	at.Via = append(f.templateSteps(w.piece, true), at.Via...)
	return at, true
}

// blockLine is the place of a line of a value that is a literal block in a values
// file.
func (f *finder) blockLine(w printedValue, at manifest.Span, stands bool) (manifest.Span, bool) {
	n := w.setting.node
	lines := f.c.source(at.File)
	line := n.Line + w.line
	if w.setting.source.where != nil || n.Style&yaml.LiteralStyle == 0 || line > len(lines) {
		return at, false
	}
	text := strings.TrimSpace(lines[line-1])
	if f.c.onlyLine(n, text) != w.line {
		return at, false
	}
	indent := len(lines[line-1]) - len(strings.TrimLeft(lines[line-1], " "))
	return manifest.Span{File: at.File, Line: line, Column: indent + 1, EndLine: line, EndColumn: indent + 1 + len([]rune(text))}, stands
}

// unresolved is the place of what an action printed when no value is found that
// it printed: the action, with the values key that would change it. What an
// action holds as a constant stands there; and what is made of the release's
// name alone is written nowhere else.
func (f *finder) unresolved(p *piece, n *yaml.Node, plain bool) (manifest.Origin, bool) {
	if p == nil {
		return manifest.Origin{}, false
	}
	var key []string
	for _, r := range p.refs {
		// One of all the values of a chart says nothing.
		if any := slices.Index(r.path, anyItem); r.kind == refValues && any != 0 && any != 1 {
			key = r.path
			break
		}
	}
	if f.foreign(p) {
		// Without the chart's own values, what is the only one to be printed is.
		return f.ask(p, key, len(p.refs) == 1 && !p.refs[0].whole)
	}
	if at, ok := f.unwritten(p, n); ok {
		return at, true
	}
	at := manifest.Origin{Span: manifest.Span{File: p.file, Line: p.line, Column: p.column}, Key: setKey(key), Via: f.templateSteps(p, false)}
	at.EndLine, at.EndColumn = at.Line, at.Column
	text := "text"
	if p.action {
		text = f.action(p)
	}
	constant := n != nil && n.Value != "" && (strings.Contains(text, `"`+n.Value+`"`) || strings.Contains(text, "`"+n.Value+"`") || strings.Contains(text, " "+n.Value+" "))
	if text != "" && (plain || constant) {
		at.Exact = true
		if p.action && !strings.Contains(text, "\n") {
			at.EndColumn += len([]rune(text)) + len("}}")
		}
	}
	return at, true
}

// unwritten is the place of a value that is written nowhere, so that an action
// printed a default: the mapping to which it would have to be added.
func (f *finder) unwritten(p *piece, n *yaml.Node) (manifest.Origin, bool) {
	if n == nil || !p.action || len(p.refs) == 0 || p.refs[0].kind != refValues || !f.defaults(p) {
		return manifest.Origin{}, false
	}
	s, rest, ok := f.above(p.refs[0].path)
	if !ok || len(rest) != 1 || s.source.foreign {
		return manifest.Origin{}, false
	}
	view := f.c.releaseValues(f.of.chart)
	return f.add(printedValue{setting: s, path: p.refs[0].path[:len(p.refs[0].path)-1], piece: p, sure: f.unset(view, p.refs[1:]), grade: wholeMatch}, rest)
}

// unset says that none of some values is set.
func (f *finder) unset(view *valuesView, refs []ref) bool {
	return !slices.ContainsFunc(refs, func(r ref) bool {
		if r.kind != refValues {
			return false
		}
		s, ok := view.lookup(r.path)
		return ok && !s.empty()
	})
}

// otherSource is the place of what an action took from the chart's Chart.yaml or
// one of its files.
func (f *finder) otherSource(p *piece, shown string) (manifest.Origin, bool) {
	for _, r := range p.refs {
		var span manifest.Span
		switch {
		case r.kind == refChart && len(r.path) == 2:
			n := val{f.c.parsed(r.path[0])}.at(r.path[1])
			if !n.ok() {
				continue
			}
			if g, _ := accounts(n.n, shown); g == wholeMatch {
				span = position(r.path[0], n.n)
			}
		case r.kind == refFile && len(r.path) == 1:
			span = f.inFile(r.path[0], shown)
		}
		if span.Line == 0 {
			continue
		}
		if _, foreign := f.c.owner(span.File); foreign {
			return f.ask(p, f.firstKey(p), false)
		}
		return manifest.Origin{Span: span, Exact: true, Key: setKey(f.firstKey(p)), Via: f.templateSteps(p, true)}, true
	}
	return manifest.Origin{}, false
}

func (f *finder) firstKey(p *piece) []string {
	for _, r := range p.refs {
		if r.kind == refValues {
			return r.path
		}
	}
	return nil
}

// inFile is the only line of a file that is a text, but for white space.
func (f *finder) inFile(name, shown string) manifest.Span {
	want := strings.TrimSpace(shown)
	line := f.c.onlyLineOf(name, want)
	if want == "" || line == 0 {
		return manifest.Span{}
	}
	text := f.c.source(name)[line-1]
	indent := len(text) - len(strings.TrimLeft(text, " \t"))
	return manifest.Span{File: name, Line: line, Column: indent + 1, EndLine: line, EndColumn: indent + 1 + len([]rune(want))}
}
