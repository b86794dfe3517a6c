package podsecurity

import "github.com/scantling-dev/scantling/lint"

var unmaskedProcMountInUserNamespace = &lint.Rule{
	ID:         "unmasked-proc-mount-in-user-namespace",
	Title:      "container with users of its own sees all of /proc",
	Why:        "Where root in the pod is nobody on the node, an open /proc is what tools need that build or run containers. It still opens more of the kernel to the container than others have: the Baseline level allows it from Kubernetes 1.35 on, the Restricted level does not.",
	Fix:        "Remove procMount, unless containers are built or run inside the container.",
	Since:      "0.1.0",
	Severity:   lint.Low,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:restricted"},
	Profile:    lint.All,
	Standard:   standard,
	Kinds:      lint.Workloads,
	Options:    []lint.Option{exact("any value but Default is wrong, on Windows, too; before 1.35, unmasked-proc-mount speaks for these pods")},
	Check: func(p *lint.Pass) {
		if w := p.Workload(); sparesUserNamespace(p, w) {
			reportProcMounts(p, w)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: builder
spec:
  selector: {matchLabels: {app: builder}}
  template:
    metadata: {labels: {app: builder}}
    spec:
      hostUsers: false
      containers:
        - name: builder
          image: registry.example/builder:5.0.0
          securityContext:
            procMount: Unmasked # want: container "builder" sees all of /proc
        - name: log
          image: registry.example/log:0.9.0
          securityContext:
            procMount: Default
-- bad-exact.yaml --
# options: exact=true
# kubernetes: 1.35
apiVersion: v1
kind: Pod
metadata:
  name: builder
spec:
  hostUsers: false
  containers:
    - name: builder
      image: registry.example/builder:5.0.0
      securityContext:
        procMount: Unmasked # want: container "builder"
-- good.yaml --
# unmasked-proc-mount speaks for this one.
apiVersion: v1
kind: Pod
metadata:
  name: builder
spec:
  containers:
    - name: builder
      image: registry.example/builder:5.0.0
      securityContext:
        procMount: Unmasked
-- good-exact-old.yaml --
# And for this one.
# options: exact=true
# kubernetes: 1.34
apiVersion: v1
kind: Pod
metadata:
  name: builder
spec:
  hostUsers: false
  containers:
    - name: builder
      image: registry.example/builder:5.0.0
      securityContext:
        procMount: Unmasked
`,
}
