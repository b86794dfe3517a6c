package rbac

import (
	"strings"

	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var rbacDefaultServiceaccountBinding = &lint.Rule{
	ID: "rbac-default-serviceaccount-binding", Severity: lint.High, Category: lint.RBAC, Since: "0.1.0",
	Title:      "role is granted to a default service account",
	Why:        "Every pod that names no service account runs as default, and every service account is in the group system:serviceaccounts: the right goes to all of them, and to those that come later.",
	Fix:        "Make a service account for the workload that needs the right, set serviceAccountName, and bind the role to it.",
	Frameworks: []string{"CIS-1.12:5.1.5", "MITRE:T1078.001"},
	Kinds:      bindingKinds,
	Check: func(p *lint.Pass) {
		eachSubject(p.Object, func(b binding, s *rbacv1.Subject, path *field.Path) {
			severity := scoped(p.Object, p.Rule.Severity)
			if _, name, ok := account(s); ok {
				if name == "default" {
					p.ReportAs(severity, path, "role %q is granted to a default service account", b.ref.Name)
				}
				return
			}
			if s.Kind != rbacv1.GroupKind || s.Name != "system:serviceaccounts" && !strings.HasPrefix(s.Name, "system:serviceaccounts:") {
				return
			}
			// What these grant is meant for all: the keys that tokens are
			// checked with, and pulling images from OpenShift's registry.
			if b.toClusterRole("system:service-account-issuer-discovery", "system:image-puller") {
				return
			}
			p.ReportAs(severity, path, "role %q is granted to every service account in %s", b.ref.Name, s.Name)
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: reader
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: reader
subjects:
  - kind: ServiceAccount # want: role "reader" is granted to a default service account
    name: default
    namespace: shop
  - kind: ServiceAccount
    name: reader
    namespace: shop
  - apiGroup: rbac.authorization.k8s.io # want: every service account
    kind: Group
    name: system:serviceaccounts
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: reader
  namespace: shop
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: reader
subjects:
  - apiGroup: rbac.authorization.k8s.io # want: system:serviceaccounts:shop
    kind: Group
    name: system:serviceaccounts:shop
  - apiGroup: rbac.authorization.k8s.io # want: default service account
    kind: User
    name: system:serviceaccount:shop:default
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: reader
  namespace: shop
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: reader
subjects:
  - kind: ServiceAccount
    name: reader
    namespace: default
  - apiGroup: rbac.authorization.k8s.io
    kind: User
    name: default
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: oidc
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: system:service-account-issuer-discovery
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: Group
    name: system:serviceaccounts
`,
}
