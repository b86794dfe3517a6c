package podsecurity

import (
	"strconv"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var privilegedPort = &lint.Rule{
	ID:       "privileged-port",
	Title:    "container listens on a port below 1024",
	Why:      "Unless the container runtime is set up otherwise, a process needs root or the capability NET_BIND_SERVICE to listen on such a port: containers get more rights than they need for the sake of a number that a Service can give as well.",
	Fix:      "Let the program listen on a port from 1024 on, and set the Service's targetPort to it. Else set the sysctl net.ipv4.ip_unprivileged_port_start in the pod's securityContext.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.PodSecurity,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if onWindows(w) {
			return
		}
		first := firstUnprivilegedPort(w)
		for _, c := range w.Containers() {
			for i, port := range c.Ports {
				if port.ContainerPort > 0 && port.ContainerPort < first {
					p.Report(c.Path.Child("ports").Index(i).Child("containerPort"), "container %q listens on port %d, which takes privileges", c.Name, port.ContainerPort)
				}
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
      containers:
        - name: web
          image: registry.example/web:1.4.2
          ports:
            - containerPort: 80 # want: container "web" listens on port 80
            - containerPort: 1023 # want: port 1023
              protocol: UDP
            - containerPort: 1024
-- bad-sysctl.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: dns
spec:
  securityContext:
    sysctls:
      - {name: net.ipv4.ip_unprivileged_port_start, value: "443"}
  containers:
    - name: dns
      image: registry.example/dns:1.0.0
      ports:
        - containerPort: 53 # want
        - containerPort: 443
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
          hostPort: 80
---
apiVersion: v1
kind: Pod
metadata:
  name: dns
spec:
  securityContext:
    sysctls:
      - {name: net.ipv4.ip_unprivileged_port_start, value: "0"}
  containers:
    - name: dns
      image: registry.example/dns:1.0.0
      ports:
        - containerPort: 53
---
# What it will be is not known.
apiVersion: v1
kind: Pod
metadata:
  name: variable
spec:
  securityContext:
    sysctls:
      - {name: net.ipv4.ip_unprivileged_port_start, value: "${first_port}"}
  containers:
    - name: dns
      image: registry.example/dns:1.0.0
      ports:
        - containerPort: 53
---
apiVersion: v1
kind: Pod
metadata:
  name: windows
spec:
  os: {name: windows}
  containers:
    - name: web
      image: registry.example/web:1.4.2
      ports:
        - containerPort: 80
`,
}

// firstUnprivilegedPort is the first port that every process of the pod may
// listen on; 0 if that is not known.
func firstUnprivilegedPort(w *manifest.Workload) int32 {
	for _, s := range w.Security().Sysctls {
		if s.Name == "net.ipv4.ip_unprivileged_port_start" {
			n, _ := strconv.ParseInt(s.Value, 10, 32)
			return int32(n)
		}
	}
	return 1024
}
