package podsecurity

import (
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var persistentVolumeHostPath = &lint.Rule{
	ID:         "persistentvolume-host-path",
	Title:      "PersistentVolume exposes a path of the node",
	Why:        "Through a claim any pod gets this path of its node, even in a namespace that forbids hostPath volumes: Pod Security looks only at the pod.",
	Fix:        "Use a storage class, or a local volume on a disk of its own with nodeAffinity.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.PodSecurity,
	Frameworks: []string{"MITRE:T1611"},
	Kinds:      []schema.GroupKind{{Kind: "PersistentVolume"}},
	Check: func(p *lint.Pass) {
		pv, ok := p.Object.Typed().(*corev1.PersistentVolume)
		if !ok {
			return
		}
		if h := pv.Spec.HostPath; h != nil {
			p.Report(field.NewPath("spec", "hostPath", "path"), "the volume is the path %q of whatever node its pod runs on", h.Path)
		}
		if l := pv.Spec.Local; l != nil && exposureOf(cleanNodePath(l.Path)) != plainPath {
			p.Report(field.NewPath("spec", "local", "path"), "the volume exposes the sensitive path %q of the node", l.Path)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: PersistentVolume
metadata:
  name: data
spec:
  capacity: {storage: 10Gi}
  accessModes: [ReadWriteOnce]
  hostPath:
    path: /srv/data # want: the volume is the path "/srv/data"
---
apiVersion: v1
kind: PersistentVolume
metadata:
  name: kubelet
spec:
  capacity: {storage: 10Gi}
  accessModes: [ReadWriteOnce]
  storageClassName: local
  local:
    path: /var/lib/kubelet # want: exposes the sensitive path
-- good.yaml --
apiVersion: v1
kind: PersistentVolume
metadata:
  name: data
spec:
  capacity: {storage: 10Gi}
  accessModes: [ReadWriteOnce]
  storageClassName: local
  local:
    path: /mnt/disks/ssd1
  nodeAffinity:
    required:
      nodeSelectorTerms:
        - matchExpressions:
            - {key: kubernetes.io/hostname, operator: In, values: [node-1]}
---
apiVersion: v1
kind: PersistentVolume
metadata:
  name: share
spec:
  capacity: {storage: 10Gi}
  accessModes: [ReadWriteMany]
  nfs:
    server: nfs.example
    path: /etc
`,
}
