package network

import (
	"github.com/scantling-dev/scantling/internal/netpol"
	"github.com/scantling-dev/scantling/lint"
)

var danglingNetworkpolicy = &lint.Rule{
	ID: "dangling-networkpolicy", Severity: lint.Low, Category: lint.Network, Since: "0.1.0",
	Title:   "network policy selects no pod",
	Why:     "A policy whose selector takes no pod protects nothing, most often for a label with a typing error or one that was renamed. The pods that it was meant for are open.",
	Fix:     "Write the labels of the pods that the policy is meant for into its selector, or remove the policy.",
	Profile: lint.Strict,
	Kinds:   netpol.Kinds,
	Joins:   netpol.Joins,
	Options: []lint.Option{systemNamespaces},
	CheckAll: func(p *lint.Pass) {
		x := netpol.Of(p)
		for _, a := range judged(p) {
			// Pods that come from elsewhere altogether are not known.
			if len(a.Pods)+len(a.Hosts) == 0 {
				continue
			}
			for _, policy := range a.Policies {
				if policy.SelectsAll() || x.Selects(policy) || x.Foreign(policy) {
					continue
				}
				if policy.SelectsHosts(a) {
					p.ReportOn(policy.Object, p.Rule.Severity, policy.SelectorPath, "policy %q selects only pods on the network of their node, which no policy reaches", policy.Object.Name)
					continue
				}
				p.ReportOn(policy.Object, p.Rule.Severity, policy.SelectorPath, "policy %q selects no pod of its namespace", policy.Object.Name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: # want: policy "web" selects no pod
    matchLabels: {app: webb}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: webb}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: registry.example/web:1.4.2
---
# Of another namespace.
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: blog, labels: {app: webb}}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- bad-languages.yaml --
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web}
spec:
  endpointSelector: # want: policy "web"
    matchLabels: {k8s:app: webb}
  ingress: [{}]
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: front}
spec:
  selector: app in {'webb', 'edge'} # want: policy "front"
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- bad-host.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: agent}
spec:
  podSelector: # want: only pods on the network of their node
    matchLabels: {app: agent}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, labels: {app: agent}}
spec:
  hostNetwork: true
  containers:
    - name: agent
      image: registry.example/agent:1.4.2
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: report, namespace: shop}
spec:
  podSelector: {matchLabels: {app: report}}
---
# It is about whatever comes.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: shop}
spec:
  podSelector: {}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: jobs, namespace: shop}
spec:
  podSelector:
    matchExpressions: [{key: batch.kubernetes.io/job-name, operator: Exists}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: report, namespace: shop}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        metadata: {labels: {app: report}}
        spec:
          restartPolicy: Never
          containers:
            - name: report
              image: registry.example/report:1.0.0
---
# Nothing is known of what runs there.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: blog}
spec:
  podSelector: {matchLabels: {app: web}}
---
# Nor of the pods that the cluster runs itself.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: dns, namespace: kube-system}
spec:
  podSelector: {matchLabels: {k8s-app: kube-dns}}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: kube-system}
spec:
  containers:
    - name: agent
      image: registry.example/agent:1.4.2
-- good-operator.yaml --
# Operators make these pods.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: db}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: prometheus, namespace: shop}
spec:
  podSelector: {matchLabels: {app.kubernetes.io/name: prometheus}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app.kubernetes.io/name: web}}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good-stray.yaml --
# Nobody says that this is not deployed to the same namespace.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
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
metadata: {name: web, labels: {app: web}}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good-incomplete.yaml --
# incomplete
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop}
spec:
  containers:
    - name: db
      image: registry.example/db:1.4.2
`,
}
