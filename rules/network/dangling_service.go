package network

import (
	"maps"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var danglingService = &lint.Rule{
	ID: "dangling-service", Severity: lint.Low, Category: lint.Network, Since: "0.1.0",
	Title:   "Service selects no workload",
	Why:     "No pod has the labels that the Service asks for, so every connection to it is refused. Most often a label was renamed in one of the two places, and the fault shows only when somebody calls.",
	Fix:     "Give the selector the labels of the pod template, or remove the Service.",
	Profile: lint.Strict,
	Kinds:   []schema.GroupKind{kindService},
	Joins:   slices.Concat(lint.Workloads, cluster.Makers, installers),
	Options: []lint.Option{external},
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		m := newMade(x)
		filled := map[inhabitant]bool{}
		for _, o := range p.Of(lint.Workloads...) {
			if _, ok := o.Workload(); ok {
				filled[inhabitant{o.Namespace, where(p, o)}] = true
			}
		}
		for _, o := range p.Judged() {
			s, ok := o.Typed().(*corev1.Service)
			if !ok || len(s.Spec.Selector) == 0 || s.Spec.Type == corev1.ServiceTypeExternalName ||
				len(x.Selected(o.Namespace, &metav1.LabelSelector{MatchLabels: s.Spec.Selector})) > 0 {
				continue
			}
			if ofDistribution(o.Namespace) || !p.Complete(o.Namespace) || matches(p.Option(external.Name), o.Namespace, o.Name) || m.selects(o.Namespace, s.Spec.Selector) {
				continue
			}
			if filled[inhabitant{o.Namespace, where(p, o)}] {
				p.ReportOn(o, p.Rule.Severity, field.NewPath("spec", "selector"), "no pod%s has the labels %s", inNamespace(o.Namespace), labelText(s.Spec.Selector))
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  labels: {app: website}
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web, tier: front}
    spec:
      containers:
        - name: web
          image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Service
metadata:
  name: renamed
  namespace: shop
spec:
  selector: {app: website} # want: no pod in namespace "shop" has the labels app=website
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: one-of-two
  namespace: shop
spec:
  selector: # want: app=web, tier=back
    app: web
    tier: back
  ports:
    - port: 80
-- bad-other-namespace.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  labels: {app: web}
spec: &spec
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Pod
metadata:
  name: other
  namespace: store
  labels: {app: other}
spec: *spec
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: store
spec:
  selector: {app: web} # want: no pod in namespace "store"
  ports:
    - port: 80
-- good.yaml --
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: web
  namespace: shop
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web, tier: front}
    spec:
      containers:
        - name: web
          image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  selector: {app: web}
  ports:
    - port: 80
---
# Its endpoints are written by hand.
apiVersion: v1
kind: Service
metadata:
  name: by-hand
  namespace: shop
spec:
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: outside
  namespace: shop
spec:
  type: ExternalName
  externalName: shop.example.com
  selector: {app: nothing}
---
apiVersion: v1
kind: Service
metadata:
  name: substituted
  namespace: shop
spec:
  selector: {app: "${APP}"}
  ports:
    - port: 80
---
# The StatefulSet's controller sets this label.
apiVersion: v1
kind: Service
metadata:
  name: first
  namespace: shop
spec:
  selector: {statefulset.kubernetes.io/pod-name: web-0}
  ports:
    - port: 80
---
# The pod that leads sets it.
apiVersion: v1
kind: Service
metadata:
  name: active
  namespace: shop
spec:
  selector: {app: web, web-active: "true"}
  ports:
    - port: 80
---
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata:
  name: metrics
  namespace: shop
spec: {}
---
# The operator makes the pods.
apiVersion: v1
kind: Service
metadata:
  name: metrics
  namespace: shop
spec:
  selector: {prometheus: metrics}
  ports:
    - port: 9090
---
# Nothing of this namespace is in the repository.
apiVersion: v1
kind: Service
metadata:
  name: elsewhere
  namespace: monitoring
spec:
  selector: {app: grafana}
  ports:
    - port: 80
-- good-kube-system.yaml --
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: agent
  namespace: kube-system
spec:
  selector:
    matchLabels: {app: agent}
  template:
    metadata:
      labels: {app: agent}
    spec:
      containers:
        - name: agent
          image: registry.example/agent:1.0.0
---
apiVersion: v1
kind: Service
metadata:
  name: scheduler
  namespace: kube-system
spec:
  clusterIP: None
  selector: {component: kube-scheduler}
  ports:
    - port: 10259
-- good-incomplete.yaml --
# incomplete
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Service
metadata:
  name: api
spec:
  selector: {app: api}
  ports:
    - port: 80
`,
}

// ofDistribution says that what runs in a namespace is for the greater part made
// by the distribution of Kubernetes, not by a repository.
func ofDistribution(namespace string) bool {
	return strings.HasPrefix(namespace, "kube-") || strings.HasPrefix(namespace, "openshift-")
}

// selects says that the pods that a selector takes may be made by a controller of
// a custom kind, or that a controller sets a label that it asks for.
func (m made) selects(namespace string, selector map[string]string) bool {
	for k, v := range selector {
		domain, _, ok := strings.Cut(k, "/")
		if ok && domain != "app.kubernetes.io" || !manifest.Known(v) || m.bears(namespace, v) || elected(k) {
			return true
		}
	}
	return false
}

// labelText names labels for a person.
func labelText(labels map[string]string) string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		all = append(all, k+"="+labels[k])
	}
	return strings.Join(all, ", ")
}

// elected says that a label tells the one pod that leads from the others: the
// pods of Vault, Patroni and the like set it themselves.
func elected(label string) bool {
	return slices.ContainsFunc([]string{"active", "role", "leader", "master", "primary"}, func(word string) bool { return strings.Contains(label, word) })
}
