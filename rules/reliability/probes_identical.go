package reliability

import (
	"reflect"
	"slices"

	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
)

var probesIdentical = &lint.Rule{
	ID:       "probes-identical",
	Title:    "liveness and readiness probe are the same",
	Why:      "A readiness probe that fails takes the pod out of its Services, so that it can recover. If the liveness probe asks the same with the same patience, the container is restarted at that very moment instead: what is only busy or waits for a database is killed, and the load moves on to the next pod.",
	Fix:      "Let the liveness probe ask for less, or give it a larger failureThreshold than the readiness probe.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			if c.LivenessProbe == nil || c.ReadinessProbe == nil || !reflect.DeepEqual(inFull(c.LivenessProbe), inFull(c.ReadinessProbe)) {
				continue
			}
			live, ready := p.Object.ValueAt(c.Path.Child("livenessProbe")), p.Object.ValueAt(c.Path.Child("readinessProbe"))
			if live.Known() && ready.Known() || live.Node != nil && ready.Node != nil && sameWords(live.Node, ready.Node) {
				p.Report(live.Path, "container %q is restarted as soon as it is not ready", c.Name)
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
          livenessProbe: # want: container "web" is restarted as soon as it is not ready
            httpGet: {path: /healthz, port: 8080}
            periodSeconds: 10
            failureThreshold: 3
          readinessProbe:
            # What is not written has the same values.
            httpGet: {path: /healthz, port: 8080, scheme: HTTP}
        # Whatever the variable stands for, it is the same in both.
        - name: db
          image: registry.example/db:16.2
          livenessProbe: # want: container "db"
            exec: {command: [sh, -c, "pg_isready -d ${DATABASE}"]}
            periodSeconds: 5
          readinessProbe:
            exec: {command: [sh, -c, "pg_isready -d ${DATABASE}"]}
            periodSeconds: 5
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: patient
      image: registry.example/web:1.4.2
      livenessProbe:
        httpGet: {path: /healthz, port: 8080}
        failureThreshold: 10
      readinessProbe:
        httpGet: {path: /healthz, port: 8080}
    - name: modest
      image: registry.example/web:1.4.2
      livenessProbe:
        httpGet: {path: /healthz, port: 8080}
      readinessProbe:
        httpGet: {path: /ready, port: 8080}
    - name: only
      image: registry.example/web:1.4.2
      livenessProbe:
        httpGet: {path: /healthz, port: 8080}
    - name: substituted
      image: registry.example/web:1.4.2
      livenessProbe:
        tcpSocket: {port: 8080}
        periodSeconds: ${LIVENESS_PERIOD}
      readinessProbe:
        tcpSocket: {port: 8080}
    - name: variables
      image: registry.example/web:1.4.2
      livenessProbe:
        tcpSocket: {port: 8080}
        periodSeconds: ${LIVENESS_PERIOD}
      readinessProbe:
        tcpSocket: {port: 8080}
        periodSeconds: ${READINESS_PERIOD}
`,
}

// sameWords says that two values are written alike, word for word: a variable
// stands for the same in both.
func sameWords(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.Value == b.Value && slices.EqualFunc(a.Content, b.Content, sameWords)
}

// inFull is a probe with the defaults that the API server fills in, and without
// what only a liveness probe has.
func inFull(p *corev1.Probe) *corev1.Probe {
	full := p.DeepCopy()
	full.TerminationGracePeriodSeconds = nil
	for _, d := range []struct {
		value *int32
		unset int32
	}{{&full.TimeoutSeconds, 1}, {&full.PeriodSeconds, 10}, {&full.SuccessThreshold, 1}, {&full.FailureThreshold, 3}} {
		if *d.value == 0 {
			*d.value = d.unset
		}
	}
	if get := full.HTTPGet; get != nil {
		if get.Scheme == "" {
			get.Scheme = corev1.URISchemeHTTP
		}
		if get.Path == "" {
			get.Path = "/"
		}
	}
	return full
}
