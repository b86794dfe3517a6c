package render

import (
	"slices"
	"strconv"
	"strings"
)

// symbolKind is what is known of a value in a template.
type symbolKind int

const (
	symbolUnknown   symbolKind = iota
	symbolText                 // a constant; text
	symbolRoot                 // what helm gives to a file template; scope
	symbolValues               // the values of a chart; scope, ref
	symbolPath                 // what ref leads to
	symbolChart                // .Chart; scope
	symbolRelease              // .Release
	symbolFiles                // .Files; scope
	symbolSubcharts            // .Subcharts; scope
	symbolDict                 // a map: parts under keys, "" for a key that isn't known
	symbolList                 // a list; parts
	symbolMerged               // a map: what several maps hold, the first that has a key holds
	symbolEither               // one of the parts, the likeliest first; which one, conds decide
	symbolMade                 // made of the parts, in a way that is not known
	symbolWhole                // the one part as YAML or JSON
	symbolOutput               // what a template prints: parts, and the key that is written before each; conds
)

// symbol is what is known of a value in a template. It is never changed once it
// is made.
type symbol struct {
	kind  symbolKind
	scope *chartScope
	ref   ref
	text  string
	// falsy says that a constant is false to an if.
	falsy bool
	keys  []string
	parts []*symbol
	conds []*symbol
}

var (
	unknown = &symbol{}
	// absent is the value of a key that a map is known not to hold.
	absent = &symbol{kind: symbolText, falsy: true}
	yes    = &symbol{kind: symbolText, text: "true"}
	no     = &symbol{kind: symbolText, text: "false", falsy: true}
)

// maxAlternatives is how many values one of which it is are told apart.
const maxAlternatives = 16

// maxPath is how long the path of a ref gets: longer ones are made by templates
// that include themselves.
const maxPath = 40

func textSymbol(text string) *symbol {
	return &symbol{kind: symbolText, text: text, falsy: text == ""}
}

func boolSymbol(b bool) *symbol {
	if b {
		return yes
	}
	return no
}

func made(parts ...*symbol) *symbol { return &symbol{kind: symbolMade, parts: parts} }

func asWhole(s *symbol) *symbol {
	if s.kind == symbolText || s.kind == symbolWhole {
		return s
	}
	return &symbol{kind: symbolWhole, parts: []*symbol{s}}
}

// either is one of several values. What is known to be nothing is left out.
func either(parts ...*symbol) *symbol { return eitherOf(parts, nil) }

func eitherOf(parts, conds []*symbol) *symbol {
	e := &symbol{kind: symbolEither, conds: conds[:min(len(conds), maxAlternatives):min(len(conds), maxAlternatives)]}
	add := func(p *symbol) {
		if len(e.parts) < maxAlternatives && !slices.Contains(e.parts, p) {
			e.parts = append(e.parts, p)
		}
	}
	for _, p := range parts {
		if p.kind != symbolEither {
			add(p)
			continue
		}
		for _, inner := range p.parts {
			add(inner)
		}
		if room := maxAlternatives - len(e.conds); room > 0 {
			e.conds = append(e.conds, p.conds[:min(room, len(p.conds))]...)
		}
	}
	if len(e.parts) == 1 && len(e.conds) == 0 {
		return e.parts[0]
	}
	if len(e.parts) == 0 && len(e.conds) == 0 {
		return unknown
	}
	return e
}

// mergedMap is a map that holds what several hold; the first that has a key holds.
func mergedMap(maps ...*symbol) *symbol {
	m := &symbol{kind: symbolMerged}
	for _, s := range maps {
		inner := []*symbol{s}
		if s.kind == symbolMerged {
			inner = s.parts
		}
		for _, p := range inner {
			if len(m.parts) < maxAlternatives && !slices.Contains(m.parts, p) {
				m.parts = append(m.parts, p)
			}
		}
	}
	if len(m.parts) == 1 {
		return m.parts[0]
	}
	return m
}

// known says whether a value is true to an if, where that is certain.
func (s *symbol) known() (truth, certain bool) {
	switch s.kind {
	case symbolText:
		return !s.falsy, true
	case symbolRoot, symbolFiles, symbolChart, symbolRelease:
		return true, true
	case symbolDict, symbolList:
		return len(s.parts) > 0, true
	case symbolEither:
		for i, p := range s.parts {
			t, ok := p.known()
			if !ok || i > 0 && t != truth {
				return false, false
			}
			truth = t
		}
		return truth, len(s.parts) > 0
	}
	return false, false
}

// symbols makes those symbols that are the same wherever they are met.
type symbols struct {
	roots, tops map[string]*symbol
	under       map[underKey]*symbol
	// alike has the one that stands for a symbol, made those that stand for
	// others by what they are made of, numbers what they are called there.
	alike   map[*symbol]*symbol
	made    map[string]*symbol
	numbers map[*symbol]uint64
}

