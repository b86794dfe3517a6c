package network

import (
	"github.com/scantling-dev/scantling/internal/netpol"
	"github.com/scantling-dev/scantling/lint"
)

var networkpolicyAllowsAllEgress = &lint.Rule{
	ID: "networkpolicy-allows-all-egress", Severity: lint.Low, Category: lint.Network, Since: "0.1.0",
	Title:   "network policy allows egress to everywhere",
	Why:     "A rule without peers and ports lets the pods reach everything: other tenants, the cloud's metadata service, the internet. Policies add up, so it also undoes every other policy that selects these pods.",
	Fix:     "Say in to what the pods need to reach, and in ports at which port.",
	Profile: lint.Strict,
	Kinds:   netpol.Kinds,
	Check: func(p *lint.Pass) {
		checkOpen(p, netpol.Egress, "policy %q lets the pods reach everything, the cloud's metadata service included")
	},
	Examples: `
-- bad.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Egress]
  egress:
    - {} # want: policy "web" lets the pods reach everything
---
# With rules for egress the policy is about egress.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db}
spec:
  podSelector: {matchLabels: {app: db}}
  egress:
    - to:
        - ipBlock:
            cidr: 0.0.0.0/0 # want: policy "db"
-- bad-cilium.yaml --
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: web}
spec:
  endpointSelector: {matchLabels: {app: web}}
  egress:
    - toEntities:
        - cluster
        - world # want: reach everything
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Egress]
  egress:
    - to:
        - ipBlock: {cidr: 0.0.0.0/0}
      ports:
        - port: 443
    - to:
        - ipBlock:
            cidr: 0.0.0.0/0
            except: [169.254.169.254/32]
---
# The policy is not about egress.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: in}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  egress: [{}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web}
spec:
  endpointSelector: {}
  egress:
    - {}
    - toEntities: [world]
      toPorts:
        - ports: [{port: "443", protocol: TCP}]
`,
}
