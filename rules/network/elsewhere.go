package network

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// installers are custom kinds whose controllers install whole applications: what
// there is in their namespace is not known.
var installers = []schema.GroupKind{
	{Group: "datasciencecluster.opendatahub.io", Kind: "DataScienceCluster"},
	{Group: "helm.cattle.io", Kind: "HelmChart"},
	{Group: "kappctrl.k14s.io", Kind: "App"},
	{Group: "kfdef.apps.kubeflow.org", Kind: "KfDef"},
	{Group: "operators.coreos.com", Kind: "Subscription"},
}

// external is the option by which a rule learns of what this repository does not
// hold.
var external = lint.Option{
	Name:  "external",
	Doc:   "Services that something else than this repository makes, as namespace/name with * for any characters.",
	Valid: lint.Glob,
}

// made are the names of the objects of a cluster whose controllers make Services
// and pods, by namespace; "" among them for those that make anything.
type made map[string][]string

func newMade(x *cluster.Index) made {
	m := made{}
	for _, kind := range cluster.Makers {
		for _, o := range x.Kind(kind.Group, kind.Kind) {
			m[o.Namespace] = append(m[o.Namespace], o.Name)
		}
	}
	for _, kind := range installers {
		for _, o := range x.Kind(kind.Group, kind.Kind) {
			m[o.Namespace] = append(m[o.Namespace], "")
		}
	}
	return m
}

// bears says that a name is, or begins with, that of an object whose controller
// makes things in the namespace.
func (m made) bears(namespace, name string) bool {
	return slices.ContainsFunc(m[namespace], func(maker string) bool { return strings.HasPrefix(name, maker) })
}

// services know which Services of a cluster are there.
type services struct {
	pass  *lint.Pass
	index *cluster.Index
	made  made
	in    map[inhabitant]bool
}

// inhabitant is a namespace, and the cluster or the unit that fills it.
type inhabitant struct{ namespace, where string }

func newServices(p *lint.Pass) *services {
	x := cluster.Of(p)
	s := &services{pass: p, index: x, made: newMade(x), in: map[inhabitant]bool{}}
	for _, o := range x.Kind("", "Service") {
		s.in[inhabitant{o.Namespace, where(p, o)}] = true
	}
	return s
}

// lacks says that a Service is known not to be there for an object that names it:
// all that is deployed into the namespace is known, some Service of it is deployed
// together with the object, and nothing else makes one of this name.
func (s *services) lacks(from *manifest.Object, namespace, name string) bool {
	return s.pass.Complete(namespace) && !s.made.bears(namespace, name) && !byCluster(name) &&
		!matches(s.pass.Option(external.Name), namespace, name) && s.inhabited(from, namespace)
}

// inhabited says that some Service of a namespace is deployed together with an
// object: that the repository is what fills the namespace.
func (s *services) inhabited(from *manifest.Object, namespace string) bool {
	return s.in[inhabitant{namespace, where(s.pass, from)}]
}

// byCluster says that a Service is made by the cluster itself, or by an operator
// under the same name everywhere.
func byCluster(name string) bool {
	switch name {
	case "kubernetes", "kube-dns", "grafana-service", "prometheus-operated", "alertmanager-operated", "thanos-ruler-operated", "rook-ceph-mgr-dashboard":
		return true
	}
	return false
}

// matches says that namespace/name is one of some patterns.
func matches(patterns []string, namespace, name string) bool {
	return lint.MatchesAny(patterns, namespace+"/"+name)
}
