package network

import (
	"fmt"

	"github.com/scantling-dev/scantling/internal/netpol"
	"github.com/scantling-dev/scantling/lint"
)

var networkpolicyBlocksDNS = &lint.Rule{
	ID: "networkpolicy-blocks-dns", Severity: lint.Low, Category: lint.Network, Since: "0.1.0",
	Title:   "network policies leave pods without DNS",
	Why:     "The pods may reach others, but not the DNS that tells where these are. Every connection by name fails after a long wait, and the error does not say why.",
	Fix:     "Allow UDP and TCP port 53 to the pods labelled k8s-app: kube-dns in namespace kube-system. A podSelector without a namespaceSelector means the policy's own namespace.",
	Profile: lint.Strict,
	Kinds:   netpol.Kinds,
	Joins:   netpol.Joins,
	CheckAll: func(p *lint.Pass) {
		x := netpol.Of(p)
		for _, a := range x.Areas {
			if x.Complete(a) {
				reportWithoutDNS(p, a)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: shop}
spec: # want: pods of Pod "web" and 1 more may reach others, but no policy lets them ask DNS
  podSelector: {}
  policyTypes: [Ingress, Egress]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: same-namespace, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{podSelector: {}}]}]
  egress: [{to: [{podSelector: {}}]}]
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
metadata: {name: db, namespace: shop, labels: {app: db}}
spec:
  containers:
    - name: db
      image: registry.example/db:1.4.2
-- bad-own-namespace.yaml --
# A podSelector alone is about the policy's own namespace, where no DNS runs.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Egress]
  egress: # want: pods of Pod "web" may reach others
    - to: [{podSelector: {matchLabels: {k8s-app: kube-dns}}}]
      ports: [{port: 53, protocol: UDP}]
    - to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]
      ports: [{port: 25}]
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: dns, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
    - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]
      ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Egress]
  egress: [{to: [{podSelector: {matchLabels: {app: db}}}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good-silent.yaml --
# What may reach nothing needs no DNS, nor what reaches one address.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Egress]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: mail, namespace: shop}
spec:
  podSelector: {matchLabels: {app: mail}}
  policyTypes: [Egress]
  egress:
    - to: [{ipBlock: {cidr: 192.0.2.25/32}}]
      ports: [{port: 25}]
    # Pods know the API server by its address.
    - ports: [{port: 443}, {port: 6443}]
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec:
  containers:
    - name: db
      image: registry.example/db:1.4.2
---
apiVersion: v1
kind: Pod
metadata: {name: mail, namespace: shop, labels: {app: mail}}
spec:
  containers:
    - name: mail
      image: registry.example/mail:1.4.2
-- good-incomplete.yaml --
# incomplete
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress: [{to: [{podSelector: {matchLabels: {app: db}}}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
`,
}

// reportWithoutDNS reports the policies that leave pods of a namespace without
// DNS: the one that denies by default, else each that isolates some.
func reportWithoutDNS(p *lint.Pass, a *netpol.Area) {
	first := map[*netpol.Policy]*netpol.Pod{}
	more := map[*netpol.Policy]int{}
	var blamed []*netpol.Policy
	for _, pod := range a.Pods {
		policy := pod.Speechless()
		if policy == nil {
			continue
		}
		if deny := a.Deny[netpol.Egress]; deny != nil && deny.SelectsAll() {
			policy = deny
		}
		if first[policy] != nil {
			more[policy]++
			continue
		}
		first[policy] = pod
		blamed = append(blamed, policy)
	}
	for _, policy := range blamed {
		who := fmt.Sprintf("%s %q", first[policy].Object.GVK.Kind, first[policy].Object.Name)
		if n := more[policy]; n > 0 {
			who += fmt.Sprintf(" and %d more", n)
		}
		p.ReportOn(policy.Object, p.Rule.Severity, policy.Directions[netpol.Egress].Path, "the pods of %s may reach others, but no policy lets them ask DNS where these are", who)
	}
}
