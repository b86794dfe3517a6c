package podsecurity

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

var allowPrivilegeEscalation = &lint.Rule{
	ID:         "allow-privilege-escalation",
	Title:      "container may gain privileges",
	Why:        "Unless it is forbidden, a program in the container can become root through a setuid binary such as su or sudo.",
	Fix:        "Set allowPrivilegeEscalation to false.",
	Since:      "0.1.0",
	Severity:   lint.Medium,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:restricted", "CIS-1.12:5.2.6", "MITRE:T1068", "NSA-CISA"},
	Standard:   standard,
	Kinds:      lint.Workloads,
	Options:    []lint.Option{exact("from 1.8 on, of privileged containers, too, and sparing Windows pods only by spec.os from 1.25 on")},
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if sparesWindows(p, w) || !inForce(p, 8) {
			return
		}
		for _, c := range w.Containers() {
			if isFalse(c.Security().AllowPrivilegeEscalation) {
				continue
			}
			// Escalation can't be forbidden to these two; other rules report
			// what makes it so.
			if !p.Yes("exact") && (c.Privileged() || slices.ContainsFunc(added(c), func(n corev1.Capability) bool { return capabilityName(n) == "SYS_ADMIN" })) {
				continue
			}
			p.Report(c.SecurityPath().Child("allowPrivilegeEscalation"), "container %q may gain privileges", c.Name)
		}
	},
	Examples: `
-- bad.yaml --
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
          initContainers:
            - name: fetch # want: container "fetch" may gain privileges
              image: registry.example/fetch:1.0.0
          containers:
            - name: report
              image: registry.example/report:1.0.0
              securityContext:
                allowPrivilegeEscalation: true # want: container "report"
            - name: mail
              image: registry.example/mail:1.0.0
              securityContext: # want: container "mail"
                readOnlyRootFilesystem: true
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
        allowPrivilegeEscalation: false
    # Other rules say what is wrong with these two.
    - name: node
      image: registry.example/node:1.4.2
      securityContext:
        privileged: true
    - name: mount
      image: registry.example/mount:1.4.2
      securityContext:
        capabilities:
          add: [SYS_ADMIN]
-- bad-exact.yaml --
# options: exact=true
apiVersion: v1
kind: Pod
metadata:
  name: node
spec:
  nodeSelector:
    kubernetes.io/os: windows
  containers:
    - name: node
      image: registry.example/node:1.4.2
      securityContext: # want: container "node" may gain privileges
        privileged: true
-- bad-exact-windows.yaml --
# options: exact=true
# kubernetes: 1.24
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  os: {name: windows}
  containers:
    - name: web # want: container "web" may gain privileges
      image: registry.example/web:1.4.2
-- good-exact-windows.yaml --
# options: exact=true
# kubernetes: 1.25
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  os: {name: windows}
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good-exact-old.yaml --
# options: exact=true
# kubernetes: 1.7
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good-windows.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      nodeSelector:
        kubernetes.io/os: windows
      containers:
        - name: web
          image: registry.example/web:1.4.2
`,
}
