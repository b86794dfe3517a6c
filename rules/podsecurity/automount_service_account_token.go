package podsecurity

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var automountServiceAccountToken = &lint.Rule{
	ID:         "automount-service-account-token",
	Title:      "pod gets a token for the API that it has no use for",
	Why:        "The token lets whoever breaks into the pod talk to the Kubernetes API. No role is bound to its account, so the program itself can do nothing with it.",
	Fix:        "Set automountServiceAccountToken to false in the pod or in its ServiceAccount.",
	Since:      "0.1.0",
	Severity:   lint.Low,
	Category:   lint.RBAC,
	Frameworks: []string{"CIS-1.12:5.1.6", "MITRE:T1552.007", "NSA-CISA"},
	Profile:    lint.Strict,
	Kinds:      lint.Workloads,
	Joins:      slices.Concat(cluster.Bindings, []schema.GroupKind{cluster.ServiceAccount}),
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		for _, o := range p.Judged() {
			w, ok := o.Workload()
			if !ok || w.IsZero() || !x.Automounts(o) {
				continue
			}
			a, _ := cluster.AccountOf(o)
			// A binding may stand in what could not be rendered.
			if !p.Complete(a.Namespace) || !p.Complete("") {
				continue
			}
			// default-service-account-used speaks about that one; and where someone
			// else made the account, they may have bound it.
			if a.Name == "default" || len(x.Named(o, cluster.ServiceAccount, a.Namespace, a.Name)) == 0 || len(x.Bound(a)) > 0 {
				continue
			}
			p.ReportOn(o, p.Rule.Severity, w.Path.Child("automountServiceAccountToken"), "the pod gets a token of the service account %q, to which no role is bound", a.Name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
  namespace: shop
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
    spec: # want: service account "web"
      serviceAccountName: web
      containers:
        - name: web
          image: registry.example/web:1.4.2
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: report
  namespace: shop
automountServiceAccountToken: false
---
# The pod's own value wins over its account's.
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
  namespace: shop
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          serviceAccountName: report
          automountServiceAccountToken: true # want: service account "report"
          restartPolicy: Never
          containers:
            - name: report
              image: registry.example/report:1.0.0
---
# A binding for an account of the same name elsewhere changes nothing.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: report
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
  - {kind: ServiceAccount, name: report, namespace: other}
-- good-incomplete.yaml --
# incomplete
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
  namespace: shop
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  serviceAccountName: web
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  automountServiceAccountToken: false
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: report
  namespace: shop
automountServiceAccountToken: false
---
apiVersion: v1
kind: Pod
metadata:
  name: report
  namespace: shop
spec:
  serviceAccountName: report
  containers:
    - name: report
      image: registry.example/report:1.0.0
---
# This account is used.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: operator
  namespace: shop
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: operator
  namespace: shop
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: operator}
subjects:
  - {kind: ServiceAccount, name: operator, namespace: shop}
---
apiVersion: v1
kind: Pod
metadata:
  name: operator
  namespace: shop
spec:
  serviceAccountName: operator
  containers:
    - name: operator
      image: registry.example/operator:1.0.0
---
# default-service-account-used's.
apiVersion: v1
kind: Pod
metadata:
  name: default
  namespace: shop
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
# This account was made elsewhere, and nobody here knows what it may do.
apiVersion: v1
kind: Pod
metadata:
  name: backup
  namespace: shop
spec:
  serviceAccountName: backup
  containers:
    - name: backup
      image: registry.example/backup:1.0.0
`,
}
