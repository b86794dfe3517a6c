package reliability

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	kindServiceMonitor = schema.GroupKind{Group: "monitoring.coreos.com", Kind: "ServiceMonitor"}
	kindPodMonitor     = schema.GroupKind{Group: "monitoring.coreos.com", Kind: "PodMonitor"}
)

var danglingServiceMonitor = &lint.Rule{
	ID:       "dangling-service-monitor",
	Title:    "monitor selects nothing",
	Why:      "A ServiceMonitor or PodMonitor that matches nothing makes Prometheus scrape nothing, without an error anywhere: dashboards stay empty and the alerts that would have told of an outage never fire.",
	Fix:      "Write the labels of the Service (for a PodMonitor those of the pods) into the selector, and name their namespace in namespaceSelector.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    []schema.GroupKind{kindServiceMonitor, kindPodMonitor},
	Joins:    slices.Concat(serviceKinds, lint.Workloads, cluster.Makers),
	Options:  []lint.Option{externalObjects},
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		for _, o := range slices.Concat(x.Kind(kindServiceMonitor.Group, kindServiceMonitor.Kind), x.Kind(kindPodMonitor.Group, kindPodMonitor.Kind)) {
			selector := o.Value("spec", "selector")
			if !o.Value("spec").Known() || !everythingKnown(p, o) || external(p, o.GVK.Kind, o.Namespace, o.Name) {
				continue
			}
			var s metav1.LabelSelector
			selector.Decode(&s)
			what, matched := "pod", false
			if o.GroupKind() == kindServiceMonitor {
				what = "Service"
				matched = slices.ContainsFunc(servicesLabelled(p, &s), func(service *manifest.Object) bool { return watches(p, o, service.Namespace) })
			} else {
				matched = watchesPods(p, o, &s)
			}
			if !matched {
				p.ReportOn(o, p.Rule.Severity, selector.Path, "%s %q selects no %s", o.GVK.Kind, o.Name, what)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web, namespace: shop}
spec:
  selector: # want: ServiceMonitor "web" selects no Service
    matchLabels: {app: webb}
  endpoints: [{port: metrics}]
---
# The Service is in another namespace than the monitor.
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web, namespace: monitoring}
spec:
  selector: # want: ServiceMonitor "web" selects no Service
    matchLabels: {app: web}
  endpoints: [{port: metrics}]
---
# The Service has this label, its pods do not.
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: web, namespace: shop}
spec:
  selector: # want: PodMonitor "web" selects no pod
    matchLabels: {app: web}
  podMetricsEndpoints: [{port: metrics}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  selector: {name: web}
  ports: [{name: metrics, port: 9090}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {name: web}}
  template:
    metadata: {labels: {name: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
-- good.yaml --
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  endpoints: [{port: metrics}]
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web, namespace: monitoring}
spec:
  namespaceSelector: {matchNames: [shop]}
  selector: {matchLabels: {app: web}}
  endpoints: [{port: metrics}]
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: all, namespace: monitoring}
spec:
  namespaceSelector: {any: true}
  selector: {matchExpressions: [{key: app, operator: Exists}]}
  endpoints: [{port: metrics}]
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: web, namespace: monitoring}
spec:
  namespaceSelector: {any: true}
  selector: {matchLabels: {name: web}}
  podMetricsEndpoints: [{port: metrics}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  selector: {name: web}
  ports: [{name: metrics, port: 9090}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {name: web}}
  template:
    metadata: {labels: {name: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
---
# The distribution runs these.
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: coredns, namespace: monitoring}
spec:
  namespaceSelector: {matchNames: [kube-system]}
  selector: {matchLabels: {k8s-app: kube-dns}}
  endpoints: [{port: metrics}]
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: apiserver, namespace: monitoring}
spec:
  namespaceSelector: {matchNames: [default]}
  selector: {matchLabels: {component: apiserver, provider: kubernetes}}
  endpoints: [{port: https}]
---
# The operator makes the pods.
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: db, namespace: db}
spec:
  selector: {matchLabels: {cnpg.io/cluster: db}}
  podMetricsEndpoints: [{port: metrics}]
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: db, namespace: db}
spec: {instances: 3}
-- good-later.yaml --
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: "${APP}"}}
  endpoints: [{port: metrics}]
-- good-incomplete.yaml --
# incomplete
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  endpoints: [{port: metrics}]
-- good-bare.yaml --
# unit: bare
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web}
spec:
  namespaceSelector: {matchNames: [default]}
  selector: {matchLabels: {app: web}}
  endpoints: [{port: metrics}]
---
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}}
spec:
  selector: {name: web}
  ports: [{name: metrics, port: 9090}]
`,
}

// watched are the namespaces that a monitor looks into; any says all of them.
func watched(o *manifest.Object) (namespaces []string, any bool) {
	selector := o.Value("spec", "namespaceSelector")
	if selector.Get("any").True() {
		return nil, true
	}
	if names := selector.Get("matchNames").Texts(); len(names) > 0 {
		return names, false
	}
	return []string{o.Namespace}, false
}

// watches says that a monitor may look into a namespace.
func watches(p *lint.Pass, o *manifest.Object, namespace string) bool {
	namespaces, any := watched(o)
	return any || namespace == "" || unplaced(p, o) || slices.Contains(namespaces, namespace)
}

func watchesPods(p *lint.Pass, o *manifest.Object, s *metav1.LabelSelector) bool {
	namespaces, any := watched(o)
	if any || unplaced(p, o) {
		return len(everywhereIn(p).labelled(s)) > 0
	}
	x := cluster.Of(p)
	return slices.ContainsFunc(append(namespaces, ""), func(namespace string) bool { return len(x.Selected(namespace, s)) > 0 })
}

// everythingKnown says that all is known that is in the namespaces which a
// monitor looks into. Of what the distribution, or an operator, puts there nothing
// is.
func everythingKnown(p *lint.Pass, o *manifest.Object) bool {
	namespaces, any := watched(o)
	if any {
		return false
	}
	return !slices.ContainsFunc(namespaces, func(namespace string) bool {
		return namespace == metav1.NamespaceSystem || namespace == metav1.NamespaceDefault || !p.Complete(namespace) || makesPods(p, namespace)
	})
}

type servicesKey struct{}

// servicesLabelled are the Services of all namespaces that a selector matches.
func servicesLabelled(p *lint.Pass, s *metav1.LabelSelector) []*manifest.Object {
	byLabel := p.Shared(servicesKey{}, func() any {
		byLabel := map[[2]string][]*manifest.Object{}
		for _, o := range cluster.Of(p).Kind("", "Service") {
			byLabel[[2]string{}] = append(byLabel[[2]string{}], o)
			for key, value := range labelsOf(o) {
				l := [2]string{key, value}
				byLabel[l] = append(byLabel[l], o)
			}
		}
		return byLabel
	}).(map[[2]string][]*manifest.Object)
	return matching(byLabel, s, labelsOf)
}

// labelsOf are the labels of a Service itself.
func labelsOf(o *manifest.Object) labels.Set {
	if s, ok := o.Typed().(*corev1.Service); ok {
		return s.Labels
	}
	return nil
}
