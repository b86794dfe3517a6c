package governance

import "github.com/scantling-dev/scantling/lint"

var requiredAnnotationMissing = &lint.Rule{
	ID:       "required-annotation-missing",
	Title:    "required annotation is missing",
	Why:      "Annotations that an organisation agreed on, such as whom to call or where the source is, help only if every object has them, and in the agreed form.",
	Fix:      "Add the annotation to metadata.annotations, with a value of the agreed form.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Governance,
	Profile:  lint.All,
	Kinds:    lint.Any,
	Options: []lint.Option{
		{
			Name:  "annotations",
			Doc:   "The annotations that are required, as key, or as key=pattern with a regular expression for the whole value; none unless it is set.",
			Valid: requirement,
		},
		kindsOption,
	},
	Check: func(p *lint.Pass) { require(p, "annotations", p.Option("annotations")) },
	Examples: `
-- bad.yaml --
# options: annotations=example.com/contact=.+@.+,example.com/source
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations: # want: Service "web" has no annotation "example.com/source"
    example.com/contact: somebody # want: annotation "example.com/contact" of Service "web" does not match ".+@.+"
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: # want: CronJob "report" lacks the annotations "example.com/contact", "example.com/source"
  name: report
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: report, image: "registry.example/report:1.0.0"}]
-- good.yaml --
# options: annotations=example.com/contact=.+@.+
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations: {example.com/contact: shop@example.com}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
# Not one of the kinds.
apiVersion: v1
kind: Secret
metadata: {name: web}
-- good-default.yaml --
# Nothing is required unless the option says so.
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`,
}
