package podsecurity

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var tooManyContainers = &lint.Rule{
	ID:       "too-many-containers",
	Title:    "pod has many containers",
	Why:      "The containers of a pod share its network, its account and its volumes, start and stop together, and grow only together. A pod of many is an application that one broken part gives away as a whole.",
	Fix:      "Move what need not run beside the others into a workload of its own.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.PodSecurity,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Options: []lint.Option{{
		Name:    "max",
		Doc:     "How many containers, sidecars included, a pod may have that run at the same time.",
		Default: []string{"5"},
		Valid:   lint.Whole(1),
	}},
	Check: func(p *lint.Pass) {
		w := p.Workload()
		n := int64(0)
		for _, c := range w.Containers() {
			if c.Kind == manifest.Regular || c.Kind == manifest.Sidecar {
				n++
			}
		}
		if most := p.Number("max"); n > most {
			p.Report(w.Path.Child("containers"), "the pod has %d containers, more than %d", n, most)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers:
        - {name: setup, image: registry.example/setup:1.4.2}
        - {name: proxy, image: registry.example/proxy:1.4.2, restartPolicy: Always}
      containers: # want: the pod has 6 containers, more than 5
        - {name: a, image: registry.example/a:1.4.2}
        - {name: b, image: registry.example/b:1.4.2}
        - {name: c, image: registry.example/c:1.4.2}
        - {name: d, image: registry.example/d:1.4.2}
        - {name: e, image: registry.example/e:1.4.2}
-- bad-options.yaml --
# options: max=1
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers: # want: more than 1
    - {name: a, image: registry.example/a:1.4.2}
    - {name: b, image: registry.example/b:1.4.2}
-- good.yaml --
# Init containers run one after the other, and are gone then.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  initContainers:
    - {name: a, image: registry.example/a:1.4.2}
    - {name: b, image: registry.example/b:1.4.2}
    - {name: c, image: registry.example/c:1.4.2}
    - {name: d, image: registry.example/d:1.4.2}
    - {name: e, image: registry.example/e:1.4.2}
    - {name: f, image: registry.example/f:1.4.2}
  containers:
    - {name: web, image: registry.example/web:1.4.2}
`,
}
