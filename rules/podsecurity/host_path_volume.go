package podsecurity

import "github.com/scantling-dev/scantling/lint"

var hostPathVolume = &lint.Rule{
	ID:         "host-path-volume",
	Title:      "pod mounts a path of the node",
	Why:        "A path of the node outlives the pod, is shared with every other pod that mounts it, differs from node to node, and is a way out of the container.",
	Fix:        "Use a PersistentVolumeClaim, an emptyDir or a ConfigMap in place of hostPath.",
	Since:      "0.1.0",
	Severity:   lint.Medium,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:baseline", "CIS-1.12:5.2.12", "MITRE:T1611"},
	Kinds:      lint.Workloads,
	Options: []lint.Option{{
		Name:  "allow",
		Doc:   "Paths of the node that pods may mount, with everything under them.",
		Valid: absolutePath,
	}},
	Check: func(p *lint.Pass) {
		for _, v := range hostPaths(p.Workload()) {
			// The rules for what is worse speak for their volumes.
			if exposureOf(v.Node) == plainPath && !underAny(v.Node, p.Option("allow")) {
				p.Report(v.Path, "volume %q is the path %q of the node", v.Volume.Name, v.HostPath.Path)
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
      containers:
        - name: web
          image: registry.example/web:1.4.2
          volumeMounts:
            - {name: data, mountPath: /data}
            - {name: time, mountPath: /etc/localtime, readOnly: true}
      volumes:
        - name: data
          hostPath:
            path: /srv/web # want: volume "data" is the path "/srv/web" of the node
            type: DirectoryOrCreate
        - name: time
          hostPath:
            path: /etc/localtime # want: "time"
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
  volumes:
    - name: scratch
      emptyDir: {}
    - name: data
      persistentVolumeClaim: {claimName: web}
-- good-other-rules.yaml --
# What is worse than a plain path has rules of its own.
apiVersion: v1
kind: Pod
metadata:
  name: agent
spec:
  containers:
    - name: agent
      image: registry.example/agent:3.1.0
  volumes:
    - name: etc
      hostPath: {path: /etc}
    - name: socket
      hostPath: {path: /var/run/docker.sock}
    - name: cloud
      hostPath: {path: /root/.aws}
`,
}
