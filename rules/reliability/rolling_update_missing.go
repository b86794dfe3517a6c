package reliability

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var kindPVC = schema.GroupKind{Kind: "PersistentVolumeClaim"}

var rollingUpdateMissing = &lint.Rule{
	ID:       "rolling-update-missing",
	Title:    "served Deployment is stopped for every update",
	Why:      "With the strategy Recreate all pods are stopped before the first new one starts: the Service has nobody to send requests to until it is ready, and if the new version does not start at all, until somebody rolls back.",
	Fix:      "Use the strategy RollingUpdate, which is the default. What can't run twice at once, because it holds a lock or a volume, is better a StatefulSet.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    deployments,
	Joins:    slices.Concat(serviceKinds, []schema.GroupKind{kindPVC}),
	CheckAll: func(p *lint.Pass) {
		for _, o := range kindsOf(p, deployments) {
			d, ok := o.Typed().(*appsv1.Deployment)
			if !ok || d.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
				continue
			}
			w, _ := o.Workload()
			if service := serving(p, w); service != nil && !mustBeAlone(p, o, w) {
				p.ReportOn(o, p.Rule.Severity, o.Value("spec", "strategy", "type").Path, "Service %q has no pod while Deployment %q is updated", service.Name, o.Name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3
  strategy:
    type: Recreate # want: Service "web" has no pod while Deployment "web" is updated
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "registry.example/web:1.4.2"}]
      volumes:
        - name: shared
          persistentVolumeClaim: {claimName: shared}
---
# Many nodes may mount it.
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: shared, namespace: shop}
spec:
  accessModes: [ReadWriteMany]
  resources: {requests: {storage: 1Gi}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
  ports: [{port: 80}]
-- good.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
  ports: [{port: 80}]
---
# Nobody asks it.
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker, namespace: shop}
spec:
  strategy: {type: Recreate}
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec: {containers: [{name: worker, image: "registry.example/worker:1.4.2"}]}
---
# Its volume can be on one node only, or nobody knows.
apiVersion: apps/v1
kind: Deployment
metadata: {name: db, namespace: shop}
spec:
  strategy: {type: Recreate}
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: db, image: "registry.example/db:16.2"}]
      volumes:
        - name: data
          persistentVolumeClaim: {claimName: db}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: db, namespace: shop}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec:
  selector: {app: db}
  ports: [{port: 5432}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: old, namespace: shop}
spec:
  strategy: {type: Recreate}
  selector: {matchLabels: {app: old}}
  template:
    metadata: {labels: {app: old}}
    spec:
      containers: [{name: old, image: "registry.example/old:1.4.2"}]
      volumes:
        - name: data
          persistentVolumeClaim: {claimName: made-elsewhere}
---
apiVersion: v1
kind: Service
metadata: {name: old, namespace: shop}
spec:
  selector: {app: old}
  ports: [{port: 80}]
---
# Two pods can't have one port of a node.
apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: shop}
spec:
  strategy: {type: Recreate}
  selector: {matchLabels: {app: edge}}
  template:
    metadata: {labels: {app: edge}}
    spec:
      hostNetwork: true
      containers: [{name: edge, image: "registry.example/edge:1.4.2"}]
---
apiVersion: v1
kind: Service
metadata: {name: edge, namespace: shop}
spec:
  selector: {app: edge}
  ports: [{port: 80}]
`,
}

var deployments = []schema.GroupKind{{Group: "apps", Kind: "Deployment"}}

// serving is a Service that sends traffic to the pods of a workload; nil for none.
func serving(p *lint.Pass, w *manifest.Workload) *manifest.Object {
	for _, c := range w.Containers() {
		if service := servedIn(p)[c]; service != nil {
			return service
		}
	}
	return nil
}

// mustBeAlone says that a second pod may not be able to run beside the first:
// a volume, or a port of the node, is taken.
func mustBeAlone(p *lint.Pass, o *manifest.Object, w *manifest.Workload) bool {
	if w.Pod.HostNetwork {
		return true
	}
	for _, c := range w.Containers() {
		if slices.ContainsFunc(c.Ports, func(port corev1.ContainerPort) bool { return port.HostPort != 0 }) {
			return true
		}
	}
	for i := range w.Pod.Volumes {
		v := &w.Pod.Volumes[i]
		if v.PersistentVolumeClaim == nil || v.PersistentVolumeClaim.ReadOnly {
			continue
		}
		claims := named(p, o, kindPVC, v.PersistentVolumeClaim.ClaimName)
		if len(claims) == 0 {
			return true
		}
		for _, claim := range claims {
			if c, ok := claim.Typed().(*corev1.PersistentVolumeClaim); !ok || !slices.Contains(c.Spec.AccessModes, corev1.ReadWriteMany) {
				return true
			}
		}
	}
	return false
}
