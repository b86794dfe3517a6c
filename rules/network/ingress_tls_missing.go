package network

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var ingressTLSMissing = &lint.Rule{
	ID: "ingress-tls-missing", Severity: lint.Medium, Category: lint.Network, Since: "0.1.0",
	Title:   "Ingress host is served without TLS",
	Why:     "Passwords, cookies and answers for this host cross the network in clear, and anybody on the way can read and change them.",
	Fix:     "Add the host to a block in spec.tls with the Secret of its certificate; cert-manager makes and renews one from an annotation.",
	Profile: lint.Strict,
	Kinds:   []schema.GroupKind{kindIngress},
	Options: []lint.Option{{
		Name:  "default-certificate",
		Doc:   "Ingress classes whose controller serves all hosts with a certificate of its own; * stands for any characters.",
		Valid: lint.Glob,
	}},
	Check: func(p *lint.Pass) {
		ingress, ok := p.Object.Typed().(*networkingv1.Ingress)
		if !ok || p.Unit.Bare || forACME(p.Object) || terminatesElsewhere(p.Object) || hasClass(p.Object, p.Option("default-certificate")) {
			return
		}
		var hosts []string
		for i := range ingress.Spec.Rules {
			host := ingress.Spec.Rules[i].Host
			switch {
			case !manifest.Known(host) || certified(ingress, host) || slices.Contains(hosts, host):
				continue
			case len(ingress.Spec.TLS) > 0:
				p.Report(field.NewPath("spec", "rules").Index(i).Child("host"), "no TLS block covers host %q", host)
			}
			hosts = append(hosts, host)
		}
		if len(ingress.Spec.TLS) == 0 && len(hosts) > 0 {
			p.Report(field.NewPath("spec", "tls"), "%s without TLS", served(hosts))
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  ingressClassName: nginx
  tls:
    - hosts: ["shop.example.com", "*.api.example.com"]
      secretName: shop
  rules:
    - host: shop.example.com
    - host: v1.api.example.com
    - host: a.v1.api.example.com # want: no TLS block covers host "a.v1.api.example.com"
    - host: static.example.com # want: static.example.com
-- bad-all.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    traefik.ingress.kubernetes.io/router.entrypoints: web,websecure
spec: # want: hosts "shop.example.com" and "api.example.com" are served without TLS
  ingressClassName: traefik
  rules:
    - host: shop.example.com
    - host: api.example.com
    - host: shop.example.com
-- bad-any-host.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec: # want: all hosts are served without TLS
  rules:
    - http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service: {name: web, port: {number: 80}}
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  tls:
    - secretName: everything
  rules:
    - host: shop.example.com
    - http:
        paths: []
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: aws
  annotations:
    alb.ingress.kubernetes.io/certificate-arn: arn:aws:acm:eu-west-1:123456789012:certificate/web
spec:
  ingressClassName: alb
  rules:
    - host: shop.example.com
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: traefik
  annotations:
    traefik.ingress.kubernetes.io/router.entrypoints: websecure
spec:
  rules:
    - host: shop.example.com
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: tailnet
spec:
  ingressClassName: tailscale
  rules:
    - host: shop
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: cm-acme-http-solver
  labels:
    acme.cert-manager.io/http01-solver: "true"
spec:
  rules:
    - host: shop.example.com
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: substituted
spec:
  tls:
    - hosts: ["shop.${DOMAIN}"]
  rules:
    - host: shop.${DOMAIN}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: web
spec:
  hostnames: [shop.example.com]
-- good-bare.yaml --
# unit: bare
# The host of a chart's defaults stands for one that whoever installs it names.
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  rules:
    - host: chart-example.local
-- good-default-certificate.yaml --
# options: default-certificate=edge-*
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    kubernetes.io/ingress.class: edge-public
spec:
  rules:
    - host: shop.example.com
`,
}

// served is the beginning of a sentence on hosts.
func served(hosts []string) string {
	const most = 3
	if slices.Contains(hosts, "") {
		return "all hosts are served"
	}
	names := quoted(hosts)
	switch n := len(hosts); {
	case n == 1:
		return "host " + names[0] + " is served"
	case n > most:
		return fmt.Sprintf("hosts %s and %d more are served", strings.Join(names[:most], ", "), n-most)
	default:
		return "hosts " + strings.Join(names[:n-1], ", ") + " and " + names[n-1] + " are served"
	}
}

// hasClass says that the class of an Ingress is one of some patterns.
func hasClass(o *manifest.Object, patterns []string) bool {
	class := cluster.IngressClass(o).Text()
	return lint.MatchesAny(patterns, class)
}