type underKey struct {
	s   *symbol
	key string
	// item says that it is any item, whatever its key.
	item bool
}

func newSymbols() *symbols {
	return &symbols{roots: map[string]*symbol{}, tops: map[string]*symbol{}, under: map[underKey]*symbol{},
		alike: map[*symbol]*symbol{}, made: map[string]*symbol{}, numbers: map[*symbol]uint64{}}
}

func (t *symbols) root(scope chartScope) *symbol {
	key := strings.Join(scope.values, "\x00") + "\x00\x00" + scope.chart
	s := t.roots[key]
	if s == nil {
		s = &symbol{kind: symbolRoot, scope: &scope}
		t.roots[key] = s
	}
	return s
}

// top is a value whose path was not come to through another value.
func (t *symbols) top(kind refKind, path ...string) *symbol {
	key := string(kind) + "\x00" + strings.Join(path, "\x00")
	s := t.tops[key]
	if s == nil {
		s = &symbol{kind: symbolPath, ref: ref{kind: kind, path: path}}
		t.tops[key] = s
	}
	return s
}

// below is what lies under a key of a value with a path.
func (t *symbols) below(s *symbol, key string) *symbol {
	if len(s.ref.path) >= maxPath {
		return unknown
	}
	k := underKey{s: s, key: key}
	v := t.under[k]
	if v == nil {
		v = &symbol{kind: symbolPath, ref: ref{kind: s.ref.kind, path: append(slices.Clip(s.ref.path), key)}}
		t.under[k] = v
	}
	return v
}

// object is one of the things that helm gives to templates.
func (t *symbols) object(root *symbol, name string) *symbol {
	k := underKey{s: root, key: name}
	v := t.under[k]
	if v != nil {
		return v
	}
	scope := root.scope
	switch name {
	case "Values":
		v = &symbol{kind: symbolValues, scope: scope, ref: ref{kind: refValues, path: scope.values}}
	case "Chart":
		v = &symbol{kind: symbolChart, scope: scope}
	case "Release":
		v = &symbol{kind: symbolRelease, scope: scope}
	case "Files":
		v = &symbol{kind: symbolFiles, scope: scope}
	case "Subcharts":
		v = &symbol{kind: symbolSubcharts, scope: scope}
	default:
		return unknown
	}
	t.under[k] = v
	return v
}

// field is what a map holds under a key.
func (r *templateReader) field(s *symbol, key string) *symbol {
	if !r.spend(1) {
		return unknown
	}
	t := r.symbols
	switch s.kind {
	case symbolRoot:
		return t.object(s, key)
	case symbolValues:
		if key == "global" {
			// Helm hands these down to every dependency.
			return t.top(refValues, "global")
		}
		return t.below(s, key)
	case symbolPath:
		return t.below(s, key)
	case symbolChart:
		return r.chartField(s.scope, key)
	case symbolRelease:
		if key == "Name" || key == "Namespace" {
			return t.top(refRelease, key)
		}
	case symbolSubcharts:
		// Where its Chart.yaml lies is not told.
		return t.root(chartScope{values: append(slices.Clip(s.scope.values), key)})
	case symbolText:
		if s == absent {
			return absent
		}
	case symbolDict:
		return dictField(s, key)
	case symbolMerged, symbolOutput, symbolEither:
		return r.once(underKey{s: s, key: key}, func() *symbol { return r.composedField(s, key) })
	case symbolWhole:
		return r.field(s.parts[0], key)
	case symbolMade:
		return s
	}
	return unknown
}

// chartField is an entry of a Chart.yaml, which templates see under the name of
// a field of helm's.
func (r *templateReader) chartField(scope *chartScope, name string) *symbol {
	if scope.chart == "" || name == "" || name == "IsRoot" {
		return unknown
	}
	key := strings.ToLower(name[:1]) + name[1:]
	if name == "APIVersion" {
		key = "apiVersion"
	}
	return r.symbols.top(refChart, scope.chart, key)
}

func dictField(s *symbol, key string) *symbol {
	var others []*symbol
	for i, k := range slices.Backward(s.keys) {
		switch k {
		case key:
			return either(append([]*symbol{s.parts[i]}, others...)...)
		case "":
			others = append(others, s.parts[i])
		}
	}
	if len(others) > 0 {
		return either(append(others, unknown)...)
	}
	return absent
}

// once finds what lies under a key once.
func (r *templateReader) once(k underKey, find func() *symbol) *symbol {
	if v := r.symbols.under[k]; v != nil {
		return v
	}
	v := find()
	if r.left > 0 {
		r.symbols.under[k] = v
	}
	return v
}

func (r *templateReader) composedField(s *symbol, key string) *symbol {
	switch s.kind {
	case symbolMerged:
		return r.mergedField(s, key)
	case symbolOutput:
		return r.outputField(s, key)
	}
	return r.each(s, func(p *symbol) *symbol { return r.field(p, key) })
}

