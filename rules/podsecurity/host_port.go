package podsecurity

import "github.com/scantling-dev/scantling/lint"

var hostPort = &lint.Rule{
	ID:         "host-port",
	Title:      "container takes a port of the node",
	Why:        "A port on the node is open to everyone who reaches the node, past Services and often past network policies. No two such pods fit on one node.",
	Fix:        "Remove hostPort, and reach the container through a Service or an Ingress.",
	Since:      "0.1.0",
	Severity:   lint.Medium,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:baseline", "CIS-1.12:5.2.13", "NSA-CISA"},
	Kinds:      lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if w.Pod.HostNetwork {
			// The API then sets hostPort to containerPort; host-network says
			// what is wrong.
			return
		}
		for _, c := range w.Containers() {
			for i, port := range c.Ports {
				if port.HostPort != 0 {
					p.Report(c.Path.Child("ports").Index(i).Child("hostPort"), "container %q takes port %d of its node", c.Name, port.HostPort)
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: proxy
spec:
  selector: {matchLabels: {app: proxy}}
  template:
    metadata: {labels: {app: proxy}}
    spec:
      containers:
        - name: proxy
          image: registry.example/proxy:2.8.0
          ports:
            - name: http
              containerPort: 8080
              hostPort: 80 # want: container "proxy" takes port 80
            - name: https
              containerPort: 8443
              hostPort: 443 # want: port 443
            - name: metrics
              containerPort: 9090
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      ports:
        - containerPort: 8080
        - containerPort: 8081
          hostPort: 0
-- good-host-network.yaml --
# All ports are the node's already: that is host-network's finding.
apiVersion: v1
kind: Pod
metadata:
  name: node-agent
spec:
  hostNetwork: true
  containers:
    - name: agent
      image: registry.example/agent:3.1.0
      ports:
        - containerPort: 9100
          hostPort: 9100
`,
}
