package network

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var ingressTLSHostMismatch = &lint.Rule{
	ID: "ingress-tls-host-mismatch", Severity: lint.Low, Category: lint.Network, Since: "0.1.0",
	Title:   "TLS block names a host that no rule serves",
	Why:     "Often the host is misspelt in one of the two places: the host of the rule is then served without a valid certificate, and cert-manager asks for one that nothing uses, or fails to get it and never renews the others of the block.",
	Fix:     "Write the same host in spec.tls and in spec.rules, or remove it from spec.tls.",
	Profile: lint.Strict,
	Kinds:   []schema.GroupKind{kindIngress},
	Check: func(p *lint.Pass) {
		ingress, ok := p.Object.Typed().(*networkingv1.Ingress)
		if !ok || ingress.Spec.DefaultBackend != nil {
			return
		}
		hosts := aliases(p.Object)
		for i := range ingress.Spec.Rules {
			host := ingress.Spec.Rules[i].Host
			if host == "" || !manifest.Known(host) {
				// It may serve any host.
				return
			}
			hosts = append(hosts, host)
		}
		www := annotation(p.Object, nginxPrefix+"from-to-www-redirect").True()
		for i := range ingress.Spec.TLS {
			for j, h := range ingress.Spec.TLS[i].Hosts {
				serves := func(host string) bool {
					return covers(h, host) || covers(host, h) || www && strings.TrimPrefix(h, "www.") == strings.TrimPrefix(host, "www.")
				}
				if manifest.Known(h) && !slices.ContainsFunc(hosts, serves) {
					p.Report(field.NewPath("spec", "tls").Index(i).Child("hosts").Index(j), "no rule serves host %q", h)
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
spec:
  tls:
    - secretName: shop
      hosts:
        - shop.example.com
        - shp.example.org # want: no rule serves host "shp.example.org"
        - www.shop.example.com # want: www.shop.example.com
  rules:
    - host: shop.example.com
    - host: shop.example.org
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    nginx.ingress.kubernetes.io/from-to-www-redirect: "true"
    nginx.ingress.kubernetes.io/server-alias: "store.example.com, *.store.example.com"
spec:
  tls:
    - secretName: shop
      hosts: [SHOP.example.com, www.shop.example.com, store.example.com]
    - secretName: wildcard
      hosts: ["*.example.org", "*.store.example.com"]
    - secretName: unknown
      hosts: ["shop.${DOMAIN}"]
  rules:
    - host: shop.example.com
    - host: shop.example.org
---
# A certificate for one host of a rule for many.
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: many
spec:
  tls:
    - hosts: [shop.example.com]
  rules:
    - host: "*.example.com"
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: any
spec:
  tls:
    - hosts: [shop.example.com]
  rules:
    - http:
        paths: []
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: default
spec:
  tls:
    - hosts: [shop.example.com]
  defaultBackend:
    service: {name: web, port: {number: 80}}
`,
}

// aliases are the hosts that ingress-nginx serves besides those of the rules.
func aliases(o *manifest.Object) []string {
	return strings.FieldsFunc(annotation(o, nginxPrefix+"server-alias").Text(), func(r rune) bool { return r == ',' || r == ' ' })
}
