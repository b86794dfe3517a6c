package render

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// firstIn is the first node with a text of its own in a mapping or list, and how
// many keys and indexes lead there.
func firstIn(n *yaml.Node) (first *yaml.Node, depth int) {
	for len(n.Content) > 0 && n.Kind != yaml.ScalarNode {
		depth++
		if n = n.Content[0]; n.Kind == yaml.ScalarNode {
			break
		}
	}
	return n, depth
}

// container is the place of a mapping or list that an action printed as a whole.
func (f *finder) container(v *yaml.Node) (manifest.Origin, bool) {
	w, ok := f.containerValue(v)
	if !ok {
		return manifest.Origin{}, false
	}
	return f.set(w)
}

func (f *finder) containerValue(v *yaml.Node) (printedValue, bool) {
	first, depth := firstIn(v)
	line, column, ok := f.at(first)
	if !ok {
		return printedValue{}, false
	}
	run := f.t.runAt(line, column)
	p, ok := f.t.piece(run)
	if !ok || !p.action {
		return printedValue{}, false
	}
	view := f.c.releaseValues(f.of.chart)
	for _, r := range p.refs {
		if r.kind != refValues || !r.whole {
			continue
		}
		keys, ok := f.t.keysAt(run, line, column, f.c.limits())
		if !ok || len(keys) < depth {
			return printedValue{}, false
		}
		w, ok := f.resolve(view, r, run, keys[:len(keys)-depth], func(s setting) (grade, int) {
			if s.node.Kind == v.Kind {
				return wholeMatch, 0
			}
			return noMatch, 0
		})
		if w.piece = p; ok {
			return w, true
		}
	}
	return printedValue{}, false
}

// block is the place of a block scalar whose text one action printed.
func (f *finder) block(v *yaml.Node) (manifest.Origin, bool) {
	line, _, ok := f.at(v)
	if !ok {
		return manifest.Origin{}, false
	}
	for line++; line <= len(f.t.lines) && strings.TrimSpace(f.t.lines[line-1]) == ""; line++ {
	}
	if line > len(f.t.lines) {
		return manifest.Origin{}, false
	}
	text := f.t.lines[line-1]
	column := len(text) - len(strings.TrimLeft(text, " ")) + 1
	run := f.t.runAt(line, column)
	p, ok := f.t.piece(run)
	last := line + strings.Count(strings.TrimRight(v.Value, "\n"), "\n")
	if !ok || !p.action || f.t.runAt(last, column) != run {
		return f.fileBlock(run, line, last)
	}
	view := f.c.releaseValues(f.of.chart)
	for _, r := range p.refs {
		if r.kind != refValues {
			continue
		}
		w, ok := f.resolve(view, r, run, nil, func(s setting) (grade, int) {
			switch {
			case s.node.Kind == yaml.ScalarNode:
				return accounts(s.node, v.Value)
			case r.whole:
				return wholeMatch, 0
			}
			return noMatch, 0
		})
		if w.piece = p; ok {
			return f.set(w)
		}
	}
	if at, ok := f.otherSource(p, text); ok {
		return at, true
	}
	return f.unresolved(p, nil, false)
}

// fileBlock is the place of a block scalar whose lines are those of a file that the
// chart prints: its first line.
func (f *finder) fileBlock(run, line, last int) (manifest.Origin, bool) {
	p, ok := f.t.piece(run)
	end, known := f.t.piece(f.t.runAt(last, 1<<30))
	key, found := f.t.piece(f.t.runAt(line-1, 1<<30))
	if !ok || !known || !found || p.action || p.file != end.file || p.file == key.file || p.caller < 0 {
		return manifest.Origin{}, false
	}
	return f.literal(segment{run: run, column: f.t.runs[run].column}, line, strings.TrimSpace(f.t.lines[line-1]))
}

// behind is the place of a value that an action left empty.
func (f *finder) behind() (manifest.Origin, bool) {
	w, p, ok := f.emptyValue()
	switch {
	case ok:
		return f.set(w)
	case p != nil && len(p.refs) > 0:
		return f.unresolved(p, nil, false)
	}
	return manifest.Origin{}, false
}

