package podsecurity

import (
	"fmt"

	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// openShiftSCCs are the built-in roles of OpenShift that let their subjects run
// pods which reach beyond their container, and how bad that is:
// https://docs.redhat.com/en/documentation/openshift_container_platform/4.20/html/authentication_and_authorization/managing-pod-security-policies.
var openShiftSCCs = map[string]struct {
	severity lint.Severity
	allows   string
}{
	"system:openshift:scc:anyuid":           {lint.Medium, "run pods as root"},
	"system:openshift:scc:hostmount-anyuid": {lint.High, "run pods as root that mount any path of their node"},
	"system:openshift:scc:privileged":       {lint.High, "run privileged pods"},
}

var sccPrivileged = &lint.Rule{
	ID:       "scc-privileged",
	Title:    "OpenShift lets pods run privileged or as root",
	Why:      "SecurityContextConstraints are what keeps a pod on OpenShift in its container. Through one that allows privileged containers, its users own the nodes that their pods run on; one that allows any user id takes away what keeps root out of containers.",
	Fix:      "Use the constraints restricted-v2 or nonroot-v2, or constraints of your own that allow only what the pods need. Bind them to the one service account that needs them.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.PodSecurity,
	Profile:  lint.All,
	Kinds: []schema.GroupKind{
		{Group: "security.openshift.io", Kind: "SecurityContextConstraints"},
		{Kind: "SecurityContextConstraints"},
		{Group: rbacv1.GroupName, Kind: "RoleBinding"},
		{Group: rbacv1.GroupName, Kind: "ClusterRoleBinding"},
	},
	Check: func(p *lint.Pass) {
		if v := p.Object.Value("allowPrivilegedContainer"); v.True() {
			p.Report(v.Path, "the constraints %q allow privileged containers", p.Object.Name)
		}
		var role rbacv1.RoleRef
		var subjects []rbacv1.Subject
		switch b := p.Object.Typed().(type) {
		case *rbacv1.RoleBinding:
			role, subjects = b.RoleRef, b.Subjects
		case *rbacv1.ClusterRoleBinding:
			role, subjects = b.RoleRef, b.Subjects
		}
		if scc, ok := openShiftSCCs[role.Name]; ok && role.Kind == "ClusterRole" && len(subjects) > 0 {
			who := fmt.Sprintf("%s %q", subjects[0].Kind, subjects[0].Name)
			if n := len(subjects) - 1; n > 0 {
				who += fmt.Sprintf(" and %d more", n)
			}
			p.ReportAs(scc.severity, field.NewPath("roleRef", "name"), "%s may %s", who, scc.allows)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: security.openshift.io/v1
kind: SecurityContextConstraints
metadata:
  name: agent
allowPrivilegedContainer: true # want: the constraints "agent" allow privileged containers
runAsUser: {type: RunAsAny}
seLinuxContext: {type: RunAsAny}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: agent
  namespace: monitoring
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: system:openshift:scc:privileged # want high: ServiceAccount "agent" may run privileged pods
subjects:
  - {kind: ServiceAccount, name: agent, namespace: monitoring}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: web
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: system:openshift:scc:anyuid # want medium: Group "system:authenticated" and 1 more may run pods as root
subjects:
  - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:authenticated"}
  - {kind: ServiceAccount, name: web, namespace: shop}
---
apiVersion: v1
kind: SecurityContextConstraints
metadata:
  name: old
allowPrivilegedContainer: true # want: the constraints "old"
-- good.yaml --
apiVersion: security.openshift.io/v1
kind: SecurityContextConstraints
metadata:
  name: web
allowPrivilegedContainer: false
runAsUser: {type: MustRunAsRange}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: web
  namespace: shop
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:openshift:scc:nonroot-v2"}
subjects:
  - {kind: ServiceAccount, name: web, namespace: shop}
---
# Binds nobody.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: none
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:openshift:scc:privileged"}
---
# A Role of this name is not the built-in ClusterRole.
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: own
  namespace: shop
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: "system:openshift:scc:privileged"}
subjects:
  - {kind: ServiceAccount, name: web, namespace: shop}
`,
}
