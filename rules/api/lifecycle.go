package api

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
)

// lifecycle says since when there is a version of a kind, since when it is
// deprecated, and since when it is gone; each nil for never or unknown.
type lifecycle struct {
	introduced, deprecated, removed *version.Version
	// replacement is what to use instead; empty for nothing.
	replacement schema.GroupVersionKind
}

// The methods of the types of k8s.io/api that say how long a version lives.
type (
	introduced  interface{ APILifecycleIntroduced() (major, minor int) }
	deprecated  interface{ APILifecycleDeprecated() (major, minor int) }
	removed     interface{ APILifecycleRemoved() (major, minor int) }
	replacement interface {
		APILifecycleReplacement() schema.GroupVersionKind
	}
)

// lifecycleOf is what is known of the life of a version of a kind; false for one
// of which nothing is known.
func lifecycleOf(gvk schema.GroupVersionKind) (lifecycle, bool) {
	if l, ok := goneVersions()[gvk]; ok {
		return l, true
	}
	o := manifest.Builtin(gvk)
	if o == nil {
		return lifecycle{}, false
	}
	var l lifecycle
	if o, ok := o.(introduced); ok {
		l.introduced = majorMinor(o.APILifecycleIntroduced())
	}
	if o, ok := o.(deprecated); ok {
		l.deprecated = majorMinor(o.APILifecycleDeprecated())
	}
	if o, ok := o.(removed); ok {
		l.removed = majorMinor(o.APILifecycleRemoved())
	}
	if o, ok := o.(replacement); ok {
		l.replacement = o.APILifecycleReplacement()
		// One of them names the list in place of the kind.
		l.replacement.Kind = strings.TrimSuffix(l.replacement.Kind, "List")
	}
	return l, true
}

func majorMinor(major, minor int) *version.Version {
	return version.MajorMinor(uint(major), uint(minor)) //nolint:gosec // written in the source
}

// serves says that a Kubernetes version has a version of a kind.
func serves(target *version.Version, gvk schema.GroupVersionKind) bool {
	l, ok := lifecycleOf(gvk)
	if !ok {
		// Of the groups that are no part of k8s.io/api, what is in the table only.
		return !manifest.IsBuiltin(gvk.Group)
	}
	return (l.introduced == nil || !target.LessThan(l.introduced)) && (l.removed == nil || target.LessThan(l.removed))
}

// instead is what to use in place of a version, as a clause that begins with a
// colon; empty when nothing replaces it.
func instead(target *version.Version, gvk schema.GroupVersionKind, l lifecycle) string {
	best := l.replacement
	if best.Kind == "" || !serves(target, best) {
		for _, gv := range manifest.BuiltinVersions(gvk.Kind) {
			if c := gv.WithKind(gvk.Kind); gv.Group == gvk.Group && c != gvk && serves(target, c) {
				best = c
				break
			}
		}
	}
	switch name := best.GroupVersion().String(); {
	case best.Kind == "" || best == gvk:
		return ""
	case best.Kind != gvk.Kind:
		return ": use " + best.Kind + " of " + name
	default:
		if there, ok := lifecycleOf(best); ok && there.introduced != nil && there.introduced.Minor() > 0 {
			return ": use " + name + ", which came with " + short(there.introduced)
		}
		return ": use " + name
	}
}
