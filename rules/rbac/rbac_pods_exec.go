package rbac

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
)

var rbacPodsExec = &lint.Rule{
	ID: "rbac-pods-exec", Severity: lint.High, Category: lint.RBAC, Since: "0.1.0",
	Profile:    lint.Strict,
	Title:      "role can exec into pods",
	Why:        "Who can run commands in a pod has its Secrets, its service account token and its network, whatever the pod's own security settings are.",
	Fix:        "Remove pods/exec from the role; grant it for a time, in one namespace, to the person who needs it.",
	Frameworks: []string{"MITRE:T1609", "NSA-CISA"},
	Kinds:      roleKinds,
	Joins:      bindingKinds,
	CheckAll: func(p *lint.Pass) {
		eachRight(p, func(r right) {
			i := named(r.PolicyRule, core, "pods/exec")
			if i < 0 || !execs(r.PolicyRule) {
				return
			}
			severity := p.Rule.Severity
			if len(r.ResourceNames) > 0 {
				severity = lint.Medium
			}
			r.report(severity, i, "commands can be run in pods through %s", r.Resources[i])
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: debug
rules:
  - apiGroups: [""]
    resources: ["pods", "pods/exec"] # want high: pods/exec
    verbs: ["create"]
  - apiGroups: [""]
    resources:
      - "*/exec" # want high: */exec
    verbs: ["get"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: debug
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: debug}
subjects:
  - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: staff}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: backup
  namespace: shop
rules:
  - apiGroups: [""]
    resources: ["pods/exec"] # want low
    resourceNames: ["db-0"]
    verbs: ["*"]
---
# Bound in one namespace.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: console
rules:
  - apiGroups: [""]
    resources: ["pods/exec"] # want medium
    verbs: ["create"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: console
  namespace: shop
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: console}
subjects:
  - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: shop}
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: operator
rules:
  - apiGroups: [""]
    resources: ["pods", "pods/log"]
    verbs: ["create", "get"]
  - apiGroups: [""]
    resources: ["pods/exec"]
    verbs: ["list"]
  - apiGroups: ["*"]
    resources: ["*"]
    verbs: ["get", "list", "watch"]
  - apiGroups: ["apps"]
    resources: ["*"]
    verbs: ["create"]
  # Every resource is rbac-wildcard-resources' to report.
  - apiGroups: ["*"]
    resources: ["*"]
    verbs: ["create"]
  - apiGroups: ["*"]
    resources: ["*"]
    verbs: ["*"]
`,
}

// execs says that a rule grants exec. The verb is create; get opens a websocket
// on API servers before Kubernetes 1.35, and counts where the subresource is
// named: a role that reads everything is not meant for it.
func execs(r *rbacv1.PolicyRule) bool {
	i := resource(r, core, "pods/exec")
	if i < 0 {
		return false
	}
	return verb(r, "create") >= 0 || r.Resources[i] != rbacv1.ResourceAll && slices.Contains(r.Verbs, "get")
}
