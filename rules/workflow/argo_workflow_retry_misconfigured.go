package workflow

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var argoWorkflowRetryMisconfigured = &lint.Rule{
	ID: "argo-workflow-retry-misconfigured", Severity: lint.Info, Category: lint.Workflow, Since: "0.1.0",
	Title:   "workflow does not stop when it should",
	Why:     "A retryStrategy without a limit starts a step that always fails again and again, with a new pod each time, until somebody stops it. With failFast false a graph goes on with its other branches although its result is lost.",
	Fix:     "Set limit in each retryStrategy, best with a backoff, and activeDeadlineSeconds on the workflow; leave failFast out.",
	Profile: lint.All,
	Kinds:   workflows,
	Check: func(p *lint.Pass) {
		spec := workflowSpec(p.Object)
		endless(p, spec.Get("retryStrategy"), "the workflow starts a step that fails")
		endless(p, spec.Get("templateDefaults", "retryStrategy"), "the workflow starts a step that fails")
		for _, t := range spec.Get("templates").Items() {
			name := t.Get("name").Text()
			endless(p, t.Get("retryStrategy"), "template "+quote(name)+" is started")
			if v := t.Get("dag", "failFast"); v.False() {
				p.Report(v.Path, "template %q goes on when one of its tasks has failed", name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  generateName: build-
spec:
  entrypoint: main
  retryStrategy: {} # want: the workflow starts a step that fails again without end
  templates:
    - name: main
      dag:
        failFast: false # want: template "main" goes on
        tasks: [{name: build, template: build}]
    - name: build
      retryStrategy: # want: template "build" is started again without end
        retryPolicy: Always
      container: {image: "registry.example/build:1.0.0"}
-- good.yaml --
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata:
  name: nightly
spec:
  schedule: "0 1 * * *"
  workflowSpec:
    entrypoint: build
    templates:
      - name: build
        retryStrategy: {limit: "2", retryPolicy: Always}
        container: {image: "registry.example/build:1.0.0"}
      - name: timed
        retryStrategy:
          backoff: {duration: "10", factor: "2", maxDuration: 5m}
        container: {image: "registry.example/build:1.0.0"}
      - name: condition
        retryStrategy:
          expression: "asInt(lastRetry.exitCode) == 2"
        container: {image: "registry.example/build:1.0.0"}
`,
}

// endless reports a retry strategy that nothing ends:
// https://argo-workflows.readthedocs.io/en/latest/retries/.
func endless(p *lint.Pass, v manifest.Value, what string) {
	if v.Written() && !v.Get("limit").Written() && !v.Get("expression").Written() && !v.Get("backoff", "maxDuration").Written() {
		p.Report(v.Path, "%s again without end", what)
	}
}
