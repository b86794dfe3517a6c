package network

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var ingressWildcardHost = &lint.Rule{
	ID: "ingress-wildcard-host", Severity: lint.Info, Category: lint.Network, Since: "0.1.0",
	Title:   "Ingress or route uses a wildcard host",
	Why:     "A wildcard answers for every name of the domain that nothing else claims, the names of other teams and of applications that are gone among them. Who runs the backend can set cookies for them and serve what looks like them.",
	Fix:     "Name the hosts that the application is for.",
	Profile: lint.All,
	Kinds:   append(slices.Clone(gatewayRoutes), kindIngress),
	Check: func(p *lint.Pass) {
		for _, host := range hostsOf(p.Object) {
			if strings.HasPrefix(host.Text(), "*.") {
				p.Report(host.Path, "%s %q answers for %q", p.Object.GVK.Kind, p.Object.Name, host.Text())
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  rules:
    - host: shop.example.com
    - host: "*.shop.example.com" # want: Ingress "web" answers for "*.shop.example.com"
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: web
spec:
  hostnames:
    - "*.example.com" # want: HTTPRoute "web"
    - shop.example.com
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  tls:
    - hosts: ["*.example.com"]
  rules:
    - host: shop.example.com
    - http:
        paths: []
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: web
spec:
  hostnames: [shop.example.com]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: web
spec:
  listeners:
    - hostname: "*.example.com"
`,
}

// hostsOf are the hosts that an Ingress or a route names.
func hostsOf(o *manifest.Object) []manifest.Value {
	if o.GroupKind() != kindIngress {
		return o.Value("spec", "hostnames").Items()
	}
	var hosts []manifest.Value
	for _, rule := range o.Value("spec", "rules").Items() {
		hosts = append(hosts, rule.Get("host"))
	}
	return hosts
}
