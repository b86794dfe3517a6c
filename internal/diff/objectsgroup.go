package diff

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// contentPair is an object before and after, wherever it is deployed.
type contentPair struct{ before, after *content }

// maxSubjects is how many objects one change lists.
const maxSubjects = 1000

// changes says what became of the objects, the same change of one object through
// many units once.
func (m *pairing) changes() *Changes {
	g := &grouper{
		pairing: m,
		result:  &Changes{},
		groups:  map[string]*Change{},
		fields:  map[contentPair]*differ{},
		renames: map[[2]string]bool{},
		unknown: map[string]*UnknownUnit{},
		seen:    map[string]int{},
	}
	for _, list := range m.head.objects {
		for _, h := range list {
			if b := h.paired; b != nil && rehashed(b.ref.Name, h.ref.Name) {
				g.renames[[2]string{b.ref.Name, h.ref.Name}] = true
			}
		}
	}
	g.findUnsure(m.head, m.base)
	g.findUnsure(m.base, m.head)
	for _, unit := range slices.Sorted(maps.Keys(m.head.objects)) {
		clear(g.seen)
		for _, h := range m.head.objects[unit] {
			if h.paired == nil {
				g.oneSided(Added, h, m.head, m.base)
			} else {
				g.changed(h, h.paired)
			}
		}
	}
	for _, unit := range slices.Sorted(maps.Keys(m.base.objects)) {
		clear(g.seen)
		for _, b := range m.base.objects[unit] {
			if b.paired == nil {
				g.oneSided(Removed, b, m.base, m.head)
			}
		}
	}
	g.failures()
	return g.finish()
}

type grouper struct {
	*pairing
	result  *Changes
	groups  map[string]*Change
	fields  map[contentPair]*differ
	renames map[[2]string]bool // of generated objects
	unknown map[string]*UnknownUnit
	// seen counts the objects of a unit that come from one place: those of several
	// units are told apart by it.
	seen map[string]int
}

// findUnsure finds out of which units of a tree it can't be told what became of them,
// and where what they gave is written.
func (g *grouper) findUnsure(own, other *side) {
	for unit, list := range own.objects {
		failed := g.unsure(unit, own, other)
		if failed == nil {
			continue
		}
		own.unsure[unit] = failed
		for _, o := range list {
			if o.paired == nil {
				own.unsureAt[o.written()] = true
			}
		}
	}
}

// written is where an object comes from.
func (o *object) written() place { return place{o.group, o.ref.Kind, o.file, o.line} }

// place is where an object is written: what several units make of it is one object
// to a person, whatever they call it.
type place struct {
	group, kind, file string
	line              int
}

// oneSided notes an object that one tree alone has.
func (g *grouper) oneSided(kind ChangeKind, o *object, own, other *side) {
	if failed := own.unsure[o.unit]; failed != nil {
		g.missing(failed, other == g.head).Objects++
		return
	}
	if other.unsureAt[o.written()] {
		// It is deployed by what failed; by itself it is not.
		return
	}
	g.take(string(kind)+"\x00"+g.number(o), kind, o, nil, "")
}

// missing is the unit that failed in one of the trees.
func (g *grouper) missing(s *UnitState, head bool) *UnknownUnit {
	key := s.ID + "\x00" + s.Key + strconv.FormatBool(head)
	u := g.unknown[key]
	if u == nil {
		u = &UnknownUnit{Unit: s.ID, Head: head, Partial: !s.Failed, Reason: s.Reason}
		g.unknown[key] = u
	}
	return u
}

// number tells the objects of a unit that come from one place apart.
func (g *grouper) number(o *object) string {
	at := o.written()
	name := ""
	if at.file == "" || at.line == 0 {
		name = o.ref.Name
	}
	key := fmt.Sprintf("%q", []string{at.group, at.kind, at.file, strconv.Itoa(at.line), name})
	g.seen[key]++
	return key + strconv.Itoa(g.seen[key])
}

