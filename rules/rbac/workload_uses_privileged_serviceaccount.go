package rbac

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var workloadUsesPrivilegedServiceaccount = &lint.Rule{
	ID: "workload-uses-privileged-serviceaccount", Severity: lint.High, Category: lint.RBAC, Since: "0.1.0",
	Title:      "pod runs as an account with rights to take over the cluster",
	Why:        "The token of the service account lies in the pod's file system. Who breaks into the pod has the account's rights, and these lead to all others.",
	Fix:        "Narrow the role to what the workload needs, bind it in the namespaces that it works in, or set automountServiceAccountToken to false where the workload does not call the API.",
	Frameworks: []string{"MITRE:T1078"},
	Kinds:      lint.Workloads,
	Joins:      []schema.GroupKind{{Kind: "ServiceAccount"}, kindClusterRole, kindRoleBinding, kindClusterRoleBinding},
	CheckAll: func(p *lint.Pass) {
		x := newIndex(p.Objects)
		granted := grants(x, p.Objects)
		if len(granted) == 0 {
			return
		}
		unmounted := map[string]bool{}
		for _, o := range p.Objects {
			if sa, ok := o.Typed().(*corev1.ServiceAccount); ok && sa.AutomountServiceAccountToken != nil && !*sa.AutomountServiceAccountToken {
				unmounted[o.Namespace+"/"+o.Name] = true
			}
		}
		for _, o := range p.Objects {
			w, ok := o.Workload()
			// Without a namespace nobody knows whose account it is.
			if !ok || w.IsZero() || o.Namespace == "" {
				continue
			}
			name, field := w.Pod.ServiceAccountName, "serviceAccountName"
			if name == "" && w.Pod.DeprecatedServiceAccount != "" {
				name, field = w.Pod.DeprecatedServiceAccount, "serviceAccount"
			}
			if name == "" {
				name = "default"
			}
			id := o.Namespace + "/" + name
			if !mountsToken(w, unmounted[id]) {
				continue
			}
			g, ok := granted[id]
			for _, group := range [...]string{"system:serviceaccounts:" + o.Namespace, "system:serviceaccounts", "system:authenticated"} {
				if !ok {
					g, ok = granted[group]
				}
			}
			if !ok {
				continue
			}
			severity := p.Rule.Severity
			if reconcilerAccount(name) {
				severity = lint.Info
			}
			p.ReportOn(o, severity, w.Path.Child(field), "service account %q can %s, granted by ClusterRoleBinding %q", name, g.right, g.binding)
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

type grant struct{ right, binding string }

// grants gives, for every service account ("namespace/name") and group that a
// ClusterRoleBinding gives such a right to, the right and the binding.
func grants(x *index, objects []*manifest.Object) map[string]grant {
	granted := map[string]grant{}
	for _, o := range objects {
		b, ok := bindingOf(o)
		if !ok || o.GroupKind() != kindClusterRoleBinding || b.ref.Kind != "ClusterRole" {
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

// mountsToken says that the pod holds a token for the API server: by default,
// or by a projected volume.
func mountsToken(w *manifest.Workload, unmounted bool) bool {
	if a := w.Pod.AutomountServiceAccountToken; a != nil && *a || a == nil && !unmounted {
		return true
	}
	for i := range w.Pod.Volumes {
		projected := w.Pod.Volumes[i].Projected
		if projected == nil {
			continue
		}
		for _, source := range projected.Sources {
			if source.ServiceAccountToken != nil && source.ServiceAccountToken.Audience == "" {
				return true
			}
		}
	}
	return false
}
