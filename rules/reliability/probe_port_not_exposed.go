package reliability

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var probePortNotExposed = &lint.Rule{
	ID:       "probe-port-not-exposed",
	Title:    "probe asks a port that the container does not declare",
	Why:      "The kubelet looks a port's name up among the ports of the probe's own container. It finds none and can't ask: a readiness probe never succeeds, so that the pod gets no requests and a rolling update never ends; a liveness probe never fails, so that nothing restarts the container.",
	Fix:      "Name one of the container's own ports, or declare the port there.",
	Since:    "0.1.0",
	Severity: lint.Medium,
	Category: lint.Reliability,
	Kinds:    lint.Workloads,
	Options: []lint.Option{{
		Name:    "numbers",
		Doc:     "Whether ports that are given as numbers must be declared, too; the kubelet asks them all the same.",
		Default: []string{"false"},
		Valid:   lint.Truth,
	}},
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			for _, probe := range probesOf(c) {
				port, path := probedPort(probe)
				switch {
				case port == (intstr.IntOrString{}) || declares(c, port):
				case port.Type == intstr.String:
					if manifest.Known(port.StrVal) {
						p.Report(path, "the %s of container %q asks port %q, and the container has no port of that name", probe.name, c.Name, port.StrVal)
					}
				case p.Yes("numbers"):
					p.Report(path, "the %s of container %q asks port %d, which the container does not declare", probe.name, c.Name, port.IntVal)
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
      initContainers:
        - name: mesh
          image: registry.example/mesh:1.4.2
          restartPolicy: Always
          startupProbe:
            tcpSocket:
              port: admin # want: the startup probe of container "mesh" asks port "admin"
      containers:
        - name: web
          image: registry.example/web:1.4.2
          ports: [{name: http, containerPort: 8080}]
          livenessProbe:
            httpGet:
              path: /healthz
              port: https # want: the liveness probe of container "web" asks port "https", and the container has no port of that name
          readinessProbe:
            httpGet:
              path: /ready
              # A number in quotes is a name.
              port: "8080" # want: port "8080"
        # The ports of other containers do not count.
        - name: log
          image: registry.example/log:0.9.0
          livenessProbe:
            tcpSocket:
              port: http # want: container "log"
-- bad-number.yaml --
# options: numbers=true
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      ports: [{containerPort: 8080}]
      readinessProbe:
        httpGet:
          port: 8081 # want: asks port 8081, which the container does not declare
      livenessProbe:
        grpc:
          port: 9000 # want: asks port 9000
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      ports: [{name: http, containerPort: 8080}]
      livenessProbe:
        httpGet: {path: /healthz, port: http}
      readinessProbe:
        # A number need not be declared.
        httpGet: {path: /ready, port: 8081}
      startupProbe:
        exec: {command: [/bin/started]}
    - name: substituted
      image: registry.example/web:1.4.2
      livenessProbe:
        tcpSocket: {port: "${PORT}"}
      readinessProbe:
        tcpSocket: {port: "port-${PORT}"}
`,
}

// probedPort is the port that a probe asks, and where it is written; zero for a
// probe that asks none.
func probedPort(p probe) (intstr.IntOrString, *field.Path) {
	switch {
	case p.HTTPGet != nil:
		return p.HTTPGet.Port, p.path.Child("httpGet", "port")
	case p.TCPSocket != nil:
		return p.TCPSocket.Port, p.path.Child("tcpSocket", "port")
	case p.GRPC != nil:
		return intstr.FromInt32(p.GRPC.Port), p.path.Child("grpc", "port")
	}
	return intstr.IntOrString{}, nil
}

// declares says that a container declares a port, by the name or the number that
// it is asked by.
func declares(c *manifest.Container, port intstr.IntOrString) bool {
	return slices.ContainsFunc(c.Ports, func(declared corev1.ContainerPort) bool {
		if port.Type == intstr.String {
			return declared.Name == port.StrVal
		}
		return declared.ContainerPort == port.IntVal
	})
}
