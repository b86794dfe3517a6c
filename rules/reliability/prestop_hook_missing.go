package reliability

import (
	"github.com/scantling-dev/scantling/lint"
)

var prestopHookMissing = &lint.Rule{
	ID:       "prestop-hook-missing",
	Title:    "container behind a Service has no preStop hook",
	Why:      "A pod is told to stop at the same moment as it is taken out of its Services, and it takes some seconds until all nodes and load balancers know. A process that ends at once on SIGTERM drops the requests that still arrive. One that goes on answering for a while needs no hook.",
	Fix:      "Add a lifecycle.preStop hook that waits for some seconds (sleep, from Kubernetes 1.30 on), or let the process do so.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    longRunning,
	Joins:    serviceKinds,
	CheckAll: func(p *lint.Pass) {
		served := servedIn(p)
		for _, o := range kindsOf(p, longRunning) {
			w, _ := o.Workload()
			if !runsOn(o, w) {
				continue
			}
			for _, c := range w.Containers() {
				if s := served[c]; s != nil && (c.Lifecycle == nil || c.Lifecycle.PreStop == nil) {
					p.ReportOn(o, p.Rule.Severity, c.Path.Child("lifecycle", "preStop"), "container %q is stopped while Service %q may still send requests to it", c.Name, s.Name)
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: http}]
---
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
          ports: [{name: http, containerPort: 8080}]
          lifecycle: # want: container "web" is stopped while Service "web" may still send
            postStart:
              exec: {command: [/bin/warm-up]}
        - name: log
          image: registry.example/log:0.9.0
-- good.yaml --
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: http}]
---
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
          ports: [{name: http, containerPort: 8080}]
          lifecycle:
            preStop:
              sleep: {seconds: 5}
---
# No Service leads to it.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: worker
spec:
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec:
      containers:
        - name: worker
          image: registry.example/worker:1.4.2
`,
}
