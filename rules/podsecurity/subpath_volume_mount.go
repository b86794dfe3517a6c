package podsecurity

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/util/version"
)

var subpathVolumeMount = &lint.Rule{
	ID:         "subpath-volume-mount",
	Title:      "subPath is mounted by a kubelet that can be deceived",
	Why:        "In these versions the kubelet can be made to mount a path of the node in the place of the sub path, by whoever changes the volume at the right moment (CVE-2021-25741). The container then reads and writes the node's files.",
	Fix:        "Upgrade the nodes to Kubernetes 1.22.2, 1.21.5, 1.20.11 or 1.19.15, or later. Until then mount the volume as a whole, and let no container run as root that mounts it.",
	Since:      "0.1.0",
	Severity:   lint.Info,
	Category:   lint.PodSecurity,
	Frameworks: []string{"CVE-2021-25741", "NSA-CISA"},
	Profile:    lint.All,
	Kinds:      lint.Workloads,
	Check: func(p *lint.Pass) {
		kube := p.KubeVersion(p.Object)
		if !mountsDeceivedSubPaths(kube) {
			return
		}
		for _, c := range p.Workload().Containers() {
			for i, m := range c.VolumeMounts {
				path := c.Path.Child("volumeMounts").Index(i)
				switch {
				case m.SubPath != "":
					p.Report(path.Child("subPath"), "container %q mounts a sub path of volume %q, with Kubernetes %s", c.Name, m.Name, kube)
				case m.SubPathExpr != "":
					p.Report(path.Child("subPathExpr"), "container %q mounts a sub path of volume %q, with Kubernetes %s", c.Name, m.Name, kube)
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
# kubernetes: 1.21.4
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
          volumeMounts:
            - name: data
              mountPath: /data
              subPath: setup # want: container "setup" mounts a sub path of volume "data", with Kubernetes 1.21.4
      containers:
        - name: web
          image: registry.example/web:1.4.2
          volumeMounts:
            - name: data
              mountPath: /data
              subPathExpr: $(POD_NAME) # want: container "web"
            - name: data
              mountPath: /all
      volumes:
        - name: data
          emptyDir: {}
-- bad-old.yaml --
# kubernetes: 1.18.20
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      volumeMounts:
        - {name: data, mountPath: /data, subPath: web} # want
  volumes:
    - name: data
      emptyDir: {}
-- good.yaml --
# kubernetes: 1.21.5
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      volumeMounts:
        - {name: data, mountPath: /data, subPath: web}
  volumes:
    - name: data
      emptyDir: {}
-- good-newest.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      volumeMounts:
        - {name: data, mountPath: /data, subPath: web}
  volumes:
    - name: data
      emptyDir: {}
`,
}

// mountsDeceivedSubPaths says that a kubelet of the version has CVE-2021-25741:
// https://github.com/kubernetes/kubernetes/issues/104980.
func mountsDeceivedSubPaths(v *version.Version) bool {
	if v.Major() != 1 {
		return false
	}
	mended := map[uint]uint{19: 15, 20: 11, 21: 5, 22: 2}
	patch, ok := mended[v.Minor()]
	return v.Minor() < 19 || ok && v.Patch() < patch
}
