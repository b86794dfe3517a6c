package rbac

import "github.com/scantling-dev/scantling/lint"

var rbacPodsPortforward = &lint.Rule{
	ID: "rbac-pods-portforward", Severity: lint.Low, Category: lint.RBAC, Since: "0.1.0",
	Title:   "role can forward ports of pods",
	Why:     "The API server and the kubelet carry such a connection to every port of the pod, those included that listen on localhost only, and no NetworkPolicy sees it: databases, debuggers and admin pages that trust their network are open to the holder.",
	Fix:     "Remove pods/portforward from the role; grant it in the namespaces whose people debug there.",
	Profile: lint.Strict,
	Kinds:   roleKinds,
	Joins:   bindingKinds,
	CheckAll: func(p *lint.Pass) {
		eachRight(p, func(r right) {
			i := named(r.PolicyRule, core, "pods/portforward")
			// Who can run commands, which rbac-pods-exec reports, reaches all ports.
			if i >= 0 && r.unlimited("create", "get") && !execs(r.PolicyRule) {
				r.report(p.Rule.Severity, i, "every port of pods can be reached through %s", r.Resources[i])
			}
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: support
rules:
  - apiGroups: [""]
    resources: ["pods", "pods/portforward"] # want low: through pods/portforward
    verbs: ["get", "list", "create"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: support
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: support}
subjects:
  - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: support}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: support
  namespace: shop
rules:
  - apiGroups: [""]
    resources: ["*/portforward"] # want info: through */portforward
    verbs: ["*"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: support
  namespace: shop
rules:
  - apiGroups: [""]
    resources: ["pods"]
    verbs: ["get", "list", "create"]
  - apiGroups: [""]
    resources: ["pods/portforward"]
    resourceNames: ["web-0"]
    verbs: ["create"]
  # rbac-pods-exec's.
  - apiGroups: [""]
    resources: ["pods/exec", "pods/portforward"]
    verbs: ["create"]
`,
}
