package render

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// option is what the template would write the missing field with, but for a
// condition: the nearest behind the parent, in the same run of the template.
func (f *finder) option() *option {
	line, column, ok := f.at(f.q.Node)
	if !ok {
		return nil
	}
	run := f.t.runAt(line, column)
	p, ok := f.t.piece(run)
	if !ok || p.action || f.t.runs[run].line != line {
		return nil
	}
	column = p.column + column - f.t.runs[run].column
	beside := f.siblings(p)
	var best *option
	end := math.MaxInt // the line of the best one, or at which the parent is known to have ended
	for _, o := range f.t.optionsOf(f.q.Missing[0]) {
		if o.piece < 0 || o.piece >= len(f.t.pieces) {
			continue
		}
		at := f.beside(&f.t.pieces[o.piece], p)
		switch {
		case at == nil || at.line <= p.line:
			continue
		case at.action && !f.indents(at):
			continue
		case !at.action && beside > 0 && at.column != beside:
			continue
		case !at.action && (at.column < column || at.column == column && f.q.Hit.Key != nil):
			continue
		case at.line >= end:
			continue
		case f.ends(p, column, at.line):
			end = at.line
			continue
		}
		best, end = o, at.line
	}
	return best
}

// beside is the piece of the same run of a template as another that wrote what a
// piece is or, if that is in a template which it includes, the include; nil for
// none.
func (f *finder) beside(at, p *piece) *piece {
	included := false
	for range maxCallers {
		if at.file == p.file && at.caller == p.caller && at.template == p.template {
			return at
		}
		// Of what is included only the keys at the left may be beside the others.
		if at.caller < 0 || at.caller >= len(f.t.pieces) || !included && at.column != 1 {
			return nil
		}
		at, included = &f.t.pieces[at.caller], true
	}
	return nil
}

// indents says that an include puts what it prints where the keys of the parent
// are, as far as it tells.
func (f *finder) indents(p *piece) bool {
	m := indentWidth().FindStringSubmatch(f.action(p))
	first := f.q.Hit.Value
	if m == nil || first.Kind != yaml.MappingNode || len(first.Content) == 0 {
		return true
	}
	return m[1] == strconv.Itoa(first.Content[0].Column-1)
}

var indentWidth = lazyRegexp(`n?indent +(\d+)`)

// siblings is the column in the template of the keys in the parent; 0 if the same
// template wrote none of them.
func (f *finder) siblings(of *piece) int {
	parent := f.q.Hit.Value
	const most = 200 // nodes that are looked at
	for i := 0; parent.Kind == yaml.MappingNode && i+1 < min(len(parent.Content), most); i += 2 {
		line, column, ok := f.at(parent.Content[i])
		if !ok {
			continue
		}
		run := f.t.runAt(line, column)
		p, ok := f.t.piece(run)
		if ok && !p.action && p.file == of.file && p.caller == of.caller && p.template == of.template && f.t.runs[run].line == line {
			return p.column + column - f.t.runs[run].column
		}
	}
	return 0
}

// ends says that the parent, whose key is in a column, ends in the template before
// a line.
func (f *finder) ends(p *piece, column, line int) bool {
	lines := f.c.source(p.file)
	for i := p.line; i < min(line-1, len(lines)); i++ {
		text := strings.TrimSpace(lines[i])
		if text == "" || strings.HasPrefix(text, "#") || strings.HasPrefix(text, "{{") {
			continue
		}
		indent := len(lines[i]) - len(strings.TrimLeft(lines[i], " "))
		if indent+1 < column || indent+1 == column && f.q.Hit.Key != nil {
			return true
		}
	}
	return false
}

