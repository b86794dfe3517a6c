package rbac

import "github.com/scantling-dev/scantling/lint"

var rbacSecretsWrite = &lint.Rule{
	ID: "rbac-secrets-write", Severity: lint.Low, Category: lint.RBAC, Since: "0.1.0",
	Title:      "role can change or delete Secrets",
	Why:        "Who can write Secrets decides which certificates, keys and passwords the applications use. Who can create them can have a token made for any service account in reach, and gets at it with any pod that mounts it.",
	Fix:        "Name the Secrets in resourceNames where the verb is not create, and grant create only in a namespace whose Secrets the holder may all know.",
	Frameworks: []string{"CIS-1.12:5.1.2"},
	Profile:    lint.All,
	Kinds:      roleKinds,
	Joins:      bindingKinds,
	CheckAll: func(p *lint.Pass) {
		eachRight(p, func(r right) {
			i := named(r.PolicyRule, core, "secrets")
			// Reading them is worse, and reported at the same place.
			if i < 0 || !r.unlimited("create", "update", "patch", "delete", "deletecollection") || r.unlimited("get", "list", "watch") {
				return
			}
			r.report(p.Rule.Severity, i, "%s on all Secrets in reach", few(r.Verbs))
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: certificates
rules:
  - apiGroups: [""]
    resources: ["secrets"] # want low: create, update on all Secrets
    verbs: ["create", "update"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: certificates
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: certificates}
subjects:
  - {kind: ServiceAccount, name: certificates, namespace: certificates}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: cleaner
  namespace: shop
rules:
  - apiGroups: ["*"]
    resources:
      - configmaps
      - secrets # want info: deletecollection
    verbs: ["deletecollection"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: certificates
  namespace: shop
rules:
  - apiGroups: [""]
    resources: ["secrets"]
    resourceNames: ["web-tls"]
    verbs: ["update", "patch"]
  # rbac-secrets-read-namespace's.
  - apiGroups: [""]
    resources: ["secrets"]
    verbs: ["get", "update"]
  - apiGroups: ["example.com"]
    resources: ["secrets"]
    verbs: ["create"]
`,
}
