// Package cluster finds the objects of one cluster by what they are asked for:
// name, namespace, labels. The rules that join objects share one index, so that
// what they cost grows with the objects and not with their pairs.
package cluster

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Index is an index over the objects that the rules of one cluster join. It has
// no object of a kind that no rule joins: a rule names what it asks for in Kinds
// or Joins.
type Index struct {
	pass      *lint.Pass
	byKind    map[schema.GroupKind][]*manifest.Object
	byName    map[name][]*manifest.Object
	workloads map[string][]*manifest.Object // by namespace
	byLabel   map[label][]*manifest.Object
	selected  map[question][]*manifest.Object
	exposed   map[*manifest.Object][]Exposure // made when it is asked for
	bound     map[Account][]*manifest.Object  // likewise
}

type (
	name struct {
		schema.GroupKind
		namespace, name string
	}
	// label is one label of the pods of a namespace.
	label    struct{ namespace, key, value string }
	question struct{ namespace, selector string }
	key      struct{}
)

// Of is the index over the objects of a pass, made once for all rules.
func Of(p *lint.Pass) *Index {
	return p.Shared(key{}, func() any { return newIndex(p) }).(*Index)
}

func newIndex(p *lint.Pass) *Index {
	x := &Index{
		pass:      p,
		byKind:    map[schema.GroupKind][]*manifest.Object{},
		byName:    map[name][]*manifest.Object{},
		workloads: map[string][]*manifest.Object{},
		byLabel:   map[label][]*manifest.Object{},
		selected:  map[question][]*manifest.Object{},
	}
	for _, o := range p.Objects {
		gk := o.GroupKind()
		x.byKind[gk] = append(x.byKind[gk], o)
		n := name{gk, o.Namespace, o.Name}
		x.byName[n] = append(x.byName[n], o)
	}
	for _, o := range p.Of(lint.Workloads...) {
		w, ok := o.Workload()
		if !ok || w.IsZero() {
			continue
		}
		x.workloads[o.Namespace] = append(x.workloads[o.Namespace], o)
		for k, v := range w.Meta.Labels {
			l := label{o.Namespace, k, v}
			x.byLabel[l] = append(x.byLabel[l], o)
		}
	}
	return x
}

// Kind are the objects of a kind.
func (x *Index) Kind(group, kind string) []*manifest.Object {
	return x.byKind[schema.GroupKind{Group: group, Kind: kind}]
}

// Named are the objects of a kind, a namespace ("" for none) and a name, as seen
// from another object: those that are deployed together with it, if there are
// any, else all.
func (x *Index) Named(from *manifest.Object, kind schema.GroupKind, namespace, of string) []*manifest.Object {
	return x.near(from, x.byName[name{kind, namespace, of}])
}

// Workloads are the objects in a namespace that run pods.
func (x *Index) Workloads(namespace string) []*manifest.Object { return x.workloads[namespace] }

// Selects are the objects in a namespace whose pods a selector takes, as seen
// from the object that selects: those that are deployed together with it, if
// there are any, else all. An empty selector takes all, a nil one none
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/).
func (x *Index) Selects(from *manifest.Object, namespace string, s *metav1.LabelSelector) []*manifest.Object {
	return x.near(from, x.Selected(namespace, s))
}

// Selected is Selects as seen from everywhere.
func (x *Index) Selected(namespace string, s *metav1.LabelSelector) []*manifest.Object {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil || s == nil {
		return nil
	}
	q := question{namespace, selector.String()}
	found, ok := x.selected[q]
	if ok {
		return found
	}
	for _, o := range x.candidates(namespace, s) {
		if w, _ := o.Workload(); selector.Matches(labels.Set(w.Meta.Labels)) {
			found = append(found, o)
		}
	}
	x.selected[q] = found
	return found
}

// candidates are the workloads that may match: those with the label of the
// selector that the fewest have.
func (x *Index) candidates(namespace string, s *metav1.LabelSelector) []*manifest.Object {
	fewest := x.workloads[namespace]
	for k, v := range s.MatchLabels {
		if with := x.byLabel[label{namespace, k, v}]; len(with) < len(fewest) {
			fewest = with
		}
	}
	return fewest
}

// near are those of some objects that are deployed together with another one, if
// there are any, else all.
func (x *Index) near(from *manifest.Object, all []*manifest.Object) []*manifest.Object {
	if from == nil || !slices.ContainsFunc(all, func(o *manifest.Object) bool { return !x.pass.Together(from, o) }) {
		return all
	}
	var together []*manifest.Object
	for _, o := range all {
		if x.pass.Together(from, o) {
			together = append(together, o)
		}
	}
	if together == nil {
		return all
	}
	return together
}
