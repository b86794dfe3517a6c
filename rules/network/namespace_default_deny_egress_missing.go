package network

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/netpol"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var namespaceDefaultDenyEgressMissing = &lint.Rule{
	ID: "namespace-default-deny-egress-missing", Severity: lint.Low, Category: lint.Network, Since: "0.1.0",
	Title:      "namespace does not deny egress by default",
	Why:        "A pod that is broken into can call home, fetch its tools, ask the cloud's metadata service for credentials and send out what it found. A default that denies egress stops all of it.",
	Fix:        "Add a NetworkPolicy with an empty podSelector and policyTypes Egress that allows DNS, and allow the rest where it is needed.",
	Frameworks: []string{"CIS-1.12:5.3.2"},
	Profile:    lint.Strict,
	Kinds:      slices.Concat([]schema.GroupKind{{Kind: "Namespace"}}, lint.Workloads),
	Joins:      netpol.Joins,
	Options:    []lint.Option{systemNamespaces, everyNamespace},
	CheckAll: func(p *lint.Pass) {
		checkDefaultDeny(p, netpol.Egress,
			"no policy denies egress by default in %s: pods that none selects for it reach everything",
			"egress is denied by default in %s, but %s lets everything out again")
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop # want: no policy denies egress by default in namespace "shop"
---
# Without policyTypes an empty egress is as none.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: shop}
spec:
  podSelector: {}
  egress: []
-- bad-undone.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop # want: NetworkPolicy shop/allow-all lets everything out again
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: allow-all, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
    - to: [{ipBlock: {cidr: 0.0.0.0/0}}]
-- good.yaml --
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
    - to:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
          podSelector: {matchLabels: {k8s-app: kube-dns}}
      ports:
        - {port: 53, protocol: UDP}
-- good-calico.yaml --
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: crd.projectcalico.org/v1
kind: GlobalNetworkPolicy
metadata: {name: default-deny}
spec:
  namespaceSelector: projectcalico.org/name not in {'kube-system', 'calico-system'}
  types: [Ingress, Egress]
  egress:
    - action: Allow
      protocol: UDP
      destination: {selector: k8s-app == 'kube-dns', ports: [53]}
-- good-no-policy.yaml --
apiVersion: v1
kind: Namespace
metadata: {name: shop}
`,
}
