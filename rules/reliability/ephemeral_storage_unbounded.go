package reliability

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

var ephemeralStorageUnbounded = &lint.Rule{
	ID:       "ephemeral-storage-unbounded",
	Title:    "ephemeral storage has no limit",
	Why:      "What a container writes to its own file system, to its log and to an emptyDir lies on the node's disk. One that writes without end fills it, and the kubelet evicts pods that did nothing wrong until there is room again.",
	Fix:      "Set resources.limits.ephemeral-storage for each container, and sizeLimit for an emptyDir.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Joins:    limitRanges,
	CheckAll: func(p *lint.Pass) {
		missing(p, corev1.ResourceEphemeralStorage, false, "container %q may fill the node's disk")
		given := givenByRange(p, corev1.ResourceEphemeralStorage, false)
		for _, o := range p.Judged() {
			w, ok := o.Workload()
			// The limits of all containers together hold for the pod's volumes,
			// too: https://kubernetes.io/docs/concepts/storage/ephemeral-storage/.
			if !ok || given[o.Namespace] || boundedStorage(w) {
				continue
			}
			for i, v := range w.Pod.Volumes {
				at := w.Path.Child("volumes").Index(i).Child("emptyDir", "sizeLimit")
				// One in memory counts as its container's memory.
				if v.EmptyDir != nil && v.EmptyDir.Medium == corev1.StorageMediumDefault && !o.ValueAt(at).Written() {
					p.ReportOn(o, p.Rule.Severity, at, "emptyDir volume %q may fill the node's disk", v.Name)
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers:
        - name: setup # want: container "setup" may fill the node's disk
          image: registry.example/setup:1.4.2
      containers:
        - name: web
          image: registry.example/web:1.4.2
          resources:
            limits: # want: container "web"
              memory: 64Mi
        - name: log
          image: registry.example/log:0.9.0
          resources:
            limits: {ephemeral-storage: 1Gi}
      volumes:
        - name: cache
          emptyDir: {} # want: emptyDir volume "cache" may fill the node's disk
        - name: memory
          emptyDir: {medium: Memory}
        - name: small
          emptyDir: {sizeLimit: 100Mi}
        - name: substituted
          emptyDir: {sizeLimit: "${SIZE}"}
        - name: config
          configMap: {name: web}
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      resources:
        limits: {ephemeral-storage: 1Gi}
  volumes:
    # Counts against the container's limit.
    - name: cache
      emptyDir: {}
-- good-limit-range.yaml --
apiVersion: v1
kind: LimitRange
metadata:
  name: defaults
  namespace: shop
spec:
  limits:
    - type: Container
      default: {ephemeral-storage: 1Gi}
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
  volumes:
    - name: cache
      emptyDir: {}
`,
}

// boundedStorage says that all containers have a limit of ephemeral storage.
func boundedStorage(w *manifest.Workload) bool {
	return !slices.ContainsFunc(w.Containers(), func(c *manifest.Container) bool {
		_, ok := c.Resources.Limits[corev1.ResourceEphemeralStorage]
		return !ok && c.Kind != manifest.Ephemeral
	})
}
