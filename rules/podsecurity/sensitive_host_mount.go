package podsecurity

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var sensitiveHostMount = &lint.Rule{
	ID:         "sensitive-host-mount",
	Title:      "pod mounts a sensitive folder of the node",
	Why:        "Such a folder holds the node's keys, programs, devices or the files of other pods. Reading it gives away the node's credentials, writing to it takes over the node.",
	Fix:        "Remove the volume, or mount the one file that is needed, read-only.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:baseline", "MITRE:T1611"},
	Kinds:      lint.Workloads,
	Options: []lint.Option{{
		Name:  "paths",
		Doc:   "Further paths of the node that are sensitive, with everything under them.",
		Valid: absolutePath,
	}},
	Check: func(p *lint.Pass) {
		w := p.Workload()
		for _, v := range hostPaths(w) {
			e := exposureOf(v.Node)
			if e != sensitivePath && (e != plainPath || !underAny(v.Node, p.Option("paths"))) {
				continue
			}
			if v.Node == "/" && mountedWritable(w, v.Volume.Name) {
				p.ReportAs(lint.Critical, v.Path, "volume %q lets the pod write to the whole file system of the node", v.Volume.Name)
				continue
			}
			p.Report(v.Path, "volume %q exposes the sensitive path %q of the node", v.Volume.Name, v.HostPath.Path)
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
      containers:
        - name: agent
          image: registry.example/agent:3.1.0
          volumeMounts:
            - {name: etc, mountPath: /host/etc, readOnly: true}
            - {name: root, mountPath: /host/root, readOnly: true}
            - {name: all, mountPath: /host/all}
      volumes:
        - name: etc
          hostPath:
            path: /etc/ # want: volume "etc" exposes the sensitive path "/etc/" of the node
        - name: root
          hostPath:
            path: / # want: exposes the sensitive path "/"
        - name: all
          hostPath:
            path: / # want: write to the whole file system
        - name: pods
          hostPath:
            path: /var/lib/kubelet/pods # want: "pods"
        - name: parent
          hostPath:
            path: /var/lib # want: "parent"
-- bad-job.yaml --
apiVersion: batch/v1
kind: Job
metadata:
  name: restore
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: restore
          image: registry.example/restore:1.0.0
      volumes:
        - name: keys
          hostPath: {path: /etc/kubernetes/pki} # want: "keys"
-- good.yaml --
# A path is sensitive, a name that begins like one is not; and everyone may
# know the time zone and the public certificates.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
  volumes:
    - name: data
      hostPath: {path: /etcetera}
    - name: logs
      hostPath: {path: /var/log}
    - name: time
      hostPath: {path: /etc/localtime}
    - name: certificates
      hostPath: {path: /etc/ssl/certs}
    - name: modules
      hostPath: {path: /lib/modules}
-- good-other-rules.yaml --
# The more specific rules speak for these.
apiVersion: v1
kind: Pod
metadata:
  name: agent
spec:
  containers:
    - name: agent
      image: registry.example/agent:3.1.0
  volumes:
    - name: socket
      hostPath: {path: /run/containerd/containerd.sock}
    - name: cloud
      hostPath: {path: /etc/kubernetes/azure.json}
`,
}

// mountedWritable says that some container can write to a volume.
func mountedWritable(w *manifest.Workload, volume string) bool {
	for _, c := range w.Containers() {
		for _, m := range c.VolumeMounts {
			if m.Name == volume && !m.ReadOnly {
				return true
			}
		}
	}
	return false
}
