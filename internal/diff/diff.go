// Package diff compares what was found in two trees: which findings a change
// brought, which were there before, and which are gone.
package diff

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/lint"
)

// Options say what the findings themselves do not tell about the two trees.
type Options struct {
	// HeadFailed and BaseFailed are the paths of the units that failed to
	// render in that tree and not in the other. What is wrong in such a unit
	// is unknown on that side, so it is neither new nor fixed.
	HeadFailed, BaseFailed map[string]bool
	// Problem says that a rule tells what could not be checked. Such a finding
	// is new even in a unit that failed in the base: it must not hide behind an
	// older failure. Nil means that no rule does. A rule about objects, such as
	// schema, is better answered with false, or a unit that renders again
	// brings all of its findings as new.
	Problem func(rule string) bool
	// Head and Base are the files of the two trees, which tell what was moved and
	// renamed. Without them a finding is known by its names alone.
	Head, Base *lint.Tree
	// HeadUnits and BaseUnits are the names of all units of the two trees.
	HeadUnits, BaseUnits map[string]bool
}

// Compare marks every finding of head as new or unchanged against base, and
// appends the findings of base that are gone, as fixed. Both are folded. The
// order of the inputs does not matter, and they are left as they are.
//
// A suppressed finding of base is not fixed when it goes, and of head it excuses
// only what is suppressed, too: who takes a suppression away answers for what it
// hid. A finding that head suppresses is still there, so it is not fixed.
func Compare(head, base []lint.Finding, o Options) []lint.Finding {
	o.followFailed()
	heads, bases, hidden := entries(head), entries(base), []*entry(nil)
	for _, b := range bases {
		if b.base = true; b.Suppressed != nil {
			hidden = append(hidden, b)
		}
	}
	bases = slices.DeleteFunc(bases, func(b *entry) bool { return b.Suppressed != nil })
	var open, excused []*entry
	for _, h := range heads {
		if h.Suppressed == nil {
			open = append(open, h)
		} else {
			excused = append(excused, h)
		}
	}
	// What head suppresses must not take the place of what it does not, and what
	// was renamed not that of what keeps its names.
	match(bases, &o, open, excused)
	match(hidden, &o, excused)

	result := make([]lint.Finding, 0, len(head))
	for _, h := range heads {
		f := h.Finding
		f.State = lint.New
		switch {
		case h.matched:
			f.State = lint.Unchanged
		case o.Problem != nil && o.Problem(f.Rule):
		case all(f.Units, o.BaseFailed):
			f.State = lint.Unchanged
		}
		result = append(result, f)
	}
	for _, b := range bases {
		if b.matched || all(b.Units, o.HeadFailed) {
			continue
		}
		f := b.Finding
		f.State = lint.Fixed
		result = append(result, f)
	}
	return result
}

// match gives the findings of head, those of the first list first, the findings
// of base that they were.
func match(base []*entry, o *Options, heads ...[]*entry) {
	follow := sync.OnceValue(func() *moves { return follow(slices.Concat(heads...), base, o) })
	for _, head := range heads {
		m := matcher{unmatched(head), unmatched(base)}
		m.same()
		m.occurrences()
		if len(unmatched(head)) > 0 && len(unmatched(base)) > 0 {
			follow().pair(head, base, true)
			m.keys()
		}
	}
	for _, head := range heads {
		if len(unmatched(head)) > 0 || len(unmatched(base)) > 0 {
			follow().pair(head, base, false)
			follow().split(head, base, inHead)
			follow().split(base, head, inBase)
		}
	}
}

// all says that there are units and that each of them is in the set.
func all(units []string, set map[string]bool) bool {
	return len(units) > 0 && !slices.ContainsFunc(units, func(u string) bool { return !set[u] })
}

type entry struct {
	lint.Finding
	keys []string
	// all are the occurrences that the finding stands for.
	all []lint.Occurrence
	// free are the occurrences that no finding of the other tree answers yet;
	// nil until they are needed.
	free    map[lint.Occurrence]bool
	matched bool
	base    bool // of the base tree
}

func entries(findings []lint.Finding) []*entry {
	out := make([]*entry, len(findings))
	for i, f := range findings {
		out[i] = &entry{Finding: f, keys: f.Keys(), all: f.Occurrences()}
	}
	slices.SortStableFunc(out, order)
	return out
}

