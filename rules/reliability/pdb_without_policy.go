package reliability

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var pdbWithoutPolicy = &lint.Rule{
	ID:       "pdb-without-policy",
	Title:    "PodDisruptionBudget sets no threshold, or two",
	Why:      "A PodDisruptionBudget with neither minAvailable nor maxUnavailable allows no eviction at all: the disruption controller then counts none of the pods, and a node that holds one of them can't be drained. With both of them the API server refuses it.",
	Fix:      "Set one of minAvailable and maxUnavailable.",
	Since:    "0.1.0",
	Severity: lint.Medium,
	Category: lint.Reliability,
	Kinds:    []schema.GroupKind{kindPDB},
	// See getExpectedPodCount and updatePdbStatus in k8s.io/kubernetes
	// pkg/controller/disruption, ValidatePodDisruptionBudgetSpec in
	// pkg/apis/policy/validation.
	Check: func(p *lint.Pass) {
		spec := p.Object.Value("spec")
		least, most := spec.Get("minAvailable"), spec.Get("maxUnavailable")
		switch {
		case !least.Written() && !most.Written() && spec.Known():
			p.Report(spec.Path, "neither minAvailable nor maxUnavailable is set, and no pod may be evicted")
		case least.Written() && most.Written():
			p.ReportAs(lint.High, most.Path, "both minAvailable and maxUnavailable are set")
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: web
spec: # want medium: neither minAvailable nor maxUnavailable is set
  selector: {matchLabels: {app: web}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: api
spec:
  minAvailable: 1
  maxUnavailable: 0 # want high: both minAvailable and maxUnavailable are set
  selector: {matchLabels: {app: api}}
---
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata:
  name: nulls
spec: # want: neither
  minAvailable: null
  selector: {matchLabels: {app: nulls}}
-- good.yaml --
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: web
spec:
  maxUnavailable: 25%
  selector: {matchLabels: {app: web}}
---
# pdb-blocks-eviction speaks for what allows none on purpose.
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: db
spec:
  maxUnavailable: 0
  selector: {matchLabels: {app: db}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: substituted
spec:
  minAvailable: ${MIN_AVAILABLE}
  selector: {matchLabels: {app: substituted}}
`,
}
