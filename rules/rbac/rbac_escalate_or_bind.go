package rbac

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
)

var rbacEscalateOrBind = &lint.Rule{
	ID: "rbac-escalate-or-bind", Severity: lint.Critical, Category: lint.RBAC, Since: "0.1.0",
	Title:      "role can escalate its own rights",
	Why:        "The API server lets nobody grant rights they do not hold, unless they have the verb escalate (write any rights into a role) or bind (bind any role). Both make the holder cluster-admin as soon as they want to be.",
	Fix:        "Remove escalate and bind, and list the verbs where they come from a wildcard; if a controller must bind roles, name these in resourceNames.",
	Frameworks: []string{"CIS-1.12:5.1.8", "MITRE:T1098"},
	Kinds:      roleKinds,
	Joins:      bindingKinds,
	CheckAll: func(p *lint.Pass) {
		eachRight(p, func(r right) {
			if !escalates(r.PolicyRule) {
				return
			}
			at := verb(r.PolicyRule, "escalate")
			if at < 0 {
				at = verb(r.PolicyRule, "bind")
			}
			severity := p.Rule.Severity
			// It takes a role of those names that is bound to the holder.
			if r.Verbs[at] == "escalate" && len(r.ResourceNames) > 0 {
				severity = lint.High
			}
			_, what := anyResource(r.PolicyRule, rbacv1.GroupName, "clusterroles", "roles")
			p.ReportOn(r.role, r.weigh(severity), r.path.Child("verbs").Index(at), "verb %q on %s lets its holder gain every right", r.Verbs[at], what)
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
    resources: ["clusterroles"]
    verbs: ["get", "bind"] # want critical: verb "bind" on clusterroles
  - apiGroups: ["rbac.authorization.k8s.io"]
    resources: ["roles", "rolebindings"]
    verbs:
      - "*" # want: verb "*" on roles
  - apiGroups: ["rbac.authorization.k8s.io"]
    resources: ["clusterroles"]
    resourceNames: ["tenant"]
    verbs: ["bind", "escalate"] # want high: escalate
  - apiGroups: ["rbac.authorization.k8s.io"]
    resources: ["clusterroles"]
    resourceNames: ["cluster-admin"]
    verbs: ["bind"] # want critical: bind
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
  - apiGroups: ["*"]
    resources: ["*"]
    verbs: ["escalate"] # want high
---
# Nobody holds this one.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: spare
rules:
  - apiGroups: ["rbac.authorization.k8s.io"]
    resources: ["clusterroles"]
    verbs: ["bind"] # want high
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: tenants
rules:
  # The API server refuses to grant more than the holder has.
  - apiGroups: ["rbac.authorization.k8s.io"]
    resources: ["roles", "rolebindings"]
    verbs: ["create", "update", "patch", "delete"]
  # bind is asked for the role, not for the binding.
  - apiGroups: ["rbac.authorization.k8s.io"]
    resources: ["rolebindings"]
    verbs: ["*"]
  - apiGroups: ["rbac.authorization.k8s.io"]
    resources: ["clusterroles"]
    resourceNames: ["edit", "view"]
    verbs: ["bind"]
  - apiGroups: ["example.com"]
    resources: ["roles"]
    verbs: ["*"]
`,
}

// escalates says that a rule gives escalate or bind on roles. Binding only
// roles that are named is how a controller should do it; cluster-admin is the
// name that makes it worthless.
func escalates(r *rbacv1.PolicyRule) bool {
	if !covers(r, rbacv1.GroupName, "clusterroles", "roles") {
		return false
	}
	if verb(r, "escalate") >= 0 {
		return true
	}
	return verb(r, "bind") >= 0 && (len(r.ResourceNames) == 0 || slices.Contains(r.ResourceNames, "cluster-admin"))
}
