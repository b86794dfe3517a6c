package reliability

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var livenessProbeMissing = &lint.Rule{
	ID:       "liveness-probe-missing",
	Title:    "container has no liveness probe",
	Why:      "A process that hangs without ending is restarted only if a liveness probe notices it. A process that ends by itself when it fails needs none, and a probe that asks too much restarts healthy containers when they are busy: that is why this is no more than a hint.",
	Fix:      "Add a livenessProbe that fails only when nothing but a restart helps, with a generous failureThreshold.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    longRunning,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if !runsOn(p.Object, w) {
			return
		}
		regular, ports := 0, false
		for _, c := range w.Containers() {
			if c.Kind == manifest.Regular {
				regular++
				ports = ports || len(c.Ports) > 0
			}
		}
		for _, c := range w.Containers() {
			// Beside a container that listens, one that does not is its helper.
			if c.Kind != manifest.Regular || c.LivenessProbe != nil || regular > 1 && ports && len(c.Ports) == 0 {
				continue
			}
			p.Report(c.Path.Child("livenessProbe"), "nothing notices when container %q hangs", c.Name)
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
        - name: mesh
          image: registry.example/mesh:1.4.2
          restartPolicy: Always
      containers:
        - name: web # want: nothing notices when container "web" hangs
          image: registry.example/web:1.4.2
          ports: [{containerPort: 8080}]
          readinessProbe:
            httpGet: {path: /ready, port: 8080}
        # Listens to nothing: a helper.
        - name: log
          image: registry.example/log:0.9.0
-- bad-worker.yaml --
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: worker
spec:
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec:
      containers:
        - name: worker # want: container "worker"
          image: registry.example/worker:1.4.2
-- good.yaml --
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: agent
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      containers:
        - name: agent
          image: registry.example/agent:1.4.2
          livenessProbe:
            exec: {command: [/bin/agent, status]}
-- good-job.yaml --
# What ends by itself needs no probe.
apiVersion: batch/v1
kind: Job
metadata:
  name: import
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: import
          image: registry.example/import:1.0.0
---
apiVersion: v1
kind: Pod
metadata:
  name: once
spec:
  restartPolicy: OnFailure
  containers:
    - name: once
      image: registry.example/once:1.0.0
---
apiVersion: v1
kind: Pod
metadata:
  name: web-test
  annotations:
    helm.sh/hook: test
spec:
  containers:
    - name: test
      image: registry.example/test:1.0.0
`,
}
