package network

import (
	"cmp"
	"slices"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var danglingGatewayRoute = &lint.Rule{
	ID: "dangling-gateway-route", Severity: lint.Medium, Category: lint.Network, Since: "0.1.0",
	Title:   "Gateway API route refers to what is not there",
	Why:     "A route that names a Gateway or a listener that does not exist, or that takes no routes of its namespace, is attached to nothing: no request reaches the application. For a backend that is not there, or that is in another namespace without a ReferenceGrant, every request is answered with an error.",
	Fix:     "Correct the name, the section or the port; for a backend in another namespace make a ReferenceGrant there.",
	Kinds:   gatewayRoutes,
	Joins:   slices.Concat([]schema.GroupKind{kindGateway, kindService, kindReferenceGrant}, cluster.Makers, installers),
	Options: []lint.Option{external},
	CheckAll: func(p *lint.Pass) {
		s := newServices(p)
		g := newGrants(s.index)
		for _, kind := range gatewayRoutes {
			for _, o := range p.Judged(kind) {
				if forACME(o) {
					continue
				}
				for _, parent := range o.Value("spec", "parentRefs").Items() {
					attached(p, s.index, o, parent)
				}
				refused := map[string]bool{} // by the other namespace
				for _, b := range cluster.Backends(o) {
					key := b.Namespace + "/" + b.Name
					if b.Namespace == o.Namespace || o.Namespace == "" || refused[key] || !p.Complete(b.Namespace) || !s.inhabited(o, b.Namespace) || g.allow(o, &b) {
						continue
					}
					refused[key] = true
					p.ReportOn(o, p.Rule.Severity, b.NamePath, "no ReferenceGrant in namespace %q lets %ss of namespace %q use %s %q", b.Namespace, kind.Kind, o.Namespace, b.Kind, b.Name)
				}
				s.dangling(o, func(b cluster.Backend) bool { return refused[b.Namespace+"/"+b.Name] })
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: edge}
spec:
  gatewayClassName: example
  listeners:
    - name: https
      port: 443
      protocol: HTTPS
      allowedRoutes: {namespaces: {from: All}}
    - name: own
      port: 8443
      protocol: HTTPS
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  ports:
    - port: 80
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs:
    - name: edge # want: there is no Gateway "edge" in namespace "shop"
    - name: edge
      namespace: edge
      sectionName: http # want: Gateway "edge" has no listener "http"
    - name: edge
      namespace: edge
      sectionName: own # want: listener "own" of Gateway "edge" takes no routes of namespace "shop"
    - name: edge
      namespace: edge
      port: 80 # want: Gateway "edge" has no listener for port 80
    - name: edge
      namespace: edge
      sectionName: https
  rules:
    - backendRefs:
        - name: web
          port: 80
        - name: wob # want: there is no Service "wob" in namespace "shop"
          port: 80
    - backendRefs:
        - name: web
          port: 8080 # want: Service "web" has no port 8080
-- bad-grant.yaml --
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  ports:
    - port: 80
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: others, namespace: shop}
spec:
  from:
    - {group: gateway.networking.k8s.io, kind: TCPRoute, namespace: edge}
    - {group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: other}
  to:
    - {group: "", kind: Service}
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: another-service, namespace: shop}
spec:
  from:
    - {group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: edge}
  to:
    - {group: "", kind: Service, name: api}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: edge}
spec:
  rules:
    - backendRefs:
        - name: web # want: no ReferenceGrant in namespace "shop" lets HTTPRoutes of namespace "edge" use Service "web"
          namespace: shop
          port: 80
-- good.yaml --
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  gatewayClassName: example
  listeners:
    - {name: http, port: 80, protocol: HTTP}
    - name: some
      port: 8080
      protocol: HTTP
      allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {edge: "true"}}}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  ports:
    - port: 80
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs:
    - {name: edge, sectionName: http}
    - {name: edge}
    - {name: "${GATEWAY}"}
    # Within the mesh, and by a set of listeners.
    - {kind: Service, group: "", name: web}
    - {kind: ListenerSet, name: more}
  rules:
    - backendRefs:
        - {name: web, port: 80}
        - {group: gateway.envoyproxy.io, kind: Backend, name: outside}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: selected, namespace: other}
spec:
  parentRefs:
    - {name: edge, namespace: shop}
  rules:
    - backendRefs:
        - {name: web, namespace: shop, port: 80}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: other, namespace: shop}
spec:
  from:
    - {group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: other}
  to:
    - {group: "", kind: Service}
