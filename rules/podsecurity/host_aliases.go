package podsecurity

import (
	"net/netip"

	"github.com/scantling-dev/scantling/lint"
)

var hostAliases = &lint.Rule{
	ID:       "host-aliases",
	Title:    "pod sets host names past the DNS",
	Why:      "A name in hostAliases goes to the written address whatever the DNS says. It hides where traffic goes, sends it elsewhere if somebody else gets the address, and nobody finds it when the address changes.",
	Fix:      "Remove hostAliases, and put the name into the DNS, or use a Service of type ExternalName or one with EndpointSlices.",
	Since:    "0.1.0",
	Severity: lint.Low,
	Category: lint.PodSecurity,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		for i, a := range w.Pod.HostAliases {
			// A name of the pod itself goes nowhere else.
			if ip, err := netip.ParseAddr(a.IP); len(a.Hostnames) > 0 && (err != nil || !ip.IsLoopback()) {
				p.Report(w.Path.Child("hostAliases").Index(i), "the pod takes the address of %q from /etc/hosts", a.Hostnames[0])
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
      hostAliases:
        - ip: 10.0.0.7 # want: takes the address of "api.example"
          hostnames: [api.example, api]
        - ip: 10.0.0.8 # want: "queue.example"
          hostnames:
            - queue.example
      containers:
        - name: web
          image: registry.example/web:1.4.2
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostAliases: []
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
# The pod itself.
apiVersion: v1
kind: Pod
metadata:
  name: status
spec:
  hostAliases:
    - ip: 127.0.0.1
      hostnames: [status.localhost]
    - ip: "::1"
      hostnames: [status.localhost]
  containers:
    - name: web
      image: registry.example/web:1.4.2
`,
}
