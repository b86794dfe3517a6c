package rbac

import "github.com/scantling-dev/scantling/lint"

var rbacPodsAttach = &lint.Rule{
	ID: "rbac-pods-attach", Severity: lint.Medium, Category: lint.RBAC, Since: "0.1.0",
	Title:      "role can attach to pods",
	Why:        "Who attaches to a container reads what it writes and, where it keeps its standard input open, types into it: into a shell or a debugger that somebody else has started these are commands.",
	Fix:        "Remove pods/attach from the role; for the output of a pod pods/log is enough.",
	Frameworks: []string{"MITRE:T1609", "NSA-CISA"},
	Kinds:      roleKinds,
	Joins:      bindingKinds,
	CheckAll: func(p *lint.Pass) {
		eachRight(p, func(r right) {
			i := named(r.PolicyRule, core, "pods/attach")
			// Who can run commands, which rbac-pods-exec reports, needs no attach.
			// get opens a websocket on API servers before Kubernetes 1.35.
			if i >= 0 && r.unlimited("create", "get") && !execs(r.PolicyRule) {
				r.report(p.Rule.Severity, i, "containers can be attached to through %s", r.Resources[i])
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
    resources: ["pods", "pods/attach"] # want medium: through pods/attach
    verbs: ["create"]
  - apiGroups: [""]
    resources: ["*/attach"] # want medium: through */attach
    verbs: ["get"]
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
    resources: ["pods/attach"] # want low
    verbs: ["*"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: support
rules:
  - apiGroups: [""]
    resources: ["pods", "pods/log"]
    verbs: ["create", "get"]
  - apiGroups: [""]
    resources: ["pods/attach"]
    verbs: ["list"]
  - apiGroups: [""]
    resources: ["pods/attach"]
    resourceNames: ["console"]
    verbs: ["create"]
  # rbac-pods-exec's.
  - apiGroups: [""]
    resources: ["pods/exec", "pods/attach"]
    verbs: ["create"]
  # rbac-wildcard-resources'.
  - apiGroups: [""]
    resources: ["*"]
    verbs: ["create"]
`,
}
