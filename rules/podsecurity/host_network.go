package podsecurity

import "github.com/scantling-dev/scantling/lint"

var hostNetwork = &lint.Rule{
	ID:         "host-network",
	Title:      "pod shares the node's network",
	Why:        "A pod in the node's network reaches services that listen only on the node itself, can listen to the traffic of the node, and is not held back by network policies.",
	Fix:        "Remove hostNetwork, and reach the pod through a Service.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:baseline", "CIS-1.12:5.2.5", "MITRE:T1611", "NSA-CISA"},
	Kinds:      lint.Workloads,
	Check: func(p *lint.Pass) {
		if w := p.Workload(); w.Pod.HostNetwork {
			p.Report(w.Path.Child("hostNetwork"), "the pod shares the network of its node")
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: agent
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      hostNetwork: true # want: shares the network
      containers:
        - name: agent
          image: registry.example/agent:3.1.0
-- bad-pod.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: debug
spec:
  hostNetwork: true # want
  containers:
    - name: debug
      image: registry.example/debug:1.0.0
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostNetwork: false
  containers:
    - name: web
      image: registry.example/web:1.4.2
      ports:
        - containerPort: 8080
`,
}
