package network

import (
	"net/netip"

	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var endpointsLoopbackOrLinklocal = &lint.Rule{
	ID: "endpoints-loopback-or-linklocal", Severity: lint.High, Category: lint.Network, Since: "0.1.0",
	Title:      "endpoints point at loopback or link-local addresses",
	Why:        "Traffic to the Service ends on the node itself, at services that trust local callers, or at the cloud's metadata service, which hands out credentials.",
	Fix:        "Name the address of the real backend; for pods use a selector and leave the endpoints to the cluster.",
	Frameworks: []string{"CVE-2021-25737"},
	Kinds:      []schema.GroupKind{{Kind: "Endpoints"}, {Group: "discovery.k8s.io", Kind: "EndpointSlice"}},
	Check: func(p *lint.Pass) {
		judge := func(address string, path *field.Path) {
			a, err := netip.ParseAddr(address)
			if err != nil {
				return
			}
			switch a = a.Unmap(); {
			case a.IsLoopback():
				p.Report(path, "endpoint address %s is a loopback address", address)
			case a.IsLinkLocalUnicast():
				p.Report(path, "endpoint address %s is a link-local address", address)
			}
		}
		switch e := p.Object.Typed().(type) {
		//lint:ignore SA1019 deprecated, still deployed
		case *corev1.Endpoints:
			for i := range e.Subsets {
				path := field.NewPath("subsets").Index(i)
				for j := range e.Subsets[i].Addresses {
					judge(e.Subsets[i].Addresses[j].IP, path.Child("addresses").Index(j).Child("ip"))
				}
				for j := range e.Subsets[i].NotReadyAddresses {
					judge(e.Subsets[i].NotReadyAddresses[j].IP, path.Child("notReadyAddresses").Index(j).Child("ip"))
				}
			}
		case *discoveryv1.EndpointSlice:
			for i := range e.Endpoints {
				for j, a := range e.Endpoints[i].Addresses {
					judge(a, field.NewPath("endpoints").Index(i).Child("addresses").Index(j))
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Endpoints
metadata:
  name: web
subsets:
  - addresses:
      - ip: 10.0.0.1
      - ip: 127.0.0.1 # want: 127.0.0.1 is a loopback address
    notReadyAddresses:
      - ip: 169.254.169.254 # want: link-local
    ports:
      - port: 80
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: web
addressType: IPv6
endpoints:
  - addresses:
      - "::1" # want: loopback
  - addresses: ["fe80::1"] # want: link-local
  - addresses: ["::ffff:127.0.0.1"] # want: loopback
-- good.yaml --
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: web
addressType: IPv4
endpoints:
  - addresses: ["10.1.2.3"]
  - addresses: ["128.0.0.1"]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: named
addressType: FQDN
endpoints:
  - addresses: ["db.example.com"]
`,
}
