package governance

import "github.com/scantling-dev/scantling/lint"

var requiredLabelMissing = &lint.Rule{
	ID:       "required-label-missing",
	Title:    "required label is missing",
	Why:      "Labels say what an object belongs to and whom to ask about it. Without them nobody is found at night, costs are charged to nobody, and dashboards, policies and clean-ups that go by labels pass the object over.",
	Fix:      "Add the label to metadata.labels; for many objects at once with kustomize's labels, Flux's commonMetadata or a helper of the chart.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Governance,
	Profile:  lint.All,
	Kinds:    lint.Any,
	Options: []lint.Option{
		{
			Name:    "labels",
			Doc:     "The labels that are required, as key, or as key=pattern with a regular expression for the whole value.",
			Default: []string{"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/part-of", "owner"},
			Valid:   requirement,
		},
		kindsOption,
	},
	Check: func(p *lint.Pass) { require(p, "labels", p.Option("labels")) },
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: # want: Deployment "web" lacks the labels "app.kubernetes.io/instance", "app.kubernetes.io/part-of"
    app.kubernetes.io/name: web
    owner: team-shop
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app.kubernetes.io/instance: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
-- bad-pattern.yaml --
# options: labels=owner=team-.*,tier kinds=apps/Deployment,Secret,/Service
apiVersion: v1
kind: Secret
metadata:
  name: web
  labels: # want: Secret "web" has no label "tier"
    owner: my-team-shop # want: label "owner" of Secret "web" does not match "team-.*"
---
apiVersion: v1
kind: Service
metadata: # want: Service "web" lacks the labels "owner", "tier"
  name: web
spec: {selector: {app: web}, ports: [{port: 80}]}
-- good.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    app.kubernetes.io/name: web
    app.kubernetes.io/instance: web
    app.kubernetes.io/part-of: shop
    owner: team-shop
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
---
# Not one of the kinds.
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
-- good-pattern.yaml --
# options: labels=owner=team-.*
apiVersion: v1
kind: Service
metadata:
  name: web
  labels: {owner: team-shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata:
  name: later
  labels: {owner: "${OWNER}"}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
# Of another group.
apiVersion: serving.knative.dev/v1
kind: Configuration
metadata: {name: web}
`,
}