// changed notes what differs in an object that both trees have.
func (g *grouper) changed(h, b *object) {
	number := g.number(h)
	if h.content == b.content {
		if h.unit != b.unit && g.was[h.unit] != b.unit {
			g.result.Moved++
		}
		return
	}
	pair := contentPair{b.content, h.content}
	d := g.fields[pair]
	if d == nil {
		d = &differ{hasher: &g.contents.hasher, kind: h.ref.Kind, renamed: func(before, after string) bool { return g.renames[[2]string{before, after}] }}
		d.object(d.hasher.decodeObject(b.content.data), d.hasher.decodeObject(h.content.data))
		g.fields[pair] = d
	}
	kind := Changed
	fields := d.fields
	if before := h.before(); before != nil && !rehashed(before.Name, h.ref.Name) && (before.Name != h.ref.Name || before.Namespace != h.ref.Namespace) {
		kind = Renamed
		fields = slices.DeleteFunc(slices.Clone(fields), func(f Field) bool { return f.Path == "metadata.name" || f.Path == "metadata.namespace" })
	}
	if len(fields) == 0 && kind == Changed {
		return
	}
	g.take(string(kind)+"\x00"+number+"\x00"+signature(fields), kind, h, fields, b.unit).More = d.more
}

// signature is the same for the same differences.
func signature(fields []Field) string {
	var b strings.Builder
	for i := range fields {
		f := &fields[i]
		fmt.Fprintf(&b, "%q%v", f.Path, f.Mask)
		for _, s := range []*string{f.Before, f.After} {
			if s != nil {
				fmt.Fprintf(&b, "%q", *s)
			}
			b.WriteByte(0)
		}
		fmt.Fprintf(&b, "%q", f.Lines)
	}
	return b.String()
}

// take adds an object to the change that it is a case of.
func (g *grouper) take(key string, kind ChangeKind, o *object, fields []Field, was string) *Change {
	c := g.groups[key]
	if c == nil {
		c = &Change{Kind: kind, Fields: fields, File: o.file, Line: o.line}
		g.groups[key] = c
		g.result.Entries = append(g.result.Entries, c)
	}
	if len(c.Objects) < maxSubjects {
		c.Objects = append(c.Objects, Subject{o.ref, o.before()})
	}
	own := g.head
	if kind == Removed {
		own = g.base
	}
	c.Units = append(c.Units, own.states[o.unit].ID)
	if was != "" && was != o.unit {
		c.Was = append(c.Was, g.base.states[was].ID)
	}
	return c
}

// failures notes the units that failed in one tree only, and counts those that did
// in both.
func (g *grouper) failures() {
	for unit, s := range g.head.states {
		if !s.Failed {
			continue
		}
		before := g.base.states[g.called(unit, g.base)]
		switch {
		case before != nil && before.Failed:
			g.result.Absent++
		case before != nil:
			u := g.missing(s, true)
			u.Objects = max(u.Objects, len(g.base.objects[before.Key]))
		default:
			g.missing(s, true)
		}
	}
	for unit, s := range g.base.states {
		if now := g.head.states[g.called(unit, g.head)]; s.Failed && (now == nil || !now.Failed) {
			g.missing(s, false)
		}
	}
}

func (g *grouper) finish() *Changes {
	for _, c := range g.result.Entries {
		slices.SortFunc(c.Objects, func(a, b Subject) int {
			return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.APIVersion, b.APIVersion))
		})
		c.Objects = slices.CompactFunc(c.Objects, func(a, b Subject) bool {
			return a.Ref == b.Ref && (a.Before == nil) == (b.Before == nil) && (a.Before == nil || *a.Before == *b.Before)
		})
		c.Object = c.Objects[0]
		slices.Sort(c.Units)
		c.Units = slices.Compact(c.Units)
		slices.Sort(c.Was)
		c.Was = slices.Compact(c.Was)
	}
	slices.SortStableFunc(g.result.Entries, func(a, b *Change) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Object.Kind, b.Object.Kind),
			cmp.Compare(a.Object.String(), b.Object.String()), cmp.Compare(a.Kind, b.Kind), slices.Compare(a.Units, b.Units))
	})
	for _, key := range slices.Sorted(maps.Keys(g.unknown)) {
		g.result.Unknown = append(g.result.Unknown, *g.unknown[key])
	}
	return g.result
}
