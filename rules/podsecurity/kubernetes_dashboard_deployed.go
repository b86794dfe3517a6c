package podsecurity

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var kubernetesDashboardDeployed = &lint.Rule{
	ID:       "kubernetes-dashboard-deployed",
	Title:    "Kubernetes Dashboard is deployed",
	Why:      "The dashboard acts on the cluster for whoever reaches it with a token, and clusters have been taken over through open ones. Its project was archived in January 2026: there are no more security fixes (https://github.com/kubernetes-retired/dashboard).",
	Fix:      "Remove the dashboard, its service accounts and its bindings. Headlamp, which the project names in its place, or a program on people's own machines uses the rights of who looks.",
	Since:    "0.1.0",
	Severity: lint.Low,
	Category: lint.PodSecurity,
	Kinds:    slices.Concat(lint.Workloads, []schema.GroupKind{{Group: rbacv1.GroupName, Kind: "RoleBinding"}, {Group: rbacv1.GroupName, Kind: "ClusterRoleBinding"}}),
	Check: func(p *lint.Pass) {
		switch t := p.Object.Typed().(type) {
		case *rbacv1.RoleBinding:
			reportDashboardSubjects(p, t.RoleRef, t.Subjects)
			return
		case *rbacv1.ClusterRoleBinding:
			reportDashboardSubjects(p, t.RoleRef, t.Subjects)
			return
		}
		w := p.Workload()
		found := false
		for _, c := range w.Containers() {
			if isDashboard(c.Image) {
				found = true
				p.Report(c.Path.Child("image"), "container %q is the Kubernetes Dashboard", c.Name)
			}
		}
		if found {
			return
		}
		// A renamed image still has the labels that its manifests and its chart give.
		for _, key := range []string{"k8s-app", "app.kubernetes.io/name"} {
			if name := w.Meta.Labels[key]; name == "kubernetes-dashboard" || name == "kubernetes-dashboard-web" {
				p.Report(w.MetaPath.Child("labels").Key(key), "the pod has the labels of the Kubernetes Dashboard")
				return
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: kubernetes-dashboard
  namespace: kubernetes-dashboard
spec:
  selector: {matchLabels: {k8s-app: kubernetes-dashboard}}
  template:
    metadata: {labels: {k8s-app: kubernetes-dashboard}}
    spec:
      serviceAccountName: kubernetes-dashboard
      containers:
        - name: dashboard
          image: docker.io/kubernetesui/dashboard:v2.7.0 # want: container "dashboard" is the Kubernetes Dashboard
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: k8s.gcr.io/kubernetes-dashboard-amd64:v1.10.1 # want
-- bad-labels.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ui
spec:
  selector: {matchLabels: {app.kubernetes.io/name: kubernetes-dashboard-web}}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: kubernetes-dashboard-web # want: has the labels
    spec:
      containers:
        - name: ui
          image: registry.example/mirror/ui:1.7.0
-- bad-binding.yaml --
# The dashboard's rights for somebody else.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: dashboard
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: kubernetes-dashboard
subjects:
  - kind: ServiceAccount
    name: kubernetes-dashboard
    namespace: kubernetes-dashboard
  - kind: User # want: User "jane" is bound to the role of the Kubernetes Dashboard
    apiGroup: rbac.authorization.k8s.io
    name: jane
-- good.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: dashboard
spec:
  selector: {matchLabels: {app: dashboard}}
  template:
    metadata: {labels: {app: dashboard}}
    spec:
      containers:
        - name: dashboard
          image: registry.example/shop/dashboard:1.4.2
        # A part of it that shows nothing by itself.
        - name: scraper
          image: docker.io/kubernetesui/metrics-scraper:v1.0.9
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: kubernetes-dashboard
  namespace: kubernetes-dashboard
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: kubernetes-dashboard
subjects:
  - kind: ServiceAccount
    name: kubernetes-dashboard
    namespace: kubernetes-dashboard
---
# cluster-admin-binding speaks for this one.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: kubernetes-dashboard
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: cluster-admin
subjects:
  - kind: ServiceAccount
    name: kubernetes-dashboard
    namespace: kubernetes-dashboard
`,
}

// isDashboard knows the image of all versions: kubernetes-dashboard-amd64 until
// version 1, kubernetesui/dashboard of version 2, and kubernetesui/dashboard-web,
// which is what people see of version 7, since then.
func isDashboard(image string) bool {
	name := imageName(image)
	if strings.HasPrefix(name, "kubernetes-dashboard") {
		return true
	}
	folder, _, _ := strings.Cut(image, "/"+name)
	return (name == "dashboard" || name == "dashboard-web") && (folder == "kubernetesui" || strings.HasSuffix(folder, "/kubernetesui"))
}

// reportDashboardSubjects reports whom a binding gives the dashboard's role to
// besides the dashboard. Releases of its chart put their names around its own.
func reportDashboardSubjects(p *lint.Pass, role rbacv1.RoleRef, subjects []rbacv1.Subject) {
	if !strings.Contains(role.Name, "kubernetes-dashboard") {
		return
	}
	for i, s := range subjects {
		if !strings.Contains(s.Name, "kubernetes-dashboard") {
			p.Report(field.NewPath("subjects").Index(i), "%s %q is bound to the role of the Kubernetes Dashboard", s.Kind, s.Name)
		}
	}
}
