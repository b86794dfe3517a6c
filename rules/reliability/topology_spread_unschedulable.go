package reliability

import (
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

var topologySpreadUnschedulable = &lint.Rule{
	ID:       "topology-spread-unschedulable",
	Title:    "spread constraint can keep pods from being scheduled",
	Why:      "With maxSkew 1 and DoNotSchedule, a pod waits until there is room in just the zone that has the fewest. When a zone fails or is full, its share is not run elsewhere: the pods stay Pending, and capacity is lost at the moment at which it is needed. With minDomains the same holds as soon as there are fewer domains.",
	Fix:      "Set whenUnsatisfiable to ScheduleAnyway, or raise maxSkew.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		for i, c := range w.Pod.TopologySpreadConstraints {
			if c.WhenUnsatisfiable != corev1.DoNotSchedule || c.MaxSkew != 1 {
				continue
			}
			at := w.Path.Child("topologySpreadConstraints").Index(i).Child("whenUnsatisfiable")
			switch {
			case c.MinDomains != nil && *c.MinDomains > 1:
				p.Report(at, "pods wait when there are fewer than %d domains of %q, or one of them is full", *c.MinDomains, c.TopologyKey)
			case c.TopologyKey == corev1.LabelTopologyZone || c.TopologyKey == corev1.LabelTopologyRegion ||
				c.TopologyKey == corev1.LabelFailureDomainBetaZone || c.TopologyKey == corev1.LabelFailureDomainBetaRegion:
				p.Report(at, "pods wait when one domain of %q is full", c.TopologyKey)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: topology.kubernetes.io/zone
          whenUnsatisfiable: DoNotSchedule # want: pods wait when one domain of "topology.kubernetes.io/zone" is full
          labelSelector: {matchLabels: {app: web}}
        - maxSkew: 1
          minDomains: 3
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: DoNotSchedule # want: fewer than 3 domains of "kubernetes.io/hostname"
          labelSelector: {matchLabels: {app: web}}
      containers:
        - name: web
          image: registry.example/web:1.4.2
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web}
spec:
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: topology.kubernetes.io/zone
      whenUnsatisfiable: ScheduleAnyway
      labelSelector: {matchLabels: {app: web}}
    - maxSkew: 2
      topologyKey: topology.kubernetes.io/zone
      whenUnsatisfiable: DoNotSchedule
      labelSelector: {matchLabels: {app: web}}
    # There are many nodes.
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: DoNotSchedule
      labelSelector: {matchLabels: {app: web}}
  containers:
    - name: web
      image: registry.example/web:1.4.2
`,
}
