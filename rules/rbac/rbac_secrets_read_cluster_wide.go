package rbac

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var rbacSecretsReadClusterWide = &lint.Rule{
	ID: "rbac-secrets-read-cluster-wide", Severity: lint.High, Category: lint.RBAC, Since: "0.1.0",
	Profile:    lint.Strict,
	Title:      "Secrets are readable across the cluster",
	Why:        "Secrets hold the credentials of every application, and often of the cluster itself. Who may get, list or watch them in all namespaces holds all of these credentials; list and watch show the values, too.",
	Fix:        "Grant it with a Role in the namespaces that need it, or name the Secrets in resourceNames and grant only get.",
	Frameworks: []string{"CIS-1.12:5.1.2", "MITRE:T1552.007"},
	Kinds:      []schema.GroupKind{kindClusterRole},
	Joins:      bindingKinds,
	// A join: what a ClusterRole can reach is decided by its bindings.
	CheckAll: func(p *lint.Pass) {
		eachRight(p, func(r right) {
			i := named(r.PolicyRule, core, "secrets")
			if i < 0 || !r.cluster() || !r.unlimited("get", "list", "watch") {
				return
			}
			x := indexOf(p)
			at := r.path.Child("resources").Index(i)
			if b := x.boundEverywhere(r.role.Name); b != nil {
				p.ReportOn(r.role, p.Rule.Severity, at, "Secrets of all namespaces can be read, granted by ClusterRoleBinding %q", b.Name)
				return
			}
			// rbac-secrets-read-namespace speaks about those.
			if x.boundSomewhere(r.role.Name) != nil {
				return
			}
			// The built-in edit and admin read Secrets anyway: a role that is
			// aggregated into them adds nothing, and about view
			// rbac-aggregate-to-default-role speaks.
			if slices.Contains(x.parents[r.role.Name], "admin") {
				return
			}
			p.ReportOn(r.role, lint.Medium, at, "Secrets of all namespaces can be read by whom a ClusterRoleBinding grants this role to")
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: sync
rules:
  - apiGroups: [""]
    resources:
      - configmaps
      - secrets # want: granted by ClusterRoleBinding "sync"
    verbs: ["get", "list", "watch"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: sync
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: sync
subjects:
  - kind: ServiceAccount
    name: sync
    namespace: sync
-- bad-unbound.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: reader
rules:
  - apiGroups: ["*"]
    resources: ["secrets"] # want medium: by whom a ClusterRoleBinding grants this role to
    verbs: ["list"]
-- bad-aggregated.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: monitoring-secrets
  labels:
    example.com/aggregate-to-monitoring: "true"
rules:
  - apiGroups: [""]
    resources: ["secrets"] # want: granted by ClusterRoleBinding "monitoring"
    verbs: ["get"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: monitoring
aggregationRule:
  clusterRoleSelectors:
    - matchLabels:
        example.com/aggregate-to-monitoring: "true"
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: monitoring
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: monitoring
subjects:
  - kind: ServiceAccount
    name: monitoring
    namespace: monitoring
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: narrow
rules:
  # Every resource is rbac-wildcard-resources' to report.
  - apiGroups: ["*"]
    resources: ["*"]
    verbs: ["list"]
  - apiGroups: [""]
    resources: ["secrets"]
    resourceNames: ["webhook-tls"]
    verbs: ["get"]
  - apiGroups: [""]
    resources: ["secrets"]
    verbs: ["create"]
  - apiGroups: ["example.com"]
    resources: ["secrets"]
    verbs: ["get"]
  - apiGroups: ["*"]
    resources: ["*"]
    verbs: ["*"]
---
# Bound in one namespace only.
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
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: secret-reader
subjects:
  - kind: ServiceAccount
    name: shop
    namespace: shop
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: more-for-edit
  labels:
    rbac.authorization.k8s.io/aggregate-to-edit: "true"
rules:
  - apiGroups: [""]
    resources: ["secrets"]
    verbs: ["get"]
`,
}
