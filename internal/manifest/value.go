package manifest

import (
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Value is a place in an object, written or not: what rules read custom
// resources with, which have no type. The zero Value is nothing, and everything
// below it is nothing.
type Value struct {
	// Node is nil for a field that is not written.
	Node *yaml.Node
	// Path leads to the field from the object's root, whether it is written or
	// not; nil for the object itself.
	Path *field.Path
}

// Value is the field of the object that keys lead to; the object itself for none.
func (o *Object) Value(keys ...string) Value { return Value{Node: o.Node}.Get(keys...) }

// ValueAt is the field of the object that a path leads to.
func (o *Object) ValueAt(path *field.Path) Value {
	v := Value{Path: path}
	elements := elementsOf(path)
	if hits := lookup(o.Node, elements); len(hits) == 1+len(elements) {
		v.Node = hits[len(hits)-1].Value
	}
	return v
}

// Get is the field below a mapping that keys lead to.
func (v Value) Get(keys ...string) Value {
	for _, k := range keys {
		below := Value{Path: child(v.Path, k)}
		if v.Node != nil {
			below.Node = Get(v.Node, k)
		}
		v = below
	}
	return v
}

// Key is Get for a key of a map, such as an annotation's: its path has the key
// in brackets.
func (v Value) Key(key string) Value {
	below := v.Get(key)
	below.Path = v.Path.Key(key)
	return below
}

// Written says that the field is written, and is not null.
func (v Value) Written() bool { return v.Node != nil && !isNull(v.Node) }

// Known says that the field is what the cluster will see: nothing in it, or below
// it, is filled in later.
func (v Value) Known() bool { return v.Node == nil || knownNode(v.Node) }

func knownNode(n *yaml.Node) bool {
	if n.Kind == yaml.ScalarNode {
		return Known(n.Value)
	}
	return !slices.ContainsFunc(n.Content, func(below *yaml.Node) bool { return !knownNode(below) })
}

// Items are the items of a list; none for anything else.
func (v Value) Items() []Value {
	if v.Node == nil || v.Node.Kind != yaml.SequenceNode {
		return nil
	}
	items := make([]Value, len(v.Node.Content))
	for i, n := range v.Node.Content {
		items[i] = Value{n, v.Path.Index(i)}
	}
	return items
}

// Entries are the keys of a mapping, in the order in which they are written, with
// their values.
func (v Value) Entries() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.Node == nil || v.Node.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(v.Node.Content); i += 2 {
			key := v.Node.Content[i].Value
			if !yield(key, Value{v.Node.Content[i+1], child(v.Path, key)}) {
				return
			}
		}
	}
}

// Len is how many items a list, or entries a mapping has; 0 for anything else.
func (v Value) Len() int {
	switch {
	case v.Node == nil:
		return 0
	case v.Node.Kind == yaml.SequenceNode:
		return len(v.Node.Content)
	case v.Node.Kind == yaml.MappingNode:
		return len(v.Node.Content) / 2
	}
	return 0
}

// Text is a scalar's text; "" for anything else.
func (v Value) Text() string {
	if v.Node == nil || v.Node.Kind != yaml.ScalarNode || isNull(v.Node) {
		return ""
	}
	return v.Node.Value
}

// Texts are the texts of a list's scalars.
func (v Value) Texts() []string {
	var texts []string
	for _, item := range v.Items() {
		if item.Node.Kind == yaml.ScalarNode && !isNull(item.Node) {
			texts = append(texts, item.Node.Value)
		}
	}
	return texts
}

// True says that a scalar is the boolean true, or the text "true".
func (v Value) True() bool { return v.Text() == "true" }

// False says that a scalar is the boolean false, or the text "false".
func (v Value) False() bool { return v.Text() == "false" }

// Int is a scalar's whole number.
func (v Value) Int() (int64, bool) {
	n, err := strconv.ParseInt(v.Text(), 10, 64)
	return n, err == nil
}

// Scalar is what the API server's reader makes of a scalar: a string, an int64, a
// float64, a bool, or nil for null; nil, too, for anything that is no scalar.
func (v Value) Scalar() any {
	n := v.Node
	if n == nil || n.Kind != yaml.ScalarNode || isNull(n) {
		return nil
	}
	switch {
	case n.ShortTag() == "!!bool", yaml11Bool(n):
		b, _ := truth(n.Value)
		return b
	case isNumber(n):
		if i, ok := integer(n.Value); ok {
			return i
		}
		if f, err := strconv.ParseFloat(strings.ReplaceAll(n.Value, "_", ""), 64); err == nil {
			return f
		}
	}
	return n.Value
}

// Faults are what is wrong with the field as a type of k8s.io/api. into is a
// pointer, which is filled as by Decode.
func (v Value) Faults(into any) []SchemaError {
	if v.Node == nil {
		return nil
	}
	d := &decoder{}
	d.value(reflect.ValueOf(into).Elem(), v.Node, v.Path)
	return d.errors
}

// Decode fills a type of k8s.io/api, such as a label selector or a pod template,
// leniently: what does not fit is left out. into is a pointer.
func (v Value) Decode(into any) {
	if v.Node != nil {
		(&decoder{}).value(reflect.ValueOf(into).Elem(), v.Node, v.Path)
	}
}
