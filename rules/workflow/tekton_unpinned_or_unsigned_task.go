package workflow

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var tektonUnpinnedOrUnsignedTask = &lint.Rule{
	ID: "tekton-unpinned-or-unsigned-task", Severity: lint.Low, Category: lint.Workflow, Since: "0.1.0",
	Title:   "pipeline takes a task from elsewhere that is not pinned",
	Why:     "What the task does is decided when it runs, by whoever can move the tag or the branch that it is taken from. A build has the credentials for the sources and the registry: one changed task is in every image that follows.",
	Fix:     "Name a bundle by its digest, a Git revision by its commit. With Tekton's trusted resources, sign tasks and verify them.",
	Profile: lint.All,
	Kinds:   []schema.GroupKind{kindPipelineRun, kindTaskRun, kindPipeline},
	Check: func(p *lint.Pass) {
		spec := p.Object.Value("spec")
		switch p.Object.GroupKind() {
		case kindTaskRun:
			remote(p, "the task", spec.Get("taskRef"))
			return
		case kindPipelineRun:
			remote(p, "the pipeline", spec.Get("pipelineRef"))
			spec = spec.Get("pipelineSpec")
		}
		for _, t := range pipelineTasks(spec) {
			remote(p, "task "+quote(t.Get("name").Text()), t.Get("taskRef"))
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata:
  generateName: build-
spec:
  pipelineRef:
    resolver: git
    params:
      - {name: url, value: "https://example.com/acme/pipelines.git"}
      - {name: pathInRepo, value: build.yaml}
      - name: revision
        value: main # want: the pipeline is taken from the Git revision "main"
---
apiVersion: tekton.dev/v1
kind: TaskRun
metadata:
  generateName: build-
spec:
  taskRef:
    resolver: bundles
    params:
      - name: bundle
        value: ghcr.io/acme/tasks:1.0 # want: the task is taken from the bundle "ghcr.io/acme/tasks:1.0", which has no digest
      - {name: name, value: build}
      - {name: kind, value: task}
---
apiVersion: tekton.dev/v1beta1
kind: Pipeline
metadata:
  name: build
spec:
  tasks:
    - name: old
      taskRef:
        name: build
        bundle: ghcr.io/acme/tasks # want: task "old" is taken from the bundle
  finally:
    - name: page
      taskRef:
        resolver: http
        params:
          - name: url
            value: https://example.com/task.yaml # want: task "page" is taken from an address
    - name: branch
      taskRef: # want: task "branch" is taken from a Git repository without a revision
        resolver: git
        params:
          - {name: url, value: "https://example.com/acme/tasks.git"}
-- good.yaml --
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata:
  generateName: build-
spec:
  pipelineSpec:
    tasks:
      - name: bundle
        taskRef:
          resolver: bundles
          params:
            - {name: bundle, value: "ghcr.io/acme/tasks:1.0@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}
      - name: commit
        taskRef:
          resolver: git
          params:
            - {name: revision, value: 0123456789abcdef0123456789abcdef01234567}
      - name: variable
        taskRef:
          resolver: git
          params:
            - {name: revision, value: $(params.revision)}
      # What Pipelines as Code fills in.
      - name: template
        taskRef:
          resolver: git
          params:
            - {name: revision, value: "{{ revision }}"}
      # In the cluster it is what the repository put there.
      - name: cluster
        taskRef: {name: build}
      - name: inline
        taskSpec: {steps: [{name: build, image: "registry.example/build:1.0.0"}]}
      # A version of a hub stays what it is.
      - name: hub
        taskRef:
          resolver: hub
          params: [{name: name, value: git-clone}, {name: version, value: "0.9"}]
`,
}

// remote reports a reference whose resolver takes a task from elsewhere without
// saying which exactly: https://tekton.dev/docs/pipelines/resolution/.
func remote(p *lint.Pass, what string, ref manifest.Value) {
	params := map[string]manifest.Value{}
	for _, param := range ref.Get("params").Items() {
		params[param.Get("name").Text()] = param.Get("value")
	}
	if b := ref.Get("bundle"); b.Written() {
		params["bundle"] = b
	}
	switch bundle, revision, url := params["bundle"], params["revision"], params["url"]; {
	case ref.Get("resolver").Text() == "bundles" || ref.Get("bundle").Written():
		if settled(bundle) && !strings.Contains(bundle.Text(), "@sha256:") {
			p.Report(bundle.Path, "%s is taken from the bundle %q, which has no digest", what, bundle.Text())
		}
	case ref.Get("resolver").Text() == "git":
		switch {
		case !revision.Written():
			p.Report(ref.Path, "%s is taken from a Git repository without a revision", what)
		case settled(revision) && !isCommit(revision.Text()):
			p.Report(revision.Path, "%s is taken from the Git revision %q, which may be moved", what, revision.Text())
		}
	case ref.Get("resolver").Text() == "http" && settled(url) && !params["digest"].Written():
		p.Report(url.Path, "%s is taken from an address without a digest", what)
	}
}

// settled says that a parameter is written, and that nothing in it is filled in
// later.
func settled(v manifest.Value) bool {
	return v.Text() != "" && v.Known() && !strings.Contains(v.Text(), "$(") && !strings.Contains(v.Text(), "{{")
}

// isCommit says that a text is a whole commit's hash, by SHA-1 or SHA-256.
func isCommit(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}
