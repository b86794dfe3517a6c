package podsecurity

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var ephemeralContainerInManifest = &lint.Rule{
	ID:       "ephemeral-container-in-manifest",
	Title:    "manifest has an ephemeral container",
	Why:      "Ephemeral containers can only be added to a pod that runs. The API server refuses a pod or a pod template that has one, so that nothing of it is deployed; and what people add to look into a pod, shells and tools, has no place in what is deployed.",
	Fix:      "Remove ephemeralContainers, and use kubectl debug when it is needed.",
	Since:    "0.1.0",
	Severity: lint.Medium,
	Category: lint.PodSecurity,
	Kinds:    lint.Workloads,
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			if c.Kind == manifest.Ephemeral {
				p.Report(c.Path, "ephemeral container %q is written in a manifest, which the API server refuses", c.Name)
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
      containers:
        - name: web
          image: registry.example/web:1.4.2
      ephemeralContainers:
        - name: debugger # want: ephemeral container "debugger"
          image: registry.example/tools:1.0.0
          stdin: true
-- bad-pod.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
  ephemeralContainers:
    - name: debugger # want
      image: registry.example/tools:1.0.0
      targetContainerName: web
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  initContainers:
    - name: debugger
      image: registry.example/tools:1.0.0
  containers:
    - name: web
      image: registry.example/web:1.4.2
  ephemeralContainers: []
`,
}
