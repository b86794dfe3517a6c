package podsecurity

import "github.com/scantling-dev/scantling/lint"

var runAsNonRoot = &lint.Rule{
	ID:         "run-as-non-root",
	Title:      "container may run as root",
	Why:        "Unless it is forbidden, a container runs as root when its image says so. Root in a container is root on the node, held back only by the kernel.",
	Fix:        "Set runAsNonRoot to true in the pod's securityContext, and use an image with a numeric user.",
	Since:      "0.1.0",
	Severity:   lint.Medium,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:restricted", "CIS-1.12:5.2.7", "NSA-CISA"},
	Standard:   map[string][]string{"accept-nonzero-uid": {"false"}, "exact": {"true"}},
	Kinds:      lint.Workloads,
	Options: []lint.Option{{
		Name:    "accept-nonzero-uid",
		Doc:     "Whether a runAsUser other than 0 is enough where runAsNonRoot is not set; the Restricted level asks for runAsNonRoot all the same.",
		Default: []string{"true"},
		Valid:   lint.Truth,
	}, exact("the pod's own value counts even where no container inherits it, runAsUser is not looked at, and pods with users of their own are spared only from 1.35 on")},
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if sparesUserNamespace(p, w) {
			return
		}
		pod := w.SecurityPath().Child("runAsNonRoot")
		reported := p.Yes("exact") && isFalse(w.Security().RunAsNonRoot)
		if reported {
			p.Report(pod, "the pod allows its containers to run as root")
		}
		for _, c := range w.Containers() {
			set, path := c.RunAsNonRoot()
			if isTrue(set) {
				continue
			}
			if user, _ := c.RunAsUser(); user != nil && !p.Yes("exact") {
				// run-as-user-zero speaks for a container that asks for root.
				if *user == 0 && !onWindows(w) {
					continue
				}
				if *user != 0 && set == nil && p.Yes("accept-nonzero-uid") {
					continue
				}
			}
			switch {
			case set == nil:
				p.Report(path, "container %q is not kept from running as root", c.Name)
			case path.String() != pod.String():
				p.Report(path, "container %q is allowed to run as root", c.Name)
			case !reported:
				reported = true
				p.Report(path, "the pod allows its containers to run as root")
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
        - name: setup # want: container "setup" is not kept from running as root
          image: registry.example/setup:1.4.2
      containers:
        - name: web
          image: registry.example/web:1.4.2
          securityContext: # want: container "web"
            allowPrivilegeEscalation: false
-- bad-override.yaml --
# The container's value wins over the pod's.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  securityContext:
    runAsNonRoot: true
  containers:
    - name: web
      image: registry.example/web:1.4.2
    - name: log
      image: registry.example/log:0.9.0
      securityContext:
        runAsNonRoot: false # want: container "log" is allowed to run as root
-- bad-pod.yaml --
# One wrong line, one finding, however many containers inherit it.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  securityContext:
    runAsNonRoot: false # want: the pod allows
  containers:
    - name: web
      image: registry.example/web:1.4.2
    - name: log
      image: registry.example/log:0.9.0
    - name: safe
      image: registry.example/safe:0.9.0
      securityContext:
        runAsNonRoot: true
-- bad-exact.yaml --
# options: exact=true accept-nonzero-uid=false
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  securityContext:
    runAsUser: 0
  containers:
    - name: web # want: container "web" is not kept from running as root
      image: registry.example/web:1.4.2
-- bad-exact-pod.yaml --
# options: exact=true
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  securityContext:
    runAsNonRoot: false # want: the pod allows its containers
  containers:
    - name: web
      image: registry.example/web:1.4.2
      securityContext:
        runAsNonRoot: true
-- bad-exact-user-namespace.yaml --
# options: exact=true
# kubernetes: 1.34
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostUsers: false
  containers:
    - name: web # want: container "web"
      image: registry.example/web:1.4.2
-- good-exact-user-namespace.yaml --
# options: exact=true
# kubernetes: 1.35
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostUsers: false
  securityContext:
    runAsNonRoot: false
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good.yaml --
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          securityContext:
            runAsNonRoot: true
          containers:
            - name: report
              image: registry.example/report:1.0.0
-- good-user.yaml --
# A user other than 0 is not root, whatever the image says.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      securityContext:
        runAsUser: 1000
    # run-as-user-zero speaks for this one.
    - name: log
      image: registry.example/log:0.9.0
      securityContext:
        runAsUser: 0
-- good-user-namespace.yaml --
# Root in a user namespace is nobody on the node.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostUsers: false
  containers:
    - name: web
      image: registry.example/web:1.4.2
`,
}
