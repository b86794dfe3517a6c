package reliability

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// claimers are the kinds that make claims for volumes.
var claimers = slices.Concat([]schema.GroupKind{kindPVC}, statefulSets)

// claim is a claim for a volume: an object of its own, or a StatefulSet's
// template of one.
type claim struct {
	manifest.Value
	// template says that each pod gets one of its own.
	template bool
}

func (c claim) name() string { return c.Get("metadata", "name").Text() }

// claimsOf are the claims that an object makes.
func claimsOf(o *manifest.Object) []claim {
	switch o.GroupKind() {
	case kindPVC:
		return []claim{{Value: o.Value()}}
	case statefulSets[0]:
		var all []claim
		for _, v := range o.Value("spec", "volumeClaimTemplates").Items() {
			all = append(all, claim{v, true})
		}
		return all
	}
	return nil
}

// class is the claim's StorageClass, and where it is or would be written; ok is
// false for a claim that leaves it to the cluster. An empty one asks for a volume
// that somebody made.
func (c claim) class() (at manifest.Value, ok bool) {
	// The annotation came before the field, and goes before it.
	if a := c.Get("metadata", "annotations").Key("volume.beta.kubernetes.io/storage-class"); a.Written() {
		return a, true
	}
	at = c.Get("spec", "storageClassName")
	return at, at.Written()
}