// emptyValue is the value that the action behind a key printed as nothing, and
// that action.
func (f *finder) emptyValue() (w printedValue, p *piece, ok bool) {
	line, column, ok := f.at(f.q.Node)
	if !ok {
		return w, nil, false
	}
	for i := max(f.t.runAt(line, column), 0); i < len(f.t.runs) && f.t.runs[i].line <= line; i++ {
		if f.t.runs[i].line < line || f.t.runs[i].column <= column {
			continue
		}
		if p, ok = f.t.piece(i); !ok || !p.action {
			continue
		}
		view := f.c.releaseValues(f.of.chart)
		for _, r := range p.refs {
			if r.kind != refValues {
				continue
			}
			w, ok := f.resolve(view, r, i, nil, func(s setting) (grade, int) {
				if s.empty() {
					return wholeMatch, 0
				}
				return noMatch, 0
			})
			if w.piece = p; ok {
				return w, p, true
			}
		}
		return w, p, false
	}
	return w, nil, false
}

// missing is the place where a field would have to be added: the values that its
// parent is printed from, or that would let the template write it; else the
// parent in the template.
func (f *finder) missing() (manifest.Origin, bool) {
	parent := f.q.Hit.Value
	if parent == nil {
		return f.scalar(f.q.Node)
	}
	w, ok := printedValue{}, false
	if parent.Kind == yaml.ScalarNode {
		w, _, ok = f.emptyValue()
	} else {
		w, ok = f.containerValue(parent)
	}
	if ok {
		at, ok := f.set(w)
		at.Missing = manifest.JoinPath(f.q.Missing)
		at.Key = setKey(slices.Concat(w.path, f.q.Missing))
		return at, ok
	}
	o := f.option()
	if o == nil {
		return f.parent(nil)
	}
	return f.byOption(o)
}

// parent is the template's line of the field's parent. key is what would set the
// field in the values; nil for none.
func (f *finder) parent(key []string) (manifest.Origin, bool) {
	at, ok := f.scalar(f.q.Node)
	if key != nil {
		at.Key = setKey(key)
	}
	at.Missing = manifest.JoinPath(f.q.Missing)
	return at, ok
}

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
	var printed, condition []string // paths
	for _, r := range o.refs {
		if r.kind != refValues {
			continue
		}
		paths := view.expand(r.path)
		if len(paths) != 1 {
			continue
		}
		if r.whole {
			printed = paths[0]
			continue
		}
		s, ok := view.lookup(paths[0])
		if condition == nil && (!ok || s.empty()) {
			condition = paths[0]
		}
		if ok && s.node.Kind == yaml.MappingNode && printed == nil {
			// A mapping is asked for because it is what is printed.
			printed = paths[0]
		}
	}
	if slices.Equal(printed, condition) {
		condition = nil
	}
	held := false
	if printed != nil {
		_, held = view.lookup(slices.Concat(printed, rest))
	}
	switch {
	case printed != nil && (condition == nil || !held):
		at, ok := f.optionAt(view, p, printed, slices.Concat(printed, rest))
		if at.Missing == "" && len(rest) > 0 && at.Key != "" && ok {
			at.Missing = manifest.JoinPath(rest)
		}
		at.Exact = at.Exact && condition == nil
		return at, ok
	case condition != nil:
		return f.optionAt(view, p, condition, condition)
	}
	return f.parent(nil)
}

// optionAt is where a value is written by which a template would write more; if
// it is written nowhere, the parent in the template.
func (f *finder) optionAt(view *valuesView, p *piece, path, key []string) (manifest.Origin, bool) {
	s, ok := view.lookup(path)
	if !ok {
		return f.parent(key)
	}
	at, ok := f.set(printedValue{setting: s, path: path, piece: p, sure: true, grade: wholeMatch})
	at.Key = setKey(key)
	return at, ok
}
