package podsecurity

import (
	"reflect"
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var securityContextMissing = &lint.Rule{
	ID:         "security-context-missing",
	Title:      "pod and container have no security context",
	Why:        "Without a security context everything that a container may do to its node is left to the image and to the runtime's defaults: it may run as root, gain privileges and write to its file system.",
	Fix:        "Give the pod a securityContext with runAsNonRoot and seccompProfile, and each container one with allowPrivilegeEscalation, capabilities and readOnlyRootFilesystem. The rules on these fields say more.",
	Since:      "0.1.0",
	Severity:   lint.Info,
	Category:   lint.PodSecurity,
	Frameworks: []string{"CIS-1.12:5.7.3"},
	// A summary of what the rules on single fields say.
	Profile: lint.All,
	Kinds:   lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if !reflect.ValueOf(*w.Security()).IsZero() {
			return
		}
		all := w.Containers()
		without := slices.DeleteFunc(slices.Clone(all), func(c *manifest.Container) bool {
			return !reflect.ValueOf(*c.Security()).IsZero()
		})
		if len(without) == len(all) {
			p.Report(w.SecurityPath(), "neither the pod nor a container of it has a security context")
			return
		}
		for _, c := range without {
			p.Report(c.SecurityPath(), "neither the pod nor its container %q has a security context", c.Name)
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
      securityContext: {} # want: neither the pod nor a container of it
      containers:
        - name: web
          image: registry.example/web:1.4.2
          securityContext: {}
        - name: log
          image: registry.example/log:0.9.0
-- bad-container.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  initContainers:
    - name: setup # want: container "setup"
      image: registry.example/setup:1.4.2
  containers:
    - name: web
      image: registry.example/web:1.4.2
      securityContext:
        runAsNonRoot: true
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  securityContext:
    runAsNonRoot: true
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Pod
metadata:
  name: log
spec:
  containers:
    - name: log
      image: registry.example/log:0.9.0
      securityContext:
        privileged: false
`,
}
