package lint

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/util/version"
)

// Unit is what a rule may know of what deploys an object.
type Unit struct {
	// ID names the unit in reports; empty for an object that no unit deploys.
	ID string
	// Kube is the Kubernetes version that the unit is judged for; nil for the one
	// that scantling is built with.
	Kube *version.Version
	// Cluster names the cluster that the unit is deployed to; empty when no
	// GitOps object leads to it.
	Cluster string
	// Reconciled says that Flux or Argo CD deploys it, and puts it back when it is
	// changed or deleted.
	Reconciled bool
	// Bare says that it is a chart that nobody in the repository installs: its
	// release name, and its namespace "default", are only what `helm template`
	// uses.
	Bare bool
	// By is the GitOps object that deploys the unit; nil for none.
	By *manifest.Object
}

// Cluster is what is deployed together, for Rule.CheckAll.
type Cluster struct {
	// Objects are in an order that is the same in every run. Of kinds that no rule
	// joins there are none.
	Objects []*manifest.Object
	// Judges says that what is wrong with an object counts. The others are there to
	// be joined with. nil means that it always does.
	Judges func(*manifest.Object) bool
	// Unit is what deploys an object; nil when nothing is known.
	Unit func(*manifest.Object) Unit
	// Complete says that all that the repository deploys into a namespace is among
	// Objects: every unit that may put something there was asked for and rendered.
	// nil means that it always is.
	Complete func(namespace string) bool
}

func (c *Cluster) judges(o *manifest.Object) bool { return c.Judges == nil || c.Judges(o) }

func (c *Cluster) unit(o *manifest.Object) Unit {
	if c.Unit == nil {
		return Unit{}
	}
	return c.Unit(o)
}

// UnitOf is what deploys an object.
func (p *Pass) UnitOf(o *manifest.Object) Unit {
	if p.cluster == nil {
		return p.Unit
	}
	return p.cluster.unit(o)
}

// Complete says that all that the repository deploys into a namespace is among
// Objects. A rule that reports what is nowhere must be silent when it is not.
func (p *Pass) Complete(namespace string) bool {
	return p.cluster == nil || p.cluster.Complete == nil || p.cluster.Complete(namespace)
}

// Together says that two objects are known to be in one cluster at once: one unit
// gives both, or GitOps objects lead to both in the same cluster. Two overlays
// that nothing leads to may be meant for two clusters, and may hold the same
// object each.
func (p *Pass) Together(a, b *manifest.Object) bool {
	u, v := p.UnitOf(a), p.UnitOf(b)
	return u.ID == v.ID || u.Cluster != "" && u.Cluster == v.Cluster
}

// Shared is what make gives, made once for all rules that ask for the same key
// in one cluster: an index over its objects. Keys are of a type of the caller's
// own. Outside of CheckAll it is made each time.
func (p *Pass) Shared(key any, make func() any) any {
	if p.shared == nil {
		return make()
	}
	v, ok := p.shared[key]
	if !ok {
		v = make()
		p.shared[key] = v
	}
	return v
}

// KubeVersion is the Kubernetes version that an object is judged for.
func (p *Pass) KubeVersion(o *manifest.Object) *version.Version {
	if v := p.UnitOf(o).Kube; v != nil {
		return v
	}
	return manifest.KubeVersion()
}
