package reliability

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// probe is one probe of a container.
type probe struct {
	*corev1.Probe
	// name says which one it is, for a message.
	name string
	path *field.Path
}

// probesOf are the probes of a container that the kubelet runs: it runs those of
// regular containers and of sidecars.
func probesOf(c *manifest.Container) []probe {
	if c.Kind != manifest.Regular && c.Kind != manifest.Sidecar {
		return nil
	}
	var all []probe
	for _, p := range []probe{
		{c.StartupProbe, "startup probe", c.Path.Child("startupProbe")},
		{c.LivenessProbe, "liveness probe", c.Path.Child("livenessProbe")},
		{c.ReadinessProbe, "readiness probe", c.Path.Child("readinessProbe")},
	} {
		if p.Probe != nil {
			all = append(all, p)
		}
	}
	return all
}
