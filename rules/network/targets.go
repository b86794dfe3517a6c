package network

import (
	"cmp"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// target is an object that a policy is attached to.
type target struct{ kind, namespace, name string }

// targets are the objects that policies of some kinds are attached to, in the way
// of the Gateway API (https://gateway-api.sigs.k8s.io/geps/gep-713/), as far as
// the policies do what is asked for.
func targets(x *cluster.Index, kinds []schema.GroupKind, does func(spec manifest.Value) bool) map[target]bool {
	all := map[target]bool{}
	for _, kind := range kinds {
		for _, o := range x.Kind(kind.Group, kind.Kind) {
			spec := o.Value("spec")
			if !does(spec) {
				continue
			}
			for _, ref := range append(spec.Get("targetRefs").Items(), spec.Get("targetRef")) {
				all[target{ref.Get("kind").Text(), cmp.Or(ref.Get("namespace").Text(), o.Namespace), ref.Get("name").Text()}] = true
			}
		}
	}
	return all
}

// reached says that a policy is attached to an object, or to a Gateway that it
// names.
func reached(targets map[target]bool, o *manifest.Object) bool {
	if targets[target{o.GVK.Kind, o.Namespace, o.Name}] {
		return true
	}
	for _, parent := range o.Value("spec", "parentRefs").Items() {
		if targets[target{kindGateway.Kind, cmp.Or(parent.Get("namespace").Text(), o.Namespace), parent.Get("name").Text()}] {
			return true
		}
	}
	return false
}

// extended says that a rule of a route has a filter that the controller defines,
// which may be for anything.
func extended(o *manifest.Object) bool {
	for _, rule := range o.Value("spec", "rules").Items() {
		for _, f := range rule.Get("filters").Items() {
			if f.Get("type").Text() == "ExtensionRef" {
				return true
			}
		}
	}
	return false
}
