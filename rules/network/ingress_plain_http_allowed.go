package network

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var ingressPlainHTTPAllowed = &lint.Rule{
	ID: "ingress-plain-http-allowed", Severity: lint.Low, Category: lint.Network, Since: "0.1.0",
	Title: "HTTP to HTTPS redirect is disabled",
	Why:   "The Ingress has a certificate, and answers over plain HTTP all the same. Who follows an old link, or is made to, sends passwords and cookies in clear.",
	Fix:   "Remove the annotation, or set it so that plain HTTP is redirected.",
	Kinds: []schema.GroupKind{kindIngress},
	Check: func(p *lint.Pass) {
		ingress, ok := p.Object.Typed().(*networkingv1.Ingress)
		if !ok || forACME(p.Object) {
			return
		}
		for _, v := range plain(p.Object, len(ingress.Spec.TLS) > 0) {
			p.Report(v.Path, "%s leaves plain HTTP open beside HTTPS", annotationName(v.Path))
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    nginx.ingress.kubernetes.io/ssl-redirect: "false" # want: ssl-redirect leaves plain HTTP open
    nginx.ingress.kubernetes.io/force-ssl-redirect: "false"
spec: &spec
  tls:
    - hosts: [shop.example.com]
      secretName: shop
  rules:
    - host: shop.example.com
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: haproxy
  annotations:
    haproxy.org/ssl-redirect: "false" # want: ssl-redirect
spec: *spec
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: gke
  annotations:
    kubernetes.io/ingress.allow-http: "true" # want: ingress.allow-http
spec: *spec
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: traefik
  annotations:
    traefik.ingress.kubernetes.io/router.entrypoints: web # want: router.entrypoints
spec: *spec
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: aws
  annotations:
    alb.ingress.kubernetes.io/listen-ports: '[{"HTTP": 80}, {"HTTPS": 443}]' # want: listen-ports
spec:
  ingressClassName: alb
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: forced
  annotations:
    nginx.ingress.kubernetes.io/ssl-redirect: "false"
    nginx.ingress.kubernetes.io/force-ssl-redirect: "true"
spec: &spec
  tls:
    - hosts: [shop.example.com]
      secretName: shop
  rules:
    - host: shop.example.com
---
# The default of force-ssl-redirect, which is for what terminates TLS before.
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: default
  annotations:
    nginx.ingress.kubernetes.io/force-ssl-redirect: "false"
spec: *spec
---
# Without a certificate there is nothing to redirect to.
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: no-tls
  annotations:
    nginx.ingress.kubernetes.io/ssl-redirect: "false"
    traefik.ingress.kubernetes.io/router.entrypoints: web
spec:
  rules:
    - host: shop.example.com
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: traefik
  annotations:
    traefik.ingress.kubernetes.io/router.entrypoints: web, websecure
spec: *spec
---
# A FrontendConfig redirects.
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: gke
  annotations:
    kubernetes.io/ingress.allow-http: "true"
    networking.gke.io/v1beta1.FrontendConfig: redirect
spec: *spec
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: aws
  annotations:
    alb.ingress.kubernetes.io/listen-ports: '[{"HTTP": 80}, {"HTTPS": 443}]'
    alb.ingress.kubernetes.io/ssl-redirect: "443"
spec:
  ingressClassName: alb
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: cm-acme-http-solver
  labels:
    acme.cert-manager.io/http01-solver: "true"
  annotations:
    nginx.ingress.kubernetes.io/ssl-redirect: "false"
spec: *spec
`,
}

// plain are the annotations that leave plain HTTP open where there is HTTPS.
// What is so by default, as with the load balancers of GKE, is not among them.
func plain(o *manifest.Object, tls bool) []manifest.Value {
	var found []manifest.Value
	add := func(key string, wrong func(value string) bool) {
		if v := annotation(o, key); v.Written() && v.Known() && wrong(v.Text()) {
			found = append(found, v)
		}
	}
	is := func(text string) func(string) bool { return func(value string) bool { return value == text } }
	if tls {
		if !annotation(o, nginxPrefix+"force-ssl-redirect").True() {
			add(nginxPrefix+"ssl-redirect", is("false"))
		}
		add("haproxy.org/ssl-redirect", is("false"))
		add("haproxy-ingress.github.io/ssl-redirect", is("false"))
		if !annotation(o, "networking.gke.io/v1beta1.FrontendConfig").Written() {
			add("kubernetes.io/ingress.allow-http", is("true"))
		}
		// With this entry point alone the certificate is never used.
		add("traefik.ingress.kubernetes.io/router.entrypoints", is("web"))
	}
	if cluster.IngressClass(o).Text() == "alb" && !annotation(o, "alb.ingress.kubernetes.io/ssl-redirect").Written() && !redirects(o) {
		add("alb.ingress.kubernetes.io/listen-ports", func(value string) bool {
			return strings.Contains(value, `"HTTP"`) && strings.Contains(value, `"HTTPS"`)
		})
	}
	return found
}

// redirects says that an Ingress of AWS has an action that redirects to HTTPS,
// the older way to do so.
func redirects(o *manifest.Object) bool {
	for key, v := range o.Value("metadata", "annotations").Entries() {
		if strings.HasPrefix(key, "alb.ingress.kubernetes.io/actions.") && strings.Contains(strings.ToLower(v.Text()), "redirect") && strings.Contains(v.Text(), "HTTPS") {
			return true
		}
	}
	return false
}

// annotationName is the name of an annotation, without its domain.
func annotationName(path *field.Path) string {
	elements := manifest.SplitPath(path.String())
	key := elements[len(elements)-1]
	return key[strings.LastIndexByte(key, '/')+1:]
}
