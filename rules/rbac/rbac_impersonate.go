package rbac

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var rbacImpersonate = &lint.Rule{
	ID: "rbac-impersonate", Severity: lint.High, Category: lint.RBAC, Since: "0.1.0",
	Title:      "role can impersonate identities",
	Why:        "Who can impersonate acts with the rights of whoever they name. Without a limit on the names that is everybody, and with groups it is system:masters, which no rule can stop.",
	Fix:        "Remove the verb impersonate, or name the identities that may be impersonated in resourceNames.",
	Frameworks: []string{"CIS-1.12:5.1.8", "MITRE:T1078"},
	Kinds:      roleKinds,
	Check: func(p *lint.Pass) {
		eachRule(p.Object, func(r *rbacv1.PolicyRule, path *field.Path) {
			path = path.Child("verbs").Index(verb(r, "impersonate"))
			switch what := impersonated(p.Object, r); what {
			case "":
			case "groups":
				p.ReportAs(lint.Critical, path, "every group can be impersonated, system:masters among them")
			default:
				p.Report(path, "%s can be impersonated without a limit on the names", what)
			}
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: proxy
rules:
  - apiGroups: [""]
    resources: ["users", "groups"]
    verbs: ["impersonate"] # want: system:masters among them
  - apiGroups: [""]
    resources: ["groups"]
    resourceNames: ["system:masters"]
    verbs: ["impersonate"] # want: system:masters
  - apiGroups: [""]
    resources: ["users"]
    verbs:
      - get
      - impersonate # want: users can be impersonated
  - apiGroups: ["authentication.k8s.io"]
    resources: ["userextras/scopes"]
    verbs: ["*"] # want: userextras/scopes
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: tenant
  namespace: shop
rules:
  - apiGroups: [""]
    resources: ["serviceaccounts"]
    verbs: ["impersonate"] # want: serviceaccounts
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: proxy
rules:
  - apiGroups: [""]
    resources: ["users"]
    resourceNames: ["jane"]
    verbs: ["impersonate"]
  - apiGroups: [""]
    resources: ["serviceaccounts"]
    verbs: ["get", "create"]
  - apiGroups: ["example.com"]
    resources: ["users"]
    verbs: ["*"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: grants-nothing
  namespace: shop
rules:
  - apiGroups: [""]
    resources: ["users"]
    verbs: ["impersonate"]
`,
}

// impersonated is the mightiest kind of identity that a rule of a role lets its
// holder impersonate without a limit on the names; "" for none.
func impersonated(role *manifest.Object, r *rbacv1.PolicyRule) string {
	if verb(r, "impersonate") < 0 {
		return ""
	}
	// Users, groups and uids have no namespace: in a Role they grant nothing.
	cluster := role.GroupKind() == kindClusterRole
	if cluster && covers(r, core, "groups") && (len(r.ResourceNames) == 0 || slices.Contains(r.ResourceNames, "system:masters")) {
		return "groups"
	}
	if len(r.ResourceNames) > 0 {
		return ""
	}
	_, what := anyResource(r, core, "serviceaccounts")
	if what == "" && cluster {
		if _, what = anyResource(r, core, "users"); what == "" {
			what = authnIdentity(r)
		}
	}
	return what
}

// authnIdentity is the resource of authentication.k8s.io that a rule names and
// that can be impersonated: uids, or the extra fields of a user.
func authnIdentity(r *rbacv1.PolicyRule) string {
	if !slices.Contains(r.APIGroups, authn) && !slices.Contains(r.APIGroups, rbacv1.APIGroupAll) {
		return ""
	}
	for _, name := range r.Resources {
		if name == "uids" || name == "userextras" || len(name) > len("userextras/") && name[:len("userextras/")] == "userextras/" {
			return name
		}
	}
	return ""
}
