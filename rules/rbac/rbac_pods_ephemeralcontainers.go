package rbac

import "github.com/scantling-dev/scantling/lint"

var rbacPodsEphemeralcontainers = &lint.Rule{
	ID: "rbac-pods-ephemeralcontainers", Severity: lint.Medium, Category: lint.RBAC, Since: "0.1.0",
	Title: "role can put containers into running pods",
	// Why edit and admin lack it:
	// https://github.com/kubernetes/kubernetes/pull/121217.
	Why:        "An ephemeral container brings its own image and security context into a pod that runs, and shares its volumes, its network and, if asked to, its processes. Policies that were written for containers alone do not look at it, which is why not even the built-in role admin has this right.",
	Fix:        "Remove pods/ephemeralcontainers from the role; grant it for a time, in one namespace, to the person who debugs.",
	Frameworks: []string{"MITRE:T1609"},
	Kinds:      roleKinds,
	Joins:      bindingKinds,
	CheckAll: func(p *lint.Pass) {
		eachRight(p, func(r right) {
			i := named(r.PolicyRule, core, "pods/ephemeralcontainers")
			if i >= 0 && r.unlimited("update", "patch") {
				r.report(p.Rule.Severity, i, "containers can be put into running pods through %s", r.Resources[i])
			}
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
    resources:
      - pods/exec
      - pods/ephemeralcontainers # want medium: pods/ephemeralcontainers
    verbs: ["create", "patch"]
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
  name: debug
  namespace: shop
rules:
  - apiGroups: [""]
    resources: ["pods/ephemeralcontainers"] # want low
    verbs: ["*"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: watcher
rules:
  - apiGroups: [""]
    resources: ["pods/ephemeralcontainers"]
    verbs: ["get"]
  # The containers of a pod that exists can't be added to by these.
  - apiGroups: [""]
    resources: ["pods", "pods/status"]
    verbs: ["patch"]
  - apiGroups: [""]
    resources: ["pods/ephemeralcontainers"]
    resourceNames: ["db-0"]
    verbs: ["patch"]
`,
}
