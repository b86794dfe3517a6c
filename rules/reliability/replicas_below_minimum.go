package reliability

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var replicasBelowMinimum = &lint.Rule{
	ID:       "replicas-below-minimum",
	Title:    "workload has too few replicas",
	Why:      "A workload of one pod is away whenever that pod is: when its node fails or is drained for an update, and while a new pod starts elsewhere.",
	Fix:      "Raise spec.replicas, or let a HorizontalPodAutoscaler scale the workload. Where only one pod may run at a time, the strategy Recreate says so, and this rule is silent.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    scaledKinds,
	Joins:    autoscalerKinds,
	Options: []lint.Option{{
		Name:    "min",
		Doc:     "The lowest number of replicas that is not reported; 0 replicas never are.",
		Default: []string{"2"},
		Valid:   lint.Whole(1),
	}},
	CheckAll: func(p *lint.Pass) {
		least := p.Number("min")
		for _, o := range kindsOf(p, scaledKinds) {
			// hpa-min-replicas speaks for what is scaled.
			if len(horizontalScalersOf(p, o)) > 0 || oneAtATime(o) {
				continue
			}
			v, replicas := o.Value("spec", "replicas"), int64(1)
			if v.Written() {
				n, ok := v.Int()
				if !ok {
					continue
				}
				replicas = n
			}
			if replicas > 0 && replicas < least {
				p.ReportOn(o, p.Rule.Severity, v.Path, "the number of replicas is %d, and should be %d at least", replicas, least)
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
  replicas: 1 # want: the number of replicas is 1, and should be 2 at least
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: registry.example/web:1.4.2
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
spec: # want: the number of replicas is 1
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
        - name: db
          image: registry.example/db:16.2
---
# Of another workload.
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: other
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: other}
  maxReplicas: 5
-- bad-option.yaml --
# options: min=3
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: web
spec:
  replicas: 2 # want: the number of replicas is 2, and should be 3 at least
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: registry.example/web:1.4.2
-- good.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: registry.example/web:1.4.2
---
# Switched off on purpose.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: "off"
spec:
  replicas: 0
  selector: {matchLabels: {app: "off"}}
  template:
    metadata: {labels: {app: "off"}}
    spec:
      containers:
        - name: "off"
          image: registry.example/web:1.4.2
---
# Two of it must not run at once.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: single
spec:
  strategy: {type: Recreate}
  selector: {matchLabels: {app: single}}
  template:
    metadata: {labels: {app: single}}
    spec:
      containers:
        - name: single
          image: registry.example/web:1.4.2
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: substituted
spec:
  replicas: ${REPLICAS}
  selector: {matchLabels: {app: substituted}}
  template:
    metadata: {labels: {app: substituted}}
    spec:
      containers:
        - name: web
          image: registry.example/web:1.4.2
-- good-scaled.yaml --
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
---
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata:
  name: web
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 5
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: worker
spec:
  replicas: 1
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec:
      containers:
        - name: worker
          image: registry.example/worker:1.4.2
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: worker
spec:
  scaleTargetRef: {name: worker}
  triggers: [{type: cpu, metadata: {value: "50"}}]
`,
}

// oneAtATime says that the old pod of a workload must be gone before a new one
// starts.
func oneAtATime(o *manifest.Object) bool {
	return o.Value("spec", "strategy", "type").Text() == "Recreate"
}
