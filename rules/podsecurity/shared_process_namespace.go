package podsecurity

import "github.com/scantling-dev/scantling/lint"

var sharedProcessNamespace = &lint.Rule{
	ID:       "shared-process-namespace",
	Title:    "containers of the pod share their processes",
	Why:      "Each container of the pod sees the processes of the others. With the same user it can read their environment, passwords included, reach their files through /proc and stop them: one broken container gives away the whole pod.",
	Fix:      "Remove shareProcessNamespace. To look into a running pod use kubectl debug with --target.",
	Since:    "0.1.0",
	Severity: lint.Low,
	Category: lint.PodSecurity,
	// Written on purpose, mostly: sidecars that send signals need it.
	Profile: lint.Strict,
	Kinds:   lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if isTrue(w.Pod.ShareProcessNamespace) && !onWindows(w) {
			p.Report(w.Path.Child("shareProcessNamespace"), "the containers of the pod see each other's processes")
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
      shareProcessNamespace: true # want: see each other's processes
      containers:
        - name: web
          image: registry.example/web:1.4.2
        - name: log
          image: registry.example/log:0.9.0
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  shareProcessNamespace: false
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Pod
metadata:
  name: log
spec:
  containers:
    - name: log
      image: registry.example/log:0.9.0
`,
}
