package podsecurity

import "github.com/scantling-dev/scantling/lint"

var privilegedContainer = &lint.Rule{
	ID:         "privileged-container",
	Title:      "container runs privileged",
	Why:        "A privileged container holds every capability and sees every device of the node. Whoever breaks into it owns the node.",
	Fix:        "Remove privileged or set it to false, and add only the one capability that is needed.",
	Since:      "0.1.0",
	Severity:   lint.Critical,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:baseline", "CIS-1.12:5.2.2", "MITRE:T1611", "NSA-CISA"},
	Kinds:      lint.Workloads,
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			if c.Privileged() {
				p.Report(c.SecurityPath().Child("privileged"), "container %q runs privileged", c.Name)
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
        - name: setup
          image: registry.example/setup:1.4.2
          securityContext:
            privileged: true # want: container "setup" runs privileged
      containers:
        - name: web
          image: registry.example/web:1.4.2
          securityContext:
            privileged: true # want: container "web" runs privileged
-- bad-cronjob.yaml --
apiVersion: batch/v1
kind: CronJob
metadata:
  name: clean
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: clean
              image: registry.example/clean:2.0.1
              securityContext: {privileged: true} # want: "clean"
-- good.yaml --
# Unset and false are the same.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      securityContext:
        privileged: false
    - name: log
      image: registry.example/log:0.9.0
`,
}
