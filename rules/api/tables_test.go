package api

import (
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// What is in the tables by hand must be read, and must not contradict the types
// that say it themselves.
func TestGone(t *testing.T) {
	lines := strings.Count(strings.TrimSpace(gone), "\n") + 1
	if n := len(goneVersions()); n < lines {
		t.Errorf("%d lines give %d versions", lines, n)
	}
	for gvk, l := range goneVersions() {
		switch {
		case gvk.Version == "" || gvk.Kind == "":
			t.Errorf("%v is no version of a kind", gvk)
		case l.introduced == nil:
			t.Errorf("%v came with no version", gvk)
		case l.deprecated != nil && l.deprecated.LessThan(l.introduced), l.removed != nil && !l.introduced.LessThan(l.removed), l.deprecated != nil && l.removed != nil && !l.deprecated.LessThan(l.removed):
			t.Errorf("%v came with %v, was deprecated in %v and went in %v", gvk, l.introduced, l.deprecated, l.removed)
		case l.removed != nil && l.removed.LessThan(minor(37)) && serves(minor(37), gvk):
			t.Errorf("%v is gone and is served", gvk)
		}
		if r := l.replacement; r.Kind != "" && manifest.IsBuiltin(r.Group) {
			if _, ok := lifecycleOf(r); !ok {
				t.Errorf("%v is replaced by %v, which there is not", gvk, r)
			}
		}
		o := manifest.Builtin(gvk)
		if o, ok := o.(removed); ok {
			t.Errorf("%T says itself when it went: take it from the table", o)
		}
	}
}

// Each version that says it goes names or has what to use instead, or is known to
// be replaced by nothing.
func TestInstead(t *testing.T) {
	nothing := map[string]bool{
		"Eviction": true, "EvictionRequest": true, // lifecycle.k8s.io has one version
		"ResourcePoolStatusRequest": true,
		"LeaseCandidate":            true,
		"DeploymentRollback":        true, "Scale": true,
		"SelfSubjectReview": true, // replaced, and no object anybody writes
	}
	for _, group := range []string{"admissionregistration.k8s.io", "apps", "batch", "certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "extensions", "flowcontrol.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io", "policy", "rbac.authorization.k8s.io", "resource.k8s.io", "scheduling.k8s.io", "storage.k8s.io", "storagemigration.k8s.io"} {
		for _, version := range []string{"v1alpha1", "v1alpha2", "v1alpha3", "v1beta1", "v1beta2", "v1beta3"} {
			gv := schema.GroupVersion{Group: group, Version: version}
			for _, kind := range manifest.BuiltinKinds(gv) {
				l, ok := lifecycleOf(gv.WithKind(kind))
				if !ok || l.removed == nil || !l.removed.LessThan(minor(38)) || nothing[kind] {
					continue
				}
				if text := instead(minor(37), gv.WithKind(kind), l); !strings.HasPrefix(text, ": use ") {
					t.Errorf("%s %s is gone since %s: nothing is said to replace it", gv, kind, l.removed)
				}
			}
		}
	}
}

func TestAddons(t *testing.T) {
	lines := 0
	for line := range strings.Lines(addons) {
		if strings.TrimSpace(line) != "" {
			lines++
		}
	}
	if n := len(addonVersions()); n < lines {
		t.Errorf("%d lines give %d versions", lines, n)
	}
	for gvk, a := range addonVersions() {
		if !strings.Contains(gvk.Group, ".") || gvk.Version == "" || gvk.Kind == "" || a.since == "" || a.replacement == "" {
			t.Errorf("%v: %+v", gvk, a)
		}
		if to := groupVersion(a.replacement[strings.LastIndexByte(a.replacement, ' ')+1:]); a.replacement == gvk.GroupVersion().String() {
			t.Errorf("%v is replaced by itself", gvk)
		} else if next, ok := addonOf(to.WithKind(gvk.Kind)); ok {
			t.Errorf("%v is replaced by %v, which is %+v", gvk, to, next)
		}
	}
}
