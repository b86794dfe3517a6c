package network

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var gatewayListenerAllNamespaces = &lint.Rule{
	ID: "gateway-listener-all-namespaces", Severity: lint.Low, Category: lint.Network, Since: "0.1.0",
	Title:   "Gateway listener accepts routes from every namespace",
	Why:     "Everybody who may make a route in any namespace can publish an application through this listener, and claim hosts and paths of others that are not claimed yet.",
	Fix:     "Set from to Selector with a label that you give to the namespaces that may publish, or name the hosts in the listener.",
	Profile: lint.All,
	Kinds:   []schema.GroupKind{kindGateway},
	Check: func(p *lint.Pass) {
		for _, l := range p.Object.Value("spec", "listeners").Items() {
			if from := l.Get("allowedRoutes", "namespaces", "from"); from.Text() == "All" {
				p.Report(from.Path, "listener %q of Gateway %q accepts routes from every namespace", l.Get("name").Text(), p.Object.Name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: edge
spec:
  gatewayClassName: example
  listeners:
    - name: https
      port: 443
      protocol: HTTPS
      allowedRoutes:
        namespaces:
          from: All # want: listener "https" of Gateway "edge" accepts routes from every namespace
-- good.yaml --
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: edge
spec:
  gatewayClassName: example
  listeners:
    - name: own
      port: 443
      protocol: HTTPS
    - name: some
      port: 8443
      protocol: HTTPS
      allowedRoutes:
        namespaces:
          from: Selector
          selector:
            matchLabels: {edge: "true"}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: edge
spec:
  listeners:
    - allowedRoutes: {namespaces: {from: All}}
`,
}
