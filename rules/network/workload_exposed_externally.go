package network

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/lint"
)

var workloadExposedExternally = &lint.Rule{
	ID: "workload-exposed-externally", Severity: lint.Info, Category: lint.Network, Since: "0.1.0",
	Title:   "workload is reachable from outside the cluster",
	Why:     "This is no fault by itself, but the list of what an attacker sees first: what is reached from outside needs login, limits, quick updates and a NetworkPolicy that holds it apart from the rest.",
	Fix:     "Compare the list with what is meant to be public, and remove the Service, Ingress or route of what is not.",
	Profile: lint.All,
	Kinds:   lint.Workloads,
	Joins:   cluster.Exposers,
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		for _, o := range p.Judged() {
			var ways []string
			for _, e := range x.Exposed(o) {
				way := e.By.GVK.Kind + " " + strconv.Quote(e.By.Name)
				if e.Private {
					way += " (from a private network)"
				}
				if !slices.Contains(ways, way) {
					ways = append(ways, way)
				}
			}
			// A chart that nobody installs runs nowhere.
			if len(ways) > 0 && !p.UnitOf(o).Bare {
				p.ReportOn(o, p.Rule.Severity, nil, "%s %q is reached from outside by %s", o.GVK.Kind, o.Name, few(ways))
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1 # want: Deployment "web" is reached from outside by Service "public", Ingress "web"
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
      containers:
        - name: web
          image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Service
metadata:
  name: public
  namespace: shop
spec:
  type: NodePort
  selector: {app: web}
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  selector: {app: web}
  ports:
    - port: 80
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
spec:
  defaultBackend:
    service: {name: web, port: {number: 80}}
-- bad-private.yaml --
apiVersion: v1 # want: from a private network
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
  annotations:
    service.beta.kubernetes.io/azure-load-balancer-internal: "true"
spec:
  type: LoadBalancer
  selector: {app: web}
  ports:
    - port: 80
-- good.yaml --
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
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: other
spec:
  defaultBackend:
    service: {name: other, port: {number: 80}}
`,
}

// few names some of many things for a person.
func few(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