// order is the order of Fold, so that the result reads as the input does.
func order(a, b *entry) int {
	return cmp.Or(
		cmp.Compare(a.Origin.File, b.Origin.File),
		cmp.Compare(a.Origin.Line, b.Origin.Line),
		cmp.Compare(a.Origin.Column, b.Origin.Column),
		cmp.Compare(b.Severity, a.Severity),
		cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.Object.Kind, b.Object.Kind),
		cmp.Compare(a.Object.Namespace, b.Object.Namespace),
		cmp.Compare(a.Object.Name, b.Object.Name),
		cmp.Compare(a.Path, b.Path),
		cmp.Compare(a.Message, b.Message),
		slices.Compare(a.Units, b.Units),
		slices.Compare(a.keys, b.keys),
		cmp.Compare(a.Fingerprint, b.Fingerprint),
	)
}

type matcher struct{ head, base []*entry }

// same pairs the findings that differ in nothing but their place, which is
// nearly all of them in nearly every comparison.
func (m *matcher) same() {
	sign := func(e *entry) string {
		return strings.Join(e.keys, "\x01") + "\x02" + strings.Join(e.Units, "\x01") + "\x02" + e.Message
	}
	waiting := map[string][]*entry{}
	for _, b := range m.base {
		waiting[sign(b)] = append(waiting[sign(b)], b)
	}
	for _, h := range m.head {
		if s := sign(h); len(waiting[s]) > 0 {
			h.matched, waiting[s][0].matched = true, true
			waiting[s] = waiting[s][1:]
		}
	}
}

// occurrences pairs by key and unit. The two sides may be folded differently:
// what was wrong at one line that two overlays share may now be wrong at two
// lines, or the reverse. So after each finding has got one partner where it
// can, one that is left without may share the partner of another, for an
// occurrence that the partner still has to give.
func (m *matcher) occurrences() {
	head, base := unmatched(m.head), unmatched(m.base)
	at := map[lint.Occurrence][]*entry{}
	for _, e := range slices.Concat(head, base) {
		e.free = make(map[lint.Occurrence]bool, len(e.all))
		for _, o := range e.all {
			e.free[o] = true
		}
	}
	for _, b := range base {
		for o := range b.free {
			at[o] = append(at[o], b)
		}
	}
	alone := func(b *entry) bool { return !b.matched }
	for _, accept := range []func(h, b *entry) bool{
		func(h, b *entry) bool { return alone(b) && h.Message == b.Message },
		func(_, b *entry) bool { return alone(b) },
		func(_, _ *entry) bool { return true },
	} {
		for _, h := range narrowest(head) {
			if h.matched {
				continue
			}
			if b := partner(h, at, accept); b != nil {
				pair(h, b)
			}
		}
	}
	// What is left of base may share a partner, too.
	by := map[lint.Occurrence][]*entry{}
	for _, h := range head {
		for o := range h.free {
			by[o] = append(by[o], h)
		}
	}
	for _, b := range narrowest(base) {
		if b.matched {
			continue
		}
		if h := partner(b, by, func(_, _ *entry) bool { return true }); h != nil {
			pair(h, b)
		}
	}
}

// narrowest puts those first that have the fewest chances.
func narrowest(list []*entry) []*entry {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *entry) int { return cmp.Compare(len(a.free), len(b.free)) })
	return list
}

// partner is the first of the accepted candidates that share a free occurrence
// with e, in the order of findings.
func partner(e *entry, at map[lint.Occurrence][]*entry, accept func(e, candidate *entry) bool) *entry {
	var best *entry
	for o := range e.free {
		for _, c := range at[o] {
			if c.free[o] && accept(e, c) && (best == nil || order(c, best) < 0) {
				best = c
			}
		}
	}
	return best
}

func pair(h, b *entry) {
	h.matched, b.matched = true, true
	for o := range h.free {
		if b.free[o] {
			delete(h.free, o)
			delete(b.free, o)
		}
	}
}

// keys pairs what is left by key alone: units are renamed and moved.
func (m *matcher) keys() {
	at := map[string][]*entry{}
	for _, b := range unmatched(m.base) {
		for _, k := range b.keys {
			at[k] = append(at[k], b)
		}
	}
	for _, alike := range []bool{true, false} {
		for _, h := range unmatched(m.head) {
			var best *entry
			for _, k := range h.keys {
				for _, b := range at[k] {
					if !b.matched && (!alike || b.Message == h.Message) && (best == nil || order(b, best) < 0) {
						best = b
					}
				}
			}
			if best != nil {
				h.matched, best.matched = true, true
			}
		}
	}
}

func unmatched(list []*entry) []*entry {
	var out []*entry
	for _, e := range list {
		if !e.matched {
			out = append(out, e)
		}
	}
	return out
}
