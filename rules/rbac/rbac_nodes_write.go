package rbac

import "github.com/scantling-dev/scantling/lint"

var rbacNodesWrite = &lint.Rule{
	ID: "rbac-nodes-write", Severity: lint.Medium, Category: lint.RBAC, Since: "0.1.0",
	Title:   "role can change nodes",
	Why:     "By a node's labels, taints and status its holder leads pods to a node that they own, with all Secrets of these pods, or drives them from all others. An agent that runs on every node and has this right hands it to whoever breaks into one of them.",
	Fix:     "Remove the right, or name the nodes in resourceNames. What sets labels and taints runs in one place, not on every node.",
	Profile: lint.Strict,
	Kinds:   roleKinds,
	Joins:   bindingKinds,
	CheckAll: func(p *lint.Pass) {
		nodes := map[string][]string{core: {"nodes", "nodes/status"}}
		eachRight(p, func(r right) {
			i, what := listed(r.PolicyRule, nodes)
			if i >= 0 && r.cluster() && r.unlimited("update", "patch", "delete", "deletecollection") {
				r.report(p.Rule.Severity, i, "%s on %s of every name", few(r.Verbs), what)
			}
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: labeller
rules:
  - apiGroups: [""]
    resources: ["pods", "nodes"] # want medium: get, patch on nodes
    verbs: ["get", "patch"]
  - apiGroups: [""]
    resources: ["nodes/status"] # want medium: nodes/status
    verbs: ["*"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: labeller
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: labeller}
subjects:
  - {kind: ServiceAccount, name: labeller, namespace: labeller}
-- bad-unbound.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: labeller
rules:
  - apiGroups: [""]
    resources: ["nodes"] # want low
    verbs: ["delete"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: watcher
rules:
  - apiGroups: [""]
    resources: ["nodes", "nodes/metrics"]
    verbs: ["get", "list", "watch"]
  - apiGroups: [""]
    resources: ["nodes"]
    resourceNames: ["edge-1"]
    verbs: ["patch"]
  - apiGroups: ["metrics.k8s.io"]
    resources: ["nodes"]
    verbs: ["update"]
---
# Nodes are in no namespace: a Role grants nothing on them.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: labeller
  namespace: shop
rules:
  - apiGroups: [""]
    resources: ["nodes"]
    verbs: ["patch"]
`,
}