// byOption is the place of the values that would let the template write the
// missing field: those that it is printed from or, if they hold it, the condition
// around it.
func (f *finder) byOption(o *option) (manifest.Origin, bool) {
	view := f.c.releaseValues(f.of.chart)
	p := &f.t.pieces[o.piece]
	rest := f.q.Missing[1:]
	printed, unmet := f.read(view, o)
	outer, inner := f.conditions(p)
	unmet = slices.DeleteFunc(unmet, func(path []string) bool {
		asks := func(b branch) bool { return b.asks(path) }
		return slices.ContainsFunc(outer, asks) && !slices.ContainsFunc(inner, asks)
	})
	held := len(rest) == 0
	if printed != nil && !held {
		_, held = view.lookup(slices.Concat(printed, rest))
	}
	switch {
	case printed != nil && len(unmet) == 0 && held && len(rest) > 0:
		// It is set, and still not written: there is another condition.
		return f.parent(nil)
	case printed != nil && (len(unmet) == 0 || !held):
		return f.optionAt(view, p, printed, rest, len(unmet) == 0 && open(inner, printed))
	case len(unmet) > 0:
		enough := f.decides(o, unmet) && (held || f.writes(view, o, rest, unmet[0]))
		return f.optionAt(view, p, unmet[0], nil, enough)
	}
	return f.parent(nil)
}

// read are the paths of the values that an option is printed from as a whole, nil
// for none, and of those for the lack of which it is not written, the outermost
// condition first.
func (f *finder) read(view *valuesView, o *option) (printed []string, unmet [][]string) {
	for _, r := range o.refs {
		paths := view.expand(r.path)
		if r.kind != refValues || len(paths) != 1 {
			continue
		}
		s, ok := view.lookup(paths[0])
		switch {
		case r.whole:
			printed = paths[0]
		case !ok || s.empty():
			unmet = append(unmet, paths[0])
		}
		if printed == nil && ok && s.node.Kind == yaml.MappingNode && !f.leads(o, r.path) {
			// A mapping is asked for because it is what is printed.
			printed = paths[0]
		}
	}
	unmet = slices.DeleteFunc(unmet, func(path []string) bool { return slices.Equal(path, printed) })
	return printed, unmet
}

// leads says that an option reads something below a path of the values.
func (f *finder) leads(o *option, path []string) bool {
	return slices.ContainsFunc(o.refs, func(r ref) bool {
		return r.kind == refValues && len(r.path) > len(path) && slices.Equal(r.path[:len(path)], path)
	})
}

// optionAt is where a value is written by which a template would write more, rest
// below it; if it is written nowhere, the parent in the template. sure says that
// it would then.
func (f *finder) optionAt(view *valuesView, p *piece, path, rest []string, sure bool) (manifest.Origin, bool) {
	s, ok := view.lookup(path)
	if !ok {
		return f.parent(slices.Concat(path, rest))
	}
	return f.add(printedValue{setting: s, path: path, piece: p, sure: sure, grade: wholeMatch}, rest)
}

// writes says that the template writes the keys of rest below those of an option,
// once a value is set.
func (f *finder) writes(view *valuesView, o *option, rest []string, set []string) bool {
	if len(rest) == 0 {
		return true
	}
	p := &f.t.pieces[o.piece]
	if p.action {
		return false
	}
	for _, below := range f.t.optionsOf(rest[0]) {
		if below.piece < 0 || below.piece >= len(f.t.pieces) {
			continue
		}
		at := &f.t.pieces[below.piece]
		if at.action || at.file != p.file || at.caller != p.caller || at.template != p.template || at.line <= p.line || at.column <= p.column {
			continue
		}
		printed, unmet := f.read(view, below)
		held := false
		if printed != nil {
			_, held = view.lookup(slices.Concat(printed, rest[1:]))
		}
		unmet = slices.DeleteFunc(unmet, func(path []string) bool { return slices.Equal(path, set) })
		if len(unmet) == 0 && !f.closed(p.file, p.line, at.line, p.column+1) && (held || f.writes(view, below, rest[1:], set)) {
			return true
		}
	}
	return false
}

// closed says that the lines of a template between two are not all of what a key
// holds whose own keys stand in a column, or behind it.
func (f *finder) closed(file string, from, to, column int) bool {
	lines := f.c.source(file)
	for i := from; i < min(to-1, len(lines)); i++ {
		text := strings.TrimSpace(lines[i])
		if text == "" || strings.HasPrefix(text, "#") || strings.HasPrefix(text, "{{") {
			continue
		}
		if indent := len(lines[i]) - len(strings.TrimLeft(lines[i], " ")); indent+1 < column {
			return true
		}
	}
	return false
}

