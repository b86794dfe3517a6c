package rbac

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
)

var rbacWildcardVerbs = &lint.Rule{
	ID: "rbac-wildcard-verbs", Severity: lint.Medium, Category: lint.RBAC, Since: "0.1.0",
	Title:      "role grants every verb on a resource",
	Why:        "Every verb includes those that nobody thought of when the role was written, such as deletecollection, escalate, bind and impersonate, and those that a later version of the API adds.",
	Fix:        "List the verbs that are needed: get, list, watch, create, update, patch, delete are all that most controllers know.",
	Frameworks: []string{"CIS-1.12:5.1.3"},
	Profile:    lint.Strict,
	Kinds:      roleKinds,
	Joins:      bindingKinds,
	CheckAll: func(p *lint.Pass) {
		eachRight(p, func(r right) {
			at := slices.Index(r.Verbs, rbacv1.VerbAll)
			if at < 0 || len(r.Resources) == 0 || slices.Contains(r.Resources, rbacv1.ResourceAll) {
				return
			}
			// rbac-escalate-or-bind and rbac-impersonate speak about the worst
			// that the verb can mean.
			if escalates(r.PolicyRule) || impersonated(r.role, r.PolicyRule) != "" {
				return
			}
			severity := p.Rule.Severity
			if custom(r.PolicyRule) || len(r.ResourceNames) > 0 {
				severity = lint.Low
			}
			p.ReportOn(r.role, r.weigh(severity), r.path.Child("verbs").Index(at), "every verb is granted on %s", few(r.Resources))
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: deployer
rules:
  - apiGroups: ["apps"]
    resources: ["deployments", "statefulsets"]
    verbs: ["*"] # want medium: every verb is granted on deployments, statefulsets
  - apiGroups: ["example.com"]
    resources: ["shops"]
    verbs:
      - get
      - "*" # want low: shops
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: deployer
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: deployer}
subjects:
  - {kind: ServiceAccount, name: deployer, namespace: ci}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: deployer
  namespace: shop
rules:
  - apiGroups: [""]
    resources: ["configmaps", "services", "pods", "endpoints", "events"]
    verbs: ["*"] # want low: configmaps, services, pods and 2 more
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: deployer
rules:
  - apiGroups: ["apps"]
    resources: ["deployments"]
    verbs: ["get", "list", "watch", "create", "update", "patch", "delete"]
  # rbac-wildcard-all's.
  - apiGroups: ["apps"]
    resources: ["*"]
    verbs: ["*"]
  # rbac-escalate-or-bind's.
  - apiGroups: ["rbac.authorization.k8s.io"]
    resources: ["roles"]
    verbs: ["*"]
  # rbac-impersonate's.
  - apiGroups: [""]
    resources: ["serviceaccounts"]
    verbs: ["*"]
  - nonResourceURLs: ["/metrics"]
    verbs: ["*"]
`,
}
