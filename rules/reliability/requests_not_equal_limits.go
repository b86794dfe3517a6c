package reliability

import (
	"fmt"
	"slices"

	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

// sharedResources are the values of options that name resources.
var sharedResources = []string{"cpu", "memory", "ephemeral-storage"}

func sharedResource(s string) error {
	if !slices.Contains(sharedResources, s) {
		return fmt.Errorf("it is one of %v", sharedResources)
	}
	return nil
}

var requestsNotEqualLimits = &lint.Rule{
	ID:       "requests-not-equal-limits",
	Title:    "request is lower than the limit",
	Why:      "What a container uses above its request was promised to nobody: when the node runs out of memory, such pods are the first to be stopped. Only pods whose requests equal their limits are of the class Guaranteed, which goes last.",
	Fix:      "Set the request to the limit, or leave the request out: the API server then takes the limit for it.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Options: []lint.Option{{
		Name:    "resources",
		Doc:     "The resources whose request must be the limit: cpu, memory, ephemeral-storage.",
		Default: []string{"cpu", "memory"},
		Valid:   sharedResource,
	}},
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			for _, name := range p.Option("resources") {
				request, requested := c.Resources.Requests[corev1.ResourceName(name)]
				limit, limited := c.Resources.Limits[corev1.ResourceName(name)]
				// Where one is missing, other rules speak; where the request is
				// larger, requests-exceed-limits does.
				if !requested || !limited || !readable(request) || !readable(limit) || request.Cmp(limit) >= 0 {
					continue
				}
				p.Report(c.Path.Child("resources", "requests").Key(name), "container %q requests %s of %s, and its limit is %s", c.Name, &request, name, &limit)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
        - name: db
          image: registry.example/db:16.2
          resources:
            requests:
              cpu: 500m # want: container "db" requests 500m of cpu, and its limit is 1
              memory: 1Gi # want: requests 1Gi of memory
              ephemeral-storage: 1Gi
            limits:
              cpu: "1"
              memory: 2Gi
              ephemeral-storage: 2Gi
-- bad-option.yaml --
# options: resources=ephemeral-storage
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      resources:
        requests:
          cpu: 100m
          ephemeral-storage: 1Gi # want: ephemeral-storage
        limits:
          cpu: "1"
          ephemeral-storage: 2Gi
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
        requests: {cpu: 1000m, memory: 64Mi}
        limits: {cpu: "1", memory: 64Mi}
    # The request is the limit.
    - name: log
      image: registry.example/log:0.9.0
      resources:
        limits: {cpu: "1", memory: 64Mi}
    # cpu-limit-missing may speak for this one.
    - name: mail
      image: registry.example/mail:0.9.0
      resources:
        requests: {cpu: "1"}
    - name: sync
      image: registry.example/sync:0.9.0
      resources:
        requests: {memory: "${REQUEST}"}
        limits: {memory: 1Gi}
`,
}
