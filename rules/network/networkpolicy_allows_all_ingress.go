package network

import (
	"github.com/scantling-dev/scantling/internal/netpol"
	"github.com/scantling-dev/scantling/lint"
)

var networkpolicyAllowsAllIngress = &lint.Rule{
	ID: "networkpolicy-allows-all-ingress", Severity: lint.Medium, Category: lint.Network, Since: "0.1.0",
	Title:   "network policy allows ingress from everywhere",
	Why:     "A rule without peers and ports lets everyone reach every port of the pods that the policy selects. Policies add up, so it also undoes every other policy that selects them, and looks like protection.",
	Fix:     "Say in from who may reach the pods; where that is everyone, as for a public web server, say in ports at which port.",
	Profile: lint.Strict,
	Kinds:   netpol.Kinds,
	Check: func(p *lint.Pass) {
		checkOpen(p, netpol.Ingress, "policy %q lets everyone reach every port of the pods")
	},
	Examples: `
-- bad.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
    - from:
        - podSelector: {matchLabels: {app: edge}}
    - {} # want: policy "web" lets everyone reach every port
-- bad-block.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
    - from:
        - ipBlock:
            cidr: 0.0.0.0/0 # want: lets everyone
    - from:
        - ipBlock:
            cidr: "::/0" # want: lets everyone
      ports:
        - protocol: TCP
-- bad-cilium.yaml --
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web}
specs:
  - endpointSelector: {matchLabels: {app: web}}
    ingress:
      - fromEntities:
          - all # want: lets everyone
-- bad-calico.yaml --
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: web}
spec:
  selector: app == 'web'
  ingress:
    - action: Allow # want: lets everyone
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
    # Everyone, at one port.
    - ports:
        - port: 8443
    # Every address but some.
    - from:
        - ipBlock:
            cidr: 0.0.0.0/0
            except: [10.0.0.0/8]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress: []
---
# Ingress is no matter of this one.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: out}
spec:
  podSelector: {}
  policyTypes: [Egress]
  ingress: [{}]
---
# In Cilium's language an empty rule allows nothing.
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: default-deny}
spec:
  endpointSelector: {}
  ingress: [{}]
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: web}
spec:
  ingress:
    - action: Deny
    - action: Allow
      protocol: TCP
      destination: {ports: [8443]}
`,
}
