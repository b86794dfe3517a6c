package reliability

import (
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

var cpuLimitSet = &lint.Rule{
	ID:       "cpu-limit-set",
	Title:    "container has a CPU limit",
	Why:      "A container that reaches its CPU limit is paused until the next period of 100 ms, also when the rest of the node is idle: requests are answered late, and probes time out. Requests alone share the CPU fairly when there is too little of it. This is the opposite of cpu-limit-missing: choose one of the two.",
	Fix:      "Remove limits.cpu, and set requests.cpu to what is needed when the node is busy.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if r := w.Pod.Resources; r != nil {
			if _, ok := r.Limits[corev1.ResourceCPU]; ok {
				p.Report(w.Path.Child("resources", "limits").Key("cpu"), "the pod has a CPU limit")
			}
		}
		for _, c := range w.Containers() {
			if _, ok := c.Resources.Limits[corev1.ResourceCPU]; ok {
				p.Report(c.Path.Child("resources", "limits").Key("cpu"), "container %q has a CPU limit", c.Name)
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
          resources:
            limits:
              cpu: 100m # want: container "setup" has a CPU limit
      containers:
        - name: web
          image: registry.example/web:1.4.2
          resources:
            requests:
              cpu: 100m
            limits:
              cpu: "1" # want: container "web" has a CPU limit
              memory: 64Mi
-- bad-pod.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  resources:
    limits:
      cpu: "1" # want: the pod has a CPU limit
  containers:
    - name: web
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
        requests: {cpu: 100m, memory: 64Mi}
        limits: {memory: 64Mi}
---
# A LimitRange is no workload.
apiVersion: v1
kind: LimitRange
metadata:
  name: defaults
spec:
  limits:
    - type: Container
      default: {cpu: "1"}
`,
}
