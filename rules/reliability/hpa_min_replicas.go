package reliability

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var hpaMinReplicas = &lint.Rule{
	ID:       "hpa-min-replicas",
	Title:    "autoscaler goes down to too few replicas",
	Why:      "When there is little to do, an autoscaler leaves as many pods as its minimum says. A single one is away whenever its node fails or is drained.",
	Fix:      "Set minReplicas (minReplicaCount of a ScaledObject) to 2 or more.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    []schema.GroupKind{kindHPA, kindScaledObject},
	Options: []lint.Option{{
		Name:    "min",
		Doc:     "The lowest minimum that is not reported; 0, by which a workload is switched off while it has nothing to do, never is.",
		Default: []string{"2"},
		Valid:   lint.Whole(1),
	}},
	Check: func(p *lint.Pass) {
		// A ScaledObject goes down to none unless it says otherwise: that is what
		// KEDA is for (https://keda.sh/docs/latest/reference/scaledobject-spec/).
		name, unset := "minReplicas", int64(1)
		if p.Object.GroupKind() == kindScaledObject {
			name, unset = "minReplicaCount", 0
		}
		v, least := p.Object.Value("spec", name), unset
		if v.Written() {
			n, ok := v.Int()
			if !ok {
				return
			}
			least = n
		}
		if least > 0 && least < p.Number("min") {
			p.Report(v.Path, "the autoscaler goes down to %d, and should keep %d at least", least, p.Number("min"))
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1 # want: goes down to 1, and should keep 2 at least
  maxReplicas: 5
---
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata:
  name: api
spec: # want: goes down to 1
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
  maxReplicas: 5
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: worker
spec:
  scaleTargetRef: {name: worker}
  minReplicaCount: 1 # want: goes down to 1
  triggers: [{type: cpu, metadata: {value: "50"}}]
-- bad-option.yaml --
# options: min=3
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2 # want: should keep 3 at least
  maxReplicas: 5
-- good.yaml --
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 5
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: substituted
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: substituted}
  minReplicas: ${MIN}
  maxReplicas: 5
---
# Switched off while there is nothing to do.
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: worker
spec:
  scaleTargetRef: {name: worker}
  triggers: [{type: cpu, metadata: {value: "50"}}]
`,
}
