package reliability

import (
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

var cpuRequestMissing = &lint.Rule{
	ID:       "cpu-request-missing",
	Title:    "container requests no CPU",
	Why:      "Without a request the scheduler takes the container to need nothing, so that nodes get too full; and the container gets what others leave when the node is busy.",
	Fix:      "Set resources.requests.cpu to what the container needs on average.",
	Since:    "0.1.0",
	Severity: lint.Low,
	Profile:  lint.Strict,
	Category: lint.Reliability,
	Kinds:    lint.Workloads,
	Joins:    limitRanges,
	CheckAll: func(p *lint.Pass) {
		missing(p, corev1.ResourceCPU, true, "container %q requests no CPU")
	},
	Examples: `
-- bad.yaml --
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
      initContainers:
        - name: setup # want: container "setup" requests no CPU
          image: registry.example/setup:1.4.2
      containers:
        - name: web
          image: registry.example/web:1.4.2
          resources:
            requests: # want: container "web" requests no CPU
              memory: 64Mi
        - name: log
          image: registry.example/log:0.9.0
          resources:
            requests: {cpu: 10m}
---
# It holds in its own namespace only.
apiVersion: v1
kind: LimitRange
metadata:
  name: defaults
  namespace: other
spec:
  limits:
    - type: Container
      defaultRequest: {cpu: 50m}
-- good.yaml --
# A limit is taken for the request, too.
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: report
              image: registry.example/report:1.0.0
              resources:
                requests: {cpu: 100m}
            - name: mail
              image: registry.example/mail:1.0.0
              resources:
                limits: {cpu: "1"}
-- good-pod.yaml --
# Set for the pod as a whole.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  resources:
    requests: {cpu: 200m}
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good-limit-range.yaml --
apiVersion: v1
kind: LimitRange
metadata:
  name: defaults
  namespace: shop
spec:
  limits:
    - type: Container
      defaultRequest: {cpu: 50m}
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
`,
}
