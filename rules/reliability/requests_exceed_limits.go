package reliability

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var requestsExceedLimits = &lint.Rule{
	ID:       "requests-exceed-limits",
	Title:    "request does not fit the limit",
	Why:      "The API server refuses a container that requests more than it may use. Of huge pages and of devices such as GPUs, which are never shared, there must be a limit, and the request must be the same. A Deployment is accepted all the same, but none of its pods is ever made.",
	Fix:      "Lower the request, or raise the limit; for a device write the limit alone.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.Reliability,
	Kinds:    lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if r := w.Pod.Resources; r != nil {
			contradictions(p, "the pod", r, w.Path.Child("resources"))
		}
		for _, c := range w.Containers() {
			contradictions(p, fmt.Sprintf("container %q", c.Name), &c.Resources, c.Path.Child("resources"))
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
      initContainers:
        - name: setup
          image: registry.example/setup:1.4.2
          resources:
            requests:
              memory: 1Gi # want: container "setup" requests 1Gi of memory, more than its limit of 1G
            limits:
              memory: 1G
      containers:
        - name: web
          image: registry.example/web:1.4.2
          resources:
            requests:
              cpu: 1500m # want: container "web" requests 1500m of cpu, more than its limit of 1
              memory: 64Mi
            limits:
              cpu: "1"
              memory: 64Mi
        - name: model
          image: registry.example/model:1.4.2
          resources:
            requests:
              nvidia.com/gpu: "1" # want: container "model" requests 1 of nvidia.com/gpu, and its limit is 2
              hugepages-2Mi: 4Mi # want: must be the same
            limits:
              nvidia.com/gpu: "2"
              hugepages-2Mi: 8Mi
        - name: train
          image: registry.example/train:1.4.2
          resources:
            requests:
              nvidia.com/gpu: "1" # want: requests 1 of nvidia.com/gpu, of which it has no limit
-- bad-pod.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  resources:
    requests:
      cpu: "2" # want: the pod requests 2 of cpu
    limits:
      cpu: "1"
  containers:
    - name: web
      image: registry.example/web:1.4.2
      resources:
        requests:
          cpu: "1" # want: more than its limit of 0
        limits:
          cpu: "0"
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      resources:
        # The same in two notations.
        requests: {cpu: 1000m, memory: 1Gi, ephemeral-storage: 1Gi}
        limits: {cpu: "1", memory: 1024Mi, nvidia.com/gpu: "1"}
    - name: log
      image: registry.example/log:0.9.0
      resources:
        requests: {cpu: 100m, memory: 1Gi}
        limits:
          cpu: ${CPU_LIMIT}
          memory: ${MEMORY_LIMIT}
`,
}

// contradictions reports the requests that the API server refuses beside their
// limits (ValidateContainerResourceRequirements in k8s.io/kubernetes
// pkg/apis/core/validation).
func contradictions(p *lint.Pass, who string, r *corev1.ResourceRequirements, path *field.Path) {
	for _, name := range slices.Sorted(maps.Keys(r.Requests)) {
		request := r.Requests[name]
		limit, ok := r.Limits[name]
		at := path.Child("requests").Key(string(name))
		switch cmp := request.Cmp(limit); {
		case !ok && !shareable(name):
			p.Report(at, "%s requests %s of %s, of which it has no limit", who, &request, name)
		case !ok || !readable(request) || !readable(limit):
		case cmp != 0 && !shareable(name):
			p.Report(at, "%s requests %s of %s, and its limit is %s: they must be the same", who, &request, name, &limit)
		case cmp > 0:
			p.Report(at, "%s requests %s of %s, more than its limit of %s", who, &request, name, &limit)
		}
	}
}

// shareable says that a container may use more of a resource than it requests:
// of Kubernetes' own ones, but for huge pages.
func shareable(name corev1.ResourceName) bool {
	if strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix) {
		return false
	}
	return !strings.Contains(string(name), "/") || strings.Contains(string(name), corev1.ResourceDefaultNamespacePrefix)
}
