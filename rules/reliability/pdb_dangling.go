package reliability

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var pdbDangling = &lint.Rule{
	ID:       "pdb-dangling",
	Title:    "disruption budget covers no pod",
	Why:      "A budget whose selector matches no pod protects nothing: the pods that it was written for may all be evicted at once, while everyone believes that they are protected.",
	Fix:      "Write the labels of the pod template into the selector, and put the budget into the workload's namespace; or delete it.",
	Since:    "0.1.0",
	Severity: lint.Low,
	Category: lint.Reliability,
	// Pods that an operator makes are in no repository.
	Profile: lint.Strict,
	Kinds:   []schema.GroupKind{kindPDB},
	Joins:   slices.Concat(lint.Workloads, cluster.Makers),
	Options: []lint.Option{externalObjects},
	CheckAll: func(p *lint.Pass) {
		for _, b := range budgetsIn(p).all {
			selector := b.Value("spec", "selector")
			if len(b.covers) > 0 || b.unknown || !amongWorkloads(p, b.Object) || !p.Complete(b.Namespace) || makesPods(p, b.Namespace) ||
				external(p, b.GVK.Kind, b.Namespace, b.Name) {
				continue
			}
			p.ReportOn(b.Object, p.Rule.Severity, selector.Path, "PodDisruptionBudget %q selects no pod", b.Name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shop}
spec:
  maxUnavailable: 1
  selector: # want: PodDisruptionBudget "web" selects no pod
    matchLabels: {app: webb}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: other}
spec:
  maxUnavailable: 1
  selector: # want: PodDisruptionBudget "web" selects no pod
    matchLabels: {app: web}
---
# The labels of the Deployment are not those of its pods.
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: webb}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
-- good.yaml --
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shop}
spec:
  maxUnavailable: 1
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
# Whoever applies it says into which namespace, and with which labels.
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: anywhere}
spec:
  maxUnavailable: 1
  selector: {matchLabels: {app: web}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: later, namespace: shop}
spec:
  maxUnavailable: 1
  selector: {matchLabels: {app: "${APP}"}}
---
# The operator makes the pods.
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: db, namespace: db}
spec:
  maxUnavailable: 1
  selector: {matchLabels: {cnpg.io/cluster: db}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: db, namespace: db}
spec: {instances: 3}
-- good-alone.yaml --
# What it covers is installed in another way.
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shop}
spec:
  maxUnavailable: 1
  selector: {matchLabels: {app: web}}
-- good-incomplete.yaml --
# incomplete
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shop}
spec:
  maxUnavailable: 1
  selector: {matchLabels: {app: web}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: api, image: "registry.example/api:1.4.2"}]}
`,
}
