package network

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var ingressRateLimitMissing = &lint.Rule{
	ID: "ingress-rate-limit-missing", Severity: lint.Info, Category: lint.Network, Since: "0.1.0",
	Title:      "public Ingress or route has no rate limit",
	Why:        "One caller can send as many requests as the network carries: passwords are tried by the million, and the application is slow or gone for everybody else.",
	Fix:        "Limit the requests of one address where the controller can: an annotation of the Ingress, a Middleware of Traefik, a BackendTrafficPolicy of Envoy Gateway, or a firewall before it.",
	Frameworks: []string{"MITRE:T1499"},
	Profile:    lint.All,
	Kinds:      []schema.GroupKind{kindIngress, kindHTTPRoute},
	Joins:      slices.Concat(trafficPolicies, middlewares),
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		limited := targets(x, trafficPolicies, func(spec manifest.Value) bool {
			return spec.Get("rateLimit").Written() || spec.Get("limits").Written() || spec.Get("default").Written()
		})
		limiting := limitingMiddlewares(x)
		for _, kind := range []schema.GroupKind{kindIngress, kindHTTPRoute} {
			for _, o := range p.Judged(kind) {
				if p.UnitOf(o).Bare || cluster.Private(o) || forACME(o) || len(cluster.Backends(o)) == 0 || behindFirewall(o) || reached(limited, o) || extended(o) || limits(o, limiting) {
					continue
				}
				p.ReportOn(o, p.Rule.Severity, field.NewPath("metadata"), "%s %q has no limit on requests", kind.Kind, o.Name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: # want: Ingress "web" has no limit on requests
  name: web
  annotations:
    nginx.ingress.kubernetes.io/proxy-body-size: 8m
    traefik.ingress.kubernetes.io/router.middlewares: shop-headers@kubernetescrd
spec:
  rules:
    - http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
---
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata: {name: headers, namespace: shop}
spec: {headers: {}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: # want: HTTPRoute "api" has no limit on requests
  name: api
spec:
  parentRefs: [{name: edge}]
  rules:
    - backendRefs: [{name: api, port: 80}]
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: BackendTrafficPolicy
metadata: {name: timeouts}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}]
  timeout: {http: {requestTimeout: 10s}}
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: nginx
  annotations:
    nginx.ingress.kubernetes.io/limit-rps: "20"
spec: &spec
  rules:
    - http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: haproxy
  annotations:
    haproxy.org/rate-limit-requests: "20"
spec: *spec
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: traefik
  annotations:
    traefik.ingress.kubernetes.io/router.middlewares: shop-headers@kubernetescrd,shop-slow@kubernetescrd
spec: *spec
---
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata: {name: slow, namespace: shop}
spec: {rateLimit: {average: 20}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: firewall
  annotations:
    alb.ingress.kubernetes.io/scheme: internet-facing
    alb.ingress.kubernetes.io/wafv2-acl-arn: arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/web
spec: *spec
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: internal
spec:
  ingressClassName: internal
  defaultBackend: {service: {name: web, port: {number: 80}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [{name: edge}]
  rules:
    - backendRefs: [{name: web, port: 80}]
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: BackendTrafficPolicy
metadata: {name: limits}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}]
  rateLimit: {type: Local}
---
# Only sends on to HTTPS.
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: redirect}
spec:
  parentRefs: [{name: other}]
  rules:
    - filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]
`,
}

// trafficPolicies are kinds of policies that can limit requests.
var trafficPolicies = []schema.GroupKind{
	{Group: "gateway.envoyproxy.io", Kind: "BackendTrafficPolicy"},
	{Group: "kuadrant.io", Kind: "RateLimitPolicy"},
	{Group: "gateway.nginx.org", Kind: "RateLimitPolicy"},
}

var middlewares = []schema.GroupKind{{Group: "traefik.io", Kind: "Middleware"}, {Group: "traefik.containo.us", Kind: "Middleware"}}

// behindFirewall says that a web application firewall of the provider is named
// for an Ingress, or that a provider's network with one is the only way in.
func behindFirewall(o *manifest.Object) bool {
	for key, v := range o.Value("metadata", "annotations").Entries() {
		switch key {
		case "alb.ingress.kubernetes.io/wafv2-acl-arn", "alb.ingress.kubernetes.io/waf-acl-id", "appgw.ingress.kubernetes.io/waf-policy-for-path":
			if v.Text() != "" {
				return true
			}
		}
	}
	class := cluster.IngressClass(o).Text()
	return class == "cloudflare-tunnel" || class == "cloudflared"
}

// limits says that an annotation of an object limits requests.
func limits(o *manifest.Object, limiting map[string]bool) bool {
	for key, v := range o.Value("metadata", "annotations").Entries() {
		name := key[strings.LastIndexByte(key, '/')+1:]
		switch {
		case strings.HasPrefix(name, "limit-"), strings.Contains(name, "rate-limit"):
			if v.Text() != "" {
				return true
			}
		case key == "konghq.com/plugins", key == "nginx.org/policies":
			// What they do stands elsewhere: the name is all that is known.
			if strings.Contains(v.Text(), "limit") {
				return true
			}
		case key == "traefik.ingress.kubernetes.io/router.middlewares":
			for m := range strings.SplitSeq(v.Text(), ",") {
				m, provider, _ := strings.Cut(strings.TrimSpace(m), "@")
				if limiting[m] || provider != "kubernetescrd" && strings.Contains(m, "limit") {
					return true
				}
			}
		}
	}
	return false
}

// limitingMiddlewares are the middlewares of Traefik that limit requests, or may
// by what they lead to, as annotations name them.
func limitingMiddlewares(x *cluster.Index) map[string]bool {
	all := map[string]bool{}
	for _, kind := range middlewares {
		for _, m := range x.Kind(kind.Group, kind.Kind) {
			if spec := m.Value("spec"); spec.Get("rateLimit").Written() || spec.Get("inFlightReq").Written() || spec.Get("chain").Written() {
				all[m.Namespace+"-"+m.Name] = true
			}
		}
	}
	return all
}
