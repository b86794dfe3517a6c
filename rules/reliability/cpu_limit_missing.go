package reliability

import (
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

var cpuLimitMissing = &lint.Rule{
	ID:         "cpu-limit-missing",
	Title:      "container has no CPU limit",
	Why:        "A container without a limit can take all CPU time that others have not requested. Whether a limit helps is disputed: it slows the container down even on an idle node.",
	Fix:        "Set resources.limits.cpu, or turn this rule off and rely on requests.",
	Since:      "0.1.0",
	Severity:   lint.Info,
	Category:   lint.Reliability,
	Frameworks: []string{"MITRE:T1499", "NSA-CISA"},
	Profile:    lint.All,
	Kinds:      lint.Workloads,
	Joins:      limitRanges,
	CheckAll: func(p *lint.Pass) {
		missing(p, corev1.ResourceCPU, false, "container %q has no CPU limit")
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
          resources: # want: container "web" has no CPU limit
            requests: {cpu: 100m}
        - name: log # want: container "log" has no CPU limit
          image: registry.example/log:0.9.0
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  initContainers:
    - name: setup
      image: registry.example/setup:1.4.2
      resources:
        limits: {cpu: 100m}
  containers:
    - name: web
      image: registry.example/web:1.4.2
      resources:
        limits: {cpu: "1"}
`,
}
