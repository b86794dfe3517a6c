package reliability

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var kindStorageClass = schema.GroupKind{Group: "storage.k8s.io", Kind: "StorageClass"}

var volumeClaimAccessMode = &lint.Rule{
	ID:    "volume-claim-access-mode",
	Title: "volume claim can't be met",
	Why:   "The API server refuses a claim that names no access mode or no size; in a StatefulSet's template it does so only when the first pod is to be made. A claim for ReadWriteMany on disks that one node can mount at a time is accepted, and no volume is ever made for it. In all cases the pods never start.",
	Fix:   "Write accessModes and resources.requests.storage, with ReadWriteOnce for a disk, or ask for a StorageClass whose volumes can be shared.",
	Since: "0.1.0",
	// A claim that is there already keeps what is not written.
	Severity: lint.Medium,
	Category: lint.Reliability,
	Kinds:    claimers,
	Joins:    []schema.GroupKind{kindStorageClass},
	Options: []lint.Option{{
		Name:    "single-writer",
		Doc:     "Whether the claims of a StatefulSet's template, of which each pod has its own, must be ReadWriteOnce or ReadWriteOncePod.",
		Default: []string{"false"},
		Valid:   lint.Truth,
	}},
	CheckAll: func(p *lint.Pass) {
		for _, o := range p.Judged() {
			for _, c := range claimsOf(o) {
				checkClaim(p, o, c)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data
spec: # want medium: claim "data" names no access mode
  resources: {requests: {storage: 1Gi}}
---
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
      containers:
        - name: db
          image: registry.example/db:16.2
  volumeClaimTemplates:
    - metadata: {name: data}
      spec:
        accessModes: [ReadWriteOnce]
        resources: # want medium: claim "data" names no size
          limits: {storage: 1Gi}
    - metadata: {name: empty}
      spec:
        accessModes: [] # want medium: claim "empty" names no access mode
        resources: {requests: {storage: 1Gi}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: patch
spec: # want: claim "patch" names no access mode and no size
  storageClassName: fast
-- bad-class.yaml --
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: fast
provisioner: ebs.csi.aws.com
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: shared
  namespace: shop
spec:
  storageClassName: fast
  accessModes:
    - ReadWriteMany # want medium: claim "shared" asks StorageClass "fast" for ReadWriteMany, which "ebs.csi.aws.com" can't give
  resources: {requests: {storage: 1Gi}}
-- bad-single-writer.yaml --
# options: single-writer=true
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
      containers:
        - name: db
          image: registry.example/db:16.2
  volumeClaimTemplates:
    - metadata: {name: data}
      spec:
        accessModes:
          - ReadWriteMany # want info: each pod has a claim "data" of its own, and nothing to share
        resources: {requests: {storage: 1Gi}}
-- good.yaml --
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data
spec:
  accessModes: [ReadWriteOncePod]
  resources: {requests: {storage: 1Gi}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: substituted
spec:
  accessModes: ${MODES}
  resources: {requests: {storage: "${SIZE}"}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: all-substituted
spec:
  accessModes: ["${MODE}"]
  resources: ${RESOURCES}
---
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
      containers:
        - name: db
          image: registry.example/db:16.2
  volumeClaimTemplates:
    - metadata: {name: data}
      spec:
        accessModes: [ReadWriteMany]
        resources: {requests: {storage: 1Gi}}
-- good-class.yaml --
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: files
provisioner: efs.csi.aws.com
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: fast
provisioner: ebs.csi.aws.com
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: shared
spec:
  storageClassName: files
  accessModes: [ReadWriteMany]
  resources: {requests: {storage: 1Gi}}
---
# Raw devices can be shared.
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: raw
spec:
  storageClassName: fast
  volumeMode: Block
  accessModes: [ReadWriteMany]
  resources: {requests: {storage: 1Gi}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: by-hand
spec:
  storageClassName: fast
  volumeName: disk-1
  accessModes: [ReadWriteMany]
  resources: {requests: {storage: 1Gi}}
---
# Of a class that the repository does not declare nothing is known.
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: elsewhere
spec:
  storageClassName: other
  accessModes: [ReadWriteMany]
  resources: {requests: {storage: 1Gi}}
`,
}

func checkClaim(p *lint.Pass, o *manifest.Object, c claim) {
	spec := c.Get("spec")
	// schema-validation speaks for a claim of nothing.
	if spec.Len() == 0 {
		return
	}
	modes, resources := spec.Get("accessModes"), spec.Get("resources")
	size := resources.Get("requests", "storage")
	noMode := modes.Len() == 0 && modes.Known()
	noSize := !size.Written() && resources.Known() && resources.Get("requests").Known()
	switch {
	case noMode && noSize:
		p.ReportOn(o, p.Rule.Severity, modes.Path, "claim %q names no access mode and no size", c.name())
	case noMode:
		p.ReportOn(o, p.Rule.Severity, modes.Path, "claim %q names no access mode", c.name())
	case noSize:
		p.ReportOn(o, p.Rule.Severity, size.Path, "claim %q names no size", c.name())
	}
	i := slices.Index(modes.Texts(), "ReadWriteMany")
	if i < 0 {
		return
	}
	at := modes.Items()[i].Path
	if class, provisioner := disks(p, o, c); class != "" {
		p.ReportOn(o, p.Rule.Severity, at, "claim %q asks StorageClass %q for ReadWriteMany, which %q can't give", c.name(), class, provisioner)
	} else if c.template && p.Yes("single-writer") {
		p.ReportOn(o, lint.Info, at, "each pod has a claim %q of its own, and nothing to share", c.name())
	}
}

// diskProvisioners make disks that only one node can mount with a file system at
// a time, as their documentation says:
//
//	https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/multi-attach.md
//	https://github.com/kubernetes-sigs/azuredisk-csi-driver/tree/master/deploy/example/sharedisk
//	https://github.com/kubernetes-sigs/gcp-compute-persistent-disk-csi-driver
//	https://github.com/digitalocean/csi-digitalocean
//	https://github.com/hetznercloud/csi-driver
var diskProvisioners = []string{
	"ebs.csi.aws.com", "kubernetes.io/aws-ebs",
	"disk.csi.azure.com", "kubernetes.io/azure-disk",
	"pd.csi.storage.gke.io", "kubernetes.io/gce-pd",
	"dobs.csi.digitalocean.com",
	"csi.hetzner.cloud",
}

// disks are the StorageClass that a claim asks for and its provisioner, if the
// repository declares the class, and it makes disks that can't be shared.
func disks(p *lint.Pass, o *manifest.Object, c claim) (class, provisioner string) {
	at, ok := c.class()
	// For a claim that names its volume, none is made.
	if !ok || c.Get("spec", "volumeMode").Text() == "Block" || c.Get("spec", "volumeName").Written() {
		return "", ""
	}
	for _, s := range cluster.Of(p).Named(o, kindStorageClass, "", at.Text()) {
		by := s.Value("provisioner").Text()
		// Rook prefixes the driver of Ceph with its own namespace.
		if slices.Contains(diskProvisioners, by) || strings.HasSuffix(by, "rbd.csi.ceph.com") {
			return s.Name, by
		}
	}
	return "", ""
}
