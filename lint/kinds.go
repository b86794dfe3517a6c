package lint

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// sorting knows the kinds of a cluster's objects, so that a rule that is about a
// few of them need not look at all. Every rule asks: what one asks costs a glance
// at a number for each object.
type sorting struct {
	numbers     map[schema.GroupKind]int
	all, judged numbered
}

// numbered are objects and, at the same places, the numbers of their kinds.
type numbered struct {
	objects []*manifest.Object
	kinds   []int
}

func sortKinds(c *Cluster) *sorting {
	s := &sorting{numbers: map[schema.GroupKind]int{}, all: numbered{c.Objects, make([]int, len(c.Objects))}}
	for i, o := range c.Objects {
		kind := o.GroupKind()
		n, ok := s.numbers[kind]
		if !ok {
			n = len(s.numbers)
			s.numbers[kind] = n
		}
		s.all.kinds[i] = n
	}
	s.judged = s.all
	if c.Judges != nil {
		s.judged = numbered{}
		for i, o := range c.Objects {
			if c.Judges(o) {
				s.judged.objects = append(s.judged.objects, o)
				s.judged.kinds = append(s.judged.kinds, s.all.kinds[i])
			}
		}
	}
	return s
}

// of are those of some objects that are of some kinds, in their order.
func (s *sorting) of(from numbered, kinds []schema.GroupKind) []*manifest.Object {
	if slices.Contains(kinds, anyKind) {
		return from.objects
	}
	wanted := make([]bool, len(s.numbers))
	some := false
	for _, kind := range kinds {
		if n, ok := s.numbers[kind]; ok {
			wanted[n], some = true, true
		}
	}
	if !some {
		return nil
	}
	var found []*manifest.Object
	for i, n := range from.kinds {
		if wanted[n] {
			found = append(found, from.objects[i])
		}
	}
	return found
}

// Of are those of Objects that are of some kinds, in the same order. The slice is
// shared: do not change it.
func (p *Pass) Of(kinds ...schema.GroupKind) []*manifest.Object {
	if p.sorted == nil {
		p.sorted = sortKinds(&Cluster{Objects: p.Objects})
	}
	return p.sorted.of(p.sorted.all, kinds)
}

// Judged are those of Objects that a rule in CheckAll is to judge, in the same
// order: what it says of others is dropped. They are of the given kinds, of the
// rule's own for none. The slice is shared: do not change it.
func (p *Pass) Judged(kinds ...schema.GroupKind) []*manifest.Object {
	if len(kinds) == 0 {
		kinds = p.Rule.Kinds
	}
	return p.sorted.of(p.sorted.judged, kinds)
}
