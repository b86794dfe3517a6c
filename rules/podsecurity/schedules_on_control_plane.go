package podsecurity

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var schedulesOnControlPlane = &lint.Rule{
	ID:       "schedules-on-control-plane",
	Title:    "workload runs on the nodes of the control plane",
	Why:      "The nodes of the control plane hold the cluster's keys and its whole state. Whoever breaks out of a pod there owns the cluster, and a pod that takes too much memory there stops the API.",
	Fix:      "Remove the toleration, and the node selector or affinity, unless the workload is part of the control plane.",
	Since:    "0.1.0",
	Severity: lint.Low,
	Category: lint.PodSecurity,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Options: []lint.Option{{
		Name:    "daemonsets",
		Doc:     "Whether DaemonSets are judged, too, most of which are for all nodes; those in kube-system never are.",
		Default: []string{"false"},
		Valid:   lint.Truth,
	}},
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if p.Object.GVK.Kind == "DaemonSet" && (p.Object.Namespace == "kube-system" || !p.Yes("daemonsets")) {
			return
		}
		// What puts the pod there says more than what lets it.
		if path := selectsControlPlane(w.Pod, w.Path); path != nil {
			p.Report(path, "the pod is put on the nodes of the control plane")
			return
		}
		if i := slices.IndexFunc(w.Pod.Tolerations, toleratesControlPlane); i >= 0 {
			p.Report(w.Path.Child("tolerations").Index(i), "the pod tolerates the nodes of the control plane")
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
      tolerations:
        - key: example.com/gpu
          operator: Exists
        - key: node-role.kubernetes.io/control-plane # want: the pod tolerates the nodes of the control plane
          operator: Exists
          effect: NoSchedule
        - key: node-role.kubernetes.io/master
          operator: Exists
      containers:
        - name: web
          image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Pod
metadata:
  name: everywhere
spec:
  tolerations:
    - operator: Exists # want
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- bad-selector.yaml --
# One finding for the pod: the toleration goes with the selector.
apiVersion: v1
kind: Pod
metadata:
  name: selector
spec:
  nodeSelector:
    node-role.kubernetes.io/control-plane: "" # want: the pod is put on the nodes of the control plane
  tolerations:
    - key: node-role.kubernetes.io/control-plane
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Pod
metadata:
  name: affinity
spec:
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
          - matchExpressions:
              - {key: kubernetes.io/arch, operator: In, values: [amd64]}
              - key: node-role.kubernetes.io/master # want: is put on
                operator: Exists
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- bad-daemonset.yaml --
# options: daemonsets=true
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: agent
  namespace: monitoring
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      tolerations:
        - operator: Exists # want
          effect: NoSchedule
      containers:
        - name: agent
          image: registry.example/agent:3.1.0
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  nodeSelector: {kubernetes.io/os: linux}
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
          - matchExpressions:
              - {key: node-role.kubernetes.io/control-plane, operator: DoesNotExist}
  tolerations:
    - {key: example.com/gpu, operator: Exists}
    # Such a toleration does not let the pod on the node.
    - {key: node-role.kubernetes.io/control-plane, operator: Exists, effect: NoExecute}
    - {operator: Exists, effect: NoExecute, tolerationSeconds: 60}
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
# Most agents are for all nodes.
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: agent
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      tolerations:
        - operator: Exists
      containers:
        - name: agent
          image: registry.example/agent:3.1.0
`,
}

// controlPlaneKeys are the taints and labels of the nodes of a control plane;
// the second until Kubernetes 1.25 as a taint and 1.24 as a label.
var controlPlaneKeys = []string{"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"}

// toleratesControlPlane says that a toleration lets pods on these nodes, whose
// taint has no value and the effect NoSchedule.
func toleratesControlPlane(t corev1.Toleration) bool {
	if t.Effect != "" && t.Effect != corev1.TaintEffectNoSchedule {
		return false
	}
	return t.Key == "" && t.Operator == corev1.TolerationOpExists || slices.Contains(controlPlaneKeys, t.Key)
}

// selectsControlPlane is where a pod asks for these nodes, or nil.
func selectsControlPlane(pod *corev1.PodSpec, at *field.Path) *field.Path {
	for _, key := range controlPlaneKeys {
		if value, ok := pod.NodeSelector[key]; ok && value != "false" {
			return at.Child("nodeSelector").Key(key)
		}
	}
	if pod.Affinity == nil || pod.Affinity.NodeAffinity == nil || pod.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return nil
	}
	terms := at.Child("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
	for i, term := range pod.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		for j, e := range term.MatchExpressions {
			if slices.Contains(controlPlaneKeys, e.Key) && (e.Operator == corev1.NodeSelectorOpExists || e.Operator == corev1.NodeSelectorOpIn) {
				return terms.Index(i).Child("matchExpressions").Index(j)
			}
		}
	}
	return nil
}
