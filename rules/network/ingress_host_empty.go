package network

import (
	"github.com/scantling-dev/scantling/lint"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var ingressHostEmpty = &lint.Rule{
	ID: "ingress-host-empty", Severity: lint.Low, Category: lint.Network, Since: "0.1.0",
	Title:   "Ingress rule matches every host",
	Why:     "A rule without a host answers for every host that no other Ingress names, and for requests to the bare address. It takes over the hosts of Ingresses that are removed or not there yet, scanners find the application without knowing its name, and an application that trusts the Host header can be deceived.",
	Fix:     "Name the host that the application is for.",
	Profile: lint.Strict,
	Kinds:   []schema.GroupKind{kindIngress},
	Check: func(p *lint.Pass) {
		ingress, ok := p.Object.Typed().(*networkingv1.Ingress)
		if !ok {
			return
		}
		for i := range ingress.Spec.Rules {
			if host := ingress.Spec.Rules[i].Host; host == "" || host == "*" {
				p.Report(field.NewPath("spec", "rules").Index(i).Child("host"), "Ingress %q answers for every host", p.Object.Name)
				return
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
    - http: &http # want: Ingress "web" answers for every host
        paths:
          - path: /
            pathType: Prefix
            backend:
              service: {name: web, port: {number: 80}}
    - http: *http
-- bad-star.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  rules:
    - host: "*" # want: every host
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  rules:
    - host: shop.example.com
    - host: "*.shop.example.com"
    - host: ${HOST}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: web
spec:
  rules: [{}]
`,
}
