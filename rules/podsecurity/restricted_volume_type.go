package podsecurity

import (
	"reflect"
	"strings"

	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

var restrictedVolumeType = &lint.Rule{
	ID:         "restricted-volume-type",
	Title:      "volume is of a type that the Restricted level does not have",
	Why:        "A volume of a storage system that the pod itself names is mounted by the node with the address and the path that the author of the pod chooses: whoever may create pods may mount any export that the node reaches. Most of these types are no longer built into Kubernetes.",
	Fix:        "Let an administrator make a PersistentVolume or a StorageClass for the storage, and use a PersistentVolumeClaim.",
	Since:      "0.1.0",
	Severity:   lint.Low,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:restricted"},
	Profile:    lint.Strict,
	Kinds:      lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		for i := range w.Pod.Volumes {
			v := &w.Pod.Volumes[i]
			// Other rules speak for hostPath and gitRepo.
			if source := restrictedSource(&v.VolumeSource); source != "" && v.HostPath == nil && v.GitRepo == nil {
				p.Report(w.Path.Child("volumes").Index(i).Child(source), "volume %q is of the type %s", v.Name, source)
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
      volumes:
        - name: media
          nfs: # want: volume "media" is of the type nfs
            server: nfs.example
            path: /exports/media
        - name: disk
          awsElasticBlockStore: # want: volume "disk" is of the type awsElasticBlockStore
            volumeID: vol-0123456789abcdef0
        - name: secrets
          flexVolume: {driver: vendor.example/driver} # want: flexVolume
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
    - name: config
      configMap: {name: web}
    - name: store
      csi: {driver: secrets-store.csi.k8s.io, readOnly: true}
    - name: info
      downwardAPI: {items: []}
    - name: scratch
      emptyDir: {}
    - name: work
      ephemeral:
        volumeClaimTemplate:
          spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
    - name: model
      image: {reference: "registry.example/model:1.0.0"}
    - name: data
      persistentVolumeClaim: {claimName: web}
    - name: token
      projected: {sources: []}
    - name: key
      secret: {secretName: web}
    # The API server makes an emptyDir of this one.
    - name: empty
-- good-other-rules.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: agent
spec:
  containers:
    - name: agent
      image: registry.example/agent:3.1.0
  volumes:
    - name: logs
      hostPath: {path: /var/log}
    - name: code
      gitRepo: {repository: "https://git.example/code"}
-- good-kind.yaml --
# An administrator's volume may be of any type.
apiVersion: v1
kind: PersistentVolume
metadata:
  name: media
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteMany]
  nfs: {server: nfs.example, path: /exports/media}
`,
}

// restrictedSource is the field of a volume's source that the Restricted level
// does not have; "" for none. Of several sources, which the API server refuses,
// it is enough that one is allowed, as it is for Pod Security admission.
func restrictedSource(s *corev1.VolumeSource) string {
	if s.ConfigMap != nil || s.CSI != nil || s.DownwardAPI != nil || s.EmptyDir != nil || s.Ephemeral != nil ||
		s.Image != nil || s.PersistentVolumeClaim != nil || s.Projected != nil || s.Secret != nil {
		return ""
	}
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		if !v.Field(i).IsNil() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			return name
		}
	}
	return ""
}
