package netpol

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// opaqueKinds are kinds of objects that isolate pods, or make policies that do,
// in ways that are not read here: where there is one, nobody can say that a pod
// is not isolated.
var opaqueKinds = []schema.GroupKind{
	{Group: "crd.antrea.io", Kind: "NetworkPolicy"},
	{Group: "crd.antrea.io", Kind: "ClusterNetworkPolicy"},
	{Group: "kyverno.io", Kind: "Policy"},
	{Group: "kyverno.io", Kind: "ClusterPolicy"},
}

// opaque is a policy that may select any pod and may do anything; nil for an
// object that is none.
func opaque(o *manifest.Object) *Policy {
	if !slices.Contains(opaqueKinds, o.GroupKind()) || o.GVK.Group == "kyverno.io" && !generates(o) {
		return nil
	}
	p := &Policy{
		Object:     o,
		Global:     o.GVK.Kind != "NetworkPolicy" && o.GVK.Kind != "Policy",
		opaque:     true,
		namespaces: constant(Maybe),
		pods:       constant(Maybe),
	}
	p.Directions[Ingress].Isolates, p.Directions[Egress].Isolates = true, true
	return p
}

// generates says that a policy of Kyverno makes network policies:
// https://kyverno.io/docs/policy-types/cluster-policy/generate/.
func generates(o *manifest.Object) bool {
	for _, rule := range o.Value("spec", "rules").Items() {
		g := rule.Get("generate")
		kinds := append(g.Get("cloneList", "kinds").Texts(), g.Get("kind").Text())
		for _, each := range g.Get("foreach").Items() {
			kinds = append(kinds, each.Get("kind").Text())
		}
		if slices.ContainsFunc(kinds, func(k string) bool {
			return slices.ContainsFunc(Kinds, func(gk schema.GroupKind) bool {
				return k == gk.Kind || len(k) > len(gk.Kind) && k[len(k)-len(gk.Kind)-1:] == "/"+gk.Kind
			})
		}) {
			return true
		}
	}
	return false
}
