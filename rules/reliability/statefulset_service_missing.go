package reliability

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var statefulsetServiceMissing = &lint.Rule{
	ID:       "statefulset-service-missing",
	Title:    "StatefulSet has no headless Service",
	Why:      "The pods of a StatefulSet have names of their own (db-0.db) only through the headless Service that serviceName names. Without it these names do not resolve: replicas that look for each other by name, as databases do, form no cluster.",
	Fix:      "Declare a Service with clusterIP None that selects the pods, and name it in serviceName.",
	Since:    "0.1.0",
	Severity: lint.Low,
	Category: lint.Reliability,
	// Not everything that is stateful uses the names of its pods.
	Profile: lint.Strict,
	Kinds:   statefulSets,
	Joins:   serviceKinds,
	Options: []lint.Option{externalObjects},
	CheckAll: func(p *lint.Pass) {
		for _, o := range kindsOf(p, statefulSets) {
			s, ok := o.Typed().(*appsv1.StatefulSet)
			at := o.Value("spec", "serviceName")
			if !ok || !at.Known() {
				continue
			}
			if s.Spec.ServiceName == "" {
				p.ReportOn(o, p.Rule.Severity, at.Path, "StatefulSet %q names no Service", o.Name)
				continue
			}
			services := named(p, o, serviceKinds[0], s.Spec.ServiceName)
			switch {
			case len(services) == 0:
				if p.Complete(o.Namespace) && !external(p, "Service", o.Namespace, s.Spec.ServiceName) {
					p.ReportOn(o, p.Rule.Severity, at.Path, "Service %q of StatefulSet %q is not there", s.Spec.ServiceName, o.Name)
				}
			case !slices.ContainsFunc(services, mayBeHeadless):
				p.ReportOn(o, p.Rule.Severity, at.Path, "Service %q of StatefulSet %q is not headless: its pods have no names of their own", s.Spec.ServiceName, o.Name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  serviceName: db-peers # want: Service "db-peers" of StatefulSet "db" is not there
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "registry.example/db:16.2"}]}
---
apiVersion: v1
kind: Service
metadata: {name: db-peers, namespace: other}
spec:
  clusterIP: None
  selector: {app: db}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: queue, namespace: shop}
spec: # want: StatefulSet "queue" names no Service
  selector: {matchLabels: {app: queue}}
  template:
    metadata: {labels: {app: queue}}
    spec: {containers: [{name: queue, image: "registry.example/queue:3.1.0"}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: cache, namespace: shop}
spec:
  serviceName: cache # want: Service "cache" of StatefulSet "cache" is not headless
  selector: {matchLabels: {app: cache}}
  template:
    metadata: {labels: {app: cache}}
    spec: {containers: [{name: cache, image: "registry.example/cache:7.2.0"}]}
---
apiVersion: v1
kind: Service
metadata: {name: cache, namespace: shop}
spec:
  selector: {app: cache}
  ports: [{port: 6379}]
-- good.yaml --
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "registry.example/db:16.2"}]}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec:
  clusterIP: None
  selector: {app: db}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: later, namespace: shop}
spec:
  serviceName: ${ENV}-later
  selector: {matchLabels: {app: later}}
  template:
    metadata: {labels: {app: later}}
    spec: {containers: [{name: later, image: "registry.example/later:16.2"}]}
---
# A Deployment needs none.
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
-- good-incomplete.yaml --
# incomplete
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "registry.example/db:16.2"}]}
`,
}

var statefulSets = []schema.GroupKind{{Group: "apps", Kind: "StatefulSet"}}

// mayBeHeadless says that a Service has no address of its own, so that its name,
// and those below it, are the pods'.
func mayBeHeadless(o *manifest.Object) bool {
	s, ok := o.Typed().(*corev1.Service)
	return ok && (s.Spec.ClusterIP == corev1.ClusterIPNone || !manifest.Known(s.Spec.ClusterIP))
}
