package podsecurity

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
)

var capabilityAddedOtherThanNetBindService = &lint.Rule{
	ID:         "capability-added-other-than-net-bind-service",
	Title:      "container adds a capability besides NET_BIND_SERVICE",
	Why:        "Even those capabilities that runtimes give by default are parts of root's power: with them a program changes the owner of files, becomes another user or makes device files. The Restricted level has one that is harmless, NET_BIND_SERVICE.",
	Fix:        "Remove the capability, and let the program run as the user that owns its files. To listen on a port below 1024, add NET_BIND_SERVICE or use a higher port behind the Service.",
	Since:      "0.1.0",
	Severity:   lint.Medium,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:restricted", "CIS-1.12:5.2.9"},
	Profile:    lint.All,
	Standard:   standard,
	Kinds:      lint.Workloads,
	Options:    []lint.Option{exact("from 1.22 on, and sparing Windows pods only by spec.os from 1.25 on")},
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if sparesWindows(p, w) || !inForce(p, 22) {
			return
		}
		for _, c := range w.Containers() {
			for i, given := range added(c) {
				name := capabilityIn(p, given)
				// capability-beyond-baseline and dangerous-capability-added
				// speak for those that runtimes do not give.
				if name != "NET_BIND_SERVICE" && slices.Contains(baselineCapabilities, name) {
					p.Report(c.SecurityPath().Child("capabilities", "add").Index(i), "container %q adds the capability %s", c.Name, name)
				}
			}
		}
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
        - name: chown
          image: registry.example/shell:1.36.1
          securityContext:
            capabilities:
              drop: [ALL]
              add: [cap_chown] # want: container "chown" adds the capability CHOWN
      containers:
        - name: db
          image: registry.example/db:16.2
          securityContext:
            capabilities:
              drop: [ALL]
              add:
                - NET_BIND_SERVICE
                - SETUID # want: container "db" adds the capability SETUID
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
          drop: [ALL]
          add: [NET_BIND_SERVICE]
    # Other rules speak for these.
    - name: agent
      image: registry.example/agent:3.1.0
      securityContext:
        capabilities:
          add: [SYS_ADMIN, NET_RAW]
-- good-windows.yaml --
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
        capabilities: {add: [CHOWN]}
-- bad-exact.yaml --
# options: exact=true
# kubernetes: 1.24
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  os: {name: windows}
  containers:
    - name: web
      image: registry.example/web:1.4.2
      securityContext:
        capabilities: {add: [CHOWN]} # want: CHOWN
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
      securityContext:
        capabilities: {add: [CHOWN]}
`,
}
