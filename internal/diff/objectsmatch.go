package diff

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/lint"
)

// pairing finds for each object of head the object of base that it was.
type pairing struct {
	contents   *Contents
	head, base *side
	// was is the unit of base that a unit of head was: itself, or under another
	// name.
	was map[string]string
	// becomes is the reverse.
	becomes map[string]string
	fresh   []string // units of head alone
	gone    []string // units of base alone
	// leaves are of contents that renamed objects are looked for among.
	leaves map[*object]*leaves
}

// side is one of the trees.
type side struct {
	objects map[string][]*object // by the units' keys
	states  map[string]*UnitState
	// unsure are the units of which it can't be told what became of them, with what
	// failed; unsureAt is where what they gave is written.
	unsure   map[string]*UnitState
	unsureAt map[place]bool
}

func newSide(t *Objects, units []UnitState) *side {
	s := &side{objects: t.byUnit, states: map[string]*UnitState{}, unsure: map[string]*UnitState{}, unsureAt: map[place]bool{}}
	for i := range units {
		s.states[units[i].Key] = &units[i]
	}
	for unit, list := range s.objects {
		slices.SortStableFunc(list, inOrder)
		if s.states[unit] == nil {
			s.states[unit] = &UnitState{Key: unit, ID: unit}
		}
	}
	return s
}

// inOrder does not depend on which unit was rendered first.
func inOrder(a, b *object) int {
	return cmp.Or(
		cmp.Compare(a.group, b.group), cmp.Compare(a.ref.Kind, b.ref.Kind),
		cmp.Compare(a.ref.Namespace, b.ref.Namespace), cmp.Compare(a.ref.Name, b.ref.Name),
		cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line), cmp.Compare(a.ref.APIVersion, b.ref.APIVersion),
	)
}

func newPairing(head, base *Objects, headUnits, baseUnits []UnitState) *pairing {
	m := &pairing{contents: head.contents, head: newSide(head, headUnits), base: newSide(base, baseUnits), was: map[string]string{}, becomes: map[string]string{}, leaves: map[*object]*leaves{}}
	for unit, state := range m.head.states {
		before := m.base.states[unit]
		if before == nil {
			m.fresh = append(m.fresh, unit)
			continue
		}
		m.was[unit], m.becomes[unit] = unit, unit
		_, now := m.head.objects[unit]
		_, then := m.base.objects[unit]
		if now != then && !state.Failed && !before.Failed {
			delete(m.head.objects, unit)
			delete(m.base.objects, unit)
		}
	}
	for unit := range m.base.states {
		if m.head.states[unit] == nil {
			m.gone = append(m.gone, unit)
		}
	}
	slices.Sort(m.fresh)
	slices.Sort(m.gone)
	return m
}

// pair finds the partners, the surest first.
func (m *pairing) pair() {
	for _, unit := range slices.Sorted(maps.Keys(m.was)) {
		m.within(m.head.objects[unit], m.base.objects[unit])
	}
	m.renamedUnits()
	m.elsewhere(func(h, b *object) bool { return h.content == b.content })
	units := slices.Sorted(maps.Keys(m.was))
	for _, unit := range units {
		m.renamed(m.head.objects[unit], m.base.objects[m.was[unit]])
	}
	m.elsewhere(func(h, b *object) bool { return m.alike(h, b) })
}

// identity is what an object is known by in its cluster.
type identity struct{ group, kind, namespace, name string }

func (o *object) identity() identity {
	return identity{o.group, o.ref.Kind, o.ref.Namespace, o.ref.Name}
}

// within pairs the objects of one unit that are called the same. A unit may give
// two of one name: those that are the same go first.
func (m *pairing) within(head, base []*object) {
	at := map[identity][]*object{}
	for _, b := range base {
		if b.paired == nil {
			at[b.identity()] = append(at[b.identity()], b)
		}
	}
	for _, exact := range []bool{true, false} {
		for _, h := range head {
			if h.paired != nil {
				continue
			}
			for _, b := range at[h.identity()] {
				if b.paired == nil && (!exact || b.content == h.content) {
					join(h, b)
					break
				}
			}
		}
	}
}

func join(h, b *object) { h.paired, b.paired = b, h }

// maxHolders is how many units that give an object of one name are compared with
// each other.
const maxHolders = 50

