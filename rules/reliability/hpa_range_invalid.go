package reliability

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var hpaRangeInvalid = &lint.Rule{
	ID:       "hpa-range-invalid",
	Title:    "HorizontalPodAutoscaler has no room to scale",
	Why:      "The API server refuses a HorizontalPodAutoscaler whose maxReplicas is below minReplicas or below 1. Where both are the same it is accepted, and never changes anything: under load no pods are added.",
	Fix:      "Set maxReplicas above minReplicas, or remove the HorizontalPodAutoscaler and set the workload's replicas.",
	Since:    "0.1.0",
	Severity: lint.Medium,
	Category: lint.Reliability,
	Kinds:    []schema.GroupKind{kindHPA},
	Check: func(p *lint.Pass) {
		minimum, maximum := p.Object.Value("spec", "minReplicas"), p.Object.Value("spec", "maxReplicas")
		// schema-validation speaks for a maximum that is not there.
		most, ok := maximum.Int()
		if !ok {
			return
		}
		least := int64(1)
		if minimum.Written() {
			if least, ok = minimum.Int(); !ok {
				return
			}
		}
		switch {
		case most < 1:
			p.ReportAs(lint.High, maximum.Path, "maxReplicas is %d, and must be 1 at least", most)
		case most < least:
			p.ReportAs(lint.High, maximum.Path, "maxReplicas is %d, less than minReplicas, which is %d", most, least)
		case most == least:
			p.Report(maximum.Path, "maxReplicas and minReplicas are both %d: nothing is ever scaled", most)
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
  minReplicas: 5
  maxReplicas: 2 # want high: maxReplicas is 2, less than minReplicas, which is 5
---
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata:
  name: none
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: none}
  minReplicas: 0
  maxReplicas: 0 # want high: must be 1 at least
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: same
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: same}
  minReplicas: 3
  maxReplicas: 3 # want medium: both 3
---
# Without a minimum it is 1.
apiVersion: autoscaling/v2beta2
kind: HorizontalPodAutoscaler
metadata:
  name: one
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: one}
  maxReplicas: 1 # want medium: both 1
-- good.yaml --
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 2
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: substituted
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: substituted}
  minReplicas: ${MIN}
  maxReplicas: 2
`,
}
