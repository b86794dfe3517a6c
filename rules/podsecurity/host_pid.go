package podsecurity

import "github.com/scantling-dev/scantling/lint"

var hostPID = &lint.Rule{
	ID:         "host-pid",
	Title:      "pod shares the node's processes",
	Why:        "A pod among the node's processes sees the command line and the environment of every process on the node, secrets included, and can end or enter those that run as the same user.",
	Fix:        "Remove hostPID. To see the processes of the same pod, use shareProcessNamespace.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:baseline", "CIS-1.12:5.2.3", "MITRE:T1611", "NSA-CISA"},
	Kinds:      lint.Workloads,
	Check: func(p *lint.Pass) {
		if w := p.Workload(); w.Pod.HostPID {
			p.Report(w.Path.Child("hostPID"), "the pod shares the processes of its node")
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: batch/v1
kind: CronJob
metadata:
  name: inspect
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          hostPID: true # want: shares the processes
          restartPolicy: Never
          containers:
            - name: inspect
              image: registry.example/inspect:1.0.0
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostPID: false
  shareProcessNamespace: true
  containers:
    - name: web
      image: registry.example/web:1.4.2
`,
}
