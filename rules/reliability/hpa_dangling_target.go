package reliability

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var hpaDanglingTarget = &lint.Rule{
	ID:       "hpa-dangling-target",
	Title:    "autoscaler targets what is not there",
	Why:      "An autoscaler whose target does not exist scales nothing, and says so only in its own status: the workload stays at the size it has, and fails under the load that the autoscaler was meant for.",
	Fix:      "Name the workload's kind, API group and name as it declares them, in the same namespace; or delete the autoscaler.",
	Since:    "0.1.0",
	Severity: lint.Medium,
	Category: lint.Reliability,
	Kinds:    autoscalerKinds,
	Joins:    lint.Workloads,
	Options:  []lint.Option{externalObjects},
	CheckAll: func(p *lint.Pass) {
		for _, a := range scalersIn(p).all {
			// What the distribution runs in kube-system is in no repository.
			if a.Namespace == metav1.NamespaceSystem || len(a.targets(p)) > 0 {
				continue
			}
			if a.kind.Group == "" {
				if group, ok := groupOf(a.kind.Kind); ok {
					p.ReportOn(a.Object, p.Rule.Severity, a.ref.Get("apiVersion").Path, "%s %q targets a %s without its API group, %s: the core group has no such kind", a.GVK.Kind, a.Name, a.kind.Kind, group)
					continue
				}
			}
			// Of other kinds nothing is known: an operator may make them.
			if !slices.Contains(lint.Workloads, a.kind) || !amongWorkloads(p, a.Object) || !p.Complete(a.Namespace) || external(p, a.kind.Kind, a.Namespace, a.name) {
				continue
			}
			p.ReportOn(a.Object, p.Rule.Severity, a.ref.Get("name").Path, "%s %q targets %s %q, which is not there", a.GVK.Kind, a.Name, a.kind.Kind, a.name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
  namespace: shop
spec:
  maxReplicas: 5
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: webb # want: HorizontalPodAutoscaler "web" targets Deployment "webb", which is not there
---
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata:
  name: web
  namespace: shop
spec:
  targetRef:
    apiVersion: apps/v1
    kind: StatefulSet
    name: web # want: VerticalPodAutoscaler "web" targets StatefulSet "web"
---
# It is in another namespace.
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: web
  namespace: jobs
spec:
  scaleTargetRef:
    name: web # want: ScaledObject "web" targets Deployment "web"
  triggers: []
---
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
      containers:
        - name: web
          image: registry.example/web:1.4.2
-- bad-group.yaml --
# Without apiVersion it is the core group, which has no Deployments.
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
  namespace: shop
spec:
  maxReplicas: 5
  scaleTargetRef: # want: without its API group, apps
    kind: Deployment
    name: web
---
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
      containers:
        - name: web
          image: registry.example/web:1.4.2
-- good.yaml --
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata:
  name: web
  namespace: shop
spec:
  maxReplicas: 5
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: web
---
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
      containers:
        - name: web
          image: registry.example/web:1.4.2
---
# Whoever applies it says which namespace it is in.
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web-anywhere
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: old
  namespace: shop
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: extensions/v1beta1, kind: Deployment, name: web}
---
# Made by an operator, or named by whoever applies it.
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: cache
  namespace: shop
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: example.com/v1, kind: Cache, name: cache}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: named-later
  namespace: shop
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: "${NAME}"}
---
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata:
  name: coredns
  namespace: kube-system
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: coredns}
-- good-unplaced.yaml --
# Whoever applies the Deployment says into which namespace.
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
  namespace: shop
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
-- good-alone.yaml --
# What it scales is installed in another way.
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
  namespace: shop
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
-- good-incomplete.yaml --
# incomplete
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
  namespace: shop
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: api, image: "registry.example/api:1.4.2"}]}
-- good-external.yaml --
# options: external=Deployment/shop/*
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
  namespace: shop
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: api, image: "registry.example/api:1.4.2"}]}
-- good-bare.yaml --
# unit: bare
# One template writes the release's namespace, the other leaves it out.
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
  namespace: default
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
---
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
`,
}

// groupOf is the API group of a kind of workload that the core group does not
// have, by the kind alone.
func groupOf(kind string) (string, bool) {
	for _, k := range lint.Workloads {
		if k.Kind == kind && k.Group == "" {
			return "", false
		}
	}
	i := slices.IndexFunc(lint.Workloads, func(k schema.GroupKind) bool { return k.Kind == kind })
	if i < 0 {
		return "", false
	}
	return lint.Workloads[i].Group, true
}
