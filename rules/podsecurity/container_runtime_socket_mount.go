package podsecurity

import "github.com/scantling-dev/scantling/lint"

var containerRuntimeSocketMount = &lint.Rule{
	ID:         "container-runtime-socket-mount",
	Title:      "pod reaches the container runtime's socket",
	Why:        "Whoever reaches the socket of the container runtime can start a privileged container on the node, and so owns the node. Mounting it read-only does not prevent that.",
	Fix:        "Remove the volume. Build images without a daemon, and ask the Kubernetes API or the kubelet for what runs.",
	Since:      "0.1.0",
	Severity:   lint.Critical,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:baseline", "MITRE:T1611", "MITRE:T1609"},
	Kinds:      lint.Workloads,
	Check: func(p *lint.Pass) {
		for _, v := range hostPaths(p.Workload()) {
			if exposureOf(v.Node) == runtimeSocket {
				p.Report(v.Path, "volume %q gives the pod the socket of the container runtime", v.Volume.Name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: builder
spec:
  selector: {matchLabels: {app: builder}}
  template:
    metadata: {labels: {app: builder}}
    spec:
      containers:
        - name: builder
          image: registry.example/builder:5.0.0
      volumes:
        - name: docker
          hostPath:
            path: /var/run/docker.sock # want: volume "docker" gives the pod the socket
            type: Socket
        - name: k3s
          hostPath:
            path: /run/k3s/containerd/containerd.sock # want: "k3s"
        - name: folder
          hostPath:
            path: /var/run/ # want: "folder"
        - name: rootless
          hostPath:
            path: /run/user/1000/podman/podman.sock # want: "rootless"
-- bad-windows.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: builder
spec:
  os: {name: windows}
  containers:
    - name: builder
      image: registry.example/builder:5.0.0
  volumes:
    - name: pipe
      hostPath:
        path: '\\.\pipe\containerd-containerd' # want: "pipe"
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: agent
spec:
  containers:
    - name: agent
      image: registry.example/agent:3.1.0
  volumes:
    - name: lock
      hostPath: {path: /run/xtables.lock}
    - name: own
      hostPath: {path: /var/run/agent/agent.sock}
    - name: config
      hostPath: {path: /etc/docker}
    - name: docker.sock
      emptyDir: {}
`,
}
