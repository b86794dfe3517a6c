package reliability

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var daemonSets = []schema.GroupKind{{Group: "apps", Kind: "DaemonSet"}, {Group: "extensions", Kind: "DaemonSet"}}

var nodeAffinityMissing = &lint.Rule{
	ID:       "node-affinity-missing",
	Title:    "pod may run on any node",
	Why:      "In a cluster whose nodes are of several kinds (architectures, spot instances, nodes kept for some team), a pod that says nothing is put on any that has room and no taint, where its image may not run or may be interrupted.",
	Fix:      "Say where the pod belongs with affinity.nodeAffinity or nodeSelector.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		pod := w.Pod
		if w.IsZero() || pod.Affinity != nil && pod.Affinity.NodeAffinity != nil || len(pod.NodeSelector) > 0 || pod.NodeName != "" {
			return
		}
		// A DaemonSet is meant for all nodes.
		if at := w.Path.Child("affinity", "nodeAffinity"); !slices.Contains(daemonSets, p.Object.GroupKind()) && p.Object.ValueAt(w.Path.Child("affinity")).Known() {
			p.Report(at, "nothing says on which nodes the pods may run")
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
      affinity: # want: nothing says on which nodes the pods may run
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 1
              podAffinityTerm:
                topologyKey: kubernetes.io/hostname
                labelSelector: {matchLabels: {app: web}}
      containers:
        - name: web
          image: registry.example/web:1.4.2
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  nodeSelector: {kubernetes.io/arch: amd64}
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Pod
metadata:
  name: api
spec:
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
          - matchExpressions: [{key: kubernetes.io/arch, operator: In, values: [amd64]}]
  containers:
    - name: api
      image: registry.example/api:1.4.2
---
apiVersion: v1
kind: Pod
metadata:
  name: substituted
spec:
  affinity: ${AFFINITY}
  containers:
    - name: api
      image: registry.example/api:1.4.2
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: agent
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      containers:
        - name: agent
          image: registry.example/agent:1.4.2
`,
}
