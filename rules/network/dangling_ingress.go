package network

import (
	"slices"
	"strconv"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var danglingIngress = &lint.Rule{
	ID: "dangling-ingress", Severity: lint.Medium, Category: lint.Network, Since: "0.1.0",
	Title:   "Ingress backend does not exist",
	Why:     "Requests for this path end in an error page, or at the controller's default backend. A name that nobody holds can be taken: who may make Services in the namespace then gets the requests.",
	Fix:     "Correct the name or the port of the Service, or remove the path.",
	Kinds:   ingressLike,
	Joins:   slices.Concat([]schema.GroupKind{kindService}, cluster.Makers, installers),
	Options: []lint.Option{external},
	CheckAll: func(p *lint.Pass) {
		s := newServices(p)
		for _, kind := range ingressLike {
			for _, o := range p.Judged(kind) {
				if forACME(o) {
					continue
				}
				s.dangling(o, func(b cluster.Backend) bool {
					// The controller of AWS takes the name for that of an action:
					// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#actions.
					return b.Port.Text() == "use-annotation"
				})
			}
		}
	},
	Examples: `
-- bad.yaml --
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
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
  namespace: shop
spec:
  defaultBackend:
    service:
      name: web
      port: {number: 8080} # want: Service "web" has no port 8080
  rules:
    - host: shop.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: webb # want: there is no Service "webb" in namespace "shop"
                port: {number: 80}
          - path: /again
            pathType: Prefix
            backend:
              service:
                name: webb
                port: {number: 80}
          - path: /named
            pathType: Prefix
            backend:
              service:
                name: web
                port: {name: https} # want: Service "web" has no port "https"
---
apiVersion: route.openshift.io/v1
kind: Route
metadata:
  name: shop
  namespace: shop
spec:
  to:
    kind: Service
    name: wob # want: "wob"
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata:
  name: shop
  namespace: shop
spec:
  routes:
    - match: Host("shop.example.com")
      services:
        - name: web
          port: http
        - name: wub # want: "wub"
          port: 80
-- good.yaml --
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
---
apiVersion: v1
kind: Service
metadata:
  name: outside
  namespace: shop
spec:
  type: ExternalName
  externalName: shop.example.com
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: orders
  namespace: shop
spec: {}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
  namespace: shop
  annotations:
    alb.ingress.kubernetes.io/actions.redirect: '{"type": "redirect"}'
spec:
  defaultBackend:
    resource:
      apiGroup: example.com
      kind: Bucket
      name: files
  rules:
    - http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service: {name: web, port: {number: 80}}
          - path: /named
            pathType: Prefix
            backend:
              service: {name: web, port: {name: http}}
          - path: /outside
            pathType: Prefix
            backend:
              service: {name: outside, port: {number: 443}}
          - path: /redirect
            pathType: Prefix
            backend:
              service: {name: redirect, port: {name: use-annotation}}
          - path: /substituted
            pathType: Prefix
            backend:
              service: {name: "${NAME}", port: {number: 80}}
          # The operator of the Cluster makes it.
          - path: /made
            pathType: Prefix
            backend:
              service: {name: orders-rw, port: {number: 5432}}
---
# Nothing of this namespace is in the repository.
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: elsewhere
  namespace: monitoring
spec:
  defaultBackend:
    service: {name: grafana, port: {number: 80}}
-- good-incomplete.yaml --
# incomplete
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  ports:
    - port: 80
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
  namespace: shop
spec:
  defaultBackend:
    service: {name: webb, port: {number: 80}}
-- good-external.yaml --
# options: external=shop/legacy-*
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  ports:
    - port: 80
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
  namespace: shop
spec:
  defaultBackend:
    service: {name: legacy-web, port: {number: 80}}
`,
}

// ingressLike are the kinds that lead to Services, but for those of the Gateway
// API and of Istio, which have rules, and hosts, of their own.
var ingressLike = slices.DeleteFunc(slices.Clone(cluster.Routes), func(kind schema.GroupKind) bool {
	return kind.Group == gatewayAPI || kind.Group == "networking.istio.io"
})

// dangling reports the Services that an Ingress or a route names and that are not
// there, or have no such port, but for those that a rule knows of: each fault
// once.
func (s *services) dangling(o *manifest.Object, known func(cluster.Backend) bool) {
	p := s.pass
	reported := map[string]bool{}
	for _, b := range cluster.Backends(o) {
		if b.GroupKind != kindService || known(b) {
			continue
		}
		found := s.index.Named(o, kindService, b.Namespace, b.Name)
		if len(found) == 0 {
			if key := b.Namespace + "/" + b.Name; !reported[key] && s.lacks(o, b.Namespace, b.Name) {
				reported[key] = true
				p.ReportOn(o, p.Rule.Severity, b.NamePath, "there is no Service %q%s", b.Name, inNamespace(b.Namespace))
			}
			continue
		}
		port := b.Port.Text()
		if key := b.Namespace + "/" + b.Name + ":" + port; port != "" && b.Port.Known() && !reported[key] && !slices.ContainsFunc(found, func(s *manifest.Object) bool { return hasPort(s, b.Port) }) {
			reported[key] = true
			p.ReportOn(o, p.Rule.Severity, b.Port.Path, "Service %q has no port %s", b.Name, portText(b.Port))
		}
	}
}

// inNamespace is the end of a sentence on a namespace that is known.
func inNamespace(namespace string) string {
	if namespace == "" {
		return ""
	}
	return " in namespace " + strconv.Quote(namespace)
}

// hasPort says that a Service has a port of a name or a number, or may have any.
func hasPort(service *manifest.Object, port manifest.Value) bool {
	s, ok := service.Typed().(*corev1.Service)
	if !ok || s.Spec.Type == corev1.ServiceTypeExternalName {
		return true
	}
	number, _ := port.Int()
	return slices.ContainsFunc(s.Spec.Ports, func(p corev1.ServicePort) bool {
		return number != 0 && int64(p.Port) == number || p.Name != "" && p.Name == port.Text() || !manifest.Known(p.Name)
	}) || slices.ContainsFunc(service.Value("spec", "ports").Items(), func(p manifest.Value) bool { return !p.Get("port").Known() })
}

func portText(port manifest.Value) string {
	if _, ok := port.Int(); ok {
		return port.Text()
	}
	return strconv.Quote(port.Text())
}
