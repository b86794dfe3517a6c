package network

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/netpol"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var namespaceWithoutNetworkpolicy = &lint.Rule{
	ID: "namespace-without-networkpolicy", Severity: lint.Medium, Category: lint.Network, Since: "0.1.0",
	Title:      "no network policy is about the namespace",
	Why:        "Without a policy everything talks to everything: one pod that is broken into reaches every port of every pod in the namespace, and from there whatever they reach: databases, the metadata service of the cloud, the internet.",
	Fix:        "Add a NetworkPolicy with an empty podSelector and the policyTypes Ingress and Egress, then allow what is needed, DNS first.",
	Frameworks: []string{"CIS-1.12:5.3.2", "NSA-CISA"},
	Profile:    lint.Strict,
	Kinds:      slices.Concat([]schema.GroupKind{{Kind: "Namespace"}}, lint.Workloads),
	Joins:      netpol.Joins,
	Options: []lint.Option{systemNamespaces, {
		Name:    "empty-namespaces",
		Doc:     "Whether namespaces count in which nothing is known to run, as where operators or other repositories deploy into them.",
		Default: []string{"false"},
		Valid:   lint.Truth,
	}},
	CheckAll: func(p *lint.Pass) {
		for _, a := range judged(p) {
			if !a.Bare && !a.Policed() && (len(a.Pods) > 0 || p.Yes("empty-namespaces")) {
				reportNamespace(p, a, "no network policy is about %s: everything in the cluster reaches %s", areaName(a), runs(a))
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop # want: namespace "shop": everything in the cluster reaches 2 workloads
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop}
spec:
  containers:
    - name: db
      image: registry.example/db:1.4.2
-- bad-no-object.yaml --
# Where the namespace is made elsewhere, the first workload in it says so.
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop # want: reaches 2 workloads
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Pod
metadata:
  name: db
  namespace: shop
spec:
  containers:
    - name: db
      image: registry.example/db:1.4.2
-- bad-unnamed.yaml --
apiVersion: v1 # want: the namespace that this is deployed to: everything in the cluster reaches Pod "web"
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- bad-other-namespace.yaml --
# options: empty-namespaces=true
apiVersion: v1
kind: Namespace
metadata:
  name: shop # want: whatever runs in it
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: blog}
spec:
  podSelector: {}
  policyTypes: [Ingress]
---
# It is about pods of another namespace.
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: blog}
spec:
  endpointSelector: {matchLabels: {k8s:io.kubernetes.pod.namespace: blog}}
  ingress: [{}]
---
# It has no effect yet.
apiVersion: projectcalico.org/v3
kind: StagedGlobalNetworkPolicy
metadata: {name: default-deny}
spec:
  selector: all()
-- good.yaml --
# options: empty-namespaces=true
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
---
# The cluster runs itself here.
apiVersion: v1
kind: Namespace
metadata: {name: kube-system}
---
# No policy reaches what is on the network of its node.
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: agents}
spec:
  hostNetwork: true
  containers:
    - name: agent
      image: registry.example/agent:1.4.2
-- good-empty.yaml --
# What runs here is not known, nor who isolates it.
apiVersion: v1
kind: Namespace
metadata: {name: shop}
-- good-global.yaml --
# options: empty-namespaces=true
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {tenant: shop}}
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: tenants}
spec:
  priority: 10
  subject:
    namespaces:
      matchExpressions: [{key: tenant, operator: Exists}]
  ingress:
    - name: deny
      action: Deny
      from: [{namespaces: {}}]
-- good-generated.yaml --
# options: empty-namespaces=true
# Kyverno makes a policy for every namespace.
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: default-deny}
spec:
  rules:
    - name: default-deny
      match: {any: [{resources: {kinds: [Namespace]}}]}
      generate:
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        name: default-deny
        namespace: "{{request.object.metadata.name}}"
        data: {spec: {podSelector: {}, policyTypes: [Ingress]}}
-- good-bare.yaml --
# Who installs the chart decides.
# unit: bare
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: default}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good-incomplete.yaml --
# incomplete
# options: empty-namespaces=true
apiVersion: v1
kind: Namespace
metadata: {name: shop}
-- good-options.yaml --
# options: ignore-namespaces=test-* empty-namespaces=true
apiVersion: v1
kind: Namespace
metadata: {name: test-shop}
`,
}
