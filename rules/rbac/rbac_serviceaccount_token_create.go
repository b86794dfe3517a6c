package rbac

import (
	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var rbacServiceaccountTokenCreate = &lint.Rule{
	ID: "rbac-serviceaccount-token-create", Severity: lint.High, Category: lint.RBAC, Since: "0.1.0",
	Title:      "role can mint service account tokens",
	Why:        "A token of a service account carries all of its rights. Who can mint tokens for every account in reach has the rights of the mightiest one.",
	Fix:        "Name the service accounts in resourceNames, or remove the right.",
	Frameworks: []string{"CIS-1.12:5.1.13", "MITRE:T1528"},
	Kinds:      roleKinds,
	Check: func(p *lint.Pass) {
		eachRule(p.Object, func(r *rbacv1.PolicyRule, path *field.Path) {
			i := resource(r, core, "serviceaccounts/token")
			if i < 0 || verb(r, "create") < 0 || len(r.ResourceNames) > 0 {
				return
			}
			p.ReportAs(scoped(p.Object, p.Rule.Severity), path.Child("resources").Index(i), "tokens of every service account in reach can be minted through %s", r.Resources[i])
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: vault
rules:
  - apiGroups: [""]
    resources: ["serviceaccounts/token"] # want: serviceaccounts/token
    verbs: ["create"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: vault
  namespace: shop
rules:
  - apiGroups: [""]
    resources:
      - "*/token" # want
    verbs: ["*"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: vault
rules:
  - apiGroups: [""]
    resources: ["serviceaccounts/token"]
    resourceNames: ["app"]
    verbs: ["create"]
  - apiGroups: [""]
    resources: ["serviceaccounts"]
    verbs: ["create"]
  - apiGroups: ["authentication.k8s.io"]
    resources: ["tokenreviews"]
    verbs: ["create"]
`,
}
