package network

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/netpol"
	"github.com/scantling-dev/scantling/lint"
)

var networkpolicyPolicytypesIncomplete = &lint.Rule{
	ID: "networkpolicy-policytypes-incomplete", Severity: lint.Medium, Category: lint.Network, Since: "0.1.0",
	Title: "network policy has rules that its types ignore",
	Why:   "A policy acts only in the directions that its policyTypes name. Rules for another direction are accepted and have no effect: the pods are as open there as if the policy did not exist.",
	Fix:   "Name Ingress and Egress in policyTypes as the rules need them, or remove the rules.",
	Kinds: netpol.Kinds,
	Check: func(p *lint.Pass) {
		for d, name := range []string{"Ingress", "Egress"} {
			eachSection(p.Object, netpol.Direction(d), func(policy *netpol.Policy, s netpol.Section) {
				if !s.Ignored {
					return
				}
				list := strings.ToLower(name)
				if n := p.Object.Value("spec", list).Len(); n == 0 {
					p.Report(s.Path, "the empty %s of policy %q denies nothing, since no policyTypes name %s", list, p.Object.Name, name)
				} else {
					p.Report(s.Path, "the %d %s rule(s) of policy %q have no effect, since its types do not name %s", n, list, p.Object.Name, name)
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
  policyTypes: [Ingress]
  ingress: []
  egress: # want: the 1 egress rule(s) of policy "web" have no effect
    - to:
        - podSelector: {matchLabels: {app: db}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Egress]
  ingress: # want: do not name Ingress
    - from:
        - podSelector: {matchLabels: {app: web}}
-- bad-empty.yaml --
# Without policyTypes a policy is about egress only where it has rules for it.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny}
spec:
  podSelector: {}
  ingress: []
  egress: [] # want: the empty egress of policy "default-deny" denies nothing
-- bad-calico.yaml --
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: web}
spec:
  types: [Ingress]
  egress: # want: do not name Egress
    - action: Deny
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app: web}}
  egress:
    - to:
        - podSelector: {matchLabels: {app: db}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  egress: []
---
# It says itself that it is not about egress.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: in}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  egress: []
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: out}
spec:
  egress:
    - action: Deny
`,
}
