package rbac

import "github.com/scantling-dev/scantling/lint"

var rbacSecretsReadNamespace = &lint.Rule{
	ID: "rbac-secrets-read-namespace", Severity: lint.Low, Category: lint.RBAC, Since: "0.1.0",
	Title:      "Secrets of a namespace are readable",
	Why:        "Who may get, list or watch all Secrets of a namespace has the credentials of every application in it; list and watch show the values, too. In kube-system the tokens and certificates of the cluster itself are among them.",
	Fix:        "Name the Secrets in resourceNames and grant only get, or mount them into the pods that need them.",
	Frameworks: []string{"CIS-1.12:5.1.2", "MITRE:T1552.007"},
	Profile:    lint.Strict,
	Kinds:      roleKinds,
	Joins:      bindingKinds,
	CheckAll: func(p *lint.Pass) {
		eachRight(p, func(r right) {
			i := named(r.PolicyRule, core, "secrets")
			if i < 0 || !r.unlimited("get", "list", "watch") {
				return
			}
			at := r.path.Child("resources").Index(i)
			if !r.cluster() {
				severity := p.Rule.Severity
				if r.role.Namespace == systemNamespace {
					severity = lint.High
				}
				p.ReportOn(r.role, severity, at, "all Secrets of the namespace can be read")
				return
			}
			x := indexOf(p)
			b := x.boundSomewhere(r.role.Name)
			// rbac-secrets-read-cluster-wide speaks about those.
			if b == nil || x.boundEverywhere(r.role.Name) != nil {
				return
			}
			severity := p.Rule.Severity
			if b.Namespace == systemNamespace {
				severity = lint.High
			}
			p.ReportOn(r.role, severity, at, "all Secrets of a namespace can be read, granted by RoleBinding %q", b.ID())
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: operator
  namespace: shop
rules:
  - apiGroups: [""]
    resources: ["configmaps", "secrets"] # want low: all Secrets of the namespace
    verbs: ["get", "list", "watch"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: operator
  namespace: kube-system
rules:
  - apiGroups: [""]
    resources: ["secrets"] # want high
    verbs: ["*"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: secret-reader
rules:
  - apiGroups: [""]
    resources: ["secrets"] # want low: granted by RoleBinding
    verbs: ["get"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: secret-reader
  namespace: shop
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: secret-reader}
subjects:
  - {kind: ServiceAccount, name: shop, namespace: shop}
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: operator
  namespace: shop
rules:
  - apiGroups: [""]
    resources: ["secrets"]
    resourceNames: ["operator-tls"]
    verbs: ["get"]
  - apiGroups: [""]
    resources: ["secrets"]
    verbs: ["create"]
  - apiGroups: ["example.com"]
    resources: ["secrets"]
    verbs: ["get"]
---
# Bound in the whole cluster, which is another rule's.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: secret-reader
rules:
  - apiGroups: [""]
    resources: ["secrets"]
    verbs: ["get"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: secret-reader
  namespace: shop
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: secret-reader}
subjects:
  - {kind: ServiceAccount, name: shop, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: secret-reader
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: secret-reader}
subjects:
  - {kind: ServiceAccount, name: shop, namespace: shop}
`,
}
