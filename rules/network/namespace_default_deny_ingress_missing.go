package network

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/netpol"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var namespaceDefaultDenyIngressMissing = &lint.Rule{
	ID: "namespace-default-deny-ingress-missing", Severity: lint.Medium, Category: lint.Network, Since: "0.1.0",
	Title:      "namespace does not deny ingress by default",
	Why:        "Policies only isolate the pods that they select. Without one that selects all pods, whatever is added next, or carries a label with a typing error, is open to every pod of the cluster.",
	Fix:        "Add a NetworkPolicy with an empty podSelector, policyTypes Ingress and no rules; the policies that are there keep allowing what they allow.",
	Frameworks: []string{"CIS-1.12:5.3.2"},
	Profile:    lint.Strict,
	Kinds:      slices.Concat([]schema.GroupKind{{Kind: "Namespace"}}, lint.Workloads),
	Joins:      netpol.Joins,
	Options:    []lint.Option{systemNamespaces, everyNamespace},
	CheckAll: func(p *lint.Pass) {
		checkDefaultDeny(p, netpol.Ingress,
			"no policy denies ingress by default in %s: pods that none selects are open to the whole cluster",
			"ingress is denied by default in %s, but %s lets everything in again")
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop # want: no policy denies ingress by default in namespace "shop"
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
    - from:
        - podSelector: {matchLabels: {app: edge}}
---
# About the other direction.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: egress, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Egress]
-- bad-undone.yaml --
# What one policy allows no other takes back.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: shop}
spec:
  podSelector: {}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: allow-all, namespace: shop}
spec:
  podSelector: {}
  ingress: [{}]
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop # want: NetworkPolicy shop/allow-all lets everything in again
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- bad-every.yaml --
# options: without-policies=true
apiVersion: v1
kind: Namespace
metadata:
  name: shop # want
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
-- good-same-namespace.yaml --
# It denies what it does not allow, to all pods.
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: same-namespace, namespace: shop}
spec:
  podSelector: {}
  ingress:
    - from: [{podSelector: {}}]
-- good-cilium.yaml --
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: default-deny, namespace: shop}
spec:
  endpointSelector: {}
  ingress: [{}]
-- good-admin.yaml --
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: BaselineAdminNetworkPolicy
metadata: {name: default}
spec:
  subject: {namespaces: {}}
  ingress:
    - action: Deny
      from: [{namespaces: {}}]
-- good-no-policy.yaml --
# namespace-without-networkpolicy speaks for it.
apiVersion: v1
kind: Namespace
metadata: {name: shop}
-- good-incomplete.yaml --
# incomplete
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
`,
}
