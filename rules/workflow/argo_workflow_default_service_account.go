package workflow

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var argoWorkflowDefaultServiceAccount = &lint.Rule{
	ID: "argo-workflow-default-service-account", Severity: lint.Medium, Category: lint.Workflow, Since: "0.1.0",
	Title:   "workflow runs as the default service account",
	Why:     "Argo needs rights for the pods of a workflow, at the least to report their results. Granted to the default service account they are those of every pod in the namespace that names no other, and the steps of all workflows share what one of them needs.",
	Fix:     "Make a service account for the workflow with the rights that its steps need, and name it in serviceAccountName.",
	Profile: lint.Strict,
	Kinds:   workflows,
	Joins:   []schema.GroupKind{kindConfigMap},
	// A join: the controller's configuration may name an account for all.
	CheckAll: func(p *lint.Pass) {
		for _, o := range p.Judged() {
			spec := workflowSpec(o)
			account := spec.Get("serviceAccountName")
			switch {
			case account.Text() == "default":
				p.ReportOn(o, p.Rule.Severity, account.Path, "the workflow names the default service account")
			case account.Text() != "" || !runs(spec) || byDefault(p, o, "serviceAccountName"):
			case slices.ContainsFunc(podTemplates(spec), func(t manifest.Value) bool { return t.Get("serviceAccountName").Text() == "" }):
				p.ReportOn(o, p.Rule.Severity, account.Path, "the workflow names no service account, so that its pods run as the default one")
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  generateName: build-
spec: # want: the workflow names no service account
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
    serviceAccountName: default # want: names the default service account
    workflowTemplateRef: {name: build}
-- good.yaml --
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata:
  name: build
spec:
  entrypoint: build
  serviceAccountName: build
  templates:
    - name: build
      container: {image: "registry.example/build:1.0.0"}
---
# Each pod has an account of its own; the steps run in no pod.
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  name: accounts
spec:
  entrypoint: main
  templates:
    - name: main
      steps: [[{name: build, template: build}]]
    - name: build
      serviceAccountName: build
      script: {image: "registry.example/build:1.0.0", source: make}
---
# The template says which.
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  name: reference
spec:
  workflowTemplateRef: {name: build}
---
# Others call its parts.
apiVersion: argoproj.io/v1alpha1
kind: ClusterWorkflowTemplate
metadata:
  name: library
spec:
  templates:
    - name: build
      container: {image: "registry.example/build:1.0.0"}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: web
spec:
  source: {path: web}
-- good-default.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: argo-workflows-workflow-controller-configmap
data:
  workflowDefaults: |
    spec:
      serviceAccountName: workflow
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
