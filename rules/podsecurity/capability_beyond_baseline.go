package podsecurity

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

// baselineCapabilities are what the Baseline level lets a container add.
var baselineCapabilities = []string{
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
	"NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}

var capabilityBeyondBaseline = &lint.Rule{
	ID:         "capability-beyond-baseline",
	Title:      "container adds a capability that runtimes do not give by default",
	Why:        "Every capability is a part of root's power. One that container runtimes do not give by default lets the container do what others must not, such as making up network packets or setting the node's clock.",
	Fix:        "Remove the capability from capabilities.add.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:baseline", "CIS-1.12:5.2.9"},
	Standard:   standard,
	Kinds:      lint.Workloads,
	Options: []lint.Option{{
		Name: "allow",
		Doc:  "Further capabilities that a container may add.",
	}, exact("names count only in capitals and without the prefix CAP_, and on Windows, too")},
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if ignoresWindows(p, w) {
			return
		}
		allowed := p.Option("allow")
		for _, c := range w.Containers() {
			for i, given := range added(c) {
				name := capabilityIn(p, given)
				// dangerous-capability-added speaks for the worst ones.
				if slices.Contains(baselineCapabilities, name) || slices.Contains(dangerousCapabilities, capabilityName(given)) || !manifest.Known(name) {
					continue
				}
				if slices.ContainsFunc(allowed, func(s string) bool { return capabilityName(corev1.Capability(s)) == capabilityName(given) }) {
					continue
				}
				p.Report(c.SecurityPath().Child("capabilities", "add").Index(i), "container %q adds the capability %s", c.Name, name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ntp
spec:
  selector: {matchLabels: {app: ntp}}
  template:
    metadata: {labels: {app: ntp}}
    spec:
      initContainers:
        - name: probe
          image: registry.example/probe:1.0.0
          securityContext:
            capabilities:
              add: [cap_net_raw] # want: container "probe" adds the capability NET_RAW
      containers:
        - name: ntp
          image: registry.example/ntp:4.2.8
          securityContext:
            capabilities:
              drop: [ALL]
              add:
                - NET_BIND_SERVICE
                - SYS_TIME # want: container "ntp" adds the capability SYS_TIME
-- bad-exact.yaml --
# options: exact=true
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
        capabilities:
          add:
            - CHOWN
            - CAP_CHOWN # want: container "web" adds the capability CAP_CHOWN
            - net_bind_service # want: adds the capability net_bind_service
            - CAP_SYS_ADMIN
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
          add: [CAP_CHOWN, net_bind_service, SETUID]
-- good-other-rule.yaml --
# dangerous-capability-added speaks for these.
apiVersion: v1
kind: Pod
metadata:
  name: agent
spec:
  containers:
    - name: agent
      image: registry.example/agent:3.1.0
      securityContext:
        capabilities:
          add: [SYS_ADMIN, NET_ADMIN]
`,
}
