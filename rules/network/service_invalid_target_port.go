package network

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var serviceInvalidTargetPort = &lint.Rule{
	ID: "service-invalid-target-port", Severity: lint.Medium, Category: lint.Network, Since: "0.1.0",
	Title: "Service target port does not match a container port",
	Why:   "A target port that is a name leads to the container port of that name. If no container of the selected pods has one the Service has no endpoints for the port and refuses connections, without an error when it is applied; a name that is none is refused by the API server.",
	Fix:   "Write the name of a port of the container, or the port's number without quotes.",
	Kinds: []schema.GroupKind{kindService},
	Joins: lint.Workloads,
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		for _, o := range p.Judged() {
			s, ok := o.Typed().(*corev1.Service)
			if !ok || s.Spec.Type == corev1.ServiceTypeExternalName {
				continue
			}
			var named map[string]bool // made when it is asked for
			for i, port := range s.Spec.Ports {
				path := field.NewPath("spec", "ports").Index(i).Child("targetPort")
				name := port.TargetPort.StrVal
				if port.TargetPort.Type != intstr.String || name == "" || !manifest.Known(name) {
					continue
				}
				if faults := validation.IsValidPortName(name); len(faults) > 0 {
					p.ReportOn(o, p.Rule.Severity, path, "target port %q is no name of a port: it %s", name, strings.Join(faults, ", "))
					continue
				}
				if named == nil {
					named = portNames(x.Behind(o))
				}
				if len(named) > 0 && !named[name] && !named[unknownPort] && p.Complete(o.Namespace) {
					p.ReportOn(o, p.Rule.Severity, path, "no container behind Service %q has a port named %q", o.Name, name)
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
  namespace: shop
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      initContainers:
        # Runs before the pod is ready: its ports serve nothing.
        - name: migrate
          image: registry.example/migrate:1.0.0
          ports:
            - name: early
              containerPort: 9000
      containers:
        - name: web
          image: registry.example/web:1.4.2
          ports:
            - name: http
              containerPort: 8080
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  selector: {app: web}
  ports:
    - name: http
      port: 80
      targetPort: http
    - name: web
      port: 81
      targetPort: web # want: no container behind Service "web" has a port named "web"
    - name: early
      port: 82
      targetPort: early # want: "early"
    - name: quoted
      port: 83
      targetPort: "8080" # want: target port "8080" is no name of a port
    - name: long
      port: 84
      targetPort: name-of-a-port-too-long # want: no more than 15
-- bad-no-ports.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
    - port: 80
      targetPort: http # want: no container behind Service "web"
-- good.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      initContainers:
        # Serves for as long as the pod runs.
        - name: proxy
          image: registry.example/proxy:1.0.0
          restartPolicy: Always
          ports:
            - name: proxy
              containerPort: 9000
      containers:
        - name: web
          image: registry.example/web:1.4.2
          ports:
            - name: http
              containerPort: 8080
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  selector: {app: web}
  ports:
    - name: http
      port: 80
      targetPort: http
    - name: proxy
      port: 81
      targetPort: proxy
    # The numbers of container ports are for information only.
    - name: number
      port: 82
      targetPort: 9999
    - name: same
      port: 83
    - name: substituted
      port: 84
      targetPort: ${PORT}
---
# Which pods it leads to is not known.
apiVersion: v1
kind: Service
metadata:
  name: elsewhere
  namespace: shop
spec:
  selector: {app: other}
  ports:
    - port: 80
      targetPort: http
-- good-incomplete.yaml --
# incomplete
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
    - port: 80
      targetPort: http
`,
}

// unknownPort stands among the names of ports for one that is filled in later.
const unknownPort = "${}"

// portNames are the names of the ports that the pods of workloads serve. It is
// not empty if there is a workload.
func portNames(workloads []*manifest.Object) map[string]bool {
	names := map[string]bool{}
	for _, o := range workloads {
		names[""] = true
		w, _ := o.Workload()
		for _, c := range w.Containers() {
			if !serves(c) {
				continue
			}
			for _, port := range c.Ports {
				if manifest.Known(port.Name) {
					names[port.Name] = true
				} else {
					names[unknownPort] = true
				}
			}
		}
	}
	return names
}

// serves says that a container runs while the pod is ready.
func serves(c *manifest.Container) bool {
	return c.Kind == manifest.Regular || c.Kind == manifest.Sidecar
}
