package reliability

import (
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

var memoryRequestMissing = &lint.Rule{
	ID:       "memory-request-missing",
	Title:    "container requests no memory",
	Why:      "Without a request the scheduler takes the container to need nothing, so that nodes get too full; and the container is among the first to be stopped when memory runs out.",
	Fix:      "Set resources.requests.memory to what the container needs.",
	Since:    "0.1.0",
	Severity: lint.Low,
	Profile:  lint.Strict,
	Category: lint.Reliability,
	Kinds:    lint.Workloads,
	Joins:    limitRanges,
	CheckAll: func(p *lint.Pass) {
		missing(p, corev1.ResourceMemory, true, "container %q requests no memory")
	},
	Examples: `
-- bad.yaml --
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
      initContainers:
        - name: setup
          image: registry.example/setup:16.2
          resources: {} # want: container "setup" requests no memory
      containers:
        - name: db
          image: registry.example/db:16.2
          resources:
            limits: {cpu: "2"}
            requests: {cpu: "1"} # want: container "db" requests no memory
-- good.yaml --
# A limit is taken for the request, too.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      resources:
        requests: {memory: 64Mi}
    - name: log
      image: registry.example/log:0.9.0
      resources:
        limits: {memory: 64Mi}
-- good-limit-range.yaml --
# The default limit is the default request, too.
apiVersion: v1
kind: LimitRange
metadata:
  name: defaults
  namespace: shop
spec:
  limits:
    - type: Container
      default: {memory: 256Mi}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: import
  namespace: shop
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: import
          image: registry.example/import:1.0.0
`,
}
