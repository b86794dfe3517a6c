package network

import (
	"github.com/scantling-dev/scantling/internal/netpol"
	"github.com/scantling-dev/scantling/lint"
)

var networkpolicyEmptyPodselector = &lint.Rule{
	ID: "networkpolicy-empty-podselector", Severity: lint.Info, Category: lint.Network, Since: "0.1.0",
	Title:   "policy that allows selects all pods",
	Why:     "What the policy allows holds for every pod of its scope, those included that need none of it and those that are added later.",
	Fix:     "Select the pods that need what is allowed, and deny by default with a policy of its own.",
	Profile: lint.All,
	Kinds:   netpol.Kinds,
	Check: func(p *lint.Pass) {
		for _, policy := range netpol.Parse(p.Object) {
			if policy.SelectsAll() && !onlyDNS(policy) {
				p.Report(policy.SelectorPath, "policy %q allows something for all pods", p.Object.Name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: edge}
spec:
  podSelector: {} # want: policy "edge" allows something for all pods
  ingress:
    - from:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: edge}}
-- bad-calico.yaml --
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: edge}
spec:
  selector: all() # want: policy "edge"
  ingress:
    - action: Allow
      source: {selector: app == 'edge'}
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
---
# DNS is for everyone.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: dns}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
    - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]
      ports: [{port: 53, protocol: UDP}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
    - from: [{podSelector: {}}]
`,
}

// onlyDNS says that the policy allows nothing but to ask DNS.
func onlyDNS(p *netpol.Policy) bool {
	for d, s := range p.Directions {
		for _, r := range s.Allows {
			if netpol.Direction(d) != netpol.Egress || !r.OnlyDNS() {
				return false
			}
		}
	}
	return true
}
