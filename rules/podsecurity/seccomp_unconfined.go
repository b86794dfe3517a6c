package podsecurity

import (
	"maps"
	"slices"
	"strings"

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
	Kinds:      lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if onWindows(w) {
			return
		}
		if s := w.Security().SeccompProfile; s != nil && s.Type == corev1.SeccompProfileTypeUnconfined {
			p.Report(w.SecurityPath().Child("seccompProfile", "type"), "the pod turns seccomp off")
		}
		for _, c := range w.Containers() {
			if s := c.Security().SeccompProfile; s != nil && s.Type == corev1.SeccompProfileTypeUnconfined {
				p.Report(c.SecurityPath().Child("seccompProfile", "type"), "container %q turns seccomp off", c.Name)
			}
		}
		// Read by Kubernetes before 1.27.
		for _, key := range slices.Sorted(maps.Keys(w.Meta.Annotations)) {
			if strings.HasPrefix(strings.TrimPrefix(key, "container."), "seccomp.security.alpha.kubernetes.io/") && w.Meta.Annotations[key] == "unconfined" {
				p.Report(w.MetaPath.Child("annotations").Key(key), "the annotation %s turns seccomp off", key)
			}
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
