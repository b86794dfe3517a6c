package podsecurity

import "github.com/scantling-dev/scantling/lint"

var runAsUserZero = &lint.Rule{
	ID:         "run-as-user-zero",
	Title:      "container is told to run as root",
	Why:        "The user 0 is root, whatever the image says. Root in a container is root on the node, held back only by the kernel.",
	Fix:        "Set runAsUser to a user other than 0, or remove it and set runAsNonRoot to true.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:restricted", "CIS-1.12:5.2.7"},
	Standard:   standard,
	Kinds:      lint.Workloads,
	Options:    []lint.Option{exact("from 1.23 on, on Windows, too, and pods with users of their own are spared only from 1.35 on")},
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if sparesUserNamespace(p, w) || ignoresWindows(p, w) || !inForce(p, 23) {
			return
		}
		if user := w.Security().RunAsUser; user != nil && *user == 0 {
			p.Report(w.SecurityPath().Child("runAsUser"), "the pod tells its containers to run as root")
		}
		for _, c := range w.Containers() {
			if user := c.Security().RunAsUser; user != nil && *user == 0 {
				p.Report(c.SecurityPath().Child("runAsUser"), "container %q is told to run as root", c.Name)
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
      securityContext:
        runAsUser: 999
      initContainers:
        - name: chown
          image: registry.example/shell:1.36.1
          securityContext:
            runAsUser: 0 # want: container "chown" is told to run as root
      containers:
        - name: db
          image: registry.example/db:16.2
-- bad-pod.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  securityContext:
    runAsUser: 0 # want: the pod tells its containers
  containers:
    - name: web
      image: registry.example/web:1.4.2
    - name: log
      image: registry.example/log:0.9.0
-- bad-exact.yaml --
# options: exact=true
# kubernetes: 1.34
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  os: {name: windows}
  hostUsers: false
  containers:
    - name: web
      image: registry.example/web:1.4.2
      securityContext:
        runAsUser: 0 # want: container "web"
-- good-windows.yaml --
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
        runAsUser: 0
-- good-exact-old.yaml --
# options: exact=true
# kubernetes: 1.22
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  securityContext:
    runAsUser: 0
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good.yaml --
# Another user, or the image's own: run-as-non-root asks about that one.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  securityContext:
    runAsGroup: 0
  containers:
    - name: web
      image: registry.example/web:1.4.2
      securityContext:
        runAsUser: 10001
    - name: log
      image: registry.example/log:0.9.0
-- good-user-namespace.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostUsers: false
  securityContext:
    runAsUser: 0
  containers:
    - name: web
      image: registry.example/web:1.4.2
`,
}
