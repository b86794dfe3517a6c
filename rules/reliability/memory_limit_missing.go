package reliability

import (
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

var memoryLimitMissing = &lint.Rule{
	ID:         "memory-limit-missing",
	Title:      "container has no memory limit",
	Why:        "A container without a limit can take all memory of its node, by a leak or by an attack, and the pods beside it are stopped with it.",
	Fix:        "Set resources.limits.memory, best to the same as the request.",
	Since:      "0.1.0",
	Severity:   lint.Medium,
	Category:   lint.Reliability,
	Frameworks: []string{"MITRE:T1499", "NSA-CISA"},
	Kinds:      lint.Workloads,
	Joins:      limitRanges,
	CheckAll: func(p *lint.Pass) {
		missing(p, corev1.ResourceMemory, false, "container %q has no memory limit")
	},
	Examples: `
-- bad.yaml --
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
  namespace: shop
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          initContainers:
            - name: fetch # want: container "fetch" has no memory limit
              image: registry.example/fetch:1.0.0
          containers:
            - name: report
              image: registry.example/report:1.0.0
              resources: # want: container "report" has no memory limit
                requests: {memory: 64Mi}
            - name: mail
              image: registry.example/mail:1.0.0
              resources:
                limits: {cpu: 100m} # want: container "mail"
---
# A limit for whole pods gives containers no default.
apiVersion: v1
kind: LimitRange
metadata:
  name: pods
  namespace: shop
spec:
  limits:
    - type: Pod
      max: {memory: 1Gi}
-- bad-rollout.yaml --
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web # want: container "web" has no memory limit
          image: registry.example/web:1.4.2
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      resources:
        limits: {memory: 64Mi}
-- good-pod.yaml --
# Set for the pod as a whole.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  resources:
    limits: {memory: 1Gi}
  containers:
    - name: web
      image: registry.example/web:1.4.2
    - name: log
      image: registry.example/log:0.9.0
-- good-chart-test.yaml --
# It runs when somebody asks for helm test.
apiVersion: v1
kind: Pod
metadata:
  name: web-test
  annotations:
    helm.sh/hook: test-success
spec:
  containers:
    - name: curl
      image: registry.example/curl:8.1.0
-- good-limit-range.yaml --
# What is allowed at most is the default limit, too.
apiVersion: v1
kind: LimitRange
metadata:
  name: defaults
  namespace: shop
spec:
  limits:
    - type: Container
      max: {memory: 1Gi}
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
