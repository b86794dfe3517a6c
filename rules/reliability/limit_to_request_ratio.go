package reliability

import (
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

var limitToRequestRatio = &lint.Rule{
	ID:       "limit-to-request-ratio",
	Title:    "limit is many times the request",
	Why:      "The scheduler fills nodes by requests. Where limits are many times larger, a node is promised to far more pods than it can hold: when some of them use what they may, the node runs out of memory and stops pods that did nothing wrong.",
	Fix:      "Raise the request to what the container needs under load, or lower the limit.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Options: []lint.Option{
		{
			Name:    "ratio",
			Doc:     "How many times the request the limit may be.",
			Default: []string{"10"},
			Valid:   lint.Whole(1),
		},
		{
			Name:    "resources",
			Doc:     "The resources that are compared: cpu, memory, ephemeral-storage.",
			Default: []string{"cpu", "memory"},
			Valid:   sharedResource,
		},
	},
	Check: func(p *lint.Pass) {
		ratio := p.Number("ratio")
		for _, c := range p.Workload().Containers() {
			for _, name := range p.Option("resources") {
				request, requested := c.Resources.Requests[corev1.ResourceName(name)]
				limit, limited := c.Resources.Limits[corev1.ResourceName(name)]
				if !requested || !limited || !readable(request) || !readable(limit) {
					continue
				}
				// Floating point has room for any quantity; a rounding error
				// must not decide.
				most := request.AsApproximateFloat64() * float64(ratio)
				if limit.AsApproximateFloat64() <= most*(1+1e-9) {
					continue
				}
				p.Report(c.Path.Child("resources", "limits").Key(name), "container %q may use %s of %s, more than %d times the %s that it requests", c.Name, &limit, name, ratio, &request)
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
      containers:
        - name: web
          image: registry.example/web:1.4.2
          resources:
            requests:
              cpu: 10m
              memory: 128Mi
            limits:
              cpu: "4" # want: container "web" may use 4 of cpu, more than 10 times the 10m
              memory: 2Gi # want: memory
        - name: log
          image: registry.example/log:0.9.0
          resources:
            requests:
              cpu: "0"
            limits:
              cpu: 100m # want: the 0 that it requests
-- bad-option.yaml --
# options: ratio=2 resources=memory
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      resources:
        requests: {cpu: 100m, memory: 64Mi}
        limits:
          cpu: "1"
          memory: 129Mi # want: more than 2 times
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    # Ten times, and not more.
    - name: web
      image: registry.example/web:1.4.2
      resources:
        requests: {cpu: 100m, memory: 100M}
        limits: {cpu: "1", memory: 1G}
    # cpu-request-missing and cpu-limit-missing speak for these.
    - name: log
      image: registry.example/log:0.9.0
      resources:
        limits: {cpu: "1"}
    - name: mail
      image: registry.example/mail:0.9.0
      resources:
        requests: {cpu: 1m}
    - name: sync
      image: registry.example/sync:0.9.0
      resources:
        requests: {memory: "${REQUEST}"}
        limits: {memory: 1Gi}
`,
}
