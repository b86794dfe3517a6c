package rbac

import (
	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/lint"
)

var defaultServiceAccountUsed = &lint.Rule{
	ID: "default-service-account-used", Severity: lint.Medium, Category: lint.RBAC, Since: "0.1.0",
	Title:      "pod holds a token of the default service account",
	Why:        "Every pod of the namespace that names no service account shares this one: a role that is bound to it for one of them is every pod's, and the log of the API server does not tell them apart.",
	Fix:        "Set automountServiceAccountToken to false in a pod that does not call the API; make a service account for one that does, and name it in serviceAccountName.",
	Frameworks: []string{"CIS-1.12:5.1.5", "MITRE:T1078.001"},
	Profile:    lint.Strict,
	Kinds:      lint.Workloads,
	Joins:      privilegeKinds,
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		for _, o := range p.Judged() {
			w, ok := o.Workload()
			if !ok || w.IsZero() || !x.Token(o) {
				continue
			}
			a, path := cluster.AccountOf(o)
			if a.Name != "default" {
				continue
			}
			// workload-uses-privileged-serviceaccount speaks about the worst case.
			if _, ok := privileged(p, o); ok {
				continue
			}
			if bound := x.Bound(a); a.Namespace != "" && len(bound) > 0 {
				p.ReportOn(o, p.Rule.Severity, path, "the pod holds a token of the service account \"default\", which %s %q grants a role to", bound[0].GVK.Kind, bound[0].Name)
				continue
			}
			use := ", to which no role is bound"
			if !p.Complete(a.Namespace) || !p.Complete("") {
				use = ""
			}
			p.ReportOn(o, lint.Low, path, "the pod holds a token of the service account \"default\"%s", use)
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
    spec: # want low: to which no role is bound
      containers:
        - name: web
          image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Pod
metadata:
  name: job
  namespace: batch
spec:
  serviceAccountName: default # want medium: RoleBinding "jobs" grants a role to
  containers:
    - name: job
      image: registry.example/job:1.0.0
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: jobs
  namespace: batch
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects:
  - {kind: ServiceAccount, name: default, namespace: batch}
-- bad-mounted.yaml --
apiVersion: v1
kind: ServiceAccount
metadata:
  name: default
  namespace: shop
automountServiceAccountToken: false
---
# The pod's own value wins over its account's.
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec: # want
  automountServiceAccountToken: true
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- bad-incomplete.yaml --
# incomplete
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec: # want: the pod holds a token
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good.yaml --
apiVersion: v1
kind: ServiceAccount
metadata:
  name: default
  namespace: shop
automountServiceAccountToken: false
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Pod
metadata:
  name: no-token
  namespace: other
spec:
  automountServiceAccountToken: false
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Pod
metadata:
  name: own
  namespace: other
spec:
  serviceAccountName: own
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
# workload-uses-privileged-serviceaccount's.
apiVersion: v1
kind: Pod
metadata:
  name: root
  namespace: root
spec:
  containers:
    - name: root
      image: registry.example/root:1.4.2
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: root
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects:
  - {kind: ServiceAccount, name: default, namespace: root}
---
# No workload.
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: other
spec:
  ports: [{port: 80}]
`,
}
