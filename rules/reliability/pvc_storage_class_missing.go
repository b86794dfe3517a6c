package reliability

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var pvcStorageClassMissing = &lint.Rule{
	ID:       "pvc-storage-class-missing",
	Title:    "volume claim leaves its StorageClass to the cluster",
	Why:      "A claim without a StorageClass gets the default of the cluster that it is deployed to, which may be slow, may delete the data with the claim, or may not be there at all: the pods then wait for a volume that nobody makes.",
	Fix:      "Name a StorageClass in storageClassName; an empty text is for a volume that was made by hand.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    claimers,
	Options: []lint.Option{{
		Name:  "allowed",
		Doc:   "The StorageClasses that may be asked for, in which * stands for any text; none means all.",
		Valid: lint.Glob,
	}},
	Check: func(p *lint.Pass) {
		for _, c := range claimsOf(p.Object) {
			at, ok := c.class()
			switch {
			case !ok:
				p.Report(at.Path, "claim %q names no StorageClass", c.name())
			case manifest.Known(at.Text()) && at.Text() != "" && !allowed(p, at.Text()):
				p.Report(at.Path, "claim %q asks for StorageClass %q, which is not one of those that are allowed", c.name(), at.Text())
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data
spec: # want: claim "data" names no StorageClass
  accessModes: [ReadWriteOnce]
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
      spec: # want: claim "data"
        accessModes: [ReadWriteOnce]
        resources: {requests: {storage: 1Gi}}
-- bad-option.yaml --
# options: allowed=fast,ssd-*
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data
spec:
  storageClassName: slow # want: claim "data" asks for StorageClass "slow", which is not one of those that are allowed
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: fine
spec:
  storageClassName: ssd-encrypted
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
-- good.yaml --
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data
spec:
  storageClassName: ${CLASS}
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
---
# A volume that was made by hand.
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: by-hand
spec:
  storageClassName: ""
  volumeName: disk-1
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: old
  annotations:
    volume.beta.kubernetes.io/storage-class: fast
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
`,
}

// allowed says that a name is one of the rule's option "allowed", or that the
// option allows all.
func allowed(p *lint.Pass, name string) bool {
	patterns := p.Option("allowed")
	return len(patterns) == 0 || lint.MatchesAny(patterns, name)
}
