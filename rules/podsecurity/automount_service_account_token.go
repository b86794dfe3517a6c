package podsecurity

import (
	"cmp"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var automountServiceAccountToken = &lint.Rule{
	ID:         "automount-service-account-token",
	Title:      "pod gets a token for the API that it has no use for",
	Why:        "The token lets whoever breaks into the pod talk to the Kubernetes API. No role is bound to its account, so the program itself can do nothing with it.",
	Fix:        "Set automountServiceAccountToken to false in the pod or in its ServiceAccount.",
	Since:      "0.1.0",
	Severity:   lint.Low,
	Category:   lint.RBAC,
	Frameworks: []string{"CIS-1.12:5.1.6", "MITRE:T1552.007", "NSA-CISA"},
	Kinds:      lint.Workloads,
	Joins:      []schema.GroupKind{{Kind: "ServiceAccount"}, {Group: rbacv1.GroupName, Kind: "RoleBinding"}, {Group: rbacv1.GroupName, Kind: "ClusterRoleBinding"}},
	CheckAll: func(p *lint.Pass) {
		accounts := map[account]*corev1.ServiceAccount{}
		bound := map[account]bool{}
		bind := func(namespace string, subjects []rbacv1.Subject) {
			for _, s := range subjects {
				if s.Kind != rbacv1.ServiceAccountKind {
					continue
				}
				bound[account{cmp.Or(s.Namespace, namespace), s.Name}] = true
				// For pods whose namespace is not known.
				bound[account{"", s.Name}] = true
			}
		}
		for _, o := range p.Objects {
			switch t := o.Typed().(type) {
			case *corev1.ServiceAccount:
				accounts[account{o.Namespace, o.Name}] = t
			case *rbacv1.RoleBinding:
				bind(o.Namespace, t.Subjects)
			case *rbacv1.ClusterRoleBinding:
				bind("", t.Subjects)
			}
		}
		for _, o := range p.Objects {
			w, ok := o.Workload()
			if !ok || w.IsZero() {
				continue
			}
			of := accountOf(o, w)
			mount := w.Pod.AutomountServiceAccountToken
			if a := accounts[of]; a == nil && of.name != "default" {
				// Someone else made the account, and may have bound it.
				continue
			} else if a != nil && mount == nil {
				mount = a.AutomountServiceAccountToken
			}
			if isFalse(mount) || bound[of] {
				continue
			}
			p.ReportOn(o, lint.Low, w.Path.Child("automountServiceAccountToken"), "the pod gets a token of the service account %q, to which no role is bound", of.name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: # want: service account "default"
      containers:
        - name: web
          image: registry.example/web:1.4.2
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: report
  namespace: shop
automountServiceAccountToken: false
---
# The pod's own value wins over its account's.
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
  namespace: shop
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          serviceAccountName: report
          automountServiceAccountToken: true # want: service account "report"
          restartPolicy: Never
          containers:
            - name: report
              image: registry.example/report:1.0.0
---
# A binding for an account of the same name elsewhere changes nothing.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: report
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
  - {kind: ServiceAccount, name: report, namespace: other}
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  automountServiceAccountToken: false
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: report
  namespace: shop
automountServiceAccountToken: false
---
apiVersion: v1
kind: Pod
metadata:
  name: report
  namespace: shop
spec:
  serviceAccountName: report
  containers:
    - name: report
      image: registry.example/report:1.0.0
---
# This account is used.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: operator
  namespace: shop
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: operator
  namespace: shop
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: operator}
subjects:
  - {kind: ServiceAccount, name: operator, namespace: shop}
---
apiVersion: v1
kind: Pod
metadata:
  name: operator
  namespace: shop
spec:
  serviceAccountName: operator
  containers:
    - name: operator
      image: registry.example/operator:1.0.0
---
# This account was made elsewhere, and nobody here knows what it may do.
apiVersion: v1
kind: Pod
metadata:
  name: backup
  namespace: shop
spec:
  serviceAccountName: backup
  containers:
    - name: backup
      image: registry.example/backup:1.0.0
`,
}

// account names a service account.
type account struct{ namespace, name string }

// accountOf is the service account that a workload's pods run as.
func accountOf(o *manifest.Object, w *manifest.Workload) account {
	return account{o.Namespace, cmp.Or(w.Pod.ServiceAccountName, w.Pod.DeprecatedServiceAccount, "default")}
}
