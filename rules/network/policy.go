package network

import (
	"fmt"
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/netpol"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// systemNamespaces are those that the cluster runs itself in: to isolate them
// takes more than a default.
var systemNamespaces = lint.Option{
	Name:    "ignore-namespaces",
	Doc:     "Patterns of the names of namespaces that are not looked at.",
	Default: []string{"kube-system", "kube-public", "kube-node-lease"},
	Valid:   lint.Glob,
}

// ignored says that an option names the namespace.
func ignored(p *lint.Pass, namespace string) bool {
	return p.Matches(systemNamespaces.Name, namespace)
}

// judged are the namespaces that can be judged: all that the repository deploys
// there is known.
func judged(p *lint.Pass) []*netpol.Area {
	x := netpol.Of(p)
	return slices.DeleteFunc(slices.Clone(x.Areas), func(a *netpol.Area) bool {
		return ignored(p, a.Namespace) || !x.Complete(a)
	})
}

// areaName is how a message names a namespace.
func areaName(a *netpol.Area) string {
	if a.Namespace == "" {
		return "the namespace that this is deployed to"
	}
	return fmt.Sprintf("namespace %q", a.Namespace)
}

// reportNamespace reports on a namespace: on its object, or where there is none
// on the first that runs in it. Several objects may be the same namespace, as
// every overlay has one: it is one finding all the same.
func reportNamespace(p *lint.Pass, a *netpol.Area, format string, args ...any) {
	if len(a.Objects) > 0 {
		p.ReportOn(a.Objects[0], p.Rule.Severity, field.NewPath("metadata", "name"), format, args...)
		return
	}
	if len(a.Pods) == 0 {
		return
	}
	o := a.Pods[0].Object
	if at := o.Value("metadata", "namespace"); at.Written() {
		p.ReportOn(o, p.Rule.Severity, at.Path, format, args...)
		return
	}
	p.ReportOn(o, p.Rule.Severity, nil, format, args...)
}

// runs is how a message says what runs in a namespace.
func runs(a *netpol.Area) string {
	switch n := len(a.Pods); n {
	case 0:
		return "whatever runs in it"
	case 1:
		return fmt.Sprintf("%s %q", a.Pods[0].Object.GVK.Kind, a.Pods[0].Object.Name)
	default:
		return fmt.Sprintf("%d workloads", n)
	}
}

// checkDefaultDeny reports the namespaces that policies are about, but in which
// none isolates in a direction whatever they do not name.
func checkDefaultDeny(p *lint.Pass, d netpol.Direction, missing, undone string) {
	for _, a := range judged(p) {
		if a.Bare || a.Denies(d) || !a.Policed() && !p.Yes(everyNamespace.Name) {
			continue
		}
		if u := a.Undone[d]; u != nil && a.Deny[d] != nil {
			reportNamespace(p, a, undone, areaName(a), u.Object.ID())
			continue
		}
		reportNamespace(p, a, missing, areaName(a))
	}
}

// everyNamespace has rules report on namespaces without policies.
var everyNamespace = lint.Option{
	Name:    "without-policies",
	Doc:     "Whether namespaces count that no policy at all is about; namespace-without-networkpolicy reports each of them once.",
	Default: []string{"false"},
	Valid:   lint.Truth,
}

// eachSection calls for what an object's policies say of one direction.
func eachSection(o *manifest.Object, d netpol.Direction, call func(*netpol.Policy, netpol.Section)) {
	for _, p := range netpol.Parse(o) {
		call(p, p.Directions[d])
	}
}

// checkOpen reports the rules that let everything through, but for what one kind
// of peer has to do with it.
func checkOpen(p *lint.Pass, d netpol.Direction, format string) {
	eachSection(p.Object, d, func(_ *netpol.Policy, s netpol.Section) {
		for _, r := range s.Allows {
			if at := r.Open(); at != nil {
				p.Report(at, format, p.Object.Name)
			}
		}
	})
}
