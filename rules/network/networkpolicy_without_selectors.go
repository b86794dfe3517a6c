package network

import (
	"github.com/scantling-dev/scantling/internal/netpol"
	"github.com/scantling-dev/scantling/lint"
)

var networkpolicyWithoutSelectors = &lint.Rule{
	ID: "networkpolicy-without-selectors", Severity: lint.Info, Category: lint.Network, Since: "0.1.0",
	Title:   "network policy restricts nothing",
	Why:     "The policy selects all pods and allows everyone at every port. Nothing is different than without it, except that it undoes the policies beside it.",
	Fix:     "Remove the policy, or select the pods and the peers that it is meant for.",
	Profile: lint.All,
	Kinds:   netpol.Kinds,
	Check: func(p *lint.Pass) {
		for _, policy := range netpol.Parse(p.Object) {
			if policy.SelectsAll() && restrictsNothing(policy) {
				p.Report(policy.SelectorPath, "policy %q selects all pods and allows everything", p.Object.Name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: all}
spec:
  podSelector: {} # want: policy "all" selects all pods and allows everything
  policyTypes: [Ingress, Egress]
  ingress: [{}]
  egress: [{}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: none}
spec: # want: policy "none"
  ingress: [{}]
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny}
spec:
  podSelector: {}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: out}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  egress: [{}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress: [{}]
---
# In Cilium's language an empty rule allows nothing.
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: default-deny}
spec:
  endpointSelector: {}
  ingress: [{}]
`,
}

// restrictsNothing says that in every direction that the policy is about it lets
// everything through.
func restrictsNothing(p *netpol.Policy) bool {
	about := false
	for _, s := range p.Directions {
		if s.Denies || s.Isolates && s.Open() == nil {
			return false
		}
		about = about || s.Isolates
	}
	return about
}
