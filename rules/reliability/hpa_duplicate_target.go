package reliability

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var hpaDuplicateTarget = &lint.Rule{
	ID:       "hpa-duplicate-target",
	Title:    "two autoscalers drive one workload",
	Why:      "Two autoscalers of one workload undo each other's work: the number of pods swings between what each of them wants. A vertical one that changes the requests of which the horizontal one measures the share does the same, since each correction of the one is a new fault for the other.",
	Fix:      "Keep one autoscaler and give it all the metrics. Beside a horizontal one let the vertical one manage other resources than those it scales by (controlledResources), or only recommend (updateMode Off).",
	Since:    "0.1.0",
	Severity: lint.Medium,
	Category: lint.Reliability,
	Kinds:    autoscalerKinds,
	Joins:    lint.Workloads,
	CheckAll: func(p *lint.Pass) {
		reported := map[*manifest.Object]bool{}
		for _, target := range p.Judged(lint.Any...) {
			all := scalersOf(p, target)
			for i, a := range all {
				if reported[a.Object] || !p.Together(a.Object, target) {
					continue
				}
				for _, b := range all[:min(i, maxRivals)] {
					path, what := conflict(a, b)
					if what == "" || !p.Together(a.Object, b.Object) || sameObject(a, b) {
						continue
					}
					// Many autoscalers of one target are as many faults, not their pairs.
					reported[a.Object] = true
					p.ReportOn(a.Object, p.Rule.Severity, path.Path, "%s %q is %s by %s %q, too", target.GVK.Kind, target.Name, what, b.GVK.Kind, b.Name)
					break
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web-memory, namespace: shop}
spec:
  maxReplicas: 5
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: web # want: Deployment "web" is scaled by HorizontalPodAutoscaler "web", too
  metrics:
    - type: Resource
      resource: {name: memory, target: {type: AverageValue, averageValue: 1Gi}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web-queue, namespace: shop}
spec:
  scaleTargetRef:
    name: web # want: Deployment "web" is scaled by HorizontalPodAutoscaler "web", too
  triggers: []
---
# By default it changes both resources of running pods.
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  targetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: web # want: Deployment "web" is scaled by its share of requests by HorizontalPodAutoscaler "web", too
-- bad-vertical.yaml --
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
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: db, namespace: shop}
spec:
  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: db}
  updatePolicy: {updateMode: Initial}
---
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: db-2, namespace: shop}
spec:
  targetRef:
    apiVersion: apps/v1
    kind: StatefulSet
    name: db # want: StatefulSet "db" is sized by VerticalPodAutoscaler "db", too
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
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}
---
# It takes the other resource.
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  resourcePolicy:
    containerPolicies:
      - containerName: "*"
        controlledResources: [memory]
---
# Of the same name in another namespace.
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: other}
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
---
# KEDA takes this one over.
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api, namespace: shop}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: api
  namespace: shop
  annotations: {scaledobject.keda.sh/transfer-hpa-ownership: "true"}
spec:
  scaleTargetRef: {name: api}
  advanced: {horizontalPodAutoscalerConfig: {name: api}}
  triggers: []
---
# It only recommends.
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: api, namespace: shop}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
  updatePolicy: {updateMode: "Off"}
-- good-same.yaml --
# One object, written twice.
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
`,
}

// maxRivals is with how many autoscalers of one workload each other one is
// compared. Two are too many already.
const maxRivals = 10

// sameObject says that two autoscalers are one object, which two units give.
func sameObject(a, b *autoscaler) bool {
	return a.GroupKind() == b.GroupKind() && a.Namespace == b.Namespace && a.Name == b.Name
}

// conflict says what two autoscalers of one workload both do to it, and where the
// first one names it; "" for nothing.
func conflict(a, b *autoscaler) (at manifest.Value, what string) {
	at = a.ref.Get("name")
	switch {
	case !a.vertical && !b.vertical:
		if !takesOver(a, b) && !takesOver(b, a) {
			return at, "scaled"
		}
	case a.vertical && b.vertical:
		if len(a.resizes()) > 0 && len(b.resizes()) > 0 || a.mode() == "Initial" && b.mode() != "Off" || b.mode() == "Initial" && a.mode() != "Off" {
			return at, "sized"
		}
	default:
		vertical, horizontal := a, b
		if b.vertical {
			vertical, horizontal = b, a
		}
		resources := vertical.resizes()
		for _, u := range horizontal.utilizations() {
			if slices.Contains(resources, string(u.resource)) {
				if a.vertical {
					return at, "scaled by its share of requests"
				}
				return at, "sized"
			}
		}
	}
	return at, ""
}

// takesOver says that a ScaledObject makes a HorizontalPodAutoscaler its own:
// https://keda.sh/docs/latest/reference/scaledobject-spec/#transfer-ownership-of-an-existing-hpa
func takesOver(a, b *autoscaler) bool {
	return a.GroupKind() == kindScaledObject && b.GroupKind() == kindHPA &&
		a.Value("metadata", "annotations").Key("scaledobject.keda.sh/transfer-hpa-ownership").True() &&
		a.Value("spec", "advanced", "horizontalPodAutoscalerConfig", "name").Text() == b.Name
}

// mode is how a vertical autoscaler brings its recommendations to the pods:
// https://github.com/kubernetes/autoscaler/blob/master/vertical-pod-autoscaler/docs/quickstart.md
func (a *autoscaler) mode() string {
	mode := a.Value("spec", "updatePolicy", "updateMode")
	switch {
	case mode.Text() == "Off", mode.False(), !mode.Known():
		// Without quotes it is the boolean.
		return "Off"
	case mode.Text() == "Initial":
		return "Initial"
	}
	return "Recreate"
}

// resizes are the resources of running pods that a vertical autoscaler changes.
func (a *autoscaler) resizes() []string {
	if a.mode() != "Recreate" {
		return nil
	}
	policies := a.Value("spec", "resourcePolicy", "containerPolicies").Items()
	if len(policies) == 0 {
		return []string{"cpu", "memory"}
	}
	var all []string
	for _, policy := range policies {
		switch controlled := policy.Get("controlledResources"); {
		case policy.Get("mode").Text() == "Off", policy.Get("mode").False():
		case controlled.Written():
			all = append(all, controlled.Texts()...)
		default:
			all = append(all, "cpu", "memory")
		}
	}
	return all
}
