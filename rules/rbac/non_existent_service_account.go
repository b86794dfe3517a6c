package rbac

import (
	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var nonExistentServiceAccount = &lint.Rule{
	ID: "non-existent-service-account", Severity: lint.Low, Category: lint.RBAC, Since: "0.1.0",
	Title: "pod refers to a service account that is not there",
	Why:   "The API server refuses every pod whose service account does not exist: the Deployment is there, and nothing runs.",
	Fix:   "Correct the name or add the ServiceAccount. List accounts that others make, such as Terraform or an operator, in the option external.",
	Kinds: lint.Workloads,
	Joins: []schema.GroupKind{cluster.ServiceAccount},
	Options: []lint.Option{{
		Name: "external",
		Doc:  "Patterns of the names of service accounts that the repository does not hold.",
		// OpenShift and its pipelines make these in every namespace:
		// https://docs.redhat.com/en/documentation/openshift_container_platform/4.20/html/authentication_and_authorization/using-service-accounts.
		Default: []string{"builder", "deployer", "pipeline"},
		Valid:   lint.Glob,
	}},
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		for _, o := range p.Judged() {
			w, ok := o.Workload()
			// Without a namespace, or in a chart that nobody installs, nobody knows
			// what else is there.
			if !ok || w.IsZero() || o.Namespace == "" || p.UnitOf(o).Bare {
				continue
			}
			a, at := cluster.AccountOf(o)
			if a.Name == "default" || !manifest.Known(a.Name) || !p.Complete(a.Namespace) || len(x.Named(o, cluster.ServiceAccount, a.Namespace, a.Name)) > 0 {
				continue
			}
			elsewhere := p.Matches("external", a.Name)
			if !elsewhere {
				p.ReportOn(o, p.Rule.Severity, at, "there is no service account %q in namespace %q", a.Name, a.Namespace)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web # want: there is no service account "web" in namespace "shop"
      containers:
        - {name: web, image: "registry.example/web:1.0.0"}
---
# In another namespace.
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: other}
---
apiVersion: v1
kind: Pod
metadata: {name: old, namespace: shop}
spec:
  serviceAccount: old # want: there is no service account "old"
  containers:
    - {name: old, image: "registry.example/old:1.0.0"}
-- good.yaml --
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  serviceAccountName: web
  containers:
    - {name: web, image: "registry.example/web:1.0.0"}
---
# Every namespace has one.
apiVersion: v1
kind: Pod
metadata: {name: default, namespace: shop}
spec:
  serviceAccountName: default
  containers:
    - {name: web, image: "registry.example/web:1.0.0"}
---
apiVersion: v1
kind: Pod
metadata: {name: build, namespace: shop}
spec:
  serviceAccountName: builder
  containers:
    - {name: build, image: "registry.example/build:1.0.0"}
---
apiVersion: v1
kind: Pod
metadata: {name: variable, namespace: shop}
spec:
  serviceAccountName: ${ACCOUNT}
  containers:
    - {name: web, image: "registry.example/web:1.0.0"}
---
apiVersion: v1
kind: Pod
metadata: {name: somewhere}
spec:
  serviceAccountName: other
  containers:
    - {name: web, image: "registry.example/web:1.0.0"}
-- good-incomplete.yaml --
# incomplete
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  serviceAccountName: web
  containers:
    - {name: web, image: "registry.example/web:1.0.0"}
-- good-chart.yaml --
# unit: bare
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: default}
spec:
  serviceAccountName: web
  containers:
    - {name: web, image: "registry.example/web:1.0.0"}
`,
}
