package rbac

import (
	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var workloadUsesPrivilegedServiceaccount = &lint.Rule{
	ID: "workload-uses-privileged-serviceaccount", Severity: lint.High, Category: lint.RBAC, Since: "0.1.0",
	Profile:    lint.Strict,
	Title:      "pod runs as an account with rights to take over the cluster",
	Why:        "The token of the service account lies in the pod's file system. Who breaks into the pod has the account's rights, and these lead to all others.",
	Fix:        "Narrow the role to what the workload needs, bind it in the namespaces that it works in, or set automountServiceAccountToken to false where the workload does not call the API.",
	Frameworks: []string{"MITRE:T1078"},
	Kinds:      lint.Workloads,
	Joins:      privilegeKinds,
	CheckAll: func(p *lint.Pass) {
		for _, o := range p.Judged() {
			g, ok := privileged(p, o)
			if !ok {
				continue
			}
			account, path := cluster.AccountOf(o)
			severity := p.Rule.Severity
			if reconcilerAccount(account.Name) {
				severity = lint.Info
			}
			p.ReportOn(o, severity, path, "service account %q can %s, granted by ClusterRoleBinding %q", account.Name, g.right, g.binding)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: sync
rules:
  - apiGroups: [""]
    resources: ["secrets"]
    verbs: ["list"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: sync
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: sync
subjects:
  - kind: ServiceAccount
    name: sync
    namespace: shop
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: sync
  namespace: shop
spec:
  selector:
    matchLabels: {app: sync}
  template:
    metadata:
      labels: {app: sync}
    spec:
      serviceAccountName: sync # want: service account "sync" can read every Secret, granted by ClusterRoleBinding "sync"
      containers:
        - name: sync
          image: example.com/sync:1.0
-- bad-default-account.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: everyone
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: cluster-admin
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: Group
    name: system:serviceaccounts:shop
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec: # want: service account "default" can do everything
  containers:
    - name: web
      image: example.com/web:1.0
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: sync
rules:
  - apiGroups: [""]
    resources: ["secrets"]
    verbs: ["list"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: sync
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: sync
subjects:
  - kind: ServiceAccount
    name: sync
    namespace: shop
---
# In one namespace only.
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: web
  namespace: shop
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: sync
subjects:
  - kind: ServiceAccount
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
      image: example.com/web:1.0
---
# The account of that name in another namespace is another one.
apiVersion: v1
kind: Pod
metadata:
  name: other
  namespace: other
spec:
  serviceAccountName: sync
  containers:
    - name: web
      image: example.com/web:1.0
---
apiVersion: v1
kind: Pod
metadata:
  name: no-token
  namespace: shop
spec:
  serviceAccountName: sync
  automountServiceAccountToken: false
  containers:
    - name: web
      image: example.com/web:1.0
`,
}

// privilegeKinds are the kinds that privileged looks at besides the workloads.
var privilegeKinds = []schema.GroupKind{cluster.ServiceAccount, kindClusterRole, kindRoleBinding, kindClusterRoleBinding}

type (
	grant     struct{ right, binding string }
	grantsKey struct{}
)

// privileged is what lets the pods of a workload take over the cluster: a token
// of a service account that such a right is granted to.
func privileged(p *lint.Pass, o *manifest.Object) (grant, bool) {
	granted := p.Shared(grantsKey{}, func() any { return grants(indexOf(p), p.Of(kindClusterRoleBinding)) }).(map[string]grant)
	w, ok := o.Workload()
	// Without a namespace nobody knows whose account it is.
	if !ok || w.IsZero() || o.Namespace == "" || len(granted) == 0 || !cluster.Of(p).Token(o) {
		return grant{}, false
	}
	account, _ := cluster.AccountOf(o)
	for _, id := range [...]string{account.Namespace + "/" + account.Name, "system:serviceaccounts:" + o.Namespace, "system:serviceaccounts", "system:authenticated"} {
		if g, ok := granted[id]; ok {
			return g, true
		}
	}
	return grant{}, false
}

// grants gives, for every service account ("namespace/name") and group that a
// ClusterRoleBinding gives such a right to, the right and the binding.
func grants(x *index, objects []*manifest.Object) map[string]grant {
	granted := map[string]grant{}
	for _, o := range objects {
		b, ok := bindingOf(o)
		if !ok || b.ref.Kind != "ClusterRole" {
			continue
		}
		right := x.takeover(b.ref.Name)
		if right == "" {
			continue
		}
		for i := range b.subjects {
			s := &b.subjects[i]
			id := s.Name
			if namespace, name, ok := account(s); ok {
				id = namespace + "/" + name
			} else if s.Kind != rbacv1.GroupKind {
				continue
			}
			if first, ok := granted[id]; !ok || o.Name < first.binding {
				granted[id] = grant{right, o.Name}
			}
		}
	}
	return granted
}
