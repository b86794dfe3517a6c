package diff

import (
	"slices"
	"strings"
)

// Field is one difference between two states of an object.
type Field struct {
	// Path leads to it, such as spec.template.spec.containers[web].image.
	Path string
	// Kind is Added, Removed or Changed.
	Kind ChangeKind
	// Before and After are what stood and what stands there, nil for nothing. Secret
	// values are not in them.
	Before, After *string
	// Lines are the difference of texts of several lines, and what is in a part of an
	// object that came or went: each begins with "+", "-" or a blank. Nil where Before
	// and After tell all.
	Lines []string
	// MoreLines counts the lines that are left out because there are too many.
	MoreLines int
	// Mask is what is hidden, if something is.
	Mask Mask
	// Noise says that the difference decides nothing in the cluster.
	Noise bool
}

// Mask is why a value is not shown.
type Mask string

// The reasons.
const (
	Secret    Mask = "secret"
	Encrypted Mask = "encrypted"
)

const (
	// maxFields is how many fields of one object are listed, and maxFieldsOfCRD how
	// many of a definition, in which one new version is thousands.
	maxFields      = 200
	maxFieldsOfCRD = 40
	// maxPath is how many bytes of a path are shown.
	maxPath = 500
)

// differ compares two states of one object.
type differ struct {
	hasher *hasher
	// renamed says that a name before was replaced by one that differs in a digest
	// alone.
	renamed func(before, after string) bool
	kind    string

	fields []Field
	more   int
	limit  int
}

// step is an element of a path: a key, or what an item of a list is called.
type step struct {
	name string
	item bool
	// behind are the texts that stand before an item in its list.
	behind [2]string
}

// object compares the states before and after.
func (d *differ) object(before, after *value) {
	d.limit = maxFields
	if d.kind == "CustomResourceDefinition" {
		d.limit = maxFieldsOfCRD
	}
	d.compare(nil, before, after)
	slices.SortStableFunc(d.fields, func(a, b Field) int {
		switch {
		case a.Noise == b.Noise:
			return 0
		case a.Noise:
			return 1
		}
		return -1
	})
}

func (d *differ) compare(path []step, before, after *value) {
	if same(before, after) {
		return
	}
	if before != nil && after != nil && before.form == after.form {
		switch before.form {
		case mapForm:
			d.maps(path, before, after)
			return
		case listForm:
			d.lists(path, before, after)
			return
		}
	}
	d.add(path, before, after)
}

// below compares what a step leads to.
func (d *differ) below(path []step, s step, before, after *value) {
	if !same(before, after) {
		d.compare(append(path[:len(path):len(path)], s), before, after)
	}
}

// maps compares key by key; both have their keys sorted.
func (d *differ) maps(path []step, before, after *value) {
	i, j := 0, 0
	for i < len(before.keys) || j < len(after.keys) {
		var b, a *value
		var key string
		switch {
		case j == len(after.keys) || i < len(before.keys) && before.keys[i] < after.keys[j]:
			key, b = before.keys[i], before.items[i]
			i++
		case i == len(before.keys) || after.keys[j] < before.keys[i]:
			key, a = after.keys[j], after.items[j]
			j++
		default:
			key, b, a = before.keys[i], before.items[i], after.items[j]
			i, j = i+1, j+1
		}
		d.below(path, step{name: key}, b, a)
	}
}

// add notes a difference.
func (d *differ) add(path []step, before, after *value) {
	noise := d.noise(path, before, after)
	if len(d.fields) >= d.limit {
		d.more++
		return
	}
	f := Field{Path: pathText(path), Kind: Changed, Noise: noise}
	switch {
	case before == nil:
		f.Kind = Added
	case after == nil:
		f.Kind = Removed
	}
	p := printer{field: &f, path: path}
	if before != nil && after != nil && before.form == textForm && after.form == textForm &&
		(strings.Contains(before.text, "\n") || strings.Contains(after.text, "\n")) {
		p.texts(before.text, after.text)
	} else {
		p.values(before, after)
	}
	d.fields = append(d.fields, f)
}

// pathText writes a path as findings do: keys behind dots, keys that hold a
// separator and what items are called in brackets.
func pathText(path []step) string {
	var b strings.Builder
	for _, s := range path {
		if b.Len() > maxPath {
			b.WriteString("…")
			break
		}
		name := s.name
		if len(name) > maxPath/2 {
			name = cut(name, maxPath/2)
		}
		switch {
		case s.item, name == "", strings.ContainsAny(name, ".[]/ \t\n"):
			b.WriteString("[" + name + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(name)
		}
	}
	return b.String()
}

// cut leaves the first n bytes of a text, whole runes of it, with a mark.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
