package rbac

import (
	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var rbacNodesProxy = &lint.Rule{
	ID: "rbac-nodes-proxy", Severity: lint.High, Category: lint.RBAC, Since: "0.1.0",
	Title:      "role can reach the kubelet through nodes/proxy",
	Why:        "nodes/proxy opens the kubelet's API, which runs commands in every pod of the node, past admission control and the audit log. The verb get is enough for it.",
	Fix:        "Remove nodes/proxy; for metrics use nodes/metrics and nodes/stats.",
	Frameworks: []string{"CIS-1.12:5.1.10"},
	// Nodes have no namespace: a Role can't grant anything on them.
	Kinds: []schema.GroupKind{kindClusterRole},
	Check: func(p *lint.Pass) {
		eachRule(p.Object, func(r *rbacv1.PolicyRule, path *field.Path) {
			i := named(r, core, "nodes/proxy")
			if i < 0 || verb(r, "get", "create") < 0 {
				return
			}
			severity := p.Rule.Severity
			if len(r.ResourceNames) > 0 {
				severity = lint.Medium
			}
			p.ReportAs(severity, path.Child("resources").Index(i), "the kubelet's API can be reached through %s", r.Resources[i])
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: prometheus
rules:
  - apiGroups: [""]
    resources:
      - nodes
      - nodes/proxy # want: nodes/proxy
    verbs: ["get", "list", "watch"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: prometheus
rules:
  # Every resource is rbac-wildcard-resources' to report.
  - apiGroups: ["*"]
    resources: ["*"]
    verbs: ["get"]
  - apiGroups: [""]
    resources: ["nodes", "nodes/metrics", "nodes/stats", "services/proxy"]
    verbs: ["get", "list", "watch"]
  - apiGroups: [""]
    resources: ["nodes/proxy"]
    verbs: ["list"]
  - apiGroups: ["metrics.k8s.io"]
    resources: ["*"]
    verbs: ["get"]
`,
}
