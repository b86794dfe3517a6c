package rbac

import (
	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var rbacSystemMastersBinding = &lint.Rule{
	ID: "rbac-system-masters-binding", Severity: lint.High, Category: lint.RBAC, Since: "0.1.0",
	Title:      "system:masters is used as a subject",
	Why:        "The API server lets members of system:masters do everything before it looks at any role, and no change of a binding takes that away from them: a binding to it grants nothing and shows that the group is in use.",
	Fix:        "Bind a group of your own, and keep system:masters for emergencies.",
	Frameworks: []string{"CIS-1.12:5.1.7"},
	Kinds:      bindingKinds,
	Check: func(p *lint.Pass) {
		eachSubject(p.Object, func(b binding, s *rbacv1.Subject, path *field.Path) {
			if s.Kind != rbacv1.GroupKind || s.Name != "system:masters" {
				return
			}
			// Every cluster has this one.
			if p.Object.GroupKind() == kindClusterRoleBinding && p.Object.Name == "cluster-admin" && b.toClusterRole("cluster-admin") {
				return
			}
			p.Report(path, "role %q is bound to system:masters", b.ref.Name)
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: admins
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: cluster-admin
subjects:
  - apiGroup: rbac.authorization.k8s.io # want: bound to system:masters
    kind: Group
    name: system:masters
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: cluster-admin
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: cluster-admin
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: Group
    name: system:masters
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: monitoring
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: view
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: Group
    name: system:monitoring
`,
}