// decides says that an option is written once the first of the values is set for
// the lack of which it is not: the conditions around it ask for that one as it is,
// and for another of them at most in its stead.
func (f *finder) decides(o *option, unmet [][]string) bool {
	var all []branch
	p := &f.t.pieces[o.piece]
	for range maxCallers {
		all = append(all, f.branches(p)...)
		if p.caller < 0 || p.caller >= len(f.t.pieces) {
			break
		}
		p = &f.t.pieces[p.caller]
	}
	instead := map[int]bool{}
	found := false
	for _, b := range all {
		first := b.asks(unmet[0])
		if first && (b.other || otherwise().MatchString(b.text)) {
			return false
		}
		found = found || first
		for i, path := range unmet[1:] {
			if b.asks(path) && (!first || !strings.Contains(b.text, "or ")) {
				return false
			}
			if b.asks(path) {
				instead[i] = true
			}
		}
	}
	// What no condition asks for is printed, as nothing.
	return found && len(instead) == len(unmet)-1
}

// conditions are those around what a piece wrote: outer those which hold for the
// parent of the field as well, which was rendered, and inner the others.
func (f *finder) conditions(p *piece) (outer, inner []branch) {
	inner = f.branches(p)
	line, column, _ := f.at(f.q.Node)
	parent, ok := f.t.piece(f.t.runAt(line, column))
	if !ok || p.caller != parent.caller || p.file != parent.file || p.template != parent.template {
		return nil, inner
	}
	for _, b := range f.branches(parent) {
		if len(inner) == 0 || inner[0] != b {
			break
		}
		outer, inner = append(outer, b), inner[1:]
	}
	return outer, inner
}

// open says that nothing but the lack of a value can have kept the template from
// printing it between conditions.
func open(inner []branch, printed []string) bool {
	return !slices.ContainsFunc(inner, func(b branch) bool {
		filled := b.asks(printed) && strings.Contains(b.text, "not (empty ")
		return b.other || otherwise().MatchString(b.text) && !filled
	})
}

// branch is a condition of a template; other says that what stands behind its
// else is meant.
type branch struct {
	text  string
	other bool
	at    int // where it begins in the template
}

// asks says that a condition names a value, by its last key.
func (b branch) asks(path []string) bool {
	name := path[len(path)-1]
	for rest := b.text; ; {
		i := strings.Index(rest, name)
		if i < 0 {
			return false
		}
		end := rest[i+len(name):]
		if i > 0 && strings.ContainsAny(rest[i-1:i], `."`) && (end == "" || !isKeyByte(end[0]) && end[0] != '.') {
			return true
		}
		rest = end
	}
}

// branches are the conditions around a piece in its template.
func (f *finder) branches(p *piece) []branch {
	lines := f.c.source(p.file)
	if p.line < 1 || p.line > len(lines) {
		return nil
	}
	last := []rune(lines[p.line-1])
	text := strings.Join(lines[:p.line-1], "\n") + "\n" + string(last[:min(len(last), max(p.column-1, 0))])
	var open []branch
	for _, m := range blockAction().FindAllStringSubmatchIndex(text, -1) {
		switch asked := text[m[4]:m[5]]; text[m[2]:m[3]] {
		case "define", "block":
			open = nil
		case "end":
			open = open[:max(len(open)-1, 0)]
		case "else":
			if len(open) > 0 {
				open[len(open)-1].text += asked
				open[len(open)-1].other = true
			}
		default:
			open = append(open, branch{text: asked, at: m[0]})
		}
	}
	return open
}

// otherwise finds what turns the answer to a condition round; blockAction the
// actions that begin and end branches.
var (
	otherwise   = lazyRegexp(`\b(not|empty|eq|ne|lt|le|gt|ge|ternary|has|contains|hasPrefix|hasSuffix|semverCompare|Capabilities)\b`)
	blockAction = lazyRegexp(`\{\{-?\s*(if|with|range|else|end|define|block)\b([^}]*)`)
)
