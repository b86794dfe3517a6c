package workflow

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var tektonSecurityContextMissing = &lint.Rule{
	ID: "tekton-security-context-missing", Severity: lint.Low, Category: lint.Workflow, Since: "0.1.0",
	Title:   "steps of a task have no security context",
	Why:     "Nothing keeps the steps from running as root with all default capabilities, and they run what others wrote: sources from a pull request, their build scripts, their dependencies.",
	Fix:     "Set securityContext in the run's podTemplate (taskRunTemplate.podTemplate of a PipelineRun), or in the task's stepTemplate or steps: runAsNonRoot true, allowPrivilegeEscalation false, capabilities dropped.",
	Profile: lint.All,
	Kinds:   []schema.GroupKind{kindTaskRun, kindPipelineRun, kindTask},
	Check: func(p *lint.Pass) {
		spec := p.Object.Value("spec")
		var specs []manifest.Value
		switch p.Object.GroupKind() {
		case kindTask:
			specs = []manifest.Value{spec}
		case kindTaskRun:
			specs = []manifest.Value{spec.Get("taskSpec")}
		case kindPipelineRun:
			for _, t := range pipelineTasks(spec.Get("pipelineSpec")) {
				specs = append(specs, t.Get("taskSpec"))
			}
		}
		// Of a task that is only named its own object speaks.
		for _, pod := range []manifest.Value{spec.Get("podTemplate"), spec.Get("taskRunTemplate", "podTemplate")} {
			if pod.Get("securityContext").Len() > 0 || !pod.Known() {
				return
			}
		}
		for _, task := range specs {
			if task.Get("stepTemplate", "securityContext").Len() > 0 {
				continue
			}
			steps := task.Get("steps").Items()
			i := slices.IndexFunc(steps, func(s manifest.Value) bool {
				// A step that is only named runs as its StepAction says.
				return !s.Get("ref").Written() && s.Get("securityContext").Len() == 0
			})
			if i >= 0 {
				p.Report(steps[i].Get("securityContext").Path, "neither step %q nor what it is part of has a security context", stepName(steps[i]))
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: tekton.dev/v1
kind: Task
metadata:
  name: build
spec:
  steps:
    - name: fetch
      image: registry.example/git:1.0.0
      securityContext: {runAsNonRoot: true}
    # One is enough to say it.
    - name: build # want: neither step "build" nor what it is part of
      image: registry.example/build:1.0.0
    - name: push
      image: registry.example/push:1.0.0
---
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata:
  generateName: build-
spec:
  pipelineSpec:
    tasks:
      - name: build
        taskSpec:
          steps:
            - image: registry.example/build:1.0.0 # want: neither step "unnamed"
---
apiVersion: tekton.dev/v1
kind: TaskRun
metadata:
  generateName: build-
spec:
  podTemplate:
    nodeSelector: {pool: builds}
  taskSpec:
    steps:
      - name: build # want: step "build"
        image: registry.example/build:1.0.0
-- good.yaml --
apiVersion: tekton.dev/v1
kind: Task
metadata:
  name: build
spec:
  stepTemplate:
    securityContext: {runAsNonRoot: true}
  steps:
    - name: build
      image: registry.example/build:1.0.0
---
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata:
  generateName: build-
spec:
  taskRunTemplate:
    podTemplate:
      securityContext: {runAsNonRoot: true}
  pipelineSpec:
    tasks:
      - name: build
        taskSpec: {steps: [{name: build, image: "registry.example/build:1.0.0"}]}
---
apiVersion: tekton.dev/v1
kind: TaskRun
metadata:
  generateName: build-
spec:
  podTemplate:
    securityContext: {runAsNonRoot: true}
  taskSpec: {steps: [{name: build, image: "registry.example/build:1.0.0"}]}
---
# The Task says it.
apiVersion: tekton.dev/v1
kind: TaskRun
metadata:
  generateName: named-
spec:
  taskRef: {name: build}
---
apiVersion: tekton.dev/v1
kind: Task
metadata:
  name: steps
spec:
  steps:
    - name: build
      image: registry.example/build:1.0.0
      securityContext: {runAsNonRoot: true}
    - name: action
      ref: {name: push}
`,
}

// stepName is the name of a step; Tekton makes one for a step without.
func stepName(step manifest.Value) string {
	if name := step.Get("name").Text(); name != "" {
		return name
	}
	return "unnamed"
}
