package governance

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
)

var sortedKeys = &lint.Rule{
	ID:       "sorted-keys",
	Title:    "keys are not sorted",
	Why:      "Where keys stand in one order everywhere, a duplicate is seen at once, and changes and manifests can be compared line by line. It is a matter of taste, and of no consequence on the cluster.",
	Fix:      "Sort the keys of each mapping by their names.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Governance,
	Profile:  lint.All,
	Kinds:    lint.Any,
	Check: func(p *lint.Pass) {
		// One finding for an object: whoever sorts it sorts all of it.
		if first := unsorted(p.Object.Value()); first.before != "" {
			p.Report(first.at.Path, "%s %q: key %q stands behind %q", p.Object.GVK.Kind, p.Object.Name, first.key, first.before)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Service
metadata:
  name: web
  labels: # want: key "labels" stands behind "name"
    app: web
spec:
  selector: {app: web}
  ports: [{port: 80}]
---
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - image: registry.example/web:1.4.2
      name: web
      env: [] # want: key "env" stands behind "name"
-- good.yaml --
apiVersion: v1
kind: Service
metadata:
  labels: {app: web}
  name: web
spec:
  ports: [{name: web, port: 80}, {name: admin, port: 81}]
  selector: {app: web}
---
# SOPS writes its block as it likes.
apiVersion: v1
kind: Secret
metadata: {name: web}
sops: {mac: abcd, lastmodified: "2026-01-01T00:00:00Z"}
`,
}

// disorder is a key that stands behind one that is greater.
type disorder struct {
	at          manifest.Value
	key, before string
}

// unsorted is the first key below a value that is out of order; zero for none.
func unsorted(v manifest.Value) disorder {
	if v.Node == nil {
		return disorder{}
	}
	if v.Node.Kind == yaml.SequenceNode {
		for _, item := range v.Items() {
			if d := unsorted(item); d.before != "" {
				return d
			}
		}
		return disorder{}
	}
	last := ""
	for key, below := range v.Entries() {
		if key < last {
			return disorder{below, key, last}
		}
		last = key
		if v.Path == nil && key == "sops" {
			// SOPS writes this, and always in its own order.
			continue
		}
		if d := unsorted(below); d.before != "" {
			return d
		}
	}
	return disorder{}
}
