package diff

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
)

// hashDigits are what kustomize writes the digests of generated names with.
const hashDigits = "bcdfghkmt2456789"

// hashLength is how many of them it writes.
const hashLength = 10

// stem is a name without the digest that kustomize puts behind that of a generated
// ConfigMap or Secret; empty for a name that has none.
func stem(name string) string {
	at := len(name) - hashLength - 1
	if at < 1 || name[at] != '-' || strings.Trim(name[at+1:], hashDigits) != "" {
		return ""
	}
	return name[:at]
}

// rehashed says that two names differ in the digest of what they name alone.
func rehashed(a, b string) bool { return a != b && stem(a) != "" && stem(a) == stem(b) }

// maxCandidates is how many pairs of objects are compared to find the renamed ones
// of a unit and kind.
const maxCandidates = 2500

// renamed pairs the objects of one unit whose names differ, or whose API group does.
func (m *pairing) renamed(head, base []*object) {
	for _, key := range []func(*object) string{
		func(o *object) string { return o.ref.Kind + "\x00" + o.ref.Namespace + "\x00" + o.ref.Name },
		func(o *object) string {
			if s := stem(o.ref.Name); s != "" {
				return o.ref.Kind + "\x00" + o.ref.Namespace + "\x00" + s
			}
			return ""
		},
	} {
		at := map[string]*object{}
		for _, b := range base {
			if k := key(b); b.paired == nil && k != "" {
				at[k] = b
			}
		}
		for _, h := range head {
			if k := key(h); h.paired == nil && k != "" && at[k] != nil {
				join(h, at[k])
				delete(at, k)
			}
		}
	}
	m.similar(head, base)
}

// similar pairs the objects of one kind that hold mostly the same.
func (m *pairing) similar(head, base []*object) {
	type kind struct{ group, kind string }
	of := map[kind]*[2][]*object{}
	for i, list := range [][]*object{head, base} {
		for _, o := range list {
			if o.paired == nil {
				k := kind{o.group, o.ref.Kind}
				if of[k] == nil {
					of[k] = &[2][]*object{}
				}
				of[k][i] = append(of[k][i], o)
			}
		}
	}
	for _, both := range of {
		if len(both[0])*len(both[1]) <= maxCandidates {
			m.best(both[0], both[1])
		}
	}
}

// best pairs those that are most alike.
func (m *pairing) best(head, base []*object) {
	type candidate struct {
		h, b  *object
		score float64
	}
	var all []candidate
	for _, h := range head {
		for _, b := range base {
			if score := m.likeness(h, b); score > 0 {
				all = append(all, candidate{h, b, score})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	for _, c := range all {
		if c.h.paired == nil && c.b.paired == nil {
			join(c.h, c.b)
		}
	}
}

// alike says that two objects may be one.
func (m *pairing) alike(h, b *object) bool { return m.likeness(h, b) > 0 }

const (
	// leastLikeness is the part of two objects that is the same if one is the other
	// under a new name.
	leastLikeness = 0.6
	// leastLeaves is how much an object must hold to be known by that: two empty
	// ServiceAccounts are alike, and may have nothing to do with each other.
	leastLeaves = 3
)

// likeness is how much of two objects is the same, from 0 to 1, and more for
// objects of one name. It is 0 if that is not enough.
func (m *pairing) likeness(h, b *object) float64 {
	x, y := m.leavesOf(h), m.leavesOf(b)
	named := h.ref.Name == b.ref.Name
	least := leastLikeness
	if !named && min(len(x.hashes), len(y.hashes)) < leastLeaves {
		// Unless one was named after the other, with a prefix or the like.
		if !strings.Contains(h.ref.Name, b.ref.Name) && !strings.Contains(b.ref.Name, h.ref.Name) {
			return 0
		}
		least = 1
	}
	common, i, j := 0, 0, 0
	for i < len(x.hashes) && j < len(y.hashes) {
		switch {
		case x.hashes[i] == y.hashes[j]:
			common++
			i++
			j++
		case x.hashes[i] < y.hashes[j]:
			i++
		default:
			j++
		}
	}
	score := 1.0
	if n := len(x.hashes) + len(y.hashes); n > 0 {
		score = 2 * float64(common) / float64(n)
	}
	if score < least {
		return 0
	}
	if named {
		score++
	}
	return score
}

// leaves are the hashes of the fields of an object, sorted, but for its names.
type leaves struct{ hashes []uint64 }

// maxLeaves is how many fields of an object are compared to tell whether it is
// another one under a new name.
const maxLeaves = 5000

func (m *pairing) leavesOf(o *object) *leaves {
	if known := m.leaves[o]; known != nil {
		return known
	}
	l := &leaves{}
	v := m.contents.hasher.decodeObject(o.content.data)
	for i, key := range v.keys {
		switch key {
		case "apiVersion", "kind", "status":
		case "metadata":
			meta := v.items[i]
			for j, key := range meta.keys {
				if key != "name" && key != "namespace" {
					m.addLeaves(l, o, maphash.String(m.contents.hasher.seed, key), meta.items[j])
				}
			}
		default:
			m.addLeaves(l, o, maphash.String(m.contents.hasher.seed, key), v.items[i])
		}
	}
	slices.Sort(l.hashes)
	m.leaves[o] = l
	return l
}

// addLeaves adds the scalars below a value whose path has a hash. An object's own
// name in them changes with it.
func (m *pairing) addLeaves(l *leaves, o *object, at uint64, v *value) {
	if len(l.hashes) >= maxLeaves {
		return
	}
	seed := m.contents.hasher.seed
	if v.scalar() {
		text := v.text
		if len(o.ref.Name) > 2 && v.form == textForm {
			text = strings.ReplaceAll(text, o.ref.Name, "\x00")
		}
		l.hashes = append(l.hashes, at*31+maphash.String(seed, string(rune(v.form))+text))
		return
	}
	for i, item := range v.items {
		below := at*31 + 7
		if v.form == mapForm {
			below += maphash.String(seed, v.keys[i])
		}
		m.addLeaves(l, o, below, item)
	}
}
