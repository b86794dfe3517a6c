package workflow

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var argoWorkflowRunAsNonRoot = &lint.Rule{
	ID: "argo-workflow-run-as-non-root", Severity: lint.Low, Category: lint.Workflow, Since: "0.1.0",
	Title:   "pods of a workflow may run as root",
	Why:     "The steps of a workflow run what others wrote: builds, scripts, parameters from a request. Unless it is forbidden, they run as root when the image says so, held back from the node only by the kernel.",
	Fix:     "Set runAsNonRoot to true in the securityContext of the workflow, or for all in the controller's workflowDefaults, and use images with a numeric user.",
	Profile: lint.Strict,
	Kinds:   workflows,
	Joins:   []schema.GroupKind{kindConfigMap},
	// A join: the controller's configuration may forbid it for all.
	CheckAll: func(p *lint.Pass) {
		for _, o := range p.Judged() {
			spec := workflowSpec(o)
			pod := spec.Get("securityContext")
			if pod.Get("runAsNonRoot").False() {
				p.ReportOn(o, p.Rule.Severity, pod.Get("runAsNonRoot").Path, "the workflow allows its pods to run as root")
				continue
			}
			if notRoot(pod) || !runs(spec) || byDefault(p, o, "runAsNonRoot", "runAsUser") {
				continue
			}
			for _, t := range podTemplates(spec) {
				if !templateNotRoot(t) {
					p.ReportOn(o, p.Rule.Severity, pod.Get("runAsNonRoot").Path, "neither the workflow nor its template %q keeps pods from running as root", t.Get("name").Text())
					break
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  generateName: build-
spec: # want: neither the workflow nor its template "build"
  entrypoint: build
  templates:
    - name: build
      container: {image: "registry.example/build:1.0.0"}
---
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata:
  name: nightly
spec:
  schedule: "0 1 * * *"
  workflowSpec:
    entrypoint: build
    securityContext:
      runAsNonRoot: false # want: allows its pods to run as root
    templates:
      - name: build
        container: {image: "registry.example/build:1.0.0"}
-- good.yaml --
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata:
  name: build
spec:
  entrypoint: build
  securityContext: {runAsNonRoot: true}
  templates:
    - name: build
      container: {image: "registry.example/build:1.0.0"}
---
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  name: templates
spec:
  entrypoint: main
  templates:
    - name: main
      dag: {tasks: [{name: build, template: build}]}
    - name: build
      securityContext: {runAsUser: 1000}
      container: {image: "registry.example/build:1.0.0"}
    - name: script
      script: {image: "registry.example/build:1.0.0", source: make, securityContext: {runAsNonRoot: true}}
    # Its pod is Argo's own, as the controller's configuration has it.
    - name: wait
      resource: {action: get, manifest: ""}
      securityContext: {runAsNonRoot: true}
---
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  name: reference
spec:
  workflowTemplateRef: {name: build}
-- good-default.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: workflow-controller-configmap
data:
  workflowDefaults: |
    spec:
      securityContext:
        runAsNonRoot: true
---
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  name: build
spec:
  entrypoint: build
  templates:
    - name: build
      container: {image: "registry.example/build:1.0.0"}
`,
}

// notRoot says that a security context forbids root, or that it may.
func notRoot(v manifest.Value) bool {
	user, numeric := v.Get("runAsUser").Int()
	return v.Get("runAsNonRoot").True() || !v.Get("runAsNonRoot").Known() || numeric && user != 0
}

// templateNotRoot says that a template forbids root, for its pod or for each
// container that it names.
func templateNotRoot(t manifest.Value) bool {
	if notRoot(t.Get("securityContext")) {
		return true
	}
	containers := t.Get("containerSet", "containers").Items()
	for _, kind := range []string{"container", "script"} {
		if c := t.Get(kind); c.Written() {
			containers = append(containers, c)
		}
	}
	return len(containers) > 0 && !slices.ContainsFunc(containers, func(c manifest.Value) bool { return !notRoot(c.Get("securityContext")) })
}
