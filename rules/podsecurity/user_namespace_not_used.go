package podsecurity

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/util/version"
)

var userNamespaceNotUsed = &lint.Rule{
	ID:       "user-namespace-not-used",
	Title:    "pod shares the users of its node",
	Why:      "In the node's user namespace a process that breaks out of its container has the same rights on the node: root stays root. In a user namespace of its own it is nobody there, and most known ways out of a container lead nowhere.",
	Fix:      "Set hostUsers to false in the pod, if its nodes and volumes can do it (Linux 6.3, containerd 2.0 or CRI-O 1.25).",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.PodSecurity,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		// On by default since Kubernetes 1.33:
		// https://kubernetes.io/docs/concepts/workloads/pods/user-namespaces/.
		if onWindows(w) || inUserNamespace(w) || !p.KubeVersion(p.Object).AtLeast(version.MajorMinor(1, 33)) {
			return
		}
		// With these the API server refuses a user namespace.
		if w.Pod.HostNetwork || w.Pod.HostPID || w.Pod.HostIPC ||
			slices.ContainsFunc(w.Containers(), func(c *manifest.Container) bool { return len(c.VolumeDevices) > 0 }) {
			return
		}
		p.Report(w.Path.Child("hostUsers"), "the pod runs with the users of its node")
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
    spec: # want: the pod runs with the users of its node
      containers:
        - name: web
          image: registry.example/web:1.4.2
-- bad-written.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostUsers: true # want
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostUsers: false
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
# The API server refuses a user namespace beside these.
apiVersion: v1
kind: Pod
metadata:
  name: agent
spec:
  hostNetwork: true
  containers:
    - name: agent
      image: registry.example/agent:3.1.0
---
apiVersion: v1
kind: Pod
metadata:
  name: database
spec:
  containers:
    - name: database
      image: registry.example/database:3.1.0
      volumeDevices:
        - name: data
          devicePath: /dev/data
  volumes:
    - name: data
      persistentVolumeClaim: {claimName: data}
---
apiVersion: v1
kind: Pod
metadata:
  name: windows
spec:
  os: {name: windows}
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good-version.yaml --
# kubernetes: 1.32
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
`,
}
