package rbac

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var rbacEscalateOrBind = &lint.Rule{
	ID: "rbac-escalate-or-bind", Severity: lint.Critical, Category: lint.RBAC, Since: "0.1.0",
	Title:      "role can escalate its own rights",
	Why:        "The API server lets nobody grant rights they do not hold, unless they have the verb escalate (write any rights into a role) or bind (bind any role). Both make the holder cluster-admin as soon as they want to be.",
	Fix:        "Remove escalate and bind, and list the verbs where they come from a wildcard; if a controller must bind roles, name these in resourceNames.",
	Frameworks: []string{"CIS-1.12:5.1.8", "MITRE:T1098"},
	Kinds:      roleKinds,
	Check: func(p *lint.Pass) {
		eachRule(p.Object, func(r *rbacv1.PolicyRule, path *field.Path) {
			if !escalates(r) {
				return
			}
			at := verb(r, "escalate", "bind")
			_, what := anyResource(r, rbacv1.GroupName, "clusterroles", "roles")
			p.ReportAs(scoped(p.Object, p.Rule.Severity), path.Child("verbs").Index(at), "verb %q on %s lets its holder gain every right", r.Verbs[at], what)
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
    verbs: ["get", "bind"] # want: verb "bind" on clusterroles
  - apiGroups: ["rbac.authorization.k8s.io"]
    resources: ["roles", "rolebindings"]
    verbs:
      - "*" # want: verb "*" on roles
  - apiGroups: ["rbac.authorization.k8s.io"]
    resources: ["clusterroles"]
    resourceNames: ["tenant"]
    verbs: ["escalate"] # want: escalate
  - apiGroups: ["rbac.authorization.k8s.io"]
    resources: ["clusterroles"]
    resourceNames: ["cluster-admin"]
    verbs: ["bind"] # want: bind
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: tenants
  namespace: shop
rules:
  - apiGroups: ["*"]
    resources: ["*"]
    verbs: ["escalate"] # want
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
