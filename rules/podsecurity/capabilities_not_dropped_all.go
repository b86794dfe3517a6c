package podsecurity

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

var capabilitiesNotDroppedAll = &lint.Rule{
	ID:         "capabilities-not-dropped-all",
	Title:      "container keeps the default capabilities",
	Why:        "Container runtimes give every container some of root's powers. Almost no program needs them, and an attacker in the container can use each one.",
	Fix:        "Set capabilities.drop to [ALL], and add back the one capability that is needed.",
	Since:      "0.1.0",
	Severity:   lint.Medium,
	Profile:    lint.Strict,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:restricted", "CIS-1.12:5.2.10"},
	Standard:   standard,
	Kinds:      lint.Workloads,
	Options:    []lint.Option{exact("from 1.22 on, only by the name ALL in capitals, and sparing Windows pods only by spec.os from 1.25 on")},
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if sparesWindows(p, w) || !inForce(p, 22) {
			return
		}
		for _, c := range w.Containers() {
			if caps := c.Security().Capabilities; caps != nil &&
				slices.ContainsFunc(caps.Drop, func(n corev1.Capability) bool { return capabilityIn(p, n) == "ALL" }) {
				continue
			}
			p.Report(c.SecurityPath().Child("capabilities", "drop"), "container %q does not drop all capabilities", c.Name)
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
        - name: setup # want: container "setup" does not drop all capabilities
          image: registry.example/setup:1.4.2
      containers:
        - name: web
          image: registry.example/web:1.4.2
          securityContext:
            capabilities:
              drop: # want: container "web"
                - NET_RAW
        - name: log
          image: registry.example/log:0.9.0
          securityContext: # want: container "log"
            runAsNonRoot: true
-- bad-exact.yaml --
# options: exact=true
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  nodeSelector:
    kubernetes.io/os: windows
  containers:
    - name: web
      image: registry.example/web:1.4.2
      securityContext:
        capabilities:
          drop: [all] # want: container "web" does not drop all capabilities
-- good-exact.yaml --
# options: exact=true
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      securityContext:
        capabilities:
          drop: [NET_RAW, ALL]
-- good-exact-old.yaml --
# options: exact=true
# kubernetes: 1.21
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
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
      securityContext:
        capabilities:
          drop: [all]
          add: [NET_BIND_SERVICE]
-- good-windows.yaml --
# Windows has no capabilities.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  os: {name: windows}
  containers:
    - name: web
      image: registry.example/web:1.4.2
`,
}
