package network

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var ingressDefaultBackend = &lint.Rule{
	ID: "ingress-default-backend", Severity: lint.Info, Category: lint.Network, Since: "0.1.0",
	Title:   "Ingress declares a catch-all default backend",
	Why:     "The backend gets all requests that no rule matches, whatever their host: paths that were meant to stay unreachable, and with many controllers the hosts of other Ingresses.",
	Fix:     "Name hosts and paths in spec.rules, and leave what matches none to the controller.",
	Profile: lint.All,
	Kinds:   []schema.GroupKind{kindIngress},
	Check: func(p *lint.Pass) {
		if v := p.Object.Value("spec", "defaultBackend"); v.Written() {
			p.Report(v.Path, "Ingress %q takes all requests that no rule matches", p.Object.Name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  defaultBackend: # want: Ingress "web" takes all requests
    service:
      name: web
      port: {number: 80}
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  defaultBackend: null
  rules:
    - host: shop.example.com
`,
}
