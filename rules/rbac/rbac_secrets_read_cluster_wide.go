package rbac

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var rbacSecretsReadClusterWide = &lint.Rule{
	ID: "rbac-secrets-read-cluster-wide", Severity: lint.High, Category: lint.RBAC, Since: "0.1.0",
	Title:      "Secrets are readable across the cluster",
	Why:        "Secrets hold the credentials of every application, and often of the cluster itself. Who may get, list or watch them in all namespaces holds all of these credentials; list and watch show the values, too.",
	Fix:        "Grant it with a Role in the namespaces that need it, or name the Secrets in resourceNames and grant only get.",
	Frameworks: []string{"CIS-1.12:5.1.2", "MITRE:T1552.007"},
	Kinds:      []schema.GroupKind{kindClusterRole},
	Joins:      bindingKinds,
	// A join: what a ClusterRole can reach is decided by its bindings.
	CheckAll: func(p *lint.Pass) {
		var x *index
		for _, o := range p.Objects {
			if o.GroupKind() != kindClusterRole {
				continue
			}
			eachRule(o, func(r *rbacv1.PolicyRule, path *field.Path) {
				i := resource(r, core, "secrets")
				if i < 0 || verb(r, "get", "list", "watch") < 0 || len(r.ResourceNames) > 0 {
					return
				}
				if x == nil {
					x = newIndex(p.Objects)
				}
				at := path.Child("resources").Index(i)
				if name, ok := x.boundEverywhere(o.Name); ok {
					p.ReportOn(o, p.Rule.Severity, at, "Secrets of all namespaces can be read, granted by ClusterRoleBinding %q", name)
					return
				}
				if _, ok := x.boundSomewhere(o.Name); ok {
					return
				}
				// The built-in edit and admin read Secrets anyway: a role that
				// is aggregated into them adds nothing.
				if parents := x.parents[o.Name]; slices.Contains(parents, "admin") && !slices.Contains(parents, "view") {
					return
				}
				p.ReportOn(o, lint.Medium, at, "Secrets of all namespaces can be read by whom a ClusterRoleBinding grants this role to")
			})
		}
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
    resources: ["*"] # want: by whom a ClusterRoleBinding grants this role to
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
