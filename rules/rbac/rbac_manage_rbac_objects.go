package rbac

import (
	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
)

var rbacManageRbacObjects = &lint.Rule{
	ID: "rbac-manage-rbac-objects", Severity: lint.Low, Category: lint.RBAC, Since: "0.1.0",
	Title:   "role can create or change roles or bindings",
	Why:     "The API server lets nobody grant more than they hold, but the holder can pass on all that they do hold, and keep it alive under another name after their own access was taken away.",
	Fix:     "Keep the roles and bindings in the repository, so that nothing in the cluster has to write them; where an operator must, grant it in the namespaces that it works in.",
	Profile: lint.All,
	Kinds:   roleKinds,
	Joins:   bindingKinds,
	CheckAll: func(p *lint.Pass) {
		of := map[string][]string{rbacv1.GroupName: {"roles", "rolebindings"}}
		ofCluster := map[string][]string{rbacv1.GroupName: {"roles", "rolebindings", "clusterroles", "clusterrolebindings"}}
		eachRight(p, func(r right) {
			of := of
			if r.cluster() {
				of = ofCluster
			}
			i, what := listed(r.PolicyRule, of)
			// rbac-escalate-or-bind speaks about what the API server does not stop.
			if i >= 0 && r.unlimited("create", "update", "patch") && !escalates(r.PolicyRule) {
				r.report(p.Rule.Severity, i, "%s can be created or changed", what)
			}
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: tenants
rules:
  - apiGroups: ["rbac.authorization.k8s.io"]
    resources: ["roles", "rolebindings"] # want low: roles, rolebindings can be created or changed
    verbs: ["get", "create"]
  - apiGroups: ["rbac.authorization.k8s.io"]
    resources: ["clusterrolebindings"] # want low: clusterrolebindings
    verbs: ["*"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: tenants
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: tenants}
subjects:
  - {kind: ServiceAccount, name: tenants, namespace: tenants}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: tenants
  namespace: shop
rules:
  - apiGroups: ["rbac.authorization.k8s.io"]
    resources: ["rolebindings"] # want info: rolebindings
    verbs: ["patch"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: tenants
rules:
  - apiGroups: ["rbac.authorization.k8s.io"]
    resources: ["roles", "rolebindings"]
    verbs: ["get", "list", "watch", "delete"]
  - apiGroups: ["rbac.authorization.k8s.io"]
    resources: ["rolebindings"]
    resourceNames: ["tenant"]
    verbs: ["update"]
  # rbac-escalate-or-bind's.
  - apiGroups: ["rbac.authorization.k8s.io"]
    resources: ["clusterroles"]
    verbs: ["create", "escalate"]
---
# Cluster-wide objects are out of a Role's reach.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: grants-nothing
  namespace: shop
rules:
  - apiGroups: ["rbac.authorization.k8s.io"]
    resources: ["clusterrolebindings"]
    verbs: ["create"]
`,
}
