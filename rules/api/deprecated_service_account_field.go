package api

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var deprecatedServiceAccountField = &lint.Rule{
	ID: "deprecated-service-account-field", Severity: lint.Low, Category: lint.APILifecycle, Since: "0.1.0",
	Title:   "field serviceAccount is deprecated",
	Why:     "The field serviceAccount is an old name of serviceAccountName. Where both are written and differ, serviceAccountName holds: the pod runs with other permissions than a reader of the first line expects.",
	Fix:     "Write serviceAccountName, and remove serviceAccount.",
	Profile: lint.Strict,
	Kinds:   lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		old, name := w.Pod.DeprecatedServiceAccount, w.Pod.ServiceAccountName
		path := w.Path.Child("serviceAccount")
		switch {
		case old == "" || old == name:
		case name == "":
			p.Report(path, "serviceAccount is deprecated: use serviceAccountName")
		case manifest.Known(old) && manifest.Known(name):
			p.ReportAs(lint.Medium, path, "serviceAccount is %q and has no effect: serviceAccountName is %q", old, name)
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
      serviceAccount: web # want low: use serviceAccountName
      containers:
        - {name: web, image: "registry.example/web:1.4.2"}
---
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  serviceAccount: web # want medium: serviceAccount is "web" and has no effect: serviceAccountName is "admin"
  serviceAccountName: admin
  containers:
    - {name: web, image: "registry.example/web:1.4.2"}
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  serviceAccountName: web
  containers:
    - {name: web, image: "registry.example/web:1.4.2"}
---
# As the API server writes it back.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  serviceAccount: web
  serviceAccountName: web
  containers:
    - {name: web, image: "registry.example/web:1.4.2"}
---
# Another kind's field of the same name.
apiVersion: example.com/v1
kind: Deployment
metadata:
  name: web
spec:
  serviceAccount: web
`,
}
