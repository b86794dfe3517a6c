package podsecurity

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

var unmaskedProcMount = &lint.Rule{
	ID:         "unmasked-proc-mount",
	Title:      "container sees all of /proc",
	Why:        "The container runtime hides the parts of /proc that show or change the node. With another procMount they are open to the container.",
	Fix:        "Remove procMount, or set hostUsers to false in the pod, if containers are built or run inside it.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:baseline", "CIS-1.12:5.7.3"},
	Standard:   standard,
	Kinds:      lint.Workloads,
	Options:    []lint.Option{exact("any value but Default is wrong, on Windows, too, and pods with users of their own are spared only from 1.35 on")},
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if !sparesUserNamespace(p, w) {
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
      containers:
        - name: builder
          image: registry.example/builder:5.0.0
          securityContext:
            procMount: Unmasked # want: container "builder" sees all of /proc
-- bad-exact.yaml --
# options: exact=true
# kubernetes: 1.34
apiVersion: v1
kind: Pod
metadata:
  name: builder
spec:
  os: {name: windows}
  hostUsers: false
  containers:
    - name: builder
      image: registry.example/builder:5.0.0
      securityContext:
        procMount: Unmasked # want: container "builder"
    - name: log
      image: registry.example/log:0.9.0
      securityContext:
        procMount: "" # want: container "log"
-- good-windows.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: builder
spec:
  os: {name: windows}
  containers:
    - name: builder
      image: registry.example/builder:5.0.0
      securityContext:
        procMount: Unmasked
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
        procMount: Default
    - name: log
      image: registry.example/log:0.9.0
-- good-user-namespace.yaml --
# The Baseline level allows it for a pod with users of its own.
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

func reportProcMounts(p *lint.Pass, w *manifest.Workload) {
	if ignoresWindows(p, w) {
		return
	}
	for _, c := range w.Containers() {
		m := c.Security().ProcMount
		if m == nil || *m == corev1.DefaultProcMount || *m == "" && !p.Yes("exact") || !manifest.Known(string(*m)) {
			continue
		}
		p.Report(c.SecurityPath().Child("procMount"), "container %q sees all of /proc", c.Name)
	}
}
