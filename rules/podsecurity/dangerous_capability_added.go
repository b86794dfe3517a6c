package podsecurity

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

// dangerousCapabilities lead out of the container. SETPCAP is not among them:
// the Baseline level allows it, and runtimes give it by default.
var dangerousCapabilities = []string{
	"ALL", "BPF", "DAC_READ_SEARCH", "MAC_ADMIN", "MAC_OVERRIDE", "NET_ADMIN", "PERFMON",
	"SYS_ADMIN", "SYS_BOOT", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO",
}

var dangerousCapabilityAdded = &lint.Rule{
	ID:         "dangerous-capability-added",
	Title:      "container adds a capability that leads out of it",
	Why:        "With such a capability a container can load code into the kernel, read the memory or the files of the node, or change its network. Whoever breaks into the container can get hold of the node.",
	Fix:        "Remove the capability from capabilities.add. If the program needs it, give it a node of its own and say so in a suppression.",
	Since:      "0.1.0",
	Severity:   lint.Critical,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:baseline", "CIS-1.12:5.2.9", "MITRE:T1611", "NSA-CISA"},
	Standard:   standard,
	Kinds:      lint.Workloads,
	Options: []lint.Option{{
		Name: "capabilities",
		Doc:  "Further capabilities that are dangerous.",
	}, exact("on Windows, too")},
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if ignoresWindows(p, w) {
			return
		}
		also := p.Option("capabilities")
		for _, c := range w.Containers() {
			for i, given := range added(c) {
				name := capabilityName(given)
				if !slices.Contains(dangerousCapabilities, name) &&
					!slices.ContainsFunc(also, func(s string) bool { return capabilityName(corev1.Capability(s)) == name }) {
					continue
				}
				severity := lint.Critical
				// These two end at the pod's own network and processes as long
				// as it does not share the node's.
				if name == "NET_ADMIN" && !w.Pod.HostNetwork || name == "SYS_PTRACE" && !w.Pod.HostPID {
					severity = lint.High
				}
				p.ReportAs(severity, c.SecurityPath().Child("capabilities", "add").Index(i), "container %q adds the dangerous capability %s", c.Name, name)
			}
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
      hostNetwork: true
      initContainers:
        - name: load
          image: registry.example/load:3.1.0
          securityContext:
            capabilities:
              add: ["SYS_MODULE"] # want: container "load" adds the dangerous capability SYS_MODULE
      containers:
        - name: agent
          image: registry.example/agent:3.1.0
          securityContext:
            capabilities:
              drop: [ALL]
              add:
                - CAP_SYS_ADMIN # want: SYS_ADMIN
                - net_admin # want: NET_ADMIN
                - CHOWN
-- bad-all.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: debug
spec:
  containers:
    - name: debug
      image: registry.example/debug:1.0.0
      securityContext:
        capabilities:
          add: [all] # want: dangerous capability ALL
-- bad-exact.yaml --
# options: exact=true
apiVersion: v1
kind: Pod
metadata:
  name: agent
spec:
  os: {name: windows}
  containers:
    - name: agent
      image: registry.example/agent:3.1.0
      securityContext:
        capabilities:
          add: [SYS_ADMIN] # want: SYS_ADMIN
-- good-windows.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: agent
spec:
  os: {name: windows}
  containers:
    - name: agent
      image: registry.example/agent:3.1.0
      securityContext:
        capabilities:
          add: [SYS_ADMIN]
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
          drop: [ALL, SYS_ADMIN]
          add: [NET_BIND_SERVICE, SETPCAP, SYS_TIME]
`,
}
