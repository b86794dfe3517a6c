package rbac

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
)

var rbacPersistentvolumeCreate = &lint.Rule{
	ID: "rbac-persistentvolume-create", Severity: lint.Medium, Category: lint.RBAC, Since: "0.1.0",
	Title:      "role can create PersistentVolumes",
	Why:        "A PersistentVolume of the type hostPath is any directory of a node, and a pod that claims it passes Pod Security admission, which looks at the pod alone: whoever creates both reads and writes the node's files.",
	Fix:        "Remove the right and have volumes made by a storage class; only the provisioner of the storage needs it.",
	Frameworks: []string{"CIS-1.12:5.1.9", "MITRE:T1611"},
	Profile:    lint.Strict,
	Kinds:      roleKinds,
	Joins:      bindingKinds,
	CheckAll: func(p *lint.Pass) {
		eachRight(p, func(r right) {
			i := named(r.PolicyRule, core, "persistentvolumes")
			if i < 0 || !r.cluster() || !r.unlimited("create") {
				return
			}
			severity := p.Rule.Severity
			if provisions(r.role) {
				severity = lint.Info
			}
			r.report(severity, i, "PersistentVolumes of every type can be created, hostPath among them")
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: developer
rules:
  - apiGroups: [""]
    resources:
      - persistentvolumeclaims
      - persistentvolumes # want medium: hostPath
    verbs: ["get", "create"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: developer
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: developer}
subjects:
  - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: developers}
-- bad-provisioner.yaml --
# It can't work without.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: csi-provisioner
rules:
  - apiGroups: [""]
    resources: ["persistentvolumes"] # want info
    verbs: ["get", "list", "watch", "create", "delete"]
  - apiGroups: ["storage.k8s.io"]
    resources: ["storageclasses"]
    verbs: ["get", "list", "watch"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: developer
rules:
  - apiGroups: [""]
    resources: ["persistentvolumeclaims"]
    verbs: ["create"]
  - apiGroups: [""]
    resources: ["persistentvolumes"]
    verbs: ["get", "list", "watch", "patch"]
---
# They are in no namespace: a Role grants nothing on them.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: developer
  namespace: shop
rules:
  - apiGroups: [""]
    resources: ["persistentvolumes"]
    verbs: ["create"]
`,
}

// provisions says that a role is one of a volume provisioner: it reads the
// storage classes that volumes are made by.
func provisions(role *manifest.Object) bool {
	return slices.ContainsFunc(policyRules(role), func(r rbacv1.PolicyRule) bool {
		return named(&r, "storage.k8s.io", "storageclasses") >= 0 && verb(&r, "get", "list", "watch") >= 0
	})
}
