package secrets

import (
	"bytes"
	"path"
	"slices"

	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
)

// sopsChange is a file that SOPS encrypted in the base, and what it is now.
type sopsChange struct {
	base *sops.File
	// head is nil where what is there now has no values that could be told apart.
	head *sops.File
	name string // in head
	data []byte
}

type sopsChangesKey struct{}

// sopsChanges are the encrypted files of the base that differ in the tree, by name
// or as what they were renamed to. Of the base only what differs is read.
func sopsChanges(t *lint.Tree) []sopsChange {
	if t.Base == nil {
		return nil
	}
	return t.Shared(sopsChangesKey{}, func() any {
		var changes []sopsChange
		var gone []*sops.File
		for _, name := range t.Base.Files {
			here := t.Has(name)
			if here && sameFile(t, name) {
				continue
			}
			data, err := t.Base.ReadFile(name)
			if err != nil || !sops.MayHold(data) || path.Base(name) == sops.ConfigName {
				continue
			}
			f := sops.ReadFile(name, data)
			switch {
			case f == nil || !anyCiphertext(f):
			case here:
				if data, err := t.ReadFile(name); err == nil {
					changes = append(changes, sopsChange{f, sops.ReadAny(name, data), name, data})
				}
			default:
				gone = append(gone, f)
			}
		}
		if len(gone) > 0 {
			changes = append(changes, renamedSOPS(t, gone)...)
		}
		return changes
	}).([]sopsChange)
}

// sameFile says that a file of both trees has one content.
func sameFile(t *lint.Tree, name string) bool {
	if t.Digest != nil && t.Base.Digest != nil {
		before, err := t.Base.Digest(name)
		now, wrong := t.Digest(name)
		if err == nil && wrong == nil {
			return before == now
		}
	}
	before, err := t.Base.ReadFile(name)
	now, wrong := t.ReadFile(name)
	return err == nil && wrong == nil && bytes.Equal(before, now)
}

// maxRenamed bounds how many files are held against each other, maxRenamedSize how
// large they may be.
const (
	maxRenamed     = 2000
	maxRenamedSize = 1 << 20
)

// renamedSOPS finds what became of files that are gone: among those that are new the
// one whose keys are most alike.
func renamedSOPS(t *lint.Tree, gone []*sops.File) []sopsChange {
	type candidate struct {
		sopsChange
		keys map[string]string
	}
	var candidates []candidate
	for _, name := range t.Files {
		if t.Base.Has(name) || len(candidates) == maxRenamed {
			continue
		}
		data, err := t.ReadFile(name)
		if err != nil || len(data) > maxRenamedSize || bytes.IndexByte(data, 0) >= 0 {
			continue
		}
		if f := sops.ReadAny(name, data); f != nil {
			candidates = append(candidates, candidate{sopsChange{nil, f, name, data}, leafKeys(f)})
		}
	}
	var changes []sopsChange
	for _, f := range gone[:min(len(gone), maxRenamed)] {
		keys := leafKeys(f)
		best, most := -1, 0.0
		for i, c := range candidates {
			score := likeness(keys, c.keys)
			if path.Base(c.name) == path.Base(f.Name) {
				score += 0.25
			}
			if score > most {
				best, most = i, score
			}
		}
		if best >= 0 && most >= 0.5 {
			c := candidates[best].sopsChange
			c.base = f
			changes = append(changes, c)
		}
	}
	return changes
}

// leafKeys are the paths of a file's values, each with its value.
func leafKeys(f *sops.File) map[string]string {
	keys := map[string]string{}
	for _, d := range f.Documents {
		for i := range d.Leaves {
			keys[leafPath(d, &d.Leaves[i])] = d.Leaves[i].Value
		}
	}
	return keys
}

// likeness is how much of two files is alike, from 0 to 1: the keys, and, to tell
// many of one kind from each other, a little the values.
func likeness(a, b map[string]string) float64 {
	if len(a) == 0 || len(b) == 0 || len(a) > 4*len(b) || len(b) > 4*len(a) {
		return 0
	}
	common, same := 0, 0
	for path, value := range a {
		other, ok := b[path]
		if !ok {
			continue
		}
		common++
		if other == value {
			same++
		}
	}
	union := float64(len(a) + len(b) - common)
	return (0.9*float64(common) + 0.1*float64(same)) / union
}

// leafPath is the path of a leaf, the same for both forms of a Secret's entries.
func leafPath(d *sops.Document, l *sops.Leaf) string {
	if at := leafPlace(d, l); at.secretEntry() && len(at.keys) == 2 && d.Prefix == "" && len(l.Keys) == 2 {
		return "entry " + at.keys[1]
	}
	return l.Path
}

// docPair is a document before and after a change.
type docPair struct{ base, head *sops.Document }

// documents pairs the documents of a changed file: objects by what they are called,
// else by their order.
func (c sopsChange) documents() []docPair {
	if c.head == nil {
		return nil
	}
	taken := map[*sops.Document]bool{}
	var pairs []docPair
	for i, b := range c.base.Documents {
		id := objectID(b.Object())
		n := -1
		if id != "" {
			n = slices.IndexFunc(c.head.Documents, func(h *sops.Document) bool { return !taken[h] && objectID(h.Object()) == id })
		}
		if n < 0 && i < len(c.head.Documents) {
			if h := c.head.Documents[i]; !taken[h] && (id == "" || objectID(h.Object()) == "" || len(c.base.Documents) == 1 && len(c.head.Documents) == 1) {
				n = i
			}
		}
		if n >= 0 {
			taken[c.head.Documents[n]] = true
			pairs = append(pairs, docPair{b, c.head.Documents[n]})
		}
	}
	return pairs
}
