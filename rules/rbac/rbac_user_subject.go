package rbac

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var rbacUserSubject = &lint.Rule{
	ID: "rbac-user-subject", Severity: lint.Info, Category: lint.RBAC, Since: "0.1.0",
	Title:   "role is granted to a single user",
	Why:     "A right that hangs on a person's name stays when they change teams or leave, and whoever is given that name later has it, too. Nobody sees in the identity provider who may do what.",
	Fix:     "Bind the role to a group that the identity provider vouches for, and put the user into it.",
	Profile: lint.All,
	Kinds:   bindingKinds,
	Options: []lint.Option{{
		Name: "technical",
		Doc:  "Patterns of user names that are no people's, such as those of controllers.",
		// Flux impersonates gotk:<namespace>:reconciler.
		Default: []string{"system:*", "flux:*", "gotk:*", "eks:*"},
		Valid:   lint.Glob,
	}},
	Check: func(p *lint.Pass) {
		technical := func(name string) bool {
			return p.Matches("technical", name)
		}
		eachSubject(p.Object, func(b binding, s *rbacv1.Subject, at *field.Path) {
			if s.Kind == rbacv1.UserKind && s.Name != "" && manifest.Known(s.Name) && !technical(s.Name) {
				p.Report(at, "role %q is granted to user %q by name", b.ref.Name, s.Name)
			}
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: viewers
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
  - kind: Group
    apiGroup: rbac.authorization.k8s.io
    name: staff
  - kind: User # want: role "view" is granted to user "jane@example.com" by name
    apiGroup: rbac.authorization.k8s.io
    name: jane@example.com
-- bad-option.yaml --
# options: technical=ci-*
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: ci
  namespace: shop
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: ci}
subjects:
  - {kind: User, apiGroup: rbac.authorization.k8s.io, name: ci-deploy}
  - {kind: User, apiGroup: rbac.authorization.k8s.io, name: "system:admin"} # want: system:admin
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: deploy
  namespace: shop
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects:
  - {kind: User, apiGroup: rbac.authorization.k8s.io, name: "gotk:shop:reconciler"}
  - {kind: User, apiGroup: rbac.authorization.k8s.io, name: "system:kube-scheduler"}
  - {kind: User, apiGroup: rbac.authorization.k8s.io, name: "${OWNER}"}
  - {kind: ServiceAccount, name: deploy, namespace: shop}
  - {kind: Group, apiGroup: rbac.authorization.k8s.io, name: shop}
`,
}
