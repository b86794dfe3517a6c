package podsecurity

import "github.com/scantling-dev/scantling/lint"

var hostIPC = &lint.Rule{
	ID:         "host-ipc",
	Title:      "pod shares the node's shared memory",
	Why:        "A pod that shares shared memory and message queues with its node can read and change what other programs on the node exchange through them.",
	Fix:        "Remove hostIPC. For shared memory within the pod, mount an emptyDir with medium Memory at /dev/shm.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:baseline", "CIS-1.12:5.2.4", "MITRE:T1611", "NSA-CISA"},
	Kinds:      lint.Workloads,
	Check: func(p *lint.Pass) {
		if w := p.Workload(); w.Pod.HostIPC {
			p.Report(w.Path.Child("hostIPC"), "the pod shares the shared memory of its node")
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
      hostIPC: true # want: shares the shared memory
      containers:
        - name: db
          image: registry.example/db:16.2
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: db
spec:
  hostIPC: false
  containers:
    - name: db
      image: registry.example/db:16.2
      volumeMounts:
        - name: shm
          mountPath: /dev/shm
  volumes:
    - name: shm
      emptyDir: {medium: Memory}
`,
}
