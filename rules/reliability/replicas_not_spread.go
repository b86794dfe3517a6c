package reliability

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

var replicasNotSpread = &lint.Rule{
	ID:       "replicas-not-spread",
	Title:    "replicas may all land on one node",
	Why:      "Replicas that share a node, or a zone, go down together with it. The scheduler spreads pods on its own only where that costs nothing: on a full cluster, or after nodes were drained, all of them may end on the same node.",
	Fix:      "Add topologySpreadConstraints for kubernetes.io/hostname and topology.kubernetes.io/zone, or a podAntiAffinity, whose labelSelector matches the pods themselves.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    scaledKinds,
	Joins:    autoscalerKinds,
	CheckAll: func(p *lint.Pass) {
		for _, o := range kindsOf(p, scaledKinds) {
			w, _ := o.Workload()
			n, known := leastReplicas(p, o)
			if !known || n < 2 || spread(o, w) {
				continue
			}
			path := w.Path.Child("topologySpreadConstraints")
			what := "nothing keeps the %d replicas of %s %q apart"
			if len(w.Pod.TopologySpreadConstraints) > 0 {
				path = path.Index(0).Child("labelSelector")
				what = "the constraints that would keep the %d replicas of %s %q apart select other pods"
			}
			p.ReportOn(o, p.Rule.Severity, path, what, n, o.GVK.Kind, o.Name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: # want: nothing keeps the 3 replicas of Deployment "web" apart
      # Away from the pods of another one.
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            - topologyKey: kubernetes.io/hostname
              labelSelector: {matchLabels: {app: db}}
        # This brings them together.
        podAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            - topologyKey: kubernetes.io/hostname
              labelSelector: {matchLabels: {app: web}}
      containers: [{name: web, image: "registry.example/web:1.4.2"}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector: {matchLabels: {app: web}} # want: 2 replicas of StatefulSet "db" apart select other pods
      containers: [{name: db, image: "registry.example/db:16.2"}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: db, namespace: shop}
spec:
  minReplicas: 2
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: db}
-- good.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: topology.kubernetes.io/zone
          whenUnsatisfiable: ScheduleAnyway
          labelSelector: {matchExpressions: [{key: app, operator: Exists}]}
      containers: [{name: web, image: "registry.example/web:1.4.2"}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 100
              podAffinityTerm:
                topologyKey: kubernetes.io/hostname
                labelSelector: {matchLabels: {app: api}}
      containers: [{name: api, image: "registry.example/api:1.4.2"}]
---
# A single one, as far as anybody knows.
apiVersion: apps/v1
kind: Deployment
metadata: {name: single, namespace: shop}
spec:
  selector: {matchLabels: {app: single}}
  template:
    metadata: {labels: {app: single}}
    spec: {containers: [{name: single, image: "registry.example/single:1.4.2"}]}
---
# The selector is filled in later.
apiVersion: apps/v1
kind: Deployment
metadata: {name: later, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: later}}
  template:
    metadata: {labels: {app: later}}
    spec:
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: topology.kubernetes.io/zone
          whenUnsatisfiable: ScheduleAnyway
          labelSelector: {matchLabels: {app: "${APP}"}}
      containers: [{name: later, image: "registry.example/later:1.4.2"}]
`,
}

// spread says that a workload's pods keep away from each other, or may do so once
// all is filled in.
func spread(o *manifest.Object, w *manifest.Workload) bool {
	pods := labels.Set(w.Meta.Labels)
	matches := func(s *metav1.LabelSelector) bool {
		selector, err := metav1.LabelSelectorAsSelector(s)
		return s != nil && (err != nil || selector.Matches(pods))
	}
	if slices.ContainsFunc(w.Pod.TopologySpreadConstraints, func(c corev1.TopologySpreadConstraint) bool { return matches(c.LabelSelector) }) {
		return true
	}
	if w.Pod.Affinity == nil || w.Pod.Affinity.PodAntiAffinity == nil {
		return false
	}
	anti := w.Pod.Affinity.PodAntiAffinity
	terms := slices.Clone(anti.RequiredDuringSchedulingIgnoredDuringExecution)
	for i := range anti.PreferredDuringSchedulingIgnoredDuringExecution {
		terms = append(terms, anti.PreferredDuringSchedulingIgnoredDuringExecution[i].PodAffinityTerm)
	}
	return slices.ContainsFunc(terms, func(t corev1.PodAffinityTerm) bool {
		// With neither of both the pod's own namespace is meant.
		own := len(t.Namespaces) == 0 || t.NamespaceSelector != nil || slices.Contains(t.Namespaces, o.Namespace)
		return own && matches(t.LabelSelector)
	})
}