// renamedUnits pairs the units of which one tree alone has the name, by what they
// have in common.
func (m *pairing) renamedUnits() {
	holders := map[identity][]*object{}
	for _, unit := range m.gone {
		for _, b := range m.base.objects[unit] {
			if list := holders[b.identity()]; len(list) < maxHolders {
				holders[b.identity()] = append(list, b)
			}
		}
	}
	type couple struct{ head, base string }
	common := map[couple]int{}
	for _, unit := range m.fresh {
		for _, h := range m.head.objects[unit] {
			for _, b := range holders[h.identity()] {
				n := 2
				if h.content == b.content {
					n = 3
				}
				common[couple{unit, b.unit}] += n
			}
		}
	}
	couples := slices.SortedFunc(maps.Keys(common), func(a, b couple) int {
		return cmp.Or(cmp.Compare(common[b], common[a]), cmp.Compare(nearness(b.head, b.base), nearness(a.head, a.base)), cmp.Compare(a.head, b.head), cmp.Compare(a.base, b.base))
	})
	for _, c := range couples {
		head, base := m.head.objects[c.head], m.base.objects[c.base]
		if m.becomes[c.base] != "" || m.was[c.head] != "" || common[c] < min(len(head), len(base)) {
			continue
		}
		m.was[c.head], m.becomes[c.base] = c.base, c.head
		m.within(head, base)
	}
}

// nearness is how many elements two paths have in common at their ends.
func nearness(a, b string) int {
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	n := 0
	for n < min(len(x), len(y)) && x[len(x)-1-n] == y[len(y)-1-n] {
		n++
	}
	m := 0
	for m < min(len(x), len(y))-n && x[m] == y[m] {
		m++
	}
	return n + m
}

// elsewhere pairs objects of one name that another unit gives now.
func (m *pairing) elsewhere(accept func(h, b *object) bool) {
	at := map[identity][]*object{}
	for _, unit := range slices.Sorted(maps.Keys(m.base.objects)) {
		for _, b := range m.base.objects[unit] {
			if b.paired == nil {
				at[b.identity()] = append(at[b.identity()], b)
			}
		}
	}
	for _, unit := range slices.Sorted(maps.Keys(m.head.objects)) {
		for _, h := range m.head.objects[unit] {
			if h.paired != nil {
				continue
			}
			list := at[h.identity()]
			best := -1
			for i, b := range list[:min(len(list), maxHolders)] {
				if accept(h, b) && (best < 0 || nearness(h.unit, b.unit) > nearness(h.unit, list[best].unit)) {
					best = i
				}
			}
			if best >= 0 {
				join(h, list[best])
				at[h.identity()] = slices.Delete(list, best, best+1)
			}
		}
	}
}

// unsure says why it can't be told what became of the objects that a unit gives in
// one of the trees and the other has not: the state of what failed there. It is nil
// where that can be told.
func (m *pairing) unsure(unit string, own, other *side) *UnitState {
	first := own.states[unit]
	for n := 0; unit != "" && n < maxNesting; n++ {
		state, there := own.states[unit], other.states[m.called(unit, other)]
		switch {
		case there != nil && there.Failed:
			return there
		case there != nil && state == first && there.Partial && !(first.Partial && first.Reason == there.Reason):
			return there
		case there == nil && state == first:
			if failed := m.likely(state, other); failed != nil {
				return failed
			}
		}
		if state == nil {
			break
		}
		// Without what leads to a unit nobody would know of it.
		unit = state.Parent
	}
	return nil
}

// called is the name that a unit has in the other tree.
func (m *pairing) called(unit string, other *side) string {
	if other == m.base {
		return cmp.Or(m.was[unit], unit)
	}
	return cmp.Or(m.becomes[unit], unit)
}

// likely is a unit of one tree alone that failed there, and that may be what a unit
// of the other alone is called now.
func (m *pairing) likely(u *UnitState, in *side) *UnitState {
	names := m.fresh
	if in == m.base {
		names = m.gone
	}
	for _, name := range names {
		s := in.states[name]
		if s.Failed && u.Kind != "" && s.Kind == u.Kind && s.Name == u.Name && path.Base(s.Path) == path.Base(u.Path) {
			return s
		}
	}
	return nil
}

// before is what an object was called before, if that was different.
func (o *object) before() *lint.Ref {
	if b := o.paired; b != nil && (b.ref.Name != o.ref.Name || b.ref.Namespace != o.ref.Namespace || b.group != o.group) {
		ref := b.ref
		return &ref
	}
	return nil
}
