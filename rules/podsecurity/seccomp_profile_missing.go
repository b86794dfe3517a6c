package podsecurity

import "github.com/scantling-dev/scantling/lint"

var seccompProfileMissing = &lint.Rule{
	ID:         "seccomp-profile-missing",
	Title:      "container has no seccomp profile",
	Why:        "Unless the node is set up otherwise, a container without a seccomp profile can use every system call, those included through which most attacks on the kernel go.",
	Fix:        "Set seccompProfile.type to RuntimeDefault in the pod's securityContext.",
	Since:      "0.1.0",
	Severity:   lint.Medium,
	Profile:    lint.Strict,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:restricted", "CIS-1.12:5.7.2", "NSA-CISA"},
	Standard:   standard,
	Kinds:      lint.Workloads,
	Options:    []lint.Option{exact("from 1.19 on, and sparing Windows pods only by spec.os from 1.25 on")},
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if sparesWindows(p, w) || !inForce(p, 19) {
			return
		}
		for _, c := range w.Containers() {
			// seccomp-unconfined speaks for a profile that is none.
			if profile, path := c.SeccompProfile(); profile == nil {
				p.Report(path, "container %q has no seccomp profile", c.Name)
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
        - name: setup # want: container "setup" has no seccomp profile
          image: registry.example/setup:1.4.2
      containers:
        - name: web
          image: registry.example/web:1.4.2
          securityContext: # want: container "web"
            runAsNonRoot: true
        - name: log
          image: registry.example/log:0.9.0
          securityContext:
            seccompProfile: {type: RuntimeDefault}
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
    - name: web # want: container "web" has no seccomp profile
      image: registry.example/web:1.4.2
-- good-exact-old.yaml --
# options: exact=true
# kubernetes: 1.18
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
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
            seccompProfile: {type: RuntimeDefault}
          containers:
            - name: report
              image: registry.example/report:1.0.0
            - name: mail
              image: registry.example/mail:1.0.0
              securityContext:
                seccompProfile: {type: Localhost, localhostProfile: mail.json}
-- good-unconfined.yaml --
# seccomp-unconfined speaks for this one.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  securityContext:
    seccompProfile: {type: Unconfined}
  containers:
    - name: web
      image: registry.example/web:1.4.2
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
`,
}
