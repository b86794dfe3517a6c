package rbac

import "github.com/scantling-dev/scantling/lint"

var rbacConfigmapWrite = &lint.Rule{
	ID: "rbac-configmap-write", Severity: lint.Info, Category: lint.RBAC, Since: "0.1.0",
	Title:   "role can change every ConfigMap",
	Why:     "Who writes the ConfigMaps of an application says how it runs. In kube-system they hold the zones of the cluster's DNS and, on some platforms, who is an administrator.",
	Fix:     "Name the ConfigMaps in resourceNames, and have leaders elected by Leases.",
	Profile: lint.All,
	Kinds:   roleKinds,
	Joins:   bindingKinds,
	CheckAll: func(p *lint.Pass) {
		eachRight(p, func(r right) {
			i := named(r.PolicyRule, core, "configmaps")
			if i < 0 || !r.unlimited("create", "update", "patch", "delete", "deletecollection") {
				return
			}
			if r.reach() == everywhere {
				r.report(lint.Medium, i, "every ConfigMap can be changed, those of kube-system among them")
				return
			}
			r.report(p.Rule.Severity, i, "every ConfigMap in reach can be changed")
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
    resources: ["configmaps"] # want info: every ConfigMap in reach
    verbs: ["get", "create", "update"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: operator
  namespace: kube-system
rules:
  - apiGroups: [""]
    resources: ["configmaps"] # want medium: kube-system
    verbs: ["*"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: operator
rules:
  - apiGroups: [""]
    resources: ["configmaps"] # want medium: kube-system
    verbs: ["patch"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: operator
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: operator}
subjects:
  - {kind: ServiceAccount, name: operator, namespace: shop}
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: operator
  namespace: shop
rules:
  - apiGroups: [""]
    resources: ["configmaps"]
    verbs: ["get", "list", "watch"]
  - apiGroups: [""]
    resources: ["configmaps"]
    resourceNames: ["operator-lock"]
    verbs: ["get", "update"]
`,
}
