package rbac

import (
	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var rbacEndpointsWriteAggregated = &lint.Rule{
	ID: "rbac-endpoints-write-aggregated", Severity: lint.Low, Category: lint.RBAC, Since: "0.1.0",
	Title: "edit and admin may write endpoints",
	// https://github.com/kubernetes/kubernetes/issues/103675
	Why:        "Who writes the endpoints of a Service makes the load balancer or the ingress controller send requests to any address, such as a pod of another namespace whose NetworkPolicy trusts that controller (CVE-2021-25740). Kubernetes has taken the right out of the roles edit and admin of new clusters since 1.22, and this role puts it back, or is one from before.",
	Fix:        "Remove endpoints and endpointslices from the role, and grant them to the controllers that need them.",
	Frameworks: []string{"CVE-2021-25740"},
	Kinds:      []schema.GroupKind{kindClusterRole},
	Check: func(p *lint.Pass) {
		// The API server's own role counts: it keeps what it had when the cluster
		// is upgraded.
		role, ok := p.Object.Typed().(*rbacv1.ClusterRole)
		if !ok || role.Name != "system:aggregate-to-edit" && len(defaultRoles(role.Labels)) == 0 {
			return
		}
		endpoints := map[string][]string{core: {"endpoints"}, "discovery.k8s.io": {"endpointslices"}}
		for i := range role.Rules {
			r := &role.Rules[i]
			at, what := listed(r, endpoints)
			if at >= 0 && len(r.ResourceNames) == 0 && verb(r, "create", "update", "patch") >= 0 {
				p.Report(field.NewPath("rules").Index(i).Child("resources").Index(at), "%s can be written by whom edit or admin is granted to", what)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: endpoints
  labels:
    rbac.authorization.k8s.io/aggregate-to-edit: "true"
rules:
  - apiGroups: [""]
    resources: ["endpoints"] # want: endpoints can be written
    verbs: ["create", "delete", "patch", "update"]
---
# As an export of a cluster that was made before Kubernetes 1.22 holds it.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: system:aggregate-to-edit
  labels:
    kubernetes.io/bootstrapping: rbac-defaults
    rbac.authorization.k8s.io/aggregate-to-edit: "true"
rules:
  - apiGroups: ["", "discovery.k8s.io"]
    resources:
      - configmaps
      - endpoints # want: endpoints, endpointslices
      - endpointslices
    verbs: ["create"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: endpoints
  labels:
    rbac.authorization.k8s.io/aggregate-to-view: "true"
rules:
  - apiGroups: ["", "discovery.k8s.io"]
    resources: ["endpoints", "endpointslices"]
    verbs: ["get", "list", "watch"]
---
# A controller's own.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: elector
  labels:
    rbac.authorization.k8s.io/aggregate-to-edit: "false"
rules:
  - apiGroups: [""]
    resources: ["endpoints"]
    verbs: ["create", "update"]
`,
}
