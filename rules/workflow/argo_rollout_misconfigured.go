package workflow

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// leastScaleDownDelay is what Argo Rollouts recommends at least, in seconds:
// https://argo-rollouts.readthedocs.io/en/stable/features/bluegreen/.
const leastScaleDownDelay = 30

var argoRolloutMisconfigured = &lint.Rule{
	ID: "argo-rollout-misconfigured", Severity: lint.Info, Category: lint.Workflow, Since: "0.1.0",
	Title:   "rollout cannot go on, or back, by itself",
	Why:     "A pause without a duration leaves two versions in service until somebody notices; without old ReplicaSets there is nothing to roll back to; when these are scaled down before all nodes have learned of the new ones, requests fail; and a rollout that does not abort at its deadline stays half done.",
	Fix:     "Give each pause a duration unless a person is meant to decide, keep some revisions, leave scaleDownDelaySeconds at 30 or more, and set progressDeadlineAbort to true.",
	Profile: lint.All,
	Kinds:   []schema.GroupKind{{Group: argo, Kind: "Rollout"}},
	Check: func(p *lint.Pass) {
		spec := p.Object.Value("spec")
		if v := spec.Get("revisionHistoryLimit"); v.Text() == "0" {
			p.Report(v.Path, "no old revision is kept to roll back to")
		}
		if v := spec.Get("progressDeadlineAbort"); v.False() {
			p.Report(v.Path, "the rollout goes on when it has passed its deadline")
		}
		for _, strategy := range []string{"blueGreen", "canary"} {
			v := spec.Get("strategy", strategy, "scaleDownDelaySeconds")
			if n, ok := v.Int(); ok && n < leastScaleDownDelay {
				p.Report(v.Path, "the old version is scaled down %d seconds after the switch, when nodes may still send requests to it", n)
			}
		}
		for _, step := range spec.Get("strategy", "canary", "steps").Items() {
			if pause := step.Get("pause"); pause.Written() && !pause.Get("duration").Written() {
				p.Report(pause.Path, "the rollout waits at this step until somebody promotes it")
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: web
spec:
  revisionHistoryLimit: 0 # want: no old revision is kept
  progressDeadlineAbort: false # want: goes on when it has passed its deadline
  selector: {matchLabels: {app: web}}
  strategy:
    canary:
      steps:
        - setWeight: 20
        - pause: {} # want: waits at this step
        - setWeight: 60
        - pause: {duration: 10m}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "registry.example/web:1.0.0"}]
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: blue
spec:
  selector: {matchLabels: {app: blue}}
  strategy:
    blueGreen:
      activeService: blue
      scaleDownDelaySeconds: 5 # want: 5 seconds after the switch
  template:
    metadata: {labels: {app: blue}}
    spec:
      containers: [{name: web, image: "registry.example/web:1.0.0"}]
-- good.yaml --
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  revisionHistoryLimit: 3
  progressDeadlineAbort: true
  strategy:
    canary:
      scaleDownDelaySeconds: 30
      steps:
        - setWeight: 20
        - pause: {duration: 1h}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "registry.example/web:1.0.0"}]
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  revisionHistoryLimit: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "registry.example/web:1.0.0"}]
`,
}
