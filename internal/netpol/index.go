package netpol

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Joins are the kinds of objects that Of looks at: for Rule.Joins.
var Joins = slices.Concat(lint.Workloads, Kinds, opaqueKinds, []schema.GroupKind{
	{Kind: "Namespace"},
	{Group: calicoGroups[0], Kind: "Tier"},
	{Group: calicoGroups[1], Kind: "Tier"},
})

// Index is what the policies of a cluster do to its pods.
type Index struct {
	// Areas are in the order in which the first object of each came.
	Areas []*Area

	pass     *lint.Pass
	places   map[place]*Area
	selected map[*Policy]bool
	passing  map[string]bool // tiers of Calico that decide nothing at their end
	global   bool            // some policy is of the whole cluster
}

// place is a namespace; where it is not known, or is only that of an example,
// that of one unit.
type place struct{ namespace, unit string }

// Area is a namespace with what is deployed into it.
type Area struct {
	// Namespace is its name; empty when nothing says it.
	Namespace string
	// Objects are the Namespace objects of it.
	Objects []*manifest.Object
	// Bare says that it is that of a chart that nobody installs.
	Bare bool
	// Pods are those that policies reach, Hosts those on the network of their
	// node, which none does.
	Pods, Hosts []*Pod
	// Policies are those in the namespace; there may be global ones besides.
	Policies []*Policy
	// Deny are policies that isolate whatever runs in the namespace; nil for none.
	Deny [2]*Policy
	// Undone are policies that let everything through again for all pods.
	Undone [2]*Policy

	unit       string  // of a place that is one unit's
	all        effects // of policies that select all pods
	unlabelled bool    // some policy covers a pod without labels
	byLabel    map[label][]*Pod
	keys       map[string]bool // of the labels of pods
	odd        []*Pod          // of which not all labels are known
}

type label struct{ key, value string }

// Pod are the pods of a workload.
type Pod struct {
	Object   *manifest.Object
	Workload *manifest.Workload

	area    *Area
	odd     bool
	effects effects
}

// effects is what policies do to pods.
type effects struct {
	covered bool
	dns     bool
	talks   *Policy
}

type key struct{}

// Of is the index over the objects of a pass, made once for all rules that ask.
func Of(p *lint.Pass) *Index {
	return p.Shared(key{}, func() any { return newIndex(p) }).(*Index)
}

func newIndex(p *lint.Pass) *Index {
	x := &Index{pass: p, places: map[place]*Area{}, selected: map[*Policy]bool{}, passing: map[string]bool{}}
	var policies []*Policy
	for _, o := range p.Objects {
		switch {
		case o.GVK.Kind == "Namespace" && o.GVK.Group == "":
			a := x.area(o, o.Name)
			a.Objects = append(a.Objects, o)
		case o.GVK.Kind == "Tier" && slices.Contains(calicoGroups, o.GVK.Group):
			x.passing[o.Name] = o.Value("spec", "defaultAction").Text() == "Pass"
		case o.GVK.Kind == "SandboxTemplate":
			// Its controller makes the policies of its pods.
		case slices.Contains(lint.Workloads, o.GroupKind()):
			x.run(o)
		default:
			policies = append(policies, Parse(o)...)
			if p := opaque(o); p != nil {
				policies = append(policies, p)
			}
		}
	}
	for _, policy := range policies {
		if policy.tier != "" && x.passing[policy.tier] {
			// What no rule of the tier decides, the next one does.
			for i := range policy.Directions {
				policy.Directions[i].Isolates = false
			}
		}
		x.global = x.global || policy.Global
		if !policy.Global {
			a := x.area(policy.Object, policy.Object.Namespace)
			a.Policies = append(a.Policies, policy)
		}
	}
	for _, policy := range policies {
		for _, a := range x.scope(policy) {
			x.apply(policy, a)
		}
	}
	return x
}

