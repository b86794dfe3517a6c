package reliability

import (
	"github.com/scantling-dev/scantling/lint"
)

var readinessProbeMissing = &lint.Rule{
	ID:       "readiness-probe-missing",
	Title:    "container behind a Service has no readiness probe",
	Why:      "Without a readiness probe a container counts as ready as soon as its process runs. A Service then sends requests to it while it still starts, and goes on when it can no longer answer; a rolling update takes the old pods away before the new ones work.",
	Fix:      "Add a readinessProbe that succeeds when the container can answer requests.",
	Since:    "0.1.0",
	Severity: lint.Low,
	Category: lint.Reliability,
	Profile:  lint.Strict,
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
				if s := served[c]; s != nil && c.ReadinessProbe == nil {
					p.ReportOn(o, p.Rule.Severity, c.Path.Child("readinessProbe"), "Service %q sends requests to container %q whether it can answer them or not", s.Name, c.Name)
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
  namespace: shop
spec:
  selector: {app: web}
  ports:
    - {name: http, port: 80, targetPort: http}
    - {name: metrics, port: 9090}
---
# One finding for a container, however many Services lead to it.
apiVersion: v1
kind: Service
metadata:
  name: web-public
  namespace: shop
spec:
  type: LoadBalancer
  selector: {app: web}
  ports:
    - {port: 443, targetPort: http}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec:
      initContainers:
        - name: setup
          image: registry.example/setup:1.4.2
      containers:
        - name: web # want: Service "web" sends requests to container "web" whether
          image: registry.example/web:1.4.2
          ports: [{name: http, containerPort: 8080}]
          livenessProbe:
            tcpSocket: {port: http}
        - name: exporter # want: container "exporter"
          image: registry.example/exporter:0.9.0
          ports: [{containerPort: 9090}]
        # No Service leads to it.
        - name: log
          image: registry.example/log:0.9.0
          ports: [{containerPort: 2020}]
-- bad-undeclared.yaml --
# A port need not be declared: the only container answers.
apiVersion: v1
kind: Service
metadata:
  name: db
spec:
  selector: {app: db}
  ports: [{port: 5432}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
        - name: db # want: container "db"
          image: registry.example/db:16.2
-- good.yaml --
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: registry.example/web:1.4.2
          ports: [{containerPort: 8080}]
          readinessProbe:
            httpGet: {path: /ready, port: 8080}
---
# Another namespace is another Service's.
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: test
  labels: {app: web}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
# No Service leads to it.
apiVersion: v1
kind: Pod
metadata:
  name: worker
  namespace: shop
  labels: {app: worker}
spec:
  containers:
    - name: worker
      image: registry.example/worker:1.4.2
-- good-peers.yaml --
# Published on purpose before they are ready: the members find each other.
apiVersion: v1
kind: Service
metadata:
  name: db
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector: {app: db}
  ports: [{port: 5432}]
---
apiVersion: v1
kind: Service
metadata:
  name: elsewhere
spec:
  type: ExternalName
  externalName: db.example.com
  selector: {app: db}
  ports: [{port: 5432}]
---
# Endpoints are made by somebody else.
apiVersion: v1
kind: Service
metadata:
  name: by-hand
spec:
  ports: [{port: 5432}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
        - name: db
          image: registry.example/db:16.2
-- good-job.yaml --
apiVersion: v1
kind: Service
metadata:
  name: import
spec:
  selector: {app: import}
  ports: [{port: 80, targetPort: http}]
---
apiVersion: batch/v1
kind: Job
metadata:
  name: import
spec:
  template:
    metadata: {labels: {app: import}}
    spec:
      restartPolicy: Never
      containers:
        - name: import
          image: registry.example/import:1.0.0
          ports: [{name: http, containerPort: 8080}]
---
apiVersion: v1
kind: Pod
metadata:
  name: import-test
  labels: {app: import}
  annotations:
    argocd.argoproj.io/hook: PostSync
spec:
  containers:
    - name: test
      image: registry.example/test:1.0.0
      ports: [{name: http, containerPort: 8080}]
---
# It is not known which of the two answers.
apiVersion: v1
kind: Pod
metadata:
  name: pair
  labels: {app: import}
spec:
  containers:
    - name: one
      image: registry.example/one:1.0.0
    - name: two
      image: registry.example/two:1.0.0
`,
}
