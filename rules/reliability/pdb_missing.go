package reliability

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var pdbMissing = &lint.Rule{
	ID:       "pdb-missing",
	Title:    "replicated workload has no disruption budget",
	Why:      "When nodes are drained, for an upgrade or by an autoscaler, nothing says how many replicas must stay: all of them may be evicted at once, and the service is down although it has replicas.",
	Fix:      "Add a PodDisruptionBudget that selects the pods, with maxUnavailable 1 for example.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    scaledKinds,
	Joins:    slices.Concat([]schema.GroupKind{kindPDB}, autoscalerKinds, lint.Workloads),
	CheckAll: func(p *lint.Pass) {
		for _, o := range kindsOf(p, scaledKinds) {
			n, known := leastReplicas(p, o)
			if !known || n < 2 || len(budgetsIn(p).byWorkload[o]) > 0 || !p.Complete(o.Namespace) {
				continue
			}
			p.ReportOn(o, p.Rule.Severity, nil, "no PodDisruptionBudget covers the %d replicas of %s %q", n, o.GVK.Kind, o.Name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1 # want: no PodDisruptionBudget covers the 3 replicas of Deployment "web"
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
---
# It covers its own namespace only.
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: other}
spec:
  maxUnavailable: 1
  selector: {matchLabels: {app: web}}
---
# The autoscaler's minimum counts.
apiVersion: apps/v1 # want: the 2 replicas of StatefulSet "db"
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "registry.example/db:16.2"}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: db, namespace: shop}
spec:
  minReplicas: 2
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: db}
---
# In this version an empty selector takes no pod.
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata: {name: all, namespace: shop}
spec:
  maxUnavailable: 1
  selector: {}
-- good.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: front, namespace: shop}
spec:
  maxUnavailable: 1
  selector:
    matchExpressions: [{key: tier, operator: In, values: [front, edge]}]
---
# An empty selector takes all.
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: all, namespace: jobs}
spec:
  maxUnavailable: 1
  selector: {}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker, namespace: jobs}
spec:
  replicas: 3
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec: {containers: [{name: worker, image: "registry.example/worker:1.4.2"}]}
---
# One replica, or nobody knows how many.
apiVersion: apps/v1
kind: Deployment
metadata: {name: single, namespace: shop}
spec:
  selector: {matchLabels: {app: single}}
  template:
    metadata: {labels: {app: single}}
    spec: {containers: [{name: single, image: "registry.example/single:1.4.2"}]}
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
# The autoscaler goes down to one.
apiVersion: apps/v1
kind: Deployment
metadata: {name: scaled, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: scaled}}
  template:
    metadata: {labels: {app: scaled}}
    spec: {containers: [{name: scaled, image: "registry.example/scaled:1.4.2"}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: scaled, namespace: shop}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: scaled}
-- good-incomplete.yaml --
# incomplete
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
`,
}
