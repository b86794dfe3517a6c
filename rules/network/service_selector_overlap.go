package network

import (
	"cmp"
	"strconv"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var serviceSelectorOverlap = &lint.Rule{
	ID: "service-selector-overlap", Severity: lint.Info, Category: lint.Network, Since: "0.1.0",
	Title:   "two Services share one selector",
	Why:     "Both Services lead to the same port of the same pods. Where that is not meant, as after a manifest was copied, callers of one application reach another.",
	Fix:     "Give each Service a selector of its own, or remove one of them.",
	Profile: lint.All,
	Kinds:   []schema.GroupKind{kindService},
	Joins:   []schema.GroupKind{kindRollout},
	CheckAll: func(p *lint.Pass) {
		split := rolled(cluster.Of(p))
		first := map[overlap]*manifest.Object{}
		for _, o := range cluster.Of(p).Kind("", "Service") {
			s, ok := o.Typed().(*corev1.Service)
			if !ok || len(s.Spec.Selector) == 0 || s.Spec.ClusterIP == corev1.ClusterIPNone || s.Spec.Type == corev1.ServiceTypeExternalName || split[[2]string{o.Namespace, o.Name}] {
				continue
			}
			reported := false
			for _, port := range s.Spec.Ports {
				key := overlap{where(p, o), o.Namespace, labelText(s.Spec.Selector), targetOf(port), cmp.Or(s.Spec.Type, corev1.ServiceTypeClusterIP)}
				other := first[key]
				switch {
				case other == nil:
					first[key] = o
				case other.Name != o.Name && !reported:
					reported = true
					p.ReportOn(o, p.Rule.Severity, field.NewPath("spec", "selector"), "Service %q leads to the same port of the same pods as Service %q", o.Name, other.Name)
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  selector: {app: web, tier: front}
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: copy
  namespace: shop
spec:
  selector: # want: Service "copy" leads to the same port of the same pods as Service "web"
    tier: front
    app: web
  ports:
    - port: 81
      targetPort: 80
-- good.yaml --
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  selector: {app: web}
  ports:
    - port: 80
---
# The headless one gives the pods their names.
apiVersion: v1
kind: Service
metadata:
  name: web-headless
  namespace: shop
spec:
  clusterIP: None
  selector: {app: web}
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: other
spec:
  selector: {app: web}
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: narrower
  namespace: shop
spec:
  selector: {app: web, tier: front}
  ports:
    - port: 80
---
# For the outside.
apiVersion: v1
kind: Service
metadata:
  name: web-public
  namespace: shop
spec:
  type: LoadBalancer
  selector: {app: web}
  ports:
    - port: 80
---
# Another port of the same pods.
apiVersion: v1
kind: Service
metadata:
  name: web-metrics
  namespace: shop
spec:
  selector: {app: web}
  ports:
    - port: 80
      targetPort: metrics
---
# The Rollout's controller adds the hash of a version to both selectors.
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: api
  namespace: shop
spec:
  selector:
    matchLabels: {app: api}
  strategy:
    blueGreen: {activeService: api, previewService: api-preview}
  template:
    metadata:
      labels: {app: api}
    spec:
      containers:
        - name: api
          image: registry.example/api:1.4.2
---
apiVersion: v1
kind: Service
metadata:
  name: api
  namespace: shop
spec:
  selector: {app: api}
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: api-preview
  namespace: shop
spec:
  selector: {app: api}
  ports:
    - port: 80
`,
}

// overlap is what two Services have in common: cluster, namespace, selector,
// target port, and the type, since one for inside and one for outside are meant.
type overlap struct {
	where, namespace, selector, port string
	kind                             corev1.ServiceType
}

// targetOf is the port of the pods that a Service's port leads to.
func targetOf(port corev1.ServicePort) string {
	if to := port.TargetPort.String(); to != "0" && to != "" {
		return string(port.Protocol) + to
	}
	return string(port.Protocol) + strconv.Itoa(int(port.Port))
}

var kindRollout = schema.GroupKind{Group: "argoproj.io", Kind: "Rollout"}

// rolled are the Services, by namespace and name, whose selectors a Rollout's
// controller completes: https://argo-rollouts.readthedocs.io/en/stable/features/bluegreen/.
func rolled(x *cluster.Index) map[[2]string]bool {
	all := map[[2]string]bool{}
	for _, o := range x.Kind(kindRollout.Group, kindRollout.Kind) {
		strategy := o.Value("spec", "strategy")
		for _, v := range []manifest.Value{
			strategy.Get("blueGreen", "activeService"), strategy.Get("blueGreen", "previewService"),
			strategy.Get("canary", "stableService"), strategy.Get("canary", "canaryService"),
		} {
			all[[2]string{o.Namespace, v.Text()}] = true
		}
	}
	return all
}
