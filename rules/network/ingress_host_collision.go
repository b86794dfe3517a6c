package network

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var ingressHostCollision = &lint.Rule{
	ID: "ingress-host-collision", Severity: lint.Medium, Category: lint.Network, Since: "0.1.0",
	Title: "two Ingresses or routes claim the same host and path",
	Why:   "Only one of them gets the requests, most often the older one, and after it is made again the other. Who may write an Ingress in any namespace can take over the host of another team this way.",
	Fix:   "Give each host and path to one Ingress or route; split traffic by what the controller has for it.",
	Kinds: []schema.GroupKind{kindIngress, kindHTTPRoute, kindRoute},
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		first := map[claim]*manifest.Object{}
		for _, kind := range []schema.GroupKind{kindIngress, kindHTTPRoute, kindRoute} {
			for _, o := range x.Kind(kind.Group, kind.Kind) {
				reported := map[*yaml.Node]bool{}
				for _, c := range claims(o) {
					c.claim.where = where(p, o)
					other := first[c.claim]
					switch {
					case other == nil:
						first[c.claim] = o
					// The same object from two places is another fault.
					case other.Namespace == o.Namespace && other.Name == o.Name, reported[c.at.Node]:
					default:
						reported[c.at.Node] = true
						p.ReportOn(o, p.Rule.Severity, c.at.Path, "%s claims %s, too", other.ID(), c.text())
					}
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
spec:
  ingressClassName: nginx
  rules:
    - host: shop.example.com
      http:
        paths: &paths
          - path: /
            pathType: Prefix
            backend:
              service: {name: web, port: {number: 80}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: landing
  namespace: marketing
  annotations:
    kubernetes.io/ingress.class: nginx
spec:
  rules:
    - host: Shop.example.com
      http:
        paths:
          - path: / # want: Ingress shop/web claims host "shop.example.com" and path "/", too
            pathType: Prefix
            backend:
              service: {name: landing, port: {number: 80}}
          - path: /landing
            pathType: Prefix
            backend:
              service: {name: landing, port: {number: 80}}
-- bad-routes.yaml --
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: web
  namespace: shop
spec:
  parentRefs:
    - {name: edge, namespace: edge, sectionName: https}
  hostnames: [shop.example.com]
  rules:
    - backendRefs:
        - {name: web, port: 80}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: landing
  namespace: edge
spec:
  parentRefs:
    - {name: edge, sectionName: https}
  hostnames: [landing.example.com, shop.example.com]
  rules:
    - matches:
        - path: {type: PathPrefix, value: /} # want: HTTPRoute shop/web claims host "shop.example.com" and path "/", too
      backendRefs:
        - {name: landing, port: 80}
---
apiVersion: route.openshift.io/v1
kind: Route
metadata:
  name: web
  namespace: shop
spec:
  host: shop.apps.example.com
  to: {kind: Service, name: web}
---
apiVersion: route.openshift.io/v1
kind: Route
metadata:
  name: copy
  namespace: shop
spec:
  host: shop.apps.example.com # want: Route shop/web claims host "shop.apps.example.com", too
  to: {kind: Service, name: copy}
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
spec: &spec
  ingressClassName: nginx
  rules:
    - host: shop.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service: {name: web, port: {number: 80}}
          - path: /
            pathType: Exact
            backend:
              service: {name: web, port: {number: 80}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: canary
  namespace: shop
  annotations:
    nginx.ingress.kubernetes.io/canary: "true"
spec: *spec
---
# Another class is another controller, with an address of its own.
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: internal
  namespace: shop
spec:
  ingressClassName: internal
  rules:
    - host: shop.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service: {name: web, port: {number: 80}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: substituted
  namespace: shop
spec:
  ingressClassName: nginx
  rules:
    - host: ${HOST}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: substituted-too
  namespace: shop
spec:
  ingressClassName: nginx
  rules:
    - host: ${HOST}
-- good-routes.yaml --
# One redirects what comes without TLS to the other.
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: redirect
spec:
  parentRefs: [{name: edge, sectionName: http}]
  hostnames: [shop.example.com]
  rules:
    - filters:
        - type: RequestRedirect
          requestRedirect: {scheme: https}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: web
spec:
  parentRefs: [{name: edge, sectionName: https}]
  hostnames: [shop.example.com]
  rules:
    - matches:
        - path: {type: PathPrefix, value: /}
          headers: [{name: version, value: "2"}]
    - matches:
        - path: {type: PathPrefix, value: /}
    - matches:
        - path: {type: Exact, value: /}
---
apiVersion: route.openshift.io/v1
kind: Route
metadata:
  name: made
spec:
  to: {kind: Service, name: web}
---
apiVersion: route.openshift.io/v1
kind: Route
metadata:
  name: made-too
spec:
  to: {kind: Service, name: web}
-- good-unclaimed.yaml --
# For the mesh: each answers those who call its own Service.
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: a
spec:
  parentRefs: [{kind: Service, name: a}]
  rules: [{}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: b
spec:
  parentRefs: [{kind: Service, name: b}]
  rules: [{}]
`,
}

// claim is what only one Ingress or route can get.
type claim struct {
	where string // which cluster or unit
	by    string // who serves it: a class, a listener of a Gateway
	host  string
	path  string // with its type and what else is matched
}

// claimed is a claim and where it is written.
type claimed struct {
	claim
	at   manifest.Value
	name string // the path for a person
}

func (c *claimed) text() string {
	host := "every host"
	if c.host != "" {
		host = "host " + strconv.Quote(c.host)
	}
	if c.name == "" {
		return host
	}
	return host + " and path " + strconv.Quote(c.name)
}

// claims are what an object claims, as far as it is known.
func claims(o *manifest.Object) []claimed {
	var all []claimed
	switch o.GroupKind() {
	case kindIngress:
		all = ingressClaims(o)
	case kindHTTPRoute:
		all = routeClaims(o)
	case kindRoute:
		host, path := o.Value("spec", "host"), o.Value("spec", "path").Text()
		if host.Text() != "" {
			all = append(all, claimed{claim: claim{by: "Route", host: host.Text(), path: path}, at: host, name: path})
		}
	}
	return slices.DeleteFunc(all, func(c claimed) bool { return !manifest.Known(c.by + c.host + c.path) })
}

func ingressClaims(o *manifest.Object) []claimed {
	if annotation(o, nginxPrefix+"canary").True() || forACME(o) {
		return nil
	}
	var all []claimed
	class := cluster.IngressClass(o).Text()
	for _, rule := range o.Value("spec", "rules").Items() {
		host := strings.ToLower(rule.Get("host").Text())
		for _, p := range rule.Get("http", "paths").Items() {
			at := p
			if path := p.Get("path"); path.Written() {
				at = path
			}
			name := cmp.Or(p.Get("path").Text(), "/")
			all = append(all, claimed{claim: claim{by: "class " + class, host: host, path: p.Get("pathType").Text() + " " + name}, at: at, name: name})
		}
	}
	return all
}

// routeClaims are those of an HTTPRoute, for each listener that it attaches to. A
// rule without matches takes all paths.
func routeClaims(o *manifest.Object) []claimed {
	hosts := o.Value("spec", "hostnames").Texts()
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	var all []claimed
	for _, parent := range o.Value("spec", "parentRefs").Items() {
		if parent.Get("kind").Text() == "Service" {
			continue
		}
		by := strings.Join([]string{cmp.Or(parent.Get("namespace").Text(), o.Namespace), parent.Get("name").Text(), parent.Get("sectionName").Text(), parent.Get("port").Text()}, "/")
		for _, rule := range o.Value("spec", "rules").Items() {
			matches := rule.Get("matches").Items()
			if len(matches) == 0 {
				matches = []manifest.Value{rule} // which has no field of a match
			}
			for _, m := range matches {
				path := m.Get("path")
				name := cmp.Or(path.Get("value").Text(), "/")
				key := cmp.Or(path.Get("type").Text(), "PathPrefix") + " " + name
				for _, other := range [...]string{"method", "headers", "queryParams"} {
					if v := m.Get(other); v.Written() {
						text, err := yaml.Marshal(v.Node)
						if err != nil {
							return nil
						}
						key += " " + other + string(text)
					}
				}
				for _, host := range hosts {
					all = append(all, claimed{claim: claim{by: by, host: strings.ToLower(host), path: key}, at: m, name: name})
				}
			}
		}
	}
	return all
}
