package network

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var openshiftRouteInsecure = &lint.Rule{
	ID: "openshift-route-insecure", Severity: lint.Medium, Category: lint.Network, Since: "0.1.0",
	Title:   "OpenShift Route has no TLS or allows insecure traffic",
	Why:     "Passwords, cookies and answers cross the network in clear, and anybody on the way can read and change them.",
	Fix:     "Set spec.tls.termination to edge, reencrypt or passthrough, and insecureEdgeTerminationPolicy to Redirect or None.",
	Profile: lint.All,
	Kinds:   []schema.GroupKind{kindRoute},
	Check: func(p *lint.Pass) {
		tls := p.Object.Value("spec", "tls")
		switch policy := tls.Get("insecureEdgeTerminationPolicy"); {
		case forACME(p.Object):
		case !tls.Written():
			p.Report(tls.Path, "Route %q serves plain HTTP", p.Object.Name)
		case policy.Text() == "Allow":
			p.Report(policy.Path, "Route %q serves plain HTTP beside HTTPS", p.Object.Name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: route.openshift.io/v1
kind: Route
metadata:
  name: web
spec: # want: Route "web" serves plain HTTP
  to: {kind: Service, name: web}
---
apiVersion: route.openshift.io/v1
kind: Route
metadata:
  name: both
spec:
  to: {kind: Service, name: web}
  tls:
    termination: edge
    insecureEdgeTerminationPolicy: Allow # want: beside HTTPS
-- good.yaml --
apiVersion: route.openshift.io/v1
kind: Route
metadata:
  name: web
spec:
  to: {kind: Service, name: web}
  tls:
    termination: edge
    insecureEdgeTerminationPolicy: Redirect
---
# Without a policy plain HTTP is refused.
apiVersion: route.openshift.io/v1
kind: Route
metadata:
  name: refused
spec:
  to: {kind: Service, name: web}
  tls:
    termination: reencrypt
---
apiVersion: serving.knative.dev/v1
kind: Route
metadata:
  name: web
spec: {}
`,
}
