package reliability

import (
	"fmt"
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var hpaMetricWithoutRequest = &lint.Rule{
	ID:       "hpa-metric-without-request",
	Title:    "autoscaler measures a share of a request that is not there",
	Why:      "A utilization is a share of what the containers request. If one container of the pod requests nothing, the autoscaler gets no value at all (\"missing request for cpu in container\"), and the workload is never scaled by that metric.",
	Fix:      "Set the request of every container of the pod, sidecars included; or scale by averageValue, or by one container alone (ContainerResource).",
	Since:    "0.1.0",
	Severity: lint.Medium,
	Category: lint.Reliability,
	Kinds:    autoscalerKinds,
	Joins:    slices.Concat(limitRanges, lint.Workloads),
	CheckAll: func(p *lint.Pass) {
		for _, a := range scalersIn(p).all {
			metrics := a.utilizations()
			if len(metrics) == 0 || !p.Complete(a.Namespace) {
				continue
			}
			targets := together(p, a.Object, a.targets(p))
			for _, m := range metrics {
				for _, target := range targets {
					if what := unmeasured(p, target, m); what != "" {
						p.ReportOn(a.Object, p.Rule.Severity, m.path, "%s %q is scaled by its share of the %s request, but %s", target.GVK.Kind, target.Name, m.resource, what)
						break
					}
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics:
    - type: Resource
      resource:
        name: cpu # want: Deployment "web" is scaled by its share of the cpu request, but container "log" requests none
        target: {type: Utilization, averageUtilization: 70}
    - type: Resource
      resource:
        name: memory # want: the memory request, but container "log" requests none
        target: {type: Utilization, averageUtilization: 70}
    - type: ContainerResource
      containerResource:
        name: cpu # want: but there is no container "wep"
        container: wep
        target: {type: Utilization, averageUtilization: 70}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers:
        - name: setup
          image: registry.example/setup:1.4.2
        - name: log
          image: registry.example/log:0.9.0
          restartPolicy: Always
      containers:
        - name: web
          image: registry.example/web:1.4.2
          resources: {requests: {cpu: 100m}}
-- bad-default.yaml --
# Without metrics it is 80 % of the CPU.
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec: # want: the cpu request
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
---
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: db, namespace: shop}
spec:
  maxReplicas: 5
  targetCPUUtilizationPercentage: 60 # want: StatefulSet "db" is scaled by its share of the cpu request
  scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: db}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: worker, namespace: shop}
spec:
  scaleTargetRef: {name: web}
  triggers:
    - type: memory # want: the memory request
      metricType: Utilization
      metadata: {value: "60"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "registry.example/db:16.2"}]}
-- good.yaml --
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}
    # Not a share.
    - type: Resource
      resource: {name: memory, target: {type: AverageValue, averageValue: 1Gi}}
    - type: Pods
      pods: {metric: {name: requests}, target: {type: AverageValue, averageValue: "10"}}
    - type: ContainerResource
      containerResource: {name: memory, container: web, target: {type: Utilization, averageUtilization: 70}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      # It has ended when there is something to measure.
      initContainers:
        - name: setup
          image: registry.example/setup:1.4.2
      containers:
        - name: web
          image: registry.example/web:1.4.2
          # The API server takes a limit for the request.
          resources: {limits: {memory: 1Gi}, requests: {cpu: 100m}}
        - name: log
          image: registry.example/log:0.9.0
          resources: {requests: {cpu: 10m}}
-- good-limit-range.yaml --
apiVersion: v1
kind: LimitRange
metadata: {name: defaults, namespace: shop}
spec:
  limits:
    - type: Container
      defaultRequest: {cpu: 50m}
---
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
-- good-pod-level.yaml --
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      resources: {requests: {cpu: "1"}}
      containers: [{name: web, image: "registry.example/web:1.4.2"}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api, namespace: shop}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
---
# A vertical autoscaler sets the requests when the pods are made.
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: api, namespace: shop}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
  updatePolicy: {updateMode: Initial}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: api, image: "registry.example/api:1.4.2"}]}
-- good-incomplete.yaml --
# incomplete
# The LimitRange may be in what was not rendered.
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
`,
}

// unmeasured says why the share of a request can't be measured for the pods of a
// workload; "" if it can. The containers that count are those that run as long as
// the pod does (pkg/controller/podautoscaler/replica_calculator.go in
// kubernetes/kubernetes).
func unmeasured(p *lint.Pass, target *manifest.Object, m utilization) string {
	w, ok := target.Workload()
	if !ok || w.IsZero() || !manifest.Known(m.container) {
		return ""
	}
	for _, a := range scalersOf(p, target) {
		if a.vertical && a.mode() != "Off" {
			return ""
		}
	}
	given := givenByRange(p, m.resource, true)[target.Namespace]
	if m.container == "" && w.Pod.Resources != nil && sets(*w.Pod.Resources, m.resource, true) {
		return ""
	}
	found := false
	for _, c := range w.Containers() {
		if c.Kind != manifest.Regular && c.Kind != manifest.Sidecar || m.container != "" && m.container != c.Name {
			continue
		}
		found = true
		if !given && !sets(c.Resources, m.resource, true) {
			return fmt.Sprintf("container %q requests none", c.Name)
		}
	}
	if !found {
		return fmt.Sprintf("there is no container %q", m.container)
	}
	return ""
}
