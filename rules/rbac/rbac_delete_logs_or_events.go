package rbac

import "github.com/scantling-dev/scantling/lint"

var rbacDeleteLogsOrEvents = &lint.Rule{
	ID: "rbac-delete-logs-or-events", Severity: lint.Low, Category: lint.RBAC, Since: "0.1.0",
	Title:      "role can delete events",
	Why:        "Events tell what happened in the cluster: which pod was started, by whom, and what failed. Who can delete them covers their tracks.",
	Fix:        "Remove delete and deletecollection: events expire by themselves, after an hour by default. Send them to a store outside the cluster, too.",
	Frameworks: []string{"MITRE:T1070"},
	Profile:    lint.All,
	Kinds:      roleKinds,
	Joins:      bindingKinds,
	CheckAll: func(p *lint.Pass) {
		events := map[string][]string{core: {"events"}, "events.k8s.io": {"events"}}
		eachRight(p, func(r right) {
			if i, _ := listed(r.PolicyRule, events); i >= 0 && r.unlimited("delete", "deletecollection") {
				r.report(p.Rule.Severity, i, "events can be deleted")
			}
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: operator
rules:
  - apiGroups: ["", "events.k8s.io"]
    resources: ["events"] # want low: events can be deleted
    verbs: ["create", "patch", "delete"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: operator
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: operator}
subjects:
  - {kind: ServiceAccount, name: operator, namespace: operator}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: operator
  namespace: shop
rules:
  - apiGroups: [""]
    resources: ["events"] # want info
    verbs: ["*"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: operator
rules:
  - apiGroups: ["", "events.k8s.io"]
    resources: ["events"]
    verbs: ["get", "create", "patch", "update"]
  # The API server has no such request.
  - apiGroups: [""]
    resources: ["pods/log"]
    verbs: ["delete"]
  - apiGroups: ["example.com"]
    resources: ["events"]
    verbs: ["delete"]
`,
}
