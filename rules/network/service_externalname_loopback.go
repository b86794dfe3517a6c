package network

import (
	"net/netip"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var serviceExternalnameLoopback = &lint.Rule{
	ID: "service-externalname-loopback", Severity: lint.Medium, Category: lint.Network, Since: "0.1.0",
	Title: "ExternalName Service points at localhost",
	Why:   "Who follows the name talks to itself. An ingress controller that follows it serves its own interfaces to the outside, those for status and administration among them, and an address such as 169.254.169.254 hands out the node's cloud credentials.",
	Fix:   "Name the host that is meant, or select the pods.",
	Kinds: []schema.GroupKind{kindService},
	Check: func(p *lint.Pass) {
		s, ok := p.Object.Typed().(*corev1.Service)
		if !ok || s.Spec.Type != corev1.ServiceTypeExternalName || !manifest.Known(s.Spec.ExternalName) {
			return
		}
		if local(s.Spec.ExternalName) {
			p.Report(field.NewPath("spec", "externalName"), "Service %q leads callers to %q, which is their own machine", p.Object.Name, s.Spec.ExternalName)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  type: ExternalName
  externalName: localhost # want: Service "web" leads callers to "localhost"
---
apiVersion: v1
kind: Service
metadata:
  name: domain
spec:
  type: ExternalName
  externalName: admin.LocalHost. # want: admin.LocalHost.
---
apiVersion: v1
kind: Service
metadata:
  name: metadata
spec:
  type: ExternalName
  externalName: 169.254.169.254 # want: 169.254.169.254
-- good.yaml --
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  type: ExternalName
  externalName: db.example.com
---
apiVersion: v1
kind: Service
metadata:
  name: named-alike
spec:
  type: ExternalName
  externalName: localhost.example.com
---
apiVersion: v1
kind: Service
metadata:
  name: address
spec:
  type: ExternalName
  externalName: 10.1.2.3
---
# The name means nothing for this type.
apiVersion: v1
kind: Service
metadata:
  name: unused
spec:
  type: ClusterIP
  externalName: localhost
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: unknown
spec:
  type: ExternalName
  externalName: ${HOST}
`,
}

// local says that a host is the machine that asks for it, or its link.
func local(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if a, err := netip.ParseAddr(host); err == nil {
		a = a.Unmap()
		return a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || host == "localhost.localdomain"
}
