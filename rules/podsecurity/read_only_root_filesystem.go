package podsecurity

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var readOnlyRootFilesystem = &lint.Rule{
	ID:         "read-only-root-filesystem",
	Title:      "container can write to its own file system",
	Why:        "An attacker who can write to the container's file system can change its programs and bring tools of their own.",
	Fix:        "Set readOnlyRootFilesystem to true, and mount an emptyDir where the program must write.",
	Since:      "0.1.0",
	Severity:   lint.Low,
	Profile:    lint.Strict,
	Category:   lint.PodSecurity,
	Frameworks: []string{"NSA-CISA"},
	Kinds:      lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if onWindows(w) {
			return
		}
		for _, c := range w.Containers() {
			// A debugging container is there to be written to.
			if isTrue(c.Security().ReadOnlyRootFilesystem) || c.Kind == manifest.Ephemeral {
				continue
			}
			severity := lint.Low
			if c.Kind == manifest.Init {
				// It is over before anyone can reach the pod.
				severity = lint.Info
			}
			p.ReportAs(severity, c.SecurityPath().Child("readOnlyRootFilesystem"), "container %q can write to its own file system", c.Name)
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
        - name: setup # want: container "setup" can write
          image: registry.example/setup:1.4.2
      containers:
        - name: web
          image: registry.example/web:1.4.2
          securityContext:
            readOnlyRootFilesystem: false # want: container "web" can write
        - name: log
          image: registry.example/log:0.9.0
          securityContext: # want: container "log"
            runAsNonRoot: true
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
        readOnlyRootFilesystem: true
      volumeMounts:
        - {name: tmp, mountPath: /tmp}
  volumes:
    - name: tmp
      emptyDir: {}
-- good-windows.yaml --
# Windows can't do it.
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
