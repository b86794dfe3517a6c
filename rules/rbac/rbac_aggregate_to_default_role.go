package rbac

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var rbacAggregateToDefaultRole = &lint.Rule{
	ID: "rbac-aggregate-to-default-role", Severity: lint.Medium, Category: lint.RBAC, Since: "0.1.0",
	Title: "mighty rights are added to admin, edit or view",
	Why:   "The label adds the rules of this role to one of the roles that come with every cluster, for everybody whom that is granted to, and view is granted freely because it changes nothing and shows no Secrets.",
	Fix:   "Remove the label and bind the role to those who need it, or take the mighty rules out of it.",
	Kinds: []schema.GroupKind{kindClusterRole},
	Check: func(p *lint.Pass) {
		role, ok := p.Object.Typed().(*rbacv1.ClusterRole)
		if !ok || bootstrapped(role.Labels) {
			return
		}
		into := defaultRoles(role.Labels)
		if len(into) == 0 {
			return
		}
		// What reaches view reaches edit and admin, too.
		weakest := into[0]
		for i := range role.Rules {
			severity, what := aggregated(&role.Rules[i], weakest)
			if what == "" {
				continue
			}
			path := field.NewPath("metadata", "labels").Key(aggregateTo + weakest)
			p.ReportAs(severity, path, "whoever %s is granted to can %s", weakest, what)
			return
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: secrets
  labels:
    rbac.authorization.k8s.io/aggregate-to-edit: "true"
    rbac.authorization.k8s.io/aggregate-to-view: "true" # want medium: whoever view is granted to can read Secrets
rules:
  - apiGroups: [""]
    resources: ["secrets"]
    verbs: ["get", "list"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: restarts
  labels:
    rbac.authorization.k8s.io/aggregate-to-view: "true" # want medium: view is granted to can patch deployments
rules:
  - apiGroups: ["example.com"]
    resources: ["shops"]
    verbs: ["get"]
  - apiGroups: ["apps"]
    resources: ["deployments"]
    verbs: ["patch"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: tenants
  labels:
    rbac.authorization.k8s.io/aggregate-to-admin: "true" # want high: admin is granted to can give themselves every right
rules:
  - apiGroups: ["rbac.authorization.k8s.io"]
    resources: ["clusterroles"]
    verbs: ["bind"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: everything
  labels:
    rbac.authorization.k8s.io/aggregate-to-edit: "true" # want high: can update every resource
rules:
  - apiGroups: ["*"]
    resources: ["*"]
    verbs: ["update"]
-- good.yaml --
# What operators do with their own resources.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: shops-view
  labels:
    rbac.authorization.k8s.io/aggregate-to-view: "true"
rules:
  - apiGroups: ["example.com"]
    resources: ["*"]
    verbs: ["get", "list", "watch"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: shops-edit
  labels:
    rbac.authorization.k8s.io/aggregate-to-edit: "true"
rules:
  - apiGroups: ["example.com"]
    resources: ["*"]
    verbs: ["*"]
  # edit has these rights as it is.
  - apiGroups: [""]
    resources: ["secrets", "pods/exec"]
    verbs: ["get", "create"]
---
# Not aggregated; rbac-secrets-read-cluster-wide's.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: secrets
  labels:
    rbac.authorization.k8s.io/aggregate-to-view: "false"
rules:
  - apiGroups: [""]
    resources: ["secrets"]
    verbs: ["get", "list"]
---
# Questions about one's own rights change nothing.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: questions
  labels:
    rbac.authorization.k8s.io/aggregate-to-view: "true"
rules:
  - apiGroups: ["authorization.k8s.io"]
    resources: ["selfsubjectaccessreviews"]
    verbs: ["create"]
`,
}

// aggregated says what a rule gives to one of the built-in roles that it should
// not have, and how bad that is; "" for nothing.
func aggregated(r *rbacv1.PolicyRule, into string) (severity lint.Severity, what string) {
	write := slices.IndexFunc(r.Verbs, func(v string) bool { return v == rbacv1.VerbAll || slices.Contains(writes, v) })
	all := slices.Contains(r.Resources, rbacv1.ResourceAll) && (inGroup(r, core) || inGroup(r, rbacv1.GroupName))
	switch {
	case escalates(r):
		return lint.High, "give themselves every right"
	case len(r.ResourceNames) > 0:
	case write >= 0 && all && r.Verbs[write] == rbacv1.VerbAll:
		return lint.High, "do everything with every resource of " + few(r.APIGroups)
	case write >= 0 && all:
		return lint.High, r.Verbs[write] + " every resource"
	case into != "view":
	case covers(r, core, "secrets") && verb(r, "get", "list", "watch") >= 0:
		return lint.Medium, "read Secrets"
	case write >= 0 && len(r.Resources) > 0 && !asks(r):
		v := r.Verbs[write]
		if v == rbacv1.VerbAll {
			v = "do everything with"
		}
		return lint.Medium, v + " " + few(r.Resources)
	}
	return 0, ""
}

// asks says that all that a rule lets its holder write are questions to the API
// server.
func asks(r *rbacv1.PolicyRule) bool {
	return !slices.ContainsFunc(r.APIGroups, func(g string) bool { return g != "authorization.k8s.io" && g != authn })
}
