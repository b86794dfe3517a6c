package rbac

import "github.com/scantling-dev/scantling/lint"

var rbacServiceaccountTokenCreate = &lint.Rule{
	ID: "rbac-serviceaccount-token-create", Severity: lint.High, Category: lint.RBAC, Since: "0.1.0",
	Profile:    lint.Strict,
	Title:      "role can mint service account tokens",
	Why:        "A token of a service account carries all of its rights. Who can mint tokens for every account in reach has the rights of the mightiest one.",
	Fix:        "Name the service accounts in resourceNames, or remove the right.",
	Frameworks: []string{"CIS-1.12:5.1.13", "MITRE:T1528"},
	Kinds:      roleKinds,
	Joins:      bindingKinds,
	CheckAll: func(p *lint.Pass) {
		eachRight(p, func(r right) {
			if i := named(r.PolicyRule, core, "serviceaccounts/token"); i >= 0 && r.unlimited("create") {
				r.report(p.Rule.Severity, i, "tokens of every service account in reach can be minted through %s", r.Resources[i])
			}
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
