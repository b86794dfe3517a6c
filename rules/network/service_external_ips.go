package network

import (
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var serviceExternalIps = &lint.Rule{
	ID: "service-external-ips", Severity: lint.High, Category: lint.Network, Since: "0.1.0",
	Title:      "Service claims external addresses",
	Why:        "Every node sends what its pods address to an external IP to this Service instead. A Service can claim any address, also one that belongs to somebody else, and read the traffic.",
	Fix:        "Remove externalIPs and use a load balancer, an Ingress or a Gateway.",
	Frameworks: []string{"CVE-2020-8554"},
	Kinds:      []schema.GroupKind{{Kind: "Service"}},
	Check: func(p *lint.Pass) {
		if s, ok := p.Object.Typed().(*corev1.Service); ok && len(s.Spec.ExternalIPs) > 0 {
			p.Report(field.NewPath("spec", "externalIPs"), "the Service claims %d external address(es)", len(s.Spec.ExternalIPs))
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
    - port: 80
  externalIPs: # want: claims 2 external
    - 198.51.100.7
    - 198.51.100.8
-- good.yaml --
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  type: LoadBalancer
  loadBalancerIP: 198.51.100.7
  selector: {app: web}
  externalIPs: []
  ports:
    - port: 80
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: web
spec:
  externalIPs: [198.51.100.7]
`,
}
