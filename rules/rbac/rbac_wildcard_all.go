package rbac

import (
	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var rbacWildcardAll = &lint.Rule{
	ID: "rbac-wildcard-all", Severity: lint.Critical, Category: lint.RBAC, Since: "0.1.0",
	Title:      "role grants every verb on every resource",
	Why:        "Every verb on every resource includes reading Secrets, running commands in pods and giving oneself more rights, and it includes whatever a later version of the API adds.",
	Fix:        "List the resources and the verbs that are needed.",
	Frameworks: []string{"CIS-1.12:5.1.3", "NSA-CISA"},
	Kinds:      roleKinds,
	Joins:      bindingKinds,
	Options: []lint.Option{{
		Name:    "own-groups",
		Doc:     "Whether a wildcard over API groups that are not Kubernetes' own is reported, as an operator has it over its custom resources.",
		Default: []string{"false"},
		Valid:   lint.Truth,
	}},
	CheckAll: func(p *lint.Pass) {
		for _, o := range p.Judged() {
			rules := policyRules(o)
			for i := range rules {
				if r := &rules[i]; fullWildcard(r) && len(r.APIGroups) > 0 {
					severity, where := wildcardSeverity(r)
					if severity == lint.Low && !p.Yes("own-groups") {
						continue
					}
					path := field.NewPath("rules").Index(i)
					p.ReportOn(o, right{r, o, path, p}.weigh(severity), path, "every verb is granted on every resource of %s", where)
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: root
rules:
  - apiGroups: ["*"] # want: every resource of all API groups
    resources: ["*"]
    verbs: ["*"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: owner
  namespace: shop
rules:
  - apiGroups: ["", "apps"] # want: of the core API group
    resources: ["pods", "*"]
    verbs: ["get", "*"]
-- bad-own-groups.yaml --
# options: own-groups=true
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: owner
  namespace: shop
rules:
  - apiGroups: ["example.com"] # want info: of API group example.com
    resources: ["*"]
    verbs: ["*"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: reader
rules:
  - apiGroups: ["*"]
    resources: ["*"]
    verbs: ["get", "list", "watch"]
  - apiGroups: ["apps"]
    resources: ["deployments"]
    verbs: ["*"]
  - nonResourceURLs: ["*"]
    verbs: ["*"]
  # An operator's own custom resources.
  - apiGroups: ["example.com"]
    resources: ["*"]
    verbs: ["*"]
---
# The API server's own role, as an export of a cluster holds it.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: cluster-admin
  labels:
    kubernetes.io/bootstrapping: rbac-defaults
rules:
  - apiGroups: ["*"]
    resources: ["*"]
    verbs: ["*"]
---
# The controller overwrites the rules of an aggregated role.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: monitoring
aggregationRule:
  clusterRoleSelectors:
    - matchLabels:
        example.com/aggregate-to-monitoring: "true"
rules:
  - apiGroups: ["*"]
    resources: ["*"]
    verbs: ["*"]
`,
}

// wildcardSeverity weighs a full wildcard by what its API groups hold: an
// operator that owns all of its own custom resources can harm little else.
func wildcardSeverity(r *rbacv1.PolicyRule) (worst lint.Severity, where string) {
	for _, g := range r.APIGroups {
		severity, name := lint.Low, "API group "+g
		if builtin(g) {
			severity = lint.Medium
		}
		switch g {
		case rbacv1.APIGroupAll:
			severity, name = lint.Critical, "all API groups"
		case core:
			severity, name = lint.Critical, "the core API group"
		case rbacv1.GroupName:
			severity = lint.Critical
		case "apps", "batch", "extensions", admission, authn, certificates, "apiregistration.k8s.io", "apiextensions.k8s.io":
			severity = lint.High
		}
		if where == "" || severity > worst {
			worst, where = severity, name
		}
	}
	return worst, where
}
