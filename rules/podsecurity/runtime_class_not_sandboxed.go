package podsecurity

import (
	"errors"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var runtimeClassNotSandboxed = &lint.Rule{
	ID:         "runtime-class-not-sandboxed",
	Title:      "untrusted workload shares the kernel of its node",
	Why:        "Containers share the kernel of their node, and one fault in it is a way out for code that nobody vetted. A sandboxed runtime such as gVisor or Kata Containers puts a second kernel in between.",
	Fix:        "Set runtimeClassName to a RuntimeClass of a sandboxed runtime.",
	Since:      "0.1.0",
	Severity:   lint.Medium,
	Category:   lint.PodSecurity,
	Frameworks: []string{"MITRE:T1611"},
	Profile:    lint.All,
	Kinds:      lint.Workloads,
	Options: []lint.Option{
		{Name: "untrusted", Doc: "Labels of pods that run untrusted code, as key or key=value; the sandboxes of agents always do.", Valid: validLabel},
		{Name: "runtime-classes", Doc: "Names of runtime classes that are sandboxed; * stands for any characters.", Valid: lint.Glob,
			Default: []string{"*gvisor*", "*runsc*", "*kata*", "*firecracker*", "*edera*"}},
	},
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if !slices.Contains(sandboxKinds, p.Object.GroupKind()) && !slices.ContainsFunc(p.Option("untrusted"), func(label string) bool {
			key, value, valued := strings.Cut(label, "=")
			has, ok := w.Meta.Labels[key]
			return ok && (!valued || has == value)
		}) {
			return
		}
		at, class := w.Path.Child("runtimeClassName"), w.Pod.RuntimeClassName
		switch {
		case class == nil || *class == "":
			p.Report(at, "the pod runs untrusted code without a sandboxed runtime")
		case manifest.Known(*class) && !p.Matches("runtime-classes", *class):
			p.Report(at, "the pod runs untrusted code with the runtime class %q, which is not sandboxed", *class)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: extensions.agents.x-k8s.io/v1beta1
kind: SandboxTemplate
metadata:
  name: python
spec:
  podTemplate:
    spec: # want: without a sandboxed runtime
      containers:
        - name: python
          image: registry.example/python:3.13.0
---
apiVersion: agents.x-k8s.io/v1beta1
kind: Sandbox
metadata:
  name: python
spec:
  podTemplate:
    spec:
      runtimeClassName: runc # want: the runtime class "runc", which is not sandboxed
      containers:
        - name: python
          image: registry.example/python:3.13.0
-- bad-untrusted.yaml --
# options: untrusted=trust=none,example.com/tenant runtime-classes=safe-*
apiVersion: batch/v1
kind: CronJob
metadata:
  name: build
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        metadata:
          labels: {trust: none}
        spec: # want
          restartPolicy: Never
          containers:
            - name: build
              image: registry.example/build:1.0.0
---
apiVersion: v1
kind: Pod
metadata:
  name: tenant
  labels: {example.com/tenant: blue}
spec:
  runtimeClassName: gvisor # want: "gvisor"
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Pod
metadata:
  name: safe
  labels: {trust: none}
spec:
  runtimeClassName: safe-vm
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Pod
metadata:
  name: trusted
  labels: {trust: full}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good.yaml --
apiVersion: extensions.agents.x-k8s.io/v1beta1
kind: SandboxTemplate
metadata:
  name: python
spec:
  podTemplate:
    spec:
      runtimeClassName: kata-qemu
      containers:
        - name: python
          image: registry.example/python:3.13.0
---
apiVersion: extensions.agents.x-k8s.io/v1beta1
kind: SandboxTemplate
metadata:
  name: variable
spec:
  podTemplate:
    spec:
      runtimeClassName: ${runtime_class}
      containers:
        - name: python
          image: registry.example/python:3.13.0
---
# Nothing says that it is not to be trusted.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
`,
}

func validLabel(s string) error {
	if key, _, _ := strings.Cut(s, "="); key == "" {
		return errors.New("it is the key of a label, or key=value")
	}
	return nil
}
