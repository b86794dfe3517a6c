package network

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var containerPortInvalid = &lint.Rule{
	ID: "container-port-invalid", Severity: lint.Medium, Category: lint.Network, Since: "0.1.0",
	Title: "container port's name or number is invalid",
	Why:   "The API server refuses a port without a number or with a name that is none, and nothing is deployed. Two ports of one name in a pod are accepted if they are in different containers: Services and probes that use the name then lead to the one that comes first.",
	Fix:   "Give each port a number from 1 to 65535 and a name of its own: at most 15 lower-case letters, digits and hyphens, with a letter among them.",
	Kinds: lint.Workloads,
	Options: []lint.Option{{
		Name:    "unnamed",
		Doc:     "Whether a port without a name is reported, too.",
		Default: []string{"false"},
		Valid:   lint.Truth,
	}},
	Check: func(p *lint.Pass) {
		first := map[string]*manifest.Container{} // by the name of a port
		for _, c := range p.Workload().Containers() {
			for i, port := range c.Ports {
				path := c.Path.Child("ports").Index(i)
				if number := port.ContainerPort; len(validation.IsValidPortNum(int(number))) > 0 && isNumber(p.Object, path.Child("containerPort")) {
					p.Report(path.Child("containerPort"), "port %d of container %q is none: a port is a number from 1 to 65535", number, c.Name)
				}
				name := port.Name
				switch {
				case !manifest.Known(name):
				case name == "":
					if p.Yes("unnamed") {
						p.Report(path.Child("name"), "port %d of container %q has no name", port.ContainerPort, c.Name)
					}
				default:
					if faults := validation.IsValidPortName(name); len(faults) > 0 {
						p.Report(path.Child("name"), "port name %q of container %q %s", name, c.Name, strings.Join(faults, ", "))
					}
					switch other := first[name]; {
					case other == c:
						p.Report(path.Child("name"), "container %q has two ports named %q", c.Name, name)
					case other != nil && serves(c):
						p.ReportAs(lint.Low, path.Child("name"), "containers %q and %q both have a port named %q", other.Name, c.Name, name)
					case other == nil && serves(c):
						first[name] = c
					}
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
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: registry.example/web:1.4.2
          ports:
            - name: http
              containerPort: 0 # want: port 0 of container "web" is none
            - name: metrics-of-the-web # want: must be no more than 15
              containerPort: 9090
            - name: HTTP # want: port name "HTTP" of container "web"
              containerPort: 8080
            - name: http # want: container "web" has two ports named "http"
              containerPort: 8081
            - name: missing # want: port 0
        - name: proxy
          image: registry.example/proxy:1.0.0
          ports:
            - name: http # want low: containers "web" and "proxy" both have a port named "http"
              containerPort: 8082
-- bad-unnamed.yaml --
# options: unnamed=true
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      ports:
        - containerPort: 8080 # want: port 8080 of container "web" has no name
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  initContainers:
    # Both are gone when the pod is ready.
    - name: first
      image: registry.example/first:1.0.0
      ports: [{name: http, containerPort: 8080}]
    - name: second
      image: registry.example/second:1.0.0
      ports: [{name: http, containerPort: 8080}]
  containers:
    - name: web
      image: registry.example/web:1.4.2
      ports:
        - name: http
          containerPort: 8080
        - name: http-metrics
          containerPort: 9090
        - name: ${NAME}
          containerPort: 9091
        - containerPort: 8443
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  ports:
    - name: a-port-of-a-service-may-be-long
      port: 80
-- good-malformed.yaml --
# The number is filled in by Flux.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      ports:
        - containerPort: ${PORT}
        - containerPort: {value: 8080}
`,
}

// isNumber says that a field is the number that it was decoded to, or is not
// written: what is something else is reported for that, or filled in later.
func isNumber(o *manifest.Object, path *field.Path) bool {
	v := o.ValueAt(path)
	n, number := v.Int()
	return v.Node == nil || number && int64(int32(n)) == n
}
