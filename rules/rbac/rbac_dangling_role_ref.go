package rbac

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var rbacDanglingRoleRef = &lint.Rule{
	ID: "rbac-dangling-role-ref", Severity: lint.Low, Category: lint.RBAC, Since: "0.1.0",
	Title:   "binding refers to a role that is not there",
	Why:     "Such a binding is accepted and grants nothing, so that something fails as soon as it calls the API. And whoever may create a role of that name later decides what the subjects may do.",
	Fix:     "Correct the name or add the role. List roles that others make, such as an operator, in the option external.",
	Profile: lint.All,
	Kinds:   bindingKinds,
	Joins:   roleKinds,
	Options: []lint.Option{{
		Name: "external",
		Doc:  "Patterns of the names of roles that the repository does not hold.",
		// OpenShift brings these.
		Default: []string{"basic-user", "cluster-monitoring-*", "cluster-reader", "registry-*", "self-provisioner", "sudoer"},
		Valid:   lint.Glob,
	}},
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		for _, o := range p.Judged() {
			b, ok := bindingOf(o)
			if !ok || b.ref.Name == "" || !manifest.Known(b.ref.Name) || known(p, b.ref.Name) {
				continue
			}
			kind, namespace := kindRole, o.Namespace
			if b.ref.Kind == kindClusterRole.Kind {
				kind, namespace = kindClusterRole, ""
			} else if namespace == "" {
				continue // nobody knows where the binding goes
			}
			if len(x.Named(o, kind, namespace, b.ref.Name)) == 0 && p.Complete(namespace) {
				p.ReportOn(o, p.Rule.Severity, field.NewPath("roleRef", "name"), "there is no %s %q", kind.Kind, b.ref.Name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: web
  namespace: shop
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: wbe # want: there is no Role "wbe"
subjects:
  - {kind: ServiceAccount, name: web, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: web
  namespace: shop
rules: []
---
# The Role of that name is in another namespace.
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: web
  namespace: other
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: web # want: there is no Role "web"
subjects: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: web
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: web # want: there is no ClusterRole "web"
subjects: []
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: web
  namespace: shop
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: web}
subjects:
  - {kind: ServiceAccount, name: web, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: web
  namespace: shop
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: delegator
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:auth-delegator"}
subjects: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: viewers
  namespace: shop
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: monitoring
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-reader}
subjects: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: variable
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "${ROLE}"}
subjects: []
-- good-incomplete.yaml --
# incomplete
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: web
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: web}
subjects: []
`,
}

// known says that a role comes with the cluster, or from elsewhere.
func known(p *lint.Pass, name string) bool {
	if strings.HasPrefix(name, "system:") || slices.Contains([]string{"cluster-admin", "admin", "edit", "view"}, name) {
		return true
	}
	return p.Matches("external", name)
}
