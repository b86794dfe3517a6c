package network

import (
	"github.com/scantling-dev/scantling/internal/netpol"
	"github.com/scantling-dev/scantling/lint"
)

var workloadNotCoveredByNetworkpolicy = &lint.Rule{
	ID: "workload-not-covered-by-networkpolicy", Severity: lint.Medium, Category: lint.Network, Since: "0.1.0",
	Title:      "no network policy selects the pods",
	Why:        "Pods that no policy selects are open: every pod of the cluster reaches all of their ports, and they reach everything that the nodes do. Where their neighbours are isolated, these are the way around it.",
	Fix:        "Write a policy whose selector takes the pods' labels, or one for the whole namespace that denies by default.",
	Frameworks: []string{"NSA-CISA"},
	Profile:    lint.Strict,
	Kinds:      lint.Workloads,
	Joins:      netpol.Joins,
	Options:    []lint.Option{systemNamespaces, everyNamespace},
	// Where there is no policy at all, the namespace is reported and not each
	// workload in it.
	CheckAll: func(p *lint.Pass) {
		for _, a := range judged(p) {
			if !a.Policed() && !p.Yes(everyNamespace.Name) {
				continue
			}
			for _, pod := range a.Pods {
				if !pod.Covered() {
					p.ReportOn(pod.Object, p.Rule.Severity, pod.Workload.MetaPath.Child("labels"), "no policy selects the pods of %s %q", pod.Object.GVK.Kind, pod.Object.Name)
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
    - from:
        - podSelector: {matchLabels: {app: edge}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: registry.example/web:1.4.2
---
# The labels of the pods count, not those of the object.
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop, labels: {app: web}}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata:
      labels: {app: db} # want: pods of StatefulSet "db"
    spec:
      containers:
        - name: db
          image: registry.example/db:1.4.2
---
# What a job runs are pods, too.
apiVersion: batch/v1
kind: CronJob
metadata: {name: report, namespace: shop}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        metadata:
          labels: {app: report} # want: pods of CronJob "report"
        spec:
          restartPolicy: Never
          containers:
            - name: report
              image: registry.example/report:1.0.0
-- bad-other-namespace.yaml --
# A policy counts in its own namespace only.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: all, namespace: blog}
spec:
  podSelector: {}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  labels: {app: web} # want: pods of Pod "web"
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- bad-bare.yaml --
# A chart whose policy does not select what it runs.
# unit: bare
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app.kubernetes.io/component: server}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: setup}
spec:
  template: # want: pods of Job "setup"
    spec:
      restartPolicy: Never
      containers:
        - name: setup
          image: registry.example/setup:1.4.2
-- bad-cilium.yaml --
# An empty list is no rule: this policy says nothing.
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  endpointSelector: {}
  ingress: []
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  labels: {app: web} # want
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- bad-every.yaml --
# options: without-policies=true
apiVersion: v1
kind: Pod
metadata: # want: pods of Pod "web"
  name: web
  namespace: shop
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good.yaml --
# A default deny selects everything.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good-clusterwide.yaml --
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: default-deny}
spec:
  endpointSelector:
    matchExpressions:
      - key: k8s:io.kubernetes.pod.namespace
        operator: NotIn
        values: [kube-system]
  ingress: [{}]
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good-calico.yaml --
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: default-deny}
spec:
  selector: app in {'web', 'db'} && projectcalico.org/namespace != 'kube-system'
  types: [Ingress]
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good-expressions.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: front, namespace: shop}
spec:
  podSelector:
    matchExpressions:
      - {key: tier, operator: In, values: [front, edge]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web, tier: front}}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
# No policy reaches pods on the network of their node.
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: shop}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      hostNetwork: true
      containers:
        - name: agent
          image: registry.example/agent:1.4.2
---
# What is filled in later may be what the policy asks for.
apiVersion: v1
kind: Pod
metadata: {name: late, namespace: shop, labels: {tier: "${TIER}"}}
spec:
  containers:
    - name: late
      image: registry.example/late:1.4.2
-- good-no-policy.yaml --
# namespace-without-networkpolicy speaks for these, once.
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
# A template runs nothing.
apiVersion: v1
kind: PodTemplate
metadata: {name: web, namespace: shop}
template:
  metadata: {labels: {app: web}}
  spec:
    containers:
      - name: web
        image: registry.example/web:1.4.2
-- good-incomplete.yaml --
# What was not rendered may hold the policy.
# incomplete
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good-test.yaml --
# The test of a chart runs when somebody asks for it.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: kube-tools}
spec:
  podSelector: {matchLabels: {app: db}}
---
apiVersion: v1
kind: Pod
metadata: {name: web-test, namespace: kube-tools, annotations: {helm.sh/hook: test}}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
`,
}
