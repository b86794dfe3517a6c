package render

import (
	"slices"
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
	// What printed the key as well printed a text which holds both.
	within := f.t.runAt(v.Line-f.shift, v.Column) == run
	view := f.c.releaseValues(f.of.chart)
	for _, r := range p.refs {
		if r.kind != refValues {
			continue
		}
		var inner []string
		if r.whole && within {
			inner, _ = f.t.keysAt(run, v.Line-f.shift, v.Column, f.c.limits())
		}
		w, ok := f.resolve(view, r, run, inner, func(s setting) (grade, int) {
			switch {
			case s.node.Kind == yaml.ScalarNode:
				return accounts(s.node, v.Value)
			case r.whole:
				return f.holds(view, s, v.Value), 0
			}
			return noMatch, 0
		})
		if w.piece = p; ok {
			return f.set(w)
		}
	}
	if at, ok := f.otherSource(p, text); ok || within {
		return at, ok
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
		return f.add(w, f.q.Missing)
	}
	o := f.option()
	if o == nil {
		return f.parent(nil)
	}
	return f.byOption(o)
}

// add is the place of a value below which keys would have to be added.
func (f *finder) add(w printedValue, keys []string) (manifest.Origin, bool) {
	key := slices.Concat(w.path, keys)
	if w.setting.source.foreign {
		return f.ask(w.piece, key, w.sure)
	}
	at, ok := f.set(w)
	at.Key, at.Missing = setKey(key), manifest.JoinPath(keys)
	return at, ok
}

// parent is the template's line of the field's parent. key is what would set the
// field in the values; nil for none.
func (f *finder) parent(key []string) (manifest.Origin, bool) {
	if line, column, ok := f.at(f.q.Node); ok {
		if p, ok := f.t.piece(f.t.runAt(line, column)); ok && f.foreign(p) {
			return f.ask(p, key, false)
		}
	}
	at, ok := f.scalar(f.q.Node)
	if key != nil {
		at.Key = setKey(key)
	}
	at.Missing = manifest.JoinPath(f.q.Missing)
	return at, ok
}
