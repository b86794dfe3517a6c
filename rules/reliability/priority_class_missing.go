package reliability

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var priorityClassMissing = &lint.Rule{
	ID:       "priority-class-missing",
	Title:    "pod has no priority class, or one that is not allowed",
	Why:      "When a node runs out of room, pods of higher priority push out those of lower priority. Without classes all are the same, and a batch job may stand where a pod that customers wait for should; a class that anybody may use lets one team push out another.",
	Fix:      "Set priorityClassName to the class that fits the workload.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Options: []lint.Option{{
		Name:  "allowed",
		Doc:   "The priority classes that may be used, in which * stands for any text; none means all.",
		Valid: lint.Glob,
	}},
	Check: func(p *lint.Pass) {
		w := p.Workload()
		name, at := w.Pod.PriorityClassName, w.Path.Child("priorityClassName")
		switch {
		case w.IsZero():
		case name == "":
			p.Report(at, "the pod has no priority class")
		case manifest.Known(name) && !allowed(p, name):
			p.Report(at, "priority class %q is not one of those that are allowed", name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec: # want: the pod has no priority class
          restartPolicy: Never
          containers:
            - name: report
              image: registry.example/report:1.0.0
-- bad-option.yaml --
# options: allowed=low,team-*
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  priorityClassName: system-node-critical # want: priority class "system-node-critical" is not one of those that are allowed
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good.yaml --
# options: allowed=low,team-*
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  priorityClassName: team-a
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Pod
metadata:
  name: api
spec:
  priorityClassName: ${CLASS}
  containers:
    - name: api
      image: registry.example/api:1.4.2
-- good-any.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  priorityClassName: high
  containers:
    - name: web
      image: registry.example/web:1.4.2
`,
}
