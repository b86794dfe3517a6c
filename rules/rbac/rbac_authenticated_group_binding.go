package rbac

import (
	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var rbacAuthenticatedGroupBinding = &lint.Rule{
	ID: "rbac-authenticated-group-binding", Severity: lint.Critical, Category: lint.RBAC, Since: "0.1.0",
	Title: "role is granted to every authenticated identity",
	Why:   "The group system:authenticated holds every user and every service account of every pod, and on some managed clusters whoever has an account with the cloud's provider.",
	Fix:   "Bind the role to the groups or service accounts that need it.",
	Kinds: bindingKinds,
	Check: func(p *lint.Pass) {
		eachSubject(p.Object, func(b binding, s *rbacv1.Subject, path *field.Path) {
			if s.Kind != rbacv1.GroupKind || s.Name != "system:authenticated" ||
				b.toClusterRole("system:basic-user", "system:discovery", "system:public-info-viewer") {
				return
			}
			p.ReportAs(scoped(p.Object, p.Rule.Severity), path, "role %q is granted to system:authenticated", b.ref.Name)
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: everybody
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: view
subjects:
  - apiGroup: rbac.authorization.k8s.io # want: role "view" is granted to system:authenticated
    kind: Group
    name: system:authenticated
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: discovery
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: system:discovery
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: Group
    name: system:authenticated
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: staff
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: view
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: Group
    name: staff
`,
}
