package network

import (
	"github.com/scantling-dev/scantling/internal/netpol"
	"github.com/scantling-dev/scantling/lint"
)

var networkpolicyAllowsAnyNamespace = &lint.Rule{
	ID: "networkpolicy-allows-any-namespace", Severity: lint.Low, Category: lint.Network, Since: "0.1.0",
	Title:   "network policy allows every namespace",
	Why:     "A peer with an empty namespaceSelector and no labels of pods is every pod of the cluster, those of namespaces that do not exist yet included.",
	Fix:     "Select the namespaces by a label, such as kubernetes.io/metadata.name, or add a podSelector.",
	Profile: lint.All,
	Kinds:   netpol.Kinds,
	Check: func(p *lint.Pass) {
		for _, d := range []netpol.Direction{netpol.Ingress, netpol.Egress} {
			eachSection(p.Object, d, func(_ *netpol.Policy, s netpol.Section) {
				for _, r := range s.Allows {
					// To be able to ask for addresses everyone may.
					if d == netpol.Egress && r.OnlyDNS() {
						continue
					}
					for _, peer := range r.Peers {
						if peer.AnyPod() {
							p.Report(peer.Path, "the peer is every pod of every namespace")
						}
					}
				}
			})
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - namespaceSelector: {} # want: every pod of every namespace
      ports:
        - port: 8080
  egress:
    - to:
        - podSelector: {} # want: every pod of every namespace
          namespaceSelector: {}
-- bad-cilium.yaml --
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: web}
spec:
  endpointSelector: {matchLabels: {app: web}}
  ingress:
    - fromEndpoints:
        - {} # want: every pod of every namespace
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - namespaceSelector: {}
          podSelector: {matchLabels: {app: prometheus}}
        - podSelector: {}
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: edge}}
  egress:
    # DNS is for everyone.
    - to:
        - namespaceSelector: {}
      ports:
        - {port: 53, protocol: UDP}
        - {port: 53, protocol: TCP}
---
# In a namespace, an empty selector of Cilium's is about that namespace.
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web}
spec:
  endpointSelector: {matchLabels: {app: web}}
  ingress:
    - fromEndpoints: [{}]
`,
}
