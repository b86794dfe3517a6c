package reliability

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/lint"
)

// probeTimings are the fields of a probe that say when it is asked.
var probeTimings = []string{"initialDelaySeconds", "periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold"}

var probeTimingUnset = &lint.Rule{
	ID:       "probe-timing-unset",
	Title:    "probe relies on default timing",
	Why:      "A probe is asked every 10 seconds, has one second to answer and fails after three times, unless it says otherwise. One second is short for a container that is busy or has little CPU: a slow answer then counts as none.",
	Fix:      "Write the timing down, as what the container needs under load.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Options: []lint.Option{{
		Name:    "fields",
		Doc:     "The fields that a probe must set: initialDelaySeconds, periodSeconds, timeoutSeconds, successThreshold, failureThreshold.",
		Default: []string{"periodSeconds", "timeoutSeconds", "failureThreshold"},
		Valid: func(s string) error {
			if !slices.Contains(probeTimings, s) {
				return fmt.Errorf("it is one of %v", probeTimings)
			}
			return nil
		},
	}},
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			for _, probe := range probesOf(c) {
				written := p.Object.ValueAt(probe.path)
				unset := slices.DeleteFunc(slices.Clone(p.Option("fields")), func(name string) bool { return written.Get(name).Written() })
				if len(unset) > 0 {
					p.Report(probe.path, "the %s of container %q does not set %s", probe.name, c.Name, strings.Join(unset, ", "))
				}
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
          livenessProbe: # want: the liveness probe of container "web" does not set periodSeconds, timeoutSeconds
            httpGet: {path: /healthz, port: 8080}
            failureThreshold: 5
          readinessProbe: # want: the readiness probe of container "web" does not set periodSeconds, timeoutSeconds, failureThreshold
            httpGet: {path: /ready, port: 8080}
-- bad-option.yaml --
# options: fields=initialDelaySeconds
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      startupProbe: # want: does not set initialDelaySeconds
        tcpSocket: {port: 8080}
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      livenessProbe:
        httpGet: {path: /healthz, port: 8080}
        periodSeconds: ${PERIOD}
        timeoutSeconds: 2
        failureThreshold: 5
    - name: log
      image: registry.example/log:0.9.0
`,
}
