package network

import (
	"cmp"
	"slices"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var gatewayListenerPlaintext = &lint.Rule{
	ID: "gateway-listener-plaintext", Severity: lint.Low, Category: lint.Network, Since: "0.1.0",
	Title:   "Gateway listener serves plain HTTP without redirect",
	Why:     "Whatever is routed through this listener crosses the network in clear: passwords, cookies and answers, which anybody on the way can read and change.",
	Fix:     "Attach an HTTPRoute to the listener that redirects to HTTPS with a RequestRedirect filter (with Istio set tls.httpsRedirect), or remove the listener.",
	Profile: lint.Strict,
	Kinds:   []schema.GroupKind{kindGateway, kindMeshGateway},
	Joins:   []schema.GroupKind{kindHTTPRoute},
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		redirected := map[listener]bool{}
		for _, o := range x.Kind(kindHTTPRoute.Group, kindHTTPRoute.Kind) {
			if !redirectsToTLS(o) {
				continue
			}
			for _, parent := range o.Value("spec", "parentRefs").Items() {
				redirected[listener{cmp.Or(parent.Get("namespace").Text(), o.Namespace), parent.Get("name").Text(), parent.Get("sectionName").Text(), parent.Get("port").Text()}] = true
			}
		}
		for _, o := range p.Judged(kindGateway) {
			if cluster.Private(o) || !p.Complete(o.Namespace) {
				continue
			}
			for _, l := range o.Value("spec", "listeners").Items() {
				name, port := l.Get("name").Text(), l.Get("port").Text()
				names := func(section, number string) bool { return redirected[listener{o.Namespace, o.Name, section, number}] }
				if l.Get("protocol").Text() == "HTTP" && !names("", "") && !names(name, "") && !names("", port) && !names(name, port) {
					p.ReportOn(o, p.Rule.Severity, l.Get("protocol").Path, "listener %q of Gateway %q serves plain HTTP, and no route redirects it", name, o.Name)
				}
			}
		}
		for _, o := range p.Judged(kindMeshGateway) {
			if cluster.Private(o) {
				continue
			}
			for _, s := range o.Value("spec", "servers").Items() {
				if protocol := s.Get("port", "protocol"); protocol.Text() == "HTTP" && !s.Get("tls", "httpsRedirect").True() {
					p.ReportOn(o, p.Rule.Severity, protocol.Path, "port %s of Gateway %q serves plain HTTP without redirect", s.Get("port", "number").Text(), o.Name)
				}
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
    - name: http
      port: 80
      protocol: HTTP # want: listener "http" of Gateway "edge" serves plain HTTP
    - name: https
      port: 443
      protocol: HTTPS
---
# Serves, and is attached to another listener.
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs:
    - {name: edge, namespace: edge, sectionName: http}
  rules:
    - backendRefs: [{name: web, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: redirect, namespace: edge}
spec:
  parentRefs:
    - {name: edge, sectionName: https}
  rules:
    - filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: edge}
spec:
  servers:
    - port:
        number: 80
        name: http
        protocol: HTTP # want: port 80 of Gateway "edge" serves plain HTTP
      hosts: ["*"]
-- good.yaml --
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: edge}
spec:
  gatewayClassName: example
  listeners:
    - {name: http, port: 80, protocol: HTTP}
    - {name: https, port: 443, protocol: HTTPS}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: redirect, namespace: redirects}
spec:
  parentRefs:
    - {name: edge, namespace: edge, sectionName: http}
  rules:
    - filters: [{type: RequestRedirect, requestRedirect: {scheme: https, statusCode: 301}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: internal, namespace: edge}
spec:
  gatewayClassName: example
  listeners:
    - {name: http, port: 80, protocol: HTTP}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: edge}
spec:
  servers:
    - port: {number: 80, name: http, protocol: HTTP}
      tls: {httpsRedirect: true}
      hosts: ["*"]
    - port: {number: 443, name: https, protocol: HTTPS}
      tls: {mode: SIMPLE, credentialName: edge}
      hosts: ["*"]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: cluster-local-gateway, namespace: edge}
spec:
  servers:
    - port: {number: 80, name: http, protocol: HTTP}
      hosts: ["*"]
-- good-incomplete.yaml --
# incomplete
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: edge}
spec:
  listeners:
    - {name: http, port: 80, protocol: HTTP}
`,
}

var kindMeshGateway = schema.GroupKind{Group: "networking.istio.io", Kind: "Gateway"}

// listener is a listener of a Gateway as a route names it; without name and port
// all listeners.
type listener struct{ namespace, gateway, name, port string }

// redirectsToTLS says that an HTTPRoute sends callers on to HTTPS.
func redirectsToTLS(route *manifest.Object) bool {
	return slices.ContainsFunc(route.Value("spec", "rules").Items(), func(rule manifest.Value) bool {
		return slices.ContainsFunc(rule.Get("filters").Items(), func(f manifest.Value) bool {
			return f.Get("requestRedirect", "scheme").Text() == "https"
		})
	})
}
