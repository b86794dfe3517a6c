package rbac

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
)

var rbacWildcardResources = &lint.Rule{
	ID: "rbac-wildcard-resources", Severity: lint.Medium, Category: lint.RBAC, Since: "0.1.0",
	Title:      "role reaches every resource of an API group",
	Why:        "Every resource includes the ones that lead to all others: who reads everything reads every Secret, and who creates everything runs commands in every pod. It includes what a later version of the API or an operator adds, too.",
	Fix:        "List the resources that are needed.",
	Frameworks: []string{"CIS-1.12:5.1.3", "NSA-CISA"},
	Kinds:      roleKinds,
	Joins:      bindingKinds,
	Options: []lint.Option{{
		Name:    "harmless",
		Doc:     "Whether wildcards are reported, too, that reach custom resources only, or that read no Secrets and change nothing.",
		Default: []string{"false"},
		Valid:   lint.Truth,
	}},
	CheckAll: func(p *lint.Pass) {
		report := func(r right, severity lint.Severity, list string, i int, format string, args ...any) {
			if severity > lint.Info || p.Yes("harmless") {
				p.ReportOn(r.role, severity, r.path.Child(list).Index(i), format, args...)
			}
		}
		eachRight(p, func(r right) {
			if i := slices.Index(r.Resources, rbacv1.ResourceAll); i >= 0 {
				severity, group, among := wildcardReach(r)
				report(r, severity, "resources", i, "%s on every resource of %s%s", few(r.Verbs), group, among)
			} else if i := slices.Index(r.APIGroups, rbacv1.APIGroupAll); i >= 0 && len(r.Resources) > 0 {
				severity := lint.Info
				if verb(r.PolicyRule, writes...) >= 0 {
					severity = r.weigh(lint.Low)
				}
				report(r, severity, "apiGroups", i, "%s on %s of every API group, those of custom resources included", few(r.Verbs), few(r.Resources))
			}
			i := slices.IndexFunc(r.NonResourceURLs, func(url string) bool { return url == rbacv1.NonResourceAll || url == "/*" })
			if i < 0 || !r.cluster() || slices.ContainsFunc(policyRules(r.role), ownsAll) {
				return
			}
			severity := lint.Info
			if verb(r.PolicyRule, "post", "put", "patch", "delete") >= 0 {
				severity = r.weigh(lint.Low)
			}
			report(r, severity, "nonResourceURLs", i, "%s on every path of the API server that is no resource", few(r.Verbs))
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: dashboard
rules:
  - apiGroups: ["*"]
    resources: ["*"] # want high: get, list, watch on every resource of all API groups, Secrets among them
    verbs: ["get", "list", "watch"]
  - apiGroups: ["policy", "apps"]
    resources:
      - deployments
      - "*" # want high: create, update on every resource of API group apps, Deployments and DaemonSets among them
    verbs: ["create", "update"]
  - apiGroups: ["networking.k8s.io"]
    resources: ["*"] # want medium: NetworkPolicies
    verbs: ["delete"]
  - apiGroups: ["*"] # want low: patch on deployments of every API group
    resources: ["deployments"]
    verbs: ["patch"]
  - nonResourceURLs: ["*"] # want low: on every path
    verbs: ["*"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: dashboard
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: dashboard}
subjects:
  - {kind: ServiceAccount, name: dashboard, namespace: dashboard}
-- bad-namespace.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: team
  namespace: shop
rules:
  - apiGroups: [""]
    resources: ["*"] # want medium: pods, Secrets and service accounts among them
    verbs: ["create", "update", "patch"]
  - apiGroups: [""]
    resources: ["*"] # want low: Secrets among them
    verbs: ["list"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: team
  namespace: kube-system
rules:
  - apiGroups: [""]
    resources: ["*"] # want high: Secrets among them
    verbs: ["list"]
---
# Nobody holds this one.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: read-all
rules:
  - apiGroups: ["*"]
    resources: ["*"] # want medium: Secrets among them
    verbs: ["get"]
-- bad-harmless.yaml --
# options: harmless=true
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: operator
rules:
  - apiGroups: ["example.com"]
    resources: ["*"] # want info: of API group example.com
    verbs: ["get", "update"]
  - apiGroups: ["apps"]
    resources: ["*"] # want info: of API group apps
    verbs: ["get", "list", "watch"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: operator
rules:
  # An operator and its own resources.
  - apiGroups: ["example.com"]
    resources: ["*"]
    verbs: ["get", "list", "watch", "update"]
  - apiGroups: ["apps"]
    resources: ["*"]
    verbs: ["get", "list", "watch"]
  # The scale of everything is all that there is to it.
  - apiGroups: ["*"]
    resources: ["*/scale"]
    verbs: ["get"]
  - nonResourceURLs: ["*"]
    verbs: ["get"]
---
# rbac-wildcard-all's.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: root
rules:
  - apiGroups: ["*"]
    resources: ["*"]
    verbs: ["*"]
  - nonResourceURLs: ["*"]
    verbs: ["*"]
---
# Webhooks are in no namespace: this grants nothing.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: webhooks
  namespace: shop
rules:
  - apiGroups: ["admissionregistration.k8s.io"]
    resources: ["*"]
    verbs: ["update"]
`,
}

// writes are the verbs that change something, or that admission asks for before
// a controller changes it.
var writes = []string{"create", "update", "patch", "delete", "deletecollection", "approve", "sign"}

// wildcardReach says how bad a wildcard resource is, of which API group, and
// what among the group's resources makes it so.
func wildcardReach(r right) (worst lint.Severity, group, among string) {
	group = "API group " + few(r.APIGroups)
	for _, g := range r.APIGroups {
		severity, kinds := wildcardGroup(r, g)
		if severity <= worst {
			continue
		}
		worst, among = severity, ", "+kinds+" among them"
		switch group = "API group " + g; g {
		case rbacv1.APIGroupAll:
			group = "all API groups"
		case core:
			group = "the core API group"
		}
	}
	return worst, group, among
}

// wildcardGroup says how bad a wildcard resource is in one API group: Info for
// what does no harm.
func wildcardGroup(r right, group string) (severity lint.Severity, among string) {
	all := group == rbacv1.APIGroupAll || group == core
	switch {
	case len(r.ResourceNames) > 0:
		return lint.Info, ""
	case all && verb(r.PolicyRule, writes...) >= 0:
		return r.weigh(lint.High), "pods, Secrets and service accounts"
	case all && verb(r.PolicyRule, "get", "list", "watch") >= 0:
		// As rbac-secrets-read-cluster-wide and -namespace have it.
		switch r.reach() {
		case everywhere:
			severity = lint.High
		case unbound:
			severity = lint.Medium
		case inNamespace:
			severity = lint.Low
		}
		return severity, "Secrets"
	case verb(r.PolicyRule, writes...) < 0:
		return lint.Info, ""
	}
	switch group {
	case "apps":
		return r.weigh(lint.High), "Deployments and DaemonSets"
	case "batch":
		return r.weigh(lint.High), "Jobs and CronJobs"
	case "networking.k8s.io":
		return r.weigh(lint.Medium), "NetworkPolicies"
	case rbacv1.GroupName:
		return r.weigh(lint.Medium), "roles and their bindings"
	}
	// The resources of these are in no namespace.
	if r.cluster() {
		switch group {
		case admission:
			return r.weigh(lint.High), "the webhooks that see every object"
		case certificates:
			return r.weigh(lint.High), "the approval of client certificates"
		case "apiregistration.k8s.io":
			return r.weigh(lint.High), "the API services that requests are passed on to"
		case "apiextensions.k8s.io":
			return r.weigh(lint.Medium), "the definitions of all custom resources"
		}
	}
	return lint.Info, ""
}
