package api

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkPod looks at what the API server's validation refuses in a pod, after
// pkg/apis/core/validation/validation.go of Kubernetes 1.37. What other rules speak
// of (ports, restart policies, requests above limits) is left out.
func checkPod(o *manifest.Object, w *manifest.Workload, r report) {
	volumes := map[string]bool{}
	for i, v := range w.Pod.Volumes {
		path := w.Path.Child("volumes").Index(i)
		if v.Name != "" {
			if volumes[v.Name] && manifest.Known(v.Name) {
				r(path.Child("name"), "volume %q is there twice", v.Name)
			}
			volumes[v.Name] = true
			dnsLabel(r, path.Child("name"), "volume", v.Name)
		}
		// One without a source is an emptyDir.
		if n := sources(v.VolumeSource); len(n) > 1 {
			r(path.Child(n[1]), "volume %q has %s: a volume has one source", v.Name, strings.Join(n, " and "))
		}
	}
	for _, claim := range o.Value("spec", "volumeClaimTemplates").Items() {
		volumes[claim.Get("metadata", "name").Text()] = true
	}
	names := map[string]bool{}
	for _, c := range w.Containers() {
		if c.Name != "" {
			if names[c.Name] && manifest.Known(c.Name) {
				r(c.Path.Child("name"), "container %q is there twice", c.Name)
			}
			names[c.Name] = true
			dnsLabel(r, c.Path.Child("name"), "container", c.Name)
		}
		checkContainer(c, volumes, r)
	}
}

// dnsLabel reports a name that is no DNS label.
func dnsLabel(r report, path *field.Path, what, name string) {
	if !manifest.Known(name) {
		return
	}
	if fault := dnsFault(name, validation.IsDNS1123Label(name), label); fault != "" {
		r(path, "%s name %q %s", what, name, fault)
	}
}

// sources are the JSON names of those fields of a struct of pointers that are set,
// in the order of the struct.
func sources(of any) []string {
	var names []string
	v := reflect.ValueOf(of)
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	return names
}

func checkContainer(c *manifest.Container, volumes map[string]bool, r report) {
	mounted := map[string]bool{}
	for i, m := range c.VolumeMounts {
		path := c.Path.Child("volumeMounts").Index(i)
		if m.Name != "" && !volumes[m.Name] && manifest.Known(m.Name) && allKnown(volumes) {
			r(path.Child("name"), "container %q mounts volume %q, which the pod does not have", c.Name, m.Name)
		}
		if m.MountPath != "" && mounted[m.MountPath] && manifest.Known(m.MountPath) {
			r(path.Child("mountPath"), "container %q mounts two volumes at %q", c.Name, m.MountPath)
		}
		mounted[m.MountPath] = true
	}
	for i, e := range c.Env {
		if e.ValueFrom == nil {
			continue
		}
		path := c.Path.Child("env").Index(i)
		switch from := sources(*e.ValueFrom); {
		case e.Value != "":
			r(path.Child("valueFrom"), "variable %q of container %q has both value and valueFrom", e.Name, c.Name)
		case len(from) == 0:
			r(path.Child("valueFrom"), "variable %q of container %q says not what its value is from", e.Name, c.Name)
		case len(from) > 1:
			r(path.Child("valueFrom", from[1]), "variable %q of container %q has %s: its value is from one", e.Name, c.Name, strings.Join(from, " and "))
		}
	}
	for _, p := range []struct {
		name  string
		probe *corev1.Probe
	}{{"livenessProbe", c.LivenessProbe}, {"readinessProbe", c.ReadinessProbe}, {"startupProbe", c.StartupProbe}} {
		if p.probe != nil {
			checkProbe(c, p.name, p.probe, r)
		}
	}
	checkResources(c, "requests", c.Resources.Requests, r)
	checkResources(c, "limits", c.Resources.Limits, r)
}

func allKnown(names map[string]bool) bool {
	for name := range names {
		if !manifest.Known(name) {
			return false
		}
	}
	return true
}

func checkProbe(c *manifest.Container, name string, p *corev1.Probe, r report) {
	path := c.Path.Child(name)
	what := fmt.Sprintf("the %s of container %q", name, c.Name)
	switch handlers := sources(p.ProbeHandler); {
	case len(handlers) == 0:
		r(path, "%s asks nothing: it has none of exec, grpc, httpGet and tcpSocket", what)
	case len(handlers) > 1:
		r(path.Child(handlers[1]), "%s has %s: a probe has one of them", what, strings.Join(handlers, " and "))
	}
	if name != "readinessProbe" && p.SuccessThreshold > 1 {
		r(path.Child("successThreshold"), "%s has a successThreshold of %d: it must be 1", what, p.SuccessThreshold)
	}
}

// checkResources looks at the names and signs of what a container asks for.
func checkResources(c *manifest.Container, list string, resources corev1.ResourceList, r report) {
	path := c.Path.Child("resources", list)
	standard := []string{"cpu", "memory", "ephemeral-storage"}
	var names []string
	for name := range resources {
		names = append(names, string(name))
	}
	slices.Sort(names)
	for _, name := range names {
		q := resources[corev1.ResourceName(name)]
		if q.Sign() < 0 {
			r(path.Key(name), "container %q has %s of %s below zero", c.Name, list, name)
		}
		// Others are of a domain: example.com/gpu.
		if strings.Contains(name, "/") || strings.HasPrefix(name, "hugepages-") || slices.Contains(standard, name) || !manifest.Known(name) {
			continue
		}
		hint := ": it is one of cpu, memory and ephemeral-storage, or has a domain"
		if near := lint.Nearest(name, standard); near != "" {
			hint = fmt.Sprintf(": did you mean %q?", near)
		}
		r(path.Key(name), "container %q has %s of %q, which is no resource%s", c.Name, list, name, hint)
	}
}