func (r *templateReader) mergedField(s *symbol, key string) *symbol {
	var found []*symbol
	for _, m := range s.parts {
		v := r.field(m, key)
		if v == absent || v == unknown && m.kind == symbolRoot {
			continue
		}
		found = append(found, v)
		if m.kind == symbolDict || m.kind == symbolRoot {
			break
		}
	}
	if len(found) == 0 {
		if slices.ContainsFunc(s.parts, func(m *symbol) bool { return m.kind == symbolRoot }) {
			return unknown
		}
		return absent
	}
	return either(found...)
}

// outputField is what lies under a key of what a template prints as YAML: what
// it prints behind that key, or a part of what it prints as a whole.
func (r *templateReader) outputField(s *symbol, key string) *symbol {
	var under, within []*symbol
	for i, p := range s.parts {
		switch {
		case s.keys[i] == key:
			under = append(under, p)
		case s.keys[i] == "" && (p.kind == symbolWhole || p.kind == symbolOutput || p.kind == symbolEither):
			within = append(within, p)
		}
	}
	if len(under) == 0 {
		for _, p := range within {
			under = append(under, r.field(p, key))
		}
	}
	return eitherOf(append(under, unknown), s.conds)
}

// each is one of what f makes of the values one of which s is.
func (r *templateReader) each(s *symbol, f func(*symbol) *symbol) *symbol {
	parts := make([]*symbol, len(s.parts))
	for i, p := range s.parts {
		parts[i] = f(p)
	}
	return eitherOf(parts, s.conds)
}

// item is any one of what a list, or a map, holds.
func (r *templateReader) item(s *symbol) *symbol {
	if !r.spend(1 + len(s.parts)) {
		return unknown
	}
	switch s.kind {
	case symbolPath, symbolValues:
		return r.symbols.below(s, anyItem)
	case symbolSubcharts:
		return r.field(s, anyItem)
	case symbolText:
		return absent
	case symbolList, symbolDict:
		return either(s.parts...)
	case symbolMerged, symbolEither:
		return r.once(underKey{s: s, item: true}, func() *symbol { return r.each(s, r.item) })
	case symbolWhole:
		return r.item(s.parts[0])
	case symbolOutput:
		return r.once(underKey{s: s, item: true}, func() *symbol {
			return structured(s, r.item, func(_ string, value *symbol) *symbol { return value })
		})
	case symbolMade:
		return s
	}
	return unknown
}

// structured is one of what whole makes of what a template prints as a whole, and
// under of a value that it prints behind a key; of one that prints no such thing,
// something of what it prints.
func structured(s *symbol, whole func(*symbol) *symbol, under func(key string, value *symbol) *symbol) *symbol {
	var found []*symbol
	for i, p := range s.parts {
		switch {
		case s.keys[i] != "":
			found = append(found, under(s.keys[i], p))
		case p.kind == symbolWhole || p.kind == symbolOutput || p.kind == symbolEither:
			found = append(found, whole(p))
		}
	}
	if len(found) == 0 {
		return made(s.parts...)
	}
	return eitherOf(found, s.conds)
}

// key is any one of the keys that a map has.
func (r *templateReader) key(s *symbol) *symbol {
	if !r.spend(1 + len(s.parts)) {
		return unknown
	}
	switch s.kind {
	case symbolPath, symbolValues:
		// The key stands where the value does.
		return made(r.symbols.below(s, anyItem))
	case symbolDict:
		var keys []*symbol
		for _, k := range s.keys {
			if k == "" {
				return unknown
			}
			keys = append(keys, textSymbol(k))
		}
		return either(keys...)
	case symbolMerged, symbolEither:
		return r.each(s, r.key)
	case symbolWhole:
		return r.key(s.parts[0])
	case symbolOutput:
		return structured(s, r.key, func(key string, _ *symbol) *symbol { return textSymbol(key) })
	}
	return unknown
}

// at is what a list or a map holds at an index or under a key.
func (r *templateReader) at(s, key *symbol) *symbol {
	if !r.spend(1) {
		return unknown
	}
	switch {
	case key.kind == symbolEither:
		return r.each(key, func(k *symbol) *symbol { return r.at(s, k) })
	case s.kind == symbolEither:
		return r.each(s, func(p *symbol) *symbol { return r.at(p, key) })
	case key.kind != symbolText || key == absent:
		if s.kind == symbolDict || s.kind == symbolList {
			// Of what the template holds itself, the key is what chooses.
			return made(r.item(s), key)
		}
		return r.item(s)
	case s.kind != symbolList:
		return r.field(s, key.text)
	}
	if i, err := strconv.Atoi(key.text); err == nil && i >= 0 && i < len(s.parts) {
		return s.parts[i]
	}
	return unknown
}
