package api

import (
	"fmt"
	"maps"
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
)

// driver is a volume driver that was part of Kubernetes.
type driver struct {
	// provisioner is its name in a StorageClass, after kubernetes.io/.
	provisioner string
	// removed is the minor version of Kubernetes 1 since which it is no more.
	removed uint
	// csi is the driver that Kubernetes puts in its place, if that is installed;
	// empty when nothing is put in its place.
	csi string
}

// drivers are those that are gone, by the field that asks for them. Sources: the
// warnings of the API server (pkg/api/pod/warnings.go and
// pkg/api/persistentvolume/util.go of Kubernetes 1.37) and
// https://kubernetes.io/docs/concepts/storage/volumes/.
var drivers = map[string]driver{
	"awsElasticBlockStore": {"aws-ebs", 27, "ebs.csi.aws.com"},
	"azureDisk":            {"azure-disk", 27, "disk.csi.azure.com"},
	"azureFile":            {"azure-file", 30, "file.csi.azure.com"},
	"cephfs":               {"cephfs", 31, ""},
	"cinder":               {"cinder", 26, "cinder.csi.openstack.org"},
	"flocker":              {"flocker", 25, ""},
	"gcePersistentDisk":    {"gce-pd", 28, "pd.csi.storage.gke.io"},
	"glusterfs":            {"glusterfs", 26, ""},
	"photonPersistentDisk": {"photon-pd", 16, ""},
	"portworxVolume":       {"portworx-volume", 36, "pxd.portworx.com"},
	"quobyte":              {"quobyte", 25, ""},
	"rbd":                  {"rbd", 31, ""},
	"scaleIO":              {"scaleio", 22, ""},
	"storageos":            {"storageos", 25, ""},
	"vsphereVolume":        {"vsphere-volume", 30, "csi.vsphere.vmware.com"},
}

var inTreeVolumePluginRemoved = &lint.Rule{
	ID: "in-tree-volume-plugin-removed", Severity: lint.Medium, Category: lint.APILifecycle, Since: "0.1.0",
	Title: "volume driver is no longer part of Kubernetes",
	Why:   "The driver was taken out of Kubernetes. Where a CSI driver replaces it, the volume works only as long as that driver is installed; where none does, the API server still takes the object, and the pod waits for its volume for ever.",
	Fix:   "Use a volume of type csi, or a PersistentVolumeClaim whose StorageClass names the CSI driver.",
	Kinds: append([]schema.GroupKind{{Kind: "PersistentVolume"}, {Group: "storage.k8s.io", Kind: "StorageClass"}}, lint.Workloads...),
	Check: func(p *lint.Pass) {
		target := p.KubeVersion(p.Object)
		switch p.Object.GVK.Kind {
		case "PersistentVolume":
			reportDriver(p, target, p.Object.Value("spec"), "the volume")
		case "StorageClass":
			provisioner := p.Object.Value("provisioner")
			for _, d := range drivers {
				if provisioner.Text() == "kubernetes.io/"+d.provisioner && d.gone(target) {
					p.ReportAs(d.severity(), provisioner.Path, "the provisioner %q is a driver that %s", provisioner.Text(), d.fate())
				}
			}
		default:
			w := p.Workload()
			volumes := w.Path.Child("volumes")
			for i, v := range p.Object.Value(manifest.SplitPath(volumes.String())...).Items() {
				v.Path = volumes.Index(i)
				reportDriver(p, target, v, fmt.Sprintf("volume %q", v.Get("name").Text()))
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - {name: web, image: "registry.example/web:1.4.2"}
  volumes:
    - name: data
      glusterfs: # want medium: volume "data" uses glusterfs, a driver that is gone since Kubernetes 1.26
        endpoints: storage
        path: data
    - name: disk
      awsElasticBlockStore: # want low: volume "disk" uses awsElasticBlockStore, a driver that is gone since Kubernetes 1.27: it works only with the CSI driver ebs.csi.aws.com
        volumeID: vol-0a1b
---
apiVersion: v1
kind: PersistentVolume
metadata:
  name: data
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  cephfs: # want medium: the volume uses cephfs
    monitors: ["10.0.0.1:6789"]
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: fast
provisioner: kubernetes.io/gce-pd # want low: a driver that is gone since Kubernetes 1.28: it works only with the CSI driver pd.csi.storage.gke.io
-- bad-cronjob.yaml --
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - {name: report, image: "registry.example/report:1.0.0"}
          volumes:
            - name: data
              rbd: {monitors: ["10.0.0.1"], image: data} # want: volume "data" uses rbd
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - {name: web, image: "registry.example/web:1.4.2"}
  volumes:
    - name: data
      nfs: {server: storage.example, path: /data}
    - name: claim
      persistentVolumeClaim: {claimName: data}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: local
provisioner: kubernetes.io/no-provisioner
-- good-target.yaml --
# kubernetes: 1.25
apiVersion: v1
kind: PersistentVolume
metadata:
  name: data
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  glusterfs: {endpoints: storage, path: data}
`,
}

func (d driver) gone(target *version.Version) bool { return !target.LessThan(minor(d.removed)) }

// severity is lower for a driver that Kubernetes replaces by another one.
func (d driver) severity() lint.Severity {
	if d.csi != "" {
		return lint.Low
	}
	return lint.Medium
}

func (d driver) fate() string {
	text := "is gone since Kubernetes " + short(minor(d.removed))
	if d.csi != "" {
		text += ": it works only with the CSI driver " + d.csi
	}
	return text
}

// reportDriver looks at the fields of a volume.
func reportDriver(p *lint.Pass, target *version.Version, volume manifest.Value, what string) {
	for _, name := range slices.Sorted(maps.Keys(drivers)) {
		if v := volume.Get(name); v.Written() && drivers[name].gone(target) {
			d := drivers[name]
			p.ReportAs(d.severity(), v.Path, "%s uses %s, a driver that %s", what, name, d.fate())
		}
	}
}