// area is where an object is deployed, or what it makes.
func (x *Index) area(o *manifest.Object, namespace string) *Area {
	unit := x.pass.UnitOf(o)
	if unknown(namespace) {
		namespace = ""
	}
	at := place{namespace: namespace}
	if namespace == "" || unit.Bare {
		at.unit = unit.ID
	}
	a := x.places[at]
	if a == nil {
		a = &Area{Namespace: namespace, Bare: unit.Bare, unit: at.unit, byLabel: map[label][]*Pod{}, keys: map[string]bool{}}
		x.places[at] = a
		x.Areas = append(x.Areas, a)
	}
	return a
}

// run puts the pods of a workload into their area.
func (x *Index) run(o *manifest.Object) {
	w, ok := o.Workload()
	// A template runs nothing by itself, and the test of a chart runs when asked.
	if !ok || w.IsZero() || o.GVK.Kind == "PodTemplate" || strings.Contains(o.Value("metadata", "annotations", "helm.sh/hook").Text(), "test") {
		return
	}
	a := x.area(o, o.Namespace)
	pod := &Pod{Object: o, Workload: w, area: a}
	if w.Pod.HostNetwork {
		a.Hosts = append(a.Hosts, pod)
		return
	}
	a.Pods = append(a.Pods, pod)
	for k, v := range w.Meta.Labels {
		pod.odd = pod.odd || unknown(k) || unknown(v)
		a.keys[k] = true
		a.byLabel[label{k, v}] = append(a.byLabel[label{k, v}], pod)
	}
	if pod.odd {
		a.odd = append(a.odd, pod)
	}
}

// scope are the areas in which a policy may select pods.
func (x *Index) scope(p *Policy) []*Area {
	switch unit := x.pass.UnitOf(p.Object); {
	case !p.Global:
		return []*Area{x.area(p.Object, p.Object.Namespace)}
	case unit.Bare:
		return slices.DeleteFunc(slices.Clone(x.Areas), func(a *Area) bool { return a.unit != unit.ID })
	}
	return x.Areas
}

// apply notes what a policy does to the pods of an area.
func (x *Index) apply(p *Policy, a *Area) {
	within := p.namespaces.eval(a.labels(p.language))
	if within == No {
		return
	}
	does := p.effects()
	if nobody := min(within, p.pods.eval((&Pod{area: a}).labels(p.language))); nobody != No {
		a.unlabelled = a.unlabelled || does.covered
		for d, s := range p.Directions {
			switch open := s.Open() != nil; {
			case open && nobody == Yes && a.Undone[d] == nil:
				a.Undone[d] = p
			case !open && s.Isolates && a.Deny[d] == nil:
				a.Deny[d] = p
			}
		}
	}
	if everything(p.pods) {
		a.all.add(does, within)
		return
	}
	for _, pod := range a.candidates(p.language, p.pods) {
		if t := min(within, p.pods.eval(pod.labels(p.language))); t != No {
			pod.effects.add(does, t)
			x.selected[p] = true
		}
	}
}

// effects is what a policy does to pods that it selects.
func (p *Policy) effects() effects {
	e := effects{covered: p.Covers(), dns: p.AllowsDNS()}
	if p.talks() {
		e.talks = p
	}
	return e
}

// add adds what a policy does to pods that it selects, or may select.
func (e *effects) add(does effects, t Truth) {
	e.covered = e.covered || does.covered
	e.dns = e.dns || does.dns
	if e.talks == nil && t == Yes {
		e.talks = does.talks
	}
}

// candidates are the pods of an area that a selector may take.
func (a *Area) candidates(l language, s selector) []*Pod {
	key, values, ok := s.must()
	if l == ciliumLanguage {
		key = ciliumKey(key)
	}
	if !ok || l.derived(key) || addedLater(key) {
		return a.Pods
	}
	found := slices.Clone(a.odd)
	for i, v := range values {
		if slices.Contains(values[:i], v) {
			continue
		}
		for _, pod := range a.byLabel[label{key, v}] {
			if !pod.odd {
				found = append(found, pod)
			}
		}
	}
	return found
}

// Policed says that any policy at all is about the namespace or its pods.
func (a *Area) Policed() bool {
	return len(a.Policies) > 0 || a.all.covered || a.unlabelled ||
		slices.ContainsFunc(a.Pods, func(p *Pod) bool { return p.effects.covered })
}

