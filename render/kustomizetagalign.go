package render

import (
	"hash/maphash"

	"go.yaml.in/yaml/v3"
)

// align says of each item of a list which of the items before it was, or -1: the
// node itself, else one that says the same, else one of the same name, else, if as
// many are left of both, those in order.
func align(now []*yaml.Node, was *shadow) []int {
	a := alignment{pairs: make([]int, len(now))}
	for i := range a.pairs {
		a.pairs[i] = -1
	}
	if was == nil || was.kind != yaml.SequenceNode {
		return a.pairs
	}
	a.taken = make([]bool, len(was.content))
	same := 0
	for i := range min(len(now), len(was.content)) {
		if now[i] == was.content[i].node {
			a.pair(i, i)
			same++
		}
	}
	if same == len(now) {
		return a.pairs
	}
	a.now = make([]*shadow, len(now))
	a.was = make([]*shadow, len(was.content))
	for i, n := range now {
		if a.pairs[i] < 0 {
			a.now[i] = newShadow(n)
		}
	}
	for j := range was.content {
		a.was[j] = &was.content[j]
	}
	seed := maphash.MakeSeed()
	a.round(func(s *shadow) any { return s.node })
	a.round(func(s *shadow) any { return s.content64(seed) })
	a.round((*shadow).name)
	if a.left(a.pairs, func(j int) bool { return j < 0 }) == a.leftBefore() {
		a.round(func(*shadow) any { return true })
	}
	return a.pairs
}

// alignment pairs the items of a list with those that it had.
type alignment struct {
	now, was []*shadow
	pairs    []int
	taken    []bool
}

func (a *alignment) pair(i, j int) { a.pairs[i], a.taken[j] = j, true }

func (a *alignment) left(pairs []int, is func(int) bool) int {
	n := 0
	for _, j := range pairs {
		if is(j) {
			n++
		}
	}
	return n
}

func (a *alignment) leftBefore() int {
	n := 0
	for _, taken := range a.taken {
		if !taken {
			n++
		}
	}
	return n
}

// round pairs, in order, what is left and has the same key; nil is no key.
func (a *alignment) round(key func(*shadow) any) {
	byKey := map[any][]int{}
	for j, s := range a.was {
		if !a.taken[j] {
			if k := key(s); k != nil {
				byKey[k] = append(byKey[k], j)
			}
		}
	}
	for i, s := range a.now {
		if a.pairs[i] >= 0 {
			continue
		}
		k := key(s)
		if list := byKey[k]; k != nil && len(list) > 0 {
			a.pair(i, list[0])
			byKey[k] = list[1:]
		}
	}
}

// content64 is a hash of what a tree says. The order of keys does not count.
func (s *shadow) content64(seed maphash.Seed) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	_ = h.WriteByte(byte(s.kind))
	_, _ = h.WriteString(s.value)
	if s.kind != yaml.MappingNode {
		for i := range s.content {
			maphash.WriteComparable(&h, s.content[i].content64(seed))
		}
		return h.Sum64()
	}
	var sum uint64
	for i := 0; i+1 < len(s.content); i += 2 {
		sum += maphash.Comparable(seed, [2]uint64{s.content[i].content64(seed), s.content[i+1].content64(seed)})
	}
	maphash.WriteComparable(&h, sum)
	return h.Sum64()
}

// itemNames are the fields by which the items of a list are told apart.
var itemNames = []string{"name", "key", "id", "mountPath", "containerPort", "port", "host", "path", "type"}

// name is the field and the value that tell an item from others; nil for none.
func (s *shadow) name() any {
	e := entryFinder{of: s}
	for _, field := range itemNames {
		if _, v := e.find(field); v != nil && v.kind == yaml.ScalarNode {
			return [2]string{field, v.value}
		}
	}
	return nil
}
