package podsecurity

import "github.com/scantling-dev/scantling/lint"

var writableHostMount = &lint.Rule{
	ID:         "writable-host-mount",
	Title:      "path of the node is mounted writable",
	Why:        "A container that writes to its node can leave programs and settings there that the node, or another pod, will use.",
	Fix:        "Set readOnly to true on the mount, or use a volume that is not a path of the node.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:baseline", "MITRE:T1611"},
	Kinds:      lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		paths := map[string]string{}
		for _, v := range hostPaths(w) {
			paths[v.Volume.Name] = v.HostPath.Path
		}
		if len(paths) == 0 {
			return
		}
		for _, c := range w.Containers() {
			for i, m := range c.VolumeMounts {
				if name, ok := paths[m.Name]; ok && !m.ReadOnly {
					p.Report(c.Path.Child("volumeMounts").Index(i).Child("readOnly"), "container %q can write to %q of its node", c.Name, name)
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: agent
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      initContainers:
        - name: install
          image: registry.example/install:3.1.0
          volumeMounts:
            - name: bin # want: container "install" can write to "/opt/cni/bin"
              mountPath: /host/bin
      containers:
        - name: agent
          image: registry.example/agent:3.1.0
          volumeMounts:
            - name: bin
              mountPath: /host/bin
              readOnly: false # want: container "agent"
            - name: scratch
              mountPath: /tmp
      volumes:
        - name: bin
          hostPath: {path: /opt/cni/bin}
        - name: scratch
          emptyDir: {}
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: logs
spec:
  containers:
    - name: logs
      image: registry.example/logs:1.9.0
      volumeMounts:
        - name: logs
          mountPath: /var/log
          readOnly: true
        - name: state
          mountPath: /state
    - name: sidecar
      image: registry.example/sidecar:1.9.0
  volumes:
    - name: logs
      hostPath: {path: /var/log}
    - name: state
      persistentVolumeClaim: {claimName: logs}
`,
}
