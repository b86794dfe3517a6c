package reliability

import (
	"fmt"
	"slices"

	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
)

var pdbBlocksEviction = &lint.Rule{
	ID:       "pdb-blocks-eviction",
	Title:    "disruption budget allows no eviction",
	Why:      "A node with such a pod can't be drained: kubectl drain, the cluster autoscaler and the provider's upgrades wait for ever, or delete the pod after all once their patience ends. The update that was to close a hole in the node does not happen.",
	Fix:      "Let one pod be unavailable: maxUnavailable 1, or a minAvailable below the number of replicas. What runs a single replica and can't bear to be stopped needs a second one, not a budget. Cover each pod by one budget only.",
	Since:    "0.1.0",
	Severity: lint.Medium,
	Category: lint.Reliability,
	Kinds:    []schema.GroupKind{kindPDB},
	Joins:    slices.Concat(autoscalerKinds, lint.Workloads),
	CheckAll: func(p *lint.Pass) {
		for _, b := range budgetsIn(p).all {
			if field, why := blocks(p, b); why != "" {
				p.ReportOn(b.Object, p.Rule.Severity, b.Value("spec", field).Path, "PodDisruptionBudget %q never allows an eviction: %s", b.Name, why)
				continue
			}
			twice(p, b)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shop}
spec:
  maxUnavailable: 0 # want: PodDisruptionBudget "web" never allows an eviction: no pod may be unavailable
  selector: {matchLabels: {app: web}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: any, namespace: other}
spec:
  maxUnavailable: 0% # want: no pod may be unavailable
  selector: {matchLabels: {app: any}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: all, namespace: other}
spec:
  minAvailable: 100% # want: all pods must be available
  selector: {matchLabels: {app: all}}
-- bad-replicas.yaml --
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shop}
spec:
  minAvailable: 2 # want: 2 pods must be available, of 2 that run
  selector: {matchLabels: {app: web}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
---
# Percentages are rounded up.
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: db, namespace: shop}
spec:
  minAvailable: 70% # want: 3 pods must be available, of 3 that run
  selector: {matchLabels: {app: db}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  replicas: 3
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "registry.example/db:16.2"}]}
-- bad-autoscaled.yaml --
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shop}
spec:
  minAvailable: 1 # want: 1 pod must be available, of 1 that runs when HorizontalPodAutoscaler "web" has scaled down
  selector: {matchLabels: {app: web}}
---
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
-- bad-two.yaml --
# The API refuses to evict a pod that two budgets cover.
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shop}
spec:
  maxUnavailable: 1
  selector: {matchLabels: {app: web}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: shop, namespace: shop}
spec:
  maxUnavailable: 1
  selector: {} # want: the pods of Deployment "web" are covered by PodDisruptionBudget "web", too
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
-- good.yaml --
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shop}
spec:
  minAvailable: 2
  selector: {matchLabels: {app: web}}
---
# The budget counts the pods of both.
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web, track: stable}}
  template:
    metadata: {labels: {app: web, track: stable}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-canary, namespace: shop}
spec:
  selector: {matchLabels: {app: web, track: canary}}
  template:
    metadata: {labels: {app: web, track: canary}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.3"}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: some, namespace: other}
spec:
  maxUnavailable: 1%
  selector: {matchLabels: {app: some}}
---
# Nobody knows how many pods there are: an operator makes them.
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: db, namespace: db}
spec:
  minAvailable: 1
  selector: {matchLabels: {cnpg.io/cluster: db}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: later, namespace: shop}
spec:
  minAvailable: ${MIN}
  selector: {matchLabels: {app: later}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: later, namespace: shop}
spec:
  replicas: ${REPLICAS}
  selector: {matchLabels: {app: later}}
  template:
    metadata: {labels: {app: later}}
    spec: {containers: [{name: later, image: "registry.example/later:1.4.2"}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: later-max, namespace: shop}
spec:
  maxUnavailable: ${MAX}
  selector: {matchLabels: {app: later-max}}
---
# Switched off.
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: "off", namespace: shop}
spec:
  minAvailable: 1
  selector: {matchLabels: {app: "off"}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "off", namespace: shop}
spec:
  replicas: 0
  selector: {matchLabels: {app: "off"}}
  template:
    metadata: {labels: {app: "off"}}
    spec: {containers: [{name: "off", image: "registry.example/off:1.4.2"}]}
`,
}

// blocks says why a budget allows no eviction, and which of its fields says so; ""
// if it allows one. It counts as the disruption controller does
// (pkg/controller/disruption in kubernetes/kubernetes), which rounds percentages
// up.
func blocks(p *lint.Pass, b *budget) (field, why string) {
	if v := b.spec.MaxUnavailable; v != nil {
		n, err := intstr.GetScaledValueFromIntOrPercent(v, 100, true)
		if err == nil && n == 0 {
			return "maxUnavailable", "no pod may be unavailable"
		}
		return "", ""
	}
	v := b.spec.MinAvailable
	if v == nil {
		return "", ""
	}
	if v.Type == intstr.String && v.StrVal == "100%" {
		return "minAvailable", "all pods must be available"
	}
	running, scaler, known := running(p, b)
	if !known || running == 0 {
		return "", ""
	}
	least, err := intstr.GetScaledValueFromIntOrPercent(v, running, true)
	if err != nil || least < running {
		return "", ""
	}
	pods, run := "pods", "run"
	if least == 1 {
		pods = "pod"
	}
	if running == 1 {
		run = "runs"
	}
	why = fmt.Sprintf("%d %s must be available, of %d that %s", least, pods, running, run)
	if scaler != nil {
		why += fmt.Sprintf(" when %s %q has scaled down", scaler.GVK.Kind, scaler.Name)
	}
	return "minAvailable", why
}

// running is how many pods a budget covers at least, and one of the autoscalers
// that decide it.
func running(p *lint.Pass, b *budget) (n int, scaler *autoscaler, known bool) {
	if !p.Complete(b.Namespace) || len(b.covers) == 0 {
		return 0, nil, false
	}
	for _, o := range b.covers {
		least, ok := leastReplicas(p, o)
		if !ok || !slices.Contains(scaledKinds, o.GroupKind()) || !p.Together(b.Object, o) {
			return 0, nil, false
		}
		n += int(least)
		if all := horizontalScalersOf(p, o); len(all) > 0 {
			scaler = all[0]
		}
	}
	return n, scaler, true
}

// twice reports a budget that covers pods of a budget before it: the API server
// evicts no pod that has more than one
// (https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/).
func twice(p *lint.Pass, b *budget) {
	for _, o := range b.covers {
		for _, other := range budgetsIn(p).byWorkload[o] {
			if other == b {
				break
			}
			if !p.Together(b.Object, other.Object) || b.Namespace == other.Namespace && b.Name == other.Name {
				continue
			}
			p.ReportOn(b.Object, p.Rule.Severity, b.Value("spec", "selector").Path, "the pods of %s %q are covered by PodDisruptionBudget %q, too, and the API evicts no pod that has two", o.GVK.Kind, o.Name, other.Name)
			return
		}
	}
}