// Denies says that what runs in the area is isolated in a direction by default.
func (a *Area) Denies(d Direction) bool { return a.Deny[d] != nil && a.Undone[d] == nil }

// Complete says that all that the repository deploys into the area is known. What
// it deploys for the whole cluster must be, too, if it has policies of that kind
// at all: nearly all repositories have none, and some unit that lacks an object.
func (x *Index) Complete(a *Area) bool {
	return x.pass.Complete(a.Namespace) && (!x.global || x.pass.Complete(""))
}

// Selects says that a policy may select some pod that it can reach, also one of
// which nobody says the namespace.
func (x *Index) Selects(p *Policy) bool {
	if everything(p.pods) {
		return slices.ContainsFunc(x.scope(p), func(a *Area) bool { return len(a.Pods) > 0 })
	}
	return x.selected[p] || x.stray(x.Area(p), p.language, p.pods)
}

// stray says that a selector for pods of a namespace may take some elsewhere of
// which nobody says the namespace.
func (x *Index) stray(of *Area, l language, s selector) bool {
	return of.Namespace != "" && slices.ContainsFunc(x.Areas, func(a *Area) bool {
		return a.Namespace == "" && !a.Bare && a.has(l, s)
	})
}

// has says that a selector may take pods of the area.
func (a *Area) has(l language, s selector) bool {
	takes := func(pod *Pod) bool { return s.eval(pod.labels(l)) != No }
	return slices.ContainsFunc(a.candidates(l, s), takes) || slices.ContainsFunc(a.Hosts, takes)
}

// SelectsHosts says that the policy would select pods of an area that are on the
// network of their node.
func (p *Policy) SelectsHosts(a *Area) bool {
	return slices.ContainsFunc(a.Hosts, func(pod *Pod) bool { return p.pods.eval(pod.labels(p.language)) == Yes })
}

// Area is the namespace that a policy is in.
func (x *Index) Area(p *Policy) *Area { return x.area(p.Object, p.Object.Namespace) }

// Covered says that some policy says what may reach the pods, or what they may
// reach.
func (p *Pod) Covered() bool { return p.area.all.covered || p.effects.covered }

// Speechless is a policy that lets the pods talk to others that they know by
// name, while none lets them ask for the address; nil for none.
func (p *Pod) Speechless() *Policy {
	switch {
	case p.area.all.dns || p.effects.dns:
		return nil
	case p.effects.talks != nil:
		return p.effects.talks
	}
	return p.area.all.talks
}

// Dangling says that a peer of a policy is no pod, and in which namespace. It is
// only said of a namespace that is known, and that something runs in.
func (x *Index) Dangling(p *Policy, peer *Pods) (where string, dangling bool) {
	a, where := x.Area(p), "the policy's namespace"
	if !peer.Own {
		name, ok := peer.namespace()
		if !ok {
			return "", false
		}
		a, where = x.places[place{namespace: name}], fmt.Sprintf("namespace %q", name)
	}
	if a == nil || len(a.Pods) == 0 || !x.Complete(a) {
		return "", false
	}
	return where, !a.has(p.language, peer.pods) && !x.stray(a, p.language, peer.pods) && !a.foreign(peer.pods)
}

// namespace is the name of the one namespace that a peer selects.
func (p *Pods) namespace() (string, bool) {
	key, values, ok := p.namespaces.must()
	return strings.Join(values, ""), ok && key == namespaceName && len(values) == 1
}

// Foreign says that the policy asks for labels that no pod in its area has, and
// that an operator gives to the pods that it makes.
func (x *Index) Foreign(p *Policy) bool { return x.Area(p).foreign(p.pods) }

func (a *Area) foreign(s selector) bool {
	foreign := false
	eachLabel(s, func(key string, values []string) {
		key = ciliumKey(key)
		foreign = foreign || operatorMade(key, values) || strings.Contains(key, "/") && !strings.HasPrefix(key, "app.kubernetes.io/") && !a.keys[key]
	})
	return foreign
}
