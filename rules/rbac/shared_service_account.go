package rbac

import (
	"fmt"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var sharedServiceAccount = &lint.Rule{
	ID: "shared-service-account", Severity: lint.Info, Category: lint.RBAC, Since: "0.1.0",
	Title:   "several workloads run as one service account",
	Why:     "What one of the workloads needs all of them may do, and the log of the API server does not tell them apart.",
	Fix:     "Make a service account for each workload, and bind to it what that workload needs.",
	Profile: lint.All,
	Kinds:   lint.Workloads,
	Joins:   cluster.Bindings,
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		// An account of one cluster, or of what is deployed at once.
		type where struct {
			cluster.Account
			deployed string
		}
		first := map[where]*manifest.Object{}
		for _, o := range p.Judged() {
			w, ok := o.Workload()
			if !ok || w.IsZero() || runsOnce(o) || o.Namespace == "" {
				continue
			}
			a, path := cluster.AccountOf(o)
			if a.Name == "default" || !manifest.Known(a.Name) || len(x.Bound(a)) == 0 {
				continue
			}
			u := p.UnitOf(o)
			at := where{a, "unit " + u.ID}
			if u.Cluster != "" {
				at.deployed = "cluster " + u.Cluster
			}
			other := first[at]
			if other == nil {
				first[at] = o
			} else if id(o) != id(other) {
				p.ReportOn(o, p.Rule.Severity, path, "service account %q is also that of %s", a.Name, id(other))
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  namespace: shop
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      serviceAccountName: shop
      containers:
        - {name: api, image: "registry.example/api:1.0.0"}
---
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
      serviceAccountName: shop # want: service account "shop" is also that of Deployment "api"
      containers:
        - {name: web, image: "registry.example/web:1.0.0"}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: shop
  namespace: shop
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects:
  - {kind: ServiceAccount, name: shop, namespace: shop}
-- good.yaml --
apiVersion: v1
kind: Pod
metadata: {name: one, namespace: shop}
spec:
  serviceAccountName: shop
  containers:
    - {name: one, image: "registry.example/one:1.0.0"}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: shop, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects:
  - {kind: ServiceAccount, name: shop, namespace: shop}
---
# The jobs of an installation.
apiVersion: batch/v1
kind: Job
metadata: {name: two, namespace: shop}
spec:
  template:
    spec:
      serviceAccountName: shop
      restartPolicy: Never
      containers:
        - {name: two, image: "registry.example/two:1.0.0"}
---
# Nothing is bound to this one.
apiVersion: v1
kind: ReplicationController
metadata: {name: three, namespace: shop}
spec:
  template:
    metadata: {labels: {app: three}}
    spec:
      serviceAccountName: idle
      containers:
        - {name: three, image: "registry.example/three:1.0.0"}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: four, namespace: shop}
spec:
  selector: {matchLabels: {app: four}}
  template:
    metadata: {labels: {app: four}}
    spec:
      serviceAccountName: idle
      containers:
        - {name: four, image: "registry.example/four:1.0.0"}
---
# The account of that name in another namespace is another one.
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: five, namespace: other}
spec:
  selector: {matchLabels: {app: five}}
  template:
    metadata: {labels: {app: five}}
    spec:
      serviceAccountName: shop
      containers:
        - {name: five, image: "registry.example/five:1.0.0"}
`,
}

// runsOnce says that an object is a task of its own, such as those of a chart's
// installation, which may well share an account.
func runsOnce(o *manifest.Object) bool {
	return o.GVK.Kind == "Job" || o.GVK.Kind == "Pod"
}

// id names an object within its namespace.
func id(o *manifest.Object) string { return fmt.Sprintf("%s %q", o.GVK.Kind, o.Name) }
