package network

import (
	"github.com/scantling-dev/scantling/internal/netpol"
	"github.com/scantling-dev/scantling/lint"
)

var danglingNetworkpolicyPeer = &lint.Rule{
	ID: "dangling-networkpolicy-peer", Severity: lint.Info, Category: lint.Network, Since: "0.1.0",
	Title:   "peer of a network policy is no pod",
	Why:     "A peer that no pod is allows nothing: connections that the policy was written for are dropped, most often for a label that was renamed.",
	Fix:     "Write the labels of the pods that are meant into the peer, with a namespaceSelector if they are in another namespace, or remove the peer.",
	Profile: lint.All,
	Kinds:   netpol.Kinds,
	Joins:   netpol.Joins,
	CheckAll: func(p *lint.Pass) {
		x := netpol.Of(p)
		for _, a := range x.Areas {
			// Who installs a chart labels the pods that may use what it runs.
			if a.Bare {
				continue
			}
			for _, policy := range a.Policies {
				for _, s := range policy.Directions {
					reportDanglingPeers(p, x, policy, s)
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
    - from:
        - podSelector: # want: no pod of the policy's namespace
            matchLabels: {app: webb}
        - namespaceSelector: # want: no pod of namespace "edge"
            matchLabels: {kubernetes.io/metadata.name: edge}
          podSelector:
            matchLabels: {app: web}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Pod
metadata: {name: proxy, namespace: edge, labels: {app: proxy}}
spec:
  containers:
    - name: proxy
      image: registry.example/proxy:1.4.2
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
    - from:
        - podSelector: {matchLabels: {app: web}}
        - podSelector: {}
        # Nothing is known of this namespace.
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}
          podSelector: {matchLabels: {app: prometheus}}
        # Nor of which namespace this is.
        - namespaceSelector: {matchLabels: {team: edge}}
          podSelector: {matchLabels: {app: proxy}}
        - ipBlock: {cidr: 10.0.0.0/8}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good-bare.yaml --
# unit: bare
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
    - from:
        - podSelector: {matchLabels: {db-client: "true"}}
---
apiVersion: v1
kind: Pod
metadata: {name: db, labels: {app: db}}
spec:
  containers:
    - name: db
      image: registry.example/db:1.4.2
-- good-incomplete.yaml --
# incomplete
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
    - from:
        - podSelector: {matchLabels: {app: web}}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec:
  containers:
    - name: db
      image: registry.example/db:1.4.2
`,
}

func reportDanglingPeers(p *lint.Pass, x *netpol.Index, policy *netpol.Policy, s netpol.Section) {
	for _, r := range s.Allows {
		for _, peer := range r.Peers {
			if peer.Pods == nil {
				continue
			}
			if namespace, dangling := x.Dangling(policy, peer.Pods); dangling {
				p.ReportOn(policy.Object, p.Rule.Severity, peer.Path, "the peer is no pod of %s", namespace)
			}
		}
	}
}
