// Package manifest holds Kubernetes objects as they were written: the YAML
// nodes with their positions, a lenient typed view of them, and the way from a
// field back to the line that a person edits.
//
// It is what flows through scantling: render makes objects, rules and secrets
// judge them, lint turns what they say into findings. It imports nothing of
// ours.
package manifest

import (
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Span is a place in a file of the repository. Lines and columns count from 1,
// columns in runes; a zero Line means that only the file is known. EndColumn is
// the column after the last rune.
type Span struct {
	File               string
	Line, Column       int
	EndLine, EndColumn int
}

// Step is one stage on the way from a written line to the cluster.
type Step struct {
	Span
	// What names the stage for a person, such as "HelmRelease shop/web".
	What string
}

// Origin is where an object, or one field of it, was written.
type Origin struct {
	Span
	// Exact says that the text at Span was compared with the rendered value
	// and is where it comes from. When false, Span is the nearest place known.
	Exact bool
	// Missing is the field that would have to be added at Span, as a path from
	// there ("securityContext.runAsNonRoot"); empty for a field that is written.
	Missing string
	// Key is the key of a chart's values, as helm's --set takes it, that sets
	// the field or would set it; empty for none.
	Key string
	// Asks says that Span is where a chart or a base is asked for that nobody
	// edits here: nothing can be added there.
	Asks bool
	// Via leads from the written line to the cluster, nearest step first.
	Via []Step
}

// Query asks where a field of a rendered object was written.
type Query struct {
	// Node is the node whose place is wanted: Key or Value, or the first key in
	// Value.
	Node *yaml.Node
	// Hit is the field's key and value.
	Hit
	// Path are the elements that lead from the object's root to the field.
	Path []string
	// Missing are the elements below the field that are not written; empty if
	// the field is the one that is asked for.
	Missing []string
	// Rough asks for a place that need not be exact and must cost little.
	Rough bool
}

// Locator says where a field of a rendered object was written, and which steps
// lead from there to the unit. ok is false when it was written nowhere: a
// transformer or a template put it there.
type Locator func(q Query) (at Origin, ok bool)

// Object is one Kubernetes object.
type Object struct {
	GVK             schema.GroupVersionKind
	Namespace, Name string
	// Node is the object's mapping node. Aliases and merge keys are resolved.
	Node *yaml.Node
	// Origin is where the object as a whole was written.
	Origin Origin
	// Template is the name that helm gives the template which the object comes
	// from, such as "web/charts/redis/templates/service.yaml"; empty for none.
	Template string

	locate Locator
	memory *memory

	once     sync.Once
	typed    runtime.Object
	workload *Workload
	schema   []SchemaError
	refused  []SchemaError
}

// New makes an object of a mapping node, as one document of a stream holds it.
// The locator says where the object's nodes were written; nil means that their
// own positions are positions in origin.File.
func New(node *yaml.Node, origin Origin, locate Locator) *Object {
	gv, err := schema.ParseGroupVersion(scalar(node, "apiVersion"))
	if err != nil {
		gv = schema.GroupVersion{Group: scalar(node, "apiVersion")}
	}
	o := &Object{
		GVK:    gv.WithKind(scalar(node, "kind")),
		Node:   node,
		Origin: origin,
		locate: locate,
	}
	if meta := Get(node, "metadata"); meta != nil {
		o.Name = scalar(meta, "name")
		if o.Name == "" {
			o.Name = scalar(meta, "generateName")
		}
		o.Namespace = scalar(meta, "namespace")
	}
	if o.Origin.Line == 0 {
		if at, ok := o.place(Query{Node: firstKey(node), Hit: Hit{Value: node}, Rough: true}); ok {
			o.Origin.Span, o.Origin.Exact = at.Span, at.Exact
		}
	}
	return o
}

// ID names the object for a person: "Deployment shop/web".
func (o *Object) ID() string {
	name := o.Name
	if o.Namespace != "" {
		name = o.Namespace + "/" + name
	}
	return o.GVK.Kind + " " + name
}

// GroupKind is the object's group and kind, by which rules are dispatched.
func (o *Object) GroupKind() schema.GroupKind { return o.GVK.GroupKind() }

// Typed is the object decoded into its k8s.io/api type, leniently: a field of
// the wrong type is converted where that is possible and left out where not,
// and the rest is decoded all the same (see SchemaErrors). It is nil for a kind
// that Kubernetes does not have, and for CustomResourceDefinitions. Older API
// versions of a kind are decoded into its stable version where the fields are the
// same. The result is shared: do not change it.
func (o *Object) Typed() runtime.Object {
	o.decode()
	return o.typed
}

// Workload is the pod specification that the object carries, and false for a
// kind that carries none.
func (o *Object) Workload() (*Workload, bool) {
	o.decode()
	return o.workload, o.workload != nil
}

// SchemaErrors lists what the API server would refuse in the object: fields of
// the wrong type, fields that its type does not have. It is empty for a kind
// that Kubernetes does not have in exactly this version.
func (o *Object) SchemaErrors() []SchemaError {
	o.decode()
	return o.schema
}

// Refused lists what the API server would refuse besides the SchemaErrors: fields
// that are missing although it requires them, texts that are none of those that
// it takes.
func (o *Object) Refused() []SchemaError {
	o.decode()
	return o.refused
}

func (o *Object) decode() {
	o.once.Do(func() {
		d := &decoder{}
		o.typed = d.object(o.GVK, o.Node)
		if o.workload = newWorkload(o, d); o.workload != nil {
			o.workload.collect()
		}
		o.schema, o.refused = d.errors, d.refused
	})
}

// At is where a field was written: its value if that is a scalar, else its key,
// and for a list item the item. A field that is not written is at its nearest
// written parent.
func (o *Object) At(path *field.Path) Origin {
	elements := elementsOf(path)
	return o.origin(lookup(o.Node, elements), elements, false)
}

// Near is At at little cost: the place may be near where At finds it exactly.
func (o *Object) Near(path *field.Path) Origin {
	elements := elementsOf(path)
	return o.origin(lookup(o.Node, elements), elements, true)
}

// origin is the place of the elements of a path, of which the hits are found.
func (o *Object) origin(hits []Hit, elements []string, rough bool) Origin {
	m := o.memory
	if m == nil {
		return o.find(hits, elements, rough)
	}
	var at Origin
	if m.whole == nil {
		at = o.find(hits, elements, rough)
	} else {
		var ok bool
		if at, ok = m.recall(elements, rough); ok {
			return at
		}
		whole := m.whole()
		if whole == nil {
			return o.find(hits, elements, rough)
		}
		at = whole.find(lookup(whole.Node, elements), elements, rough)
	}
	m.note(elements, rough, at)
	return at
}

// find finds the place in the object itself.
func (o *Object) find(hits []Hit, elements []string, rough bool) Origin {
	deepest := len(hits) - 1
	for i, hit := range slices.Backward(hits) {
		q := Query{Hit: hit, Path: elements[:i], Rough: rough}
		if i == deepest {
			q.Missing = elements[i:]
		}
		for _, n := range hit.places() {
			q.Node = n
			at, ok := o.place(q)
			if !ok {
				continue
			}
			// A field that was found, but whose own text has no place, was put
			// there by a transformer: its parent is only near.
			at.Exact = at.Exact && i == deepest
			if at.Missing == "" && at.Key == "" && !at.Asks {
				at.Missing = JoinPath(q.Missing)
			}
			at.Via = slices.Concat(at.Via, o.Origin.Via)
			return at
		}
	}
	origin := o.Origin
	origin.Missing = JoinPath(elements[deepest:])
	origin.Exact = origin.Exact && deepest == 0
	return origin
}

func (o *Object) place(q Query) (Origin, bool) {
	if q.Node == nil {
		return Origin{}, false
	}
	if o.locate != nil {
		return o.locate(q)
	}
	if q.Node.Line == 0 {
		return Origin{}, false
	}
	return Origin{Span: NodeSpan(o.Origin.File, q.Node), Exact: true}, true
}

// NodeSpan is the span of a node's own text in file, by the node's position.
// The end is that of a scalar on one line, else the start's.
func NodeSpan(file string, n *yaml.Node) Span {
	s := Span{File: file, Line: n.Line, Column: n.Column, EndLine: n.Line, EndColumn: n.Column}
	if n.Kind == yaml.ScalarNode && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		width := 0
		for _, r := range n.Value {
			if r == '\n' {
				return s
			}
			width++
		}
		if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
			width += 2
		}
		s.EndColumn += width
	}
	return s
}

func firstKey(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.MappingNode && len(n.Content) > 0 {
		return n.Content[0]
	}
	return n
}

// Get is the value of a key in a mapping node, or nil.
func Get(n *yaml.Node, key string) *yaml.Node {
	_, v := entry(n, key)
	return v
}

// Text is a scalar's text under a key of a mapping node, empty for null and for
// what is no scalar.
func Text(n *yaml.Node, key string) string {
	if v := Get(n, key); v != nil && v.Kind == yaml.ScalarNode && v.Tag != "!!null" {
		return v.Value
	}
	return ""
}

// Items are those of the list under a key of a mapping node.
func Items(n *yaml.Node, key string) []*yaml.Node {
	if list := Get(n, key); list != nil && list.Kind == yaml.SequenceNode {
		return list.Content
	}
	return nil
}

func entry(n *yaml.Node, key string) (k, v *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	// The last of duplicate keys wins, as in the API machinery's decoder.
	for i := len(n.Content) - 2; i >= 0; i -= 2 {
		if n.Content[i].Value == key {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

func scalar(n *yaml.Node, key string) string {
	if v := Get(n, key); v != nil && v.Kind == yaml.ScalarNode && !isNull(v) {
		return v.Value
	}
	return ""
}
