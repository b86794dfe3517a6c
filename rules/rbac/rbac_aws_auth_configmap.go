package rbac

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var rbacAwsAuthConfigmap = &lint.Rule{
	ID: "rbac-aws-auth-configmap", Severity: lint.Critical, Category: lint.RBAC, Since: "0.1.0",
	Title: "role can rewrite the EKS aws-auth mapping",
	Why:   "On EKS the ConfigMap aws-auth in kube-system says which AWS identities are which Kubernetes users. Who can write it makes any of them system:masters.",
	Fix:   "Remove the right and manage access with EKS access entries.",
	Kinds: roleKinds,
	Check: func(p *lint.Pass) {
		// Elsewhere a ConfigMap of that name means nothing.
		if ns := p.Object.Namespace; p.Object.GroupKind() == kindRole && ns != "" && ns != systemNamespace {
			return
		}
		eachRule(p.Object, func(r *rbacv1.PolicyRule, path *field.Path) {
			i := slices.Index(r.ResourceNames, "aws-auth")
			if i >= 0 && covers(r, core, "configmaps") && verb(r, "create", "update", "patch") >= 0 {
				p.Report(path.Child("resourceNames").Index(i), "ConfigMap aws-auth can be rewritten")
			}
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: nodes
  namespace: kube-system
rules:
  - apiGroups: [""]
    resources: ["configmaps"]
    resourceNames:
      - other
      - aws-auth # want: aws-auth can be rewritten
    verbs: ["get", "patch"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: nodes
rules:
  - apiGroups: [""]
    resources: ["configmaps"]
    resourceNames: ["aws-auth"]
    verbs: ["get", "watch"]
  - apiGroups: [""]
    resources: ["configmaps"]
    resourceNames: ["leader"]
    verbs: ["update"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: nodes
  namespace: shop
rules:
  - apiGroups: [""]
    resources: ["configmaps"]
    resourceNames: ["aws-auth"]
    verbs: ["update"]
`,
}
