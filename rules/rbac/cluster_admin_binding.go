package rbac

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var clusterAdminBinding = &lint.Rule{
	ID: "cluster-admin-binding", Severity: lint.High, Category: lint.RBAC, Since: "0.1.0",
	Title:      "subject is bound to cluster-admin",
	Why:        "The role cluster-admin may do everything. Whoever gets hold of one token of the subject owns the cluster, or, with a RoleBinding, the namespace.",
	Fix:        "Bind the subject to a role that lists the resources and verbs it needs; admin, edit and view in one namespace are a good start for people.",
	Frameworks: []string{"CIS-1.12:5.1.1", "MITRE:T1078", "NSA-CISA"},
	Kinds:      bindingKinds,
	Joins:      roleKinds,
	// A join, since a role of the repository may be cluster-admin by another
	// name.
	CheckAll: func(p *lint.Pass) {
		equals := map[string]bool{"cluster-admin": true}
		for _, o := range p.Of(kindClusterRole) {
			if r, ok := o.Typed().(*rbacv1.ClusterRole); ok && r.AggregationRule == nil && slices.ContainsFunc(r.Rules, ownsAll) {
				equals[r.Name] = true
			}
		}
		for _, o := range p.Judged() {
			eachSubject(o, func(b binding, s *rbacv1.Subject, path *field.Path) {
				// rbac-system-masters-binding speaks about that group.
				if b.ref.Kind != "ClusterRole" || !equals[b.ref.Name] || s.Name == "system:masters" {
					return
				}
				severity := scoped(o, p.Rule.Severity)
				if reconciler(s) {
					severity = lint.Info
				}
				what := "cluster-admin"
				if b.ref.Name != what {
					what = "ClusterRole " + b.ref.Name + ", which equals cluster-admin"
				}
				p.ReportOn(o, severity, path, "%s %q is bound to %s", s.Kind, s.Name, what)
			})
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: ci
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: cluster-admin
subjects:
  - kind: ServiceAccount # want: ServiceAccount "ci" is bound to cluster-admin
    name: ci
    namespace: ci
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: team
  namespace: shop
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: cluster-admin
subjects:
  - apiGroup: rbac.authorization.k8s.io # want: Group "shop"
    kind: Group
    name: shop
-- bad-flux.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: cluster-reconciler
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: cluster-admin
subjects:
  - kind: ServiceAccount # want
    name: kustomize-controller
    namespace: flux-system
-- bad-by-another-name.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: root
rules:
  - apiGroups: ["*"]
    resources: ["*"]
    verbs: ["*"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: root
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: root
subjects:
  - apiGroup: rbac.authorization.k8s.io # want: which equals cluster-admin
    kind: User
    name: jane
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: viewers
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: view
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: Group
    name: staff
---
# Nobody is bound.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: empty
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: cluster-admin
---
# A Role that is called cluster-admin is another one.
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: own
  namespace: shop
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: cluster-admin
subjects:
  - kind: ServiceAccount
    name: shop
    namespace: shop
`,
}

// ownsAll says that a rule grants what cluster-admin does.
func ownsAll(r rbacv1.PolicyRule) bool {
	return fullWildcard(&r) && slices.Contains(r.APIGroups, rbacv1.APIGroupAll)
}
