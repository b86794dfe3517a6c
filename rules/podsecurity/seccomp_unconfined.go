package podsecurity

import (
	"maps"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

var seccompUnconfined = &lint.Rule{
	ID:         "seccomp-unconfined",
	Title:      "seccomp is turned off",
	Why:        "Without seccomp the container can use every system call, those included through which most attacks on the kernel go.",
	Fix:        "Set seccompProfile.type to RuntimeDefault.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:baseline"},
	Standard:   standard,
	Kinds:      lint.Workloads,
	Options:    []lint.Option{exact("any profile but RuntimeDefault and Localhost is wrong, on Windows, too, and before 1.19 only the annotations count")},
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if ignoresWindows(p, w) {
			return
		}
		if inForce(p, 19) {
			seccompFields(p, w)
		}
		// Read by Kubernetes before 1.27; judged by Pod Security before 1.19.
		if !p.Yes("exact") || !since(p, 19) {
			seccompAnnotations(p, w)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      securityContext:
        seccompProfile:
          type: Unconfined # want: the pod turns seccomp off
      containers:
        - name: web
          image: registry.example/web:1.4.2
        - name: log
          image: registry.example/log:0.9.0
          securityContext:
            seccompProfile: {type: Unconfined} # want: container "log" turns seccomp off
-- bad-annotation.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    seccomp.security.alpha.kubernetes.io/pod: unconfined # want: annotation
    container.seccomp.security.alpha.kubernetes.io/web: unconfined # want: annotation
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- bad-exact.yaml --
# options: exact=true
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    seccomp.security.alpha.kubernetes.io/pod: unconfined
spec:
  os: {name: windows}
  securityContext:
    seccompProfile:
      type: docker/default # want: the pod turns seccomp off
  containers:
    - name: web
      image: registry.example/web:1.4.2
      securityContext:
        seccompProfile: # want: container "web" turns seccomp off
          localhostProfile: web.json
    - name: log
      image: registry.example/log:0.9.0
      securityContext:
        seccompProfile: {type: "${PROFILE}"}
-- bad-exact-old.yaml --
# options: exact=true
# kubernetes: 1.18
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    seccomp.security.alpha.kubernetes.io/pod: "" # want: the annotation
    container.seccomp.security.alpha.kubernetes.io/web: runtime/defaults # want: the annotation
    container.seccomp.security.alpha.kubernetes.io/log: docker/default
    container.seccomp.security.alpha.kubernetes.io/mail: ${PROFILE}
    # There is no such container.
    container.seccomp.security.alpha.kubernetes.io/other: unconfined
spec:
  securityContext:
    seccompProfile: {type: Unconfined}
  containers:
    - name: web
      image: registry.example/web:1.4.2
    - name: log
      image: registry.example/log:0.9.0
    - name: mail
      image: registry.example/mail:1.0.0
-- good-windows.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  os: {name: windows}
  securityContext:
    seccompProfile: {type: Unconfined}
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good.yaml --
# Unset is seccomp-profile-missing's finding.
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    seccomp.security.alpha.kubernetes.io/pod: runtime/default
    example.com/seccomp: unconfined
spec:
  securityContext:
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: web
      image: registry.example/web:1.4.2
      securityContext:
        seccompProfile: {type: Localhost, localhostProfile: web.json}
    - name: log
      image: registry.example/log:0.9.0
-- good-unset.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
`,
}

const (
	seccompPodAnnotation       = "seccomp.security.alpha.kubernetes.io/pod"
	seccompContainerAnnotation = "container.seccomp.security.alpha.kubernetes.io/"
)

func seccompFields(p *lint.Pass, w *manifest.Workload) {
	off := func(s *corev1.SeccompProfile) bool {
		if s == nil || !p.Yes("exact") {
			return s != nil && s.Type == corev1.SeccompProfileTypeUnconfined
		}
		return s.Type != corev1.SeccompProfileTypeRuntimeDefault && s.Type != corev1.SeccompProfileTypeLocalhost && manifest.Known(string(s.Type))
	}
	if off(w.Security().SeccompProfile) {
		p.Report(w.SecurityPath().Child("seccompProfile", "type"), "the pod turns seccomp off")
	}
	for _, c := range w.Containers() {
		if off(c.Security().SeccompProfile) {
			p.Report(c.SecurityPath().Child("seccompProfile", "type"), "container %q turns seccomp off", c.Name)
		}
	}
}

func seccompAnnotations(p *lint.Pass, w *manifest.Workload) {
	for _, key := range slices.Sorted(maps.Keys(w.Meta.Annotations)) {
		container, of := strings.CutPrefix(key, seccompContainerAnnotation)
		if !of && key != seccompPodAnnotation {
			continue
		}
		profile := w.Meta.Annotations[key]
		off := profile == "unconfined"
		if p.Yes("exact") {
			off = profile != corev1.SeccompProfileRuntimeDefault && profile != corev1.DeprecatedSeccompProfileDockerDefault &&
				!strings.HasPrefix(profile, corev1.SeccompLocalhostProfileNamePrefix) && manifest.Known(profile) &&
				(!of || slices.ContainsFunc(w.Containers(), func(c *manifest.Container) bool { return c.Name == container }))
		}
		if off {
			p.Report(w.MetaPath.Child("annotations").Key(key), "the annotation %s turns seccomp off", key)
		}
	}
}