-- good-elsewhere.yaml --
# The repository has no Gateway at all: the platform makes them.
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs:
    - {name: edge, namespace: edge}
  rules:
    - backendRefs:
        - {name: web, port: 80}
-- good-incomplete.yaml --
# incomplete
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: edge}
spec: {listeners: []}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs:
    - {name: other, namespace: edge}
  rules:
    - backendRefs:
        - {name: web, namespace: web, port: 80}
`,
}

// attached reports a Gateway that a route names and that is not there, or has no
// listener that takes the route.
func attached(p *lint.Pass, x *cluster.Index, o *manifest.Object, parent manifest.Value) {
	name, section, port := parent.Get("name"), parent.Get("sectionName"), parent.Get("port")
	namespace := cmp.Or(parent.Get("namespace").Text(), o.Namespace)
	if kind := parent.Get("kind").Text(); kind != "" && kind != kindGateway.Kind || !manifest.Known(name.Text()+namespace+section.Text()+port.Text()) {
		return
	}
	gateways := x.Named(o, kindGateway, namespace, name.Text())
	switch {
	case len(gateways) == 0:
		together := func(g *manifest.Object) bool { return p.Together(o, g) }
		if p.Complete(namespace) && slices.ContainsFunc(x.Kind(kindGateway.Group, kindGateway.Kind), together) {
			p.ReportOn(o, p.Rule.Severity, name.Path, "there is no Gateway %q%s", name.Text(), inNamespace(namespace))
		}
		return
	case len(gateways) > 1:
		return
	}
	listeners, known := listenersOf(gateways[0], section, port)
	takes := func(l manifest.Value) bool {
		from := l.Get("allowedRoutes", "namespaces", "from").Text()
		return o.Namespace == namespace || from != "" && from != "Same"
	}
	switch {
	case !known:
	case len(listeners) == 0 && section.Written():
		p.ReportOn(o, p.Rule.Severity, section.Path, "Gateway %q has no listener %q", name.Text(), section.Text())
	case len(listeners) == 0:
		p.ReportOn(o, p.Rule.Severity, port.Path, "Gateway %q has no listener for port %s", name.Text(), port.Text())
	case slices.ContainsFunc(listeners, takes):
	case section.Written():
		p.ReportOn(o, p.Rule.Severity, section.Path, "listener %q of Gateway %q takes no routes of namespace %q", section.Text(), name.Text(), o.Namespace)
	default:
		p.ReportOn(o, p.Rule.Severity, name.Path, "Gateway %q takes no routes of namespace %q", name.Text(), o.Namespace)
	}
}

// listenersOf are the listeners of a Gateway that a route names by section or
// port; known says that all of the Gateway's listeners are.
func listenersOf(gateway *manifest.Object, section, port manifest.Value) (named []manifest.Value, known bool) {
	all := gateway.Value("spec", "listeners").Items()
	for _, l := range all {
		if !l.Get("name").Known() || !l.Get("port").Known() {
			return nil, false
		}
		if (section.Text() == "" || l.Get("name").Text() == section.Text()) && (port.Text() == "" || l.Get("port").Text() == port.Text()) {
			named = append(named, l)
		}
	}
	return named, len(all) > 0
}

// grants are the ReferenceGrants of a cluster, by namespace.
type grants map[string][]*manifest.Object

func newGrants(x *cluster.Index) grants {
	g := grants{}
	for _, o := range x.Kind(kindReferenceGrant.Group, kindReferenceGrant.Kind) {
		g[o.Namespace] = append(g[o.Namespace], o)
	}
	return g
}

// allow says that a grant in the namespace of a backend lets routes like this one
// use it: https://gateway-api.sigs.k8s.io/api-types/referencegrant/.
func (g grants) allow(route *manifest.Object, b *cluster.Backend) bool {
	is := func(v manifest.Value, text string) bool { return v.Text() == text || !v.Known() }
	return slices.ContainsFunc(g[b.Namespace], func(grant *manifest.Object) bool {
		from := slices.ContainsFunc(grant.Value("spec", "from").Items(), func(f manifest.Value) bool {
			return is(f.Get("group"), route.GVK.Group) && is(f.Get("kind"), route.GVK.Kind) && is(f.Get("namespace"), route.Namespace)
		})
		return from && slices.ContainsFunc(grant.Value("spec", "to").Items(), func(t manifest.Value) bool {
			return is(t.Get("group"), b.Group) && is(t.Get("kind"), b.Kind) && (!t.Get("name").Written() || is(t.Get("name"), b.Name))
		})
	})
}
