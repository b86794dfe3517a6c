package rbac

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var rbacAuthenticatedGroupBinding = &lint.Rule{
	ID: "rbac-authenticated-group-binding", Severity: lint.Critical, Category: lint.RBAC, Since: "0.1.0",
	Title: "role is granted to every authenticated identity",
	Why:   "The group system:authenticated holds every user and every service account of every pod, and on some managed clusters whoever has an account with the cloud's provider.",
	Fix:   "Bind the role to the groups or service accounts that need it.",
	Kinds: bindingKinds,
	Joins: roleKinds,
	CheckAll: func(p *lint.Pass) {
		for _, o := range p.Judged() {
			eachSubject(o, func(b binding, s *rbacv1.Subject, path *field.Path) {
				if s.Kind != rbacv1.GroupKind || s.Name != "system:authenticated" ||
					b.toClusterRole("system:basic-user", "system:discovery", "system:public-info-viewer") {
					return
				}
				severity := scoped(o, p.Rule.Severity)
				if readsOnly(p, o, b) {
					severity = lint.Low
				}
				p.ReportOn(o, severity, path, "role %q is granted to system:authenticated", b.ref.Name)
			})
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: everybody
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: view
subjects:
  - apiGroup: rbac.authorization.k8s.io # want critical: role "view" is granted to system:authenticated
    kind: Group
    name: system:authenticated
---
# What is public by intention.
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: keys
  namespace: pipelines
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: keys
subjects:
  - apiGroup: rbac.authorization.k8s.io # want low: role "keys"
    kind: Group
    name: system:authenticated
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: keys
  namespace: pipelines
rules:
  - apiGroups: [""]
    resources: ["secrets"]
    resourceNames: ["public-key"]
    verbs: ["get"]
  - apiGroups: ["example.com"]
    resources: ["policies"]
    verbs: ["get", "list", "watch"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: logs
  namespace: pipelines
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: logs
subjects:
  - apiGroup: rbac.authorization.k8s.io # want high: role "logs"
    kind: Group
    name: system:authenticated
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: logs
rules:
  - apiGroups: [""]
    resources: ["pods", "pods/log"]
    verbs: ["get"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: discovery
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: system:discovery
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: Group
    name: system:authenticated
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: staff
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: view
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: Group
    name: staff
`,
}

// readsOnly says that all that a binding grants is known, and is to read: custom
// resources, or objects that are named.
func readsOnly(p *lint.Pass, o *manifest.Object, b binding) bool {
	kind, namespace := kindRole, o.Namespace
	if b.ref.Kind == kindClusterRole.Kind {
		kind, namespace = kindClusterRole, ""
	}
	roles := cluster.Of(p).Named(o, kind, namespace, b.ref.Name)
	for _, role := range roles {
		rules := policyRules(role)
		if len(rules) == 0 || slices.ContainsFunc(rules, func(r rbacv1.PolicyRule) bool {
			if slices.ContainsFunc(r.Verbs, func(v string) bool { return v != "get" && v != "list" && v != "watch" }) {
				return true
			}
			return !custom(&r) && len(r.ResourceNames) == 0
		}) {
			return false
		}
	}
	return len(roles) > 0
}
