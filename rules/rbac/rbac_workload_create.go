package rbac

import "github.com/scantling-dev/scantling/lint"

var rbacWorkloadCreate = &lint.Rule{
	ID: "rbac-workload-create", Severity: lint.Low, Category: lint.RBAC, Since: "0.1.0",
	Title:      "role can create or change workloads",
	Why:        "A pod may mount every Secret and run as every service account of its namespace, so who can create one, or what makes one, has the rights of all of these. In the whole cluster that leads to every right, and without admission control to the nodes, too.",
	Fix:        "Grant it in the namespaces that need it, keep mighty service accounts out of these, and have Pod Security admission enforce the restricted level there.",
	Frameworks: []string{"CIS-1.12:5.1.4", "MITRE:T1610"},
	Profile:    lint.All,
	Kinds:      roleKinds,
	Joins:      bindingKinds,
	CheckAll: func(p *lint.Pass) {
		eachRight(p, func(r right) {
			i, what := listed(r.PolicyRule, workloads)
			if i >= 0 && r.unlimited("create", "update", "patch") {
				r.report(lint.Medium, i, "%s can be created or changed", what)
			}
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: deployer
rules:
  - apiGroups: ["", "apps"]
    resources:
      - configmaps
      - pods # want medium: pods, deployments can be created or changed
      - deployments
    verbs: ["get", "create"]
  - apiGroups: ["batch"]
    resources: ["cronjobs"] # want medium: cronjobs
    verbs: ["*"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: deployer
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: deployer}
subjects:
  - {kind: ServiceAccount, name: deployer, namespace: ci}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: deployer
  namespace: shop
rules:
  - apiGroups: ["*"]
    resources: ["deployments"] # want low
    verbs: ["patch"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: watcher
rules:
  - apiGroups: ["", "apps"]
    resources: ["pods", "deployments"]
    verbs: ["get", "list", "watch", "delete"]
  - apiGroups: ["apps"]
    resources: ["deployments"]
    resourceNames: ["web"]
    verbs: ["patch"]
  - apiGroups: ["apps"]
    resources: ["deployments/scale", "deployments/status"]
    verbs: ["update"]
  # Pods are of the core group.
  - apiGroups: ["apps"]
    resources: ["pods"]
    verbs: ["create"]
`,
}

// workloads are the resources that run pods.
var workloads = map[string][]string{
	core:         {"pods", "replicationcontrollers"},
	"apps":       {"deployments", "statefulsets", "daemonsets", "replicasets"},
	"batch":      {"jobs", "cronjobs"},
	"extensions": {"deployments", "daemonsets", "replicasets"},
}
