package podsecurity

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// encryptionParameters are the storage drivers that leave volumes unencrypted
// unless a parameter of the class says otherwise. Those of Google, Azure and many
// others always encrypt.
//
//   - https://docs.aws.amazon.com/eks/latest/userguide/create-storage-class.html
//   - https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/parameters.md
//   - https://github.com/ceph/ceph-csi/blob/devel/examples/rbd/storageclass.yaml
//   - https://longhorn.io/docs/latest/advanced-resources/security/volume-encryption/
//   - https://www.alibabacloud.com/help/en/ack/ack-managed-and-ack-dedicated/user-guide/encrypt-cloud-disk-storage-volumes
//   - https://docs.portworx.com
//   - https://upcloud.com/docs/guides/storage-encryption-at-rest/
var encryptionParameters = []struct{ provisioner, parameter, value string }{
	{"ebs.csi.aws.com", "encrypted", "true"},
	{"ebs.csi.eks.amazonaws.com", "encrypted", "true"},
	{"kubernetes.io/aws-ebs", "encrypted", "true"},
	// Rook and OpenShift put their namespace before these.
	{"rbd.csi.ceph.com", "encrypted", "true"},
	{"cephfs.csi.ceph.com", "encrypted", "true"},
	{"driver.longhorn.io", "encrypted", "true"},
	{"diskplugin.csi.alibabacloud.com", "encrypted", "true"},
	{"pxd.portworx.com", "secure", "true"},
	{"kubernetes.io/portworx-volume", "secure", "true"},
	{"storage.csi.upcloud.com", "encryption", "data-at-rest"},
}

var storageClassUnencrypted = &lint.Rule{
	ID:       "storageclass-unencrypted",
	Title:    "StorageClass makes volumes without encryption",
	Why:      "Whoever gets a disk, a snapshot or a backup of such a volume reads all that is on it. Some accounts encrypt every volume by their own default, which this repository does not show.",
	Fix:      "Set the driver's parameter for encryption, and move the data: volumes that exist stay as they are, and the parameters of a class cannot be changed.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.PodSecurity,
	Profile:  lint.All,
	Kinds:    []schema.GroupKind{{Group: storagev1.GroupName, Kind: "StorageClass"}},
	Check: func(p *lint.Pass) {
		class, ok := p.Object.Typed().(*storagev1.StorageClass)
		if !ok {
			return
		}
		for _, e := range encryptionParameters {
			if class.Provisioner != e.provisioner && !strings.HasSuffix(class.Provisioner, "."+e.provisioner) {
				continue
			}
			parameters := field.NewPath("parameters")
			for key, value := range class.Parameters {
				if !strings.EqualFold(key, e.parameter) {
					continue
				}
				if !strings.EqualFold(value, e.value) && manifest.Known(value) {
					p.Report(parameters.Key(key), "StorageClass %q turns encryption off", class.Name)
				}
				return
			}
			p.Report(parameters.Key(e.parameter), "StorageClass %q makes volumes without encryption", class.Name)
			return
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: gp3
provisioner: ebs.csi.aws.com
parameters: # want: StorageClass "gp3" makes volumes without encryption
  type: gp3
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: rook
provisioner: rook-ceph.rbd.csi.ceph.com
parameters:
  pool: replicated
  encrypted: "false" # want: StorageClass "rook" turns encryption off
---
apiVersion: storage.k8s.io/v1 # want: StorageClass "plain"
kind: StorageClass
metadata:
  name: plain
provisioner: kubernetes.io/aws-ebs
-- good.yaml --
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: gp3
provisioner: ebs.csi.aws.com
parameters:
  type: gp3
  Encrypted: "true"
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: upcloud
provisioner: storage.csi.upcloud.com
parameters:
  encryption: data-at-rest
---
# Google encrypts every disk.
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: standard
provisioner: pd.csi.storage.gke.io
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: variable
provisioner: driver.longhorn.io
parameters:
  encrypted: ${encrypted}
`,
}
