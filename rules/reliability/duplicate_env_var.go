package reliability

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var duplicateEnvVar = &lint.Rule{
	ID:       "duplicate-env-var",
	Title:    "environment variable is set twice",
	Why:      "The later value holds, so that the earlier one, which a person may read and edit, does nothing. Server-side apply, by which Flux deploys and Argo CD may, refuses the object altogether: \"duplicate entries for key\".",
	Fix:      "Remove all but the value that is meant.",
	Since:    "0.1.0",
	Severity: lint.Medium,
	Category: lint.Reliability,
	Kinds:    lint.Workloads,
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			seen := map[string]bool{}
			reported := map[string]bool{}
			for i, e := range c.Env {
				if seen[e.Name] && !reported[e.Name] && manifest.Known(e.Name) && e.Name != "" {
					p.Report(c.Path.Child("env").Index(i).Child("name"), "container %q sets %q a second time", c.Name, e.Name)
					reported[e.Name] = true
				}
				seen[e.Name] = true
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
      initContainers:
        - name: setup
          image: registry.example/setup:1.4.2
          env:
            - name: MODE
              value: fast
            - name: MODE # want: container "setup" sets "MODE" a second time
              value: fast
            # One finding for a name.
            - name: MODE
              value: slow
      containers:
        - name: web
          image: registry.example/web:1.4.2
          env:
            - name: LEVEL
              value: debug
            - name: OTHER
              value: debug
            - name: LEVEL # want: container "web" sets "LEVEL" a second time
              valueFrom: {configMapKeyRef: {name: web, key: level}}
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      # What a ConfigMap gives as well is meant to be replaced.
      envFrom: [{configMapRef: {name: web}}]
      env:
        - name: LEVEL
          value: debug
        - name: level
          value: debug
        - name: ${PREFIX}
          value: one
        - name: ${PREFIX}
          value: two
    - name: log
      image: registry.example/log:0.9.0
      env:
        - name: LEVEL
          value: info
`,
}
