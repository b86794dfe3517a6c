package rbac

import (
	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var rbacAnonymousBinding = &lint.Rule{
	ID: "rbac-anonymous-binding", Severity: lint.Critical, Category: lint.RBAC, Since: "0.1.0",
	Title: "role is granted to unauthenticated users",
	Why:   "Everybody who can reach the API server has the right, without any credential.",
	Fix:   "Remove the subject; give those who need the right an identity.",
	Kinds: bindingKinds,
	Check: func(p *lint.Pass) {
		eachSubject(p.Object, func(b binding, s *rbacv1.Subject, path *field.Path) {
			if s.Kind == rbacv1.ServiceAccountKind || s.Name != "system:anonymous" && s.Name != "system:unauthenticated" {
				return
			}
			// The version and the health of the API server are public, and
			// kubeadm publishes how to join, signed.
			if b.toClusterRole("system:public-info-viewer") ||
				p.Object.Namespace == "kube-public" && b.ref.Kind == "Role" && b.ref.Name == "kubeadm:bootstrap-signer-clusterinfo" {
				return
			}
			p.Report(path, "role %q is granted to %s", b.ref.Name, s.Name)
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: open
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: view
subjects:
  - apiGroup: rbac.authorization.k8s.io # want: role "view" is granted to system:anonymous
    kind: User
    name: system:anonymous
  - apiGroup: rbac.authorization.k8s.io # want: system:unauthenticated
    kind: Group
    name: system:unauthenticated
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: version
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: system:public-info-viewer
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: Group
    name: system:unauthenticated
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: kubeadm:bootstrap-signer-clusterinfo
  namespace: kube-public
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: kubeadm:bootstrap-signer-clusterinfo
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: User
    name: system:anonymous
`,
}
