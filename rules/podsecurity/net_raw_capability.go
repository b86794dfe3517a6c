package podsecurity

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

var netRawCapability = &lint.Rule{
	ID:         "net-raw-capability",
	Title:      "container keeps the capability NET_RAW",
	Why:        "Container runtimes give NET_RAW by default. With it a program can forge packets and answer in the place of others, and so read or change the traffic of the pods on its node.",
	Fix:        "Set capabilities.drop to [ALL], or at least to [NET_RAW].",
	Since:      "0.1.0",
	Severity:   lint.Low,
	Category:   lint.PodSecurity,
	Frameworks: []string{"CIS-1.12:5.2.8", "CIS-1.12:5.7.3"},
	// capabilities-not-dropped-all asks for more.
	Profile: lint.All,
	Kinds:   lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if onWindows(w) {
			return
		}
		for _, c := range w.Containers() {
			path := c.SecurityPath().Child("capabilities")
			if i := slices.IndexFunc(added(c), func(n corev1.Capability) bool { return capabilityName(n) == "NET_RAW" }); i >= 0 {
				p.Report(path.Child("add").Index(i), "container %q adds the capability NET_RAW", c.Name)
				continue
			}
			caps := c.Security().Capabilities
			if caps == nil || !slices.ContainsFunc(caps.Drop, func(n corev1.Capability) bool {
				name := capabilityName(n)
				return name == "ALL" || name == "NET_RAW"
			}) {
				p.Report(path.Child("drop"), "container %q does not drop the capability NET_RAW", c.Name)
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
        - name: setup # want: container "setup" does not drop
          image: registry.example/setup:1.4.2
      containers:
        - name: web
          image: registry.example/web:1.4.2
          securityContext:
            capabilities:
              drop: [CHOWN] # want: container "web" does not drop
        - name: probe
          image: registry.example/probe:0.9.0
          securityContext:
            capabilities:
              drop: [ALL]
              add:
                - NET_BIND_SERVICE
                - CAP_NET_RAW # want: container "probe" adds
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
          drop: [NET_RAW]
    - name: log
      image: registry.example/log:0.9.0
      securityContext:
        capabilities:
          drop: [all]
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
