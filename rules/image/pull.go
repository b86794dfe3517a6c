package image

import (
	"cmp"

	"github.com/scantling-dev/scantling/internal/manifest"
	corev1 "k8s.io/api/core/v1"
)

// pullPolicy is a container's pull policy, or what the API server makes of none:
// https://kubernetes.io/docs/concepts/containers/images/#imagepullpolicy-defaulting.
func pullPolicy(c *manifest.Container, r reference) corev1.PullPolicy {
	unset := corev1.PullIfNotPresent
	if r.Digest == "" && (r.Tag == "" || r.Tag == "latest") {
		unset = corev1.PullAlways
	}
	return cmp.Or(c.ImagePullPolicy, unset)
}

// injected says that Istio's injector replaces the image of a container.
func injected(c *manifest.Container) bool { return c.Image == "auto" && c.Name == "istio-proxy" }
