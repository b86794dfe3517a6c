package reliability

import (
	"errors"
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Where an object goes is not always known: it may name no namespace, or be of a
// chart that nobody installs. What such an object refers to may be in any
// namespace, and what refers to it, too. Rules that report that something is
// nowhere must not take a namespace that is not known for one that is.

// everywhere finds objects whatever their namespace is.
type everywhere struct {
	named map[kindName][]*manifest.Object
	// deployed are the units, and the clusters, that have workloads.
	deployed map[lint.Unit]bool
	// byLabel are the workloads by a label of their pods, and all under no label.
	byLabel map[[2]string][]*manifest.Object
}

type (
	kindName struct {
		schema.GroupKind
		name string
	}
	everywhereKey struct{}
)

func everywhereIn(p *lint.Pass) *everywhere {
	return p.Shared(everywhereKey{}, func() any {
		e := &everywhere{named: map[kindName][]*manifest.Object{}, byLabel: map[[2]string][]*manifest.Object{}, deployed: map[lint.Unit]bool{}}
		for _, o := range p.Objects {
			k := kindName{o.GroupKind(), o.Name}
			e.named[k] = append(e.named[k], o)
		}
		for _, o := range p.Of(lint.Workloads...) {
			if w, ok := o.Workload(); ok && !w.IsZero() {
				unit := p.UnitOf(o)
				e.deployed[lint.Unit{ID: unit.ID}] = true
				if unit.Cluster != "" {
					e.deployed[lint.Unit{Cluster: unit.Cluster}] = true
				}
				e.byLabel[[2]string{}] = append(e.byLabel[[2]string{}], o)
				for key, value := range w.Meta.Labels {
					l := [2]string{key, value}
					e.byLabel[l] = append(e.byLabel[l], o)
				}
			}
		}
		return e
	}).(*everywhere)
}

// unplaced says that the namespace of an object is not known.
func unplaced(p *lint.Pass, o *manifest.Object) bool {
	return o.Namespace == "" || p.UnitOf(o).Bare && o.Namespace == metav1.NamespaceDefault
}

// named are the objects of a kind and a name that an object may mean, in its own
// namespace if there are any. Not all of them need be deployed together with it:
// see lint.Pass.Together.
func named(p *lint.Pass, from *manifest.Object, kind schema.GroupKind, name string) []*manifest.Object {
	x := cluster.Of(p)
	for _, namespace := range []string{from.Namespace, ""} {
		if found := meant(p, from, x.Named(from, kind, namespace, name)); len(found) > 0 {
			return found
		}
	}
	if !unplaced(p, from) {
		return nil
	}
	return meant(p, from, everywhereIn(p).named[kindName{kind, name}])
}

// selects are the workloads whose pods an object may mean by a selector, in its
// own namespace if there are any; as named gives them.
func selects(p *lint.Pass, from *manifest.Object, s *metav1.LabelSelector) []*manifest.Object {
	x := cluster.Of(p)
	for _, namespace := range []string{from.Namespace, ""} {
		if found := meant(p, from, x.Selects(from, namespace, s)); len(found) > 0 {
			return found
		}
	}
	if !unplaced(p, from) {
		return nil
	}
	return meant(p, from, everywhereIn(p).labelled(s))
}

// labelled are the workloads of all namespaces whose pods a selector takes.
func (e *everywhere) labelled(s *metav1.LabelSelector) []*manifest.Object {
	return matching(e.byLabel, s, func(o *manifest.Object) labels.Set {
		w, _ := o.Workload()
		return w.Meta.Labels
	})
}

// matching are those of some objects that a selector takes. They are sorted by
// their labels, of which the one that the fewest have is followed.
func matching(byLabel map[[2]string][]*manifest.Object, s *metav1.LabelSelector, labelsOf func(*manifest.Object) labels.Set) []*manifest.Object {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if s == nil || err != nil {
		return nil
	}
	candidates := byLabel[[2]string{}]
	for k, v := range s.MatchLabels {
		if with := byLabel[[2]string{k, v}]; len(with) < len(candidates) {
			candidates = with
		}
	}
	var found []*manifest.Object
	for _, o := range candidates {
		if selector.Matches(labelsOf(o)) {
			found = append(found, o)
		}
	}
	return found
}

// meant are those of some objects that are deployed together with another one, if
// there are any; else all, but none for a chart that nobody installs, which stands
// for itself.
func meant(p *lint.Pass, from *manifest.Object, all []*manifest.Object) []*manifest.Object {
	near := together(p, from, all)
	if len(near) == 0 && !p.UnitOf(from).Bare {
		return all
	}
	return near
}

// together are those of some objects that are deployed together with another one.
func together(p *lint.Pass, from *manifest.Object, all []*manifest.Object) []*manifest.Object {
	var near []*manifest.Object
	for _, o := range all {
		if p.Together(from, o) {
			near = append(near, o)
		}
	}
	return near
}

// amongWorkloads says that some workload is deployed together with an object. What
// lies in a folder by itself, such as the autoscalers of charts that somebody
// installs by hand, refers to what is in no repository.
func amongWorkloads(p *lint.Pass, o *manifest.Object) bool {
	unit, e := p.UnitOf(o), everywhereIn(p)
	return e.deployed[lint.Unit{ID: unit.ID}] || unit.Cluster != "" && e.deployed[lint.Unit{Cluster: unit.Cluster}]
}

// externalObjects is the option of rules that report what is nowhere.
var externalObjects = lint.Option{
	Name: "external",
	Doc:  "Objects that exist although the repository does not declare them, as kind/namespace/name, in which * stands for any text: Secret/*/regcred.",
	Valid: func(s string) error {
		if strings.Count(s, "/") != 2 {
			return errors.New("it is kind/namespace/name, such as Secret/*/regcred")
		}
		return lint.Glob(s)
	},
}

// external says that the option of a rule names an object.
func external(p *lint.Pass, kind, namespace, name string) bool {
	return p.Matches(externalObjects.Name, kind+"/"+namespace+"/"+name)
}
