package diff

import (
	"path"
	"slices"
	"strings"
)

// What is wrong with many units, or with all of a cluster, is told at the first of
// them. Once something else is renamed, that may be another.

// common pairs what several units have in common, such as a chart that is not
// there.
func common(head, base []*entry) {
	several := func(e *entry) bool { return !e.matched && e.Object.Kind == "" && len(e.Units) > 1 }
	type unit struct{ rule, ending string }
	at := map[unit][]*entry{}
	sizes := map[*entry]int{}
	for _, b := range base {
		if !several(b) {
			continue
		}
		units := endings(b.Units)
		sizes[b] = len(units)
		for _, e := range units {
			at[unit{b.Rule, e}] = append(at[unit{b.Rule, e}], b)
		}
	}
	for _, h := range head {
		if !several(h) {
			continue
		}
		units, shared := endings(h.Units), map[*entry]int{}
		for _, e := range units {
			list := at[unit{h.Rule, e}]
			for _, b := range list[:min(len(list), maxWaiting)] {
				shared[b]++
			}
		}
		var best *entry
		for b, n := range shared {
			if !b.matched && 2*n > max(len(units), sizes[b]) && (best == nil || order(b, best) < 0) {
				best = b
			}
		}
		if best != nil {
			h.matched, best.matched = true, true
		}
	}
}

// endings are what stays of the names of units when a folder far above is renamed,
// each once.
func endings(units []string) []string {
	var list []string
	for _, u := range units {
		folder, name, named := strings.Cut(u, " (")
		if !named {
			name = path.Base(path.Dir(folder))
		} else if at := strings.LastIndex(name, " in "); at >= 0 {
			name = name[:at] // what follows is the cluster
		}
		list = append(list, path.Base(folder)+" "+strings.TrimSuffix(name, ")"))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// once pairs what a rule tells once in each tree with the same words, if nothing
// was changed where it is told now nor where it was told before.
func (m *moves) once(heads, bases []*entry) {
	type words struct{ rule, message string }
	count := func(list []*entry) map[words][]*entry {
		by := map[words][]*entry{}
		for _, e := range list {
			by[words{e.Rule, e.Message}] = append(by[words{e.Rule, e.Message}], e)
		}
		return by
	}
	base := count(bases)
	for w, list := range count(heads) {
		if len(list) != 1 || len(base[w]) != 1 {
			continue
		}
		h, b := list[0], base[w][0]
		now, then := m.files[inHead][h.Origin.File].at(h.Origin.Line), m.files[inBase][b.Origin.File].at(b.Origin.Line)
		if !h.matched && !b.matched && m.kept(m.from[now], now) && m.kept(then, m.to[then]) {
			h.matched, b.matched = true, true
		}
	}
}

// kept says that two documents say the same.
func (m *moves) kept(base, head *document) bool {
	return base != nil && head != nil && m.digest(base) == m.digest(head)
}
