package podsecurity

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var workloadInSystemNamespace = &lint.Rule{
	ID:       "workload-in-system-namespace",
	Title:    "workload is in a namespace of the cluster itself",
	Why:      "kube-system holds the Secrets and the powerful service accounts of the cluster, and is exempt from many policies. A workload there that is broken into is next to all of them.",
	Fix:      "Give the workload a namespace of its own. If it belongs to the cluster, add its name to the rule's option allow.",
	Since:    "0.1.0",
	Severity: lint.Low,
	Category: lint.PodSecurity,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Options: []lint.Option{{
		Name:    "allow",
		Doc:     "Names of workloads that belong there; * stands for any characters.",
		Default: []string{"kube-*", "etcd*", "coredns*", "metrics-server*", "cilium*", "calico*", "csi-*", "*-csi-*", "*cloud-controller-manager*"},
		Valid:   lint.Glob,
	}},
	Check: func(p *lint.Pass) {
		// A workload that the cluster needs says so by its priority.
		switch p.Workload().Pod.PriorityClassName {
		case "system-cluster-critical", "system-node-critical":
			return
		}
		o := p.Object
		if !slices.Contains(clusterNamespaces, o.Namespace) || p.Matches("allow", o.Name) {
			return
		}
		p.Report(field.NewPath("metadata", "namespace"), "%s %q is in %s, a namespace of the cluster itself", o.GVK.Kind, o.Name, o.Namespace)
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: kube-system # want: Deployment "web" is in kube-system
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
metadata:
  name: info
  namespace: kube-public # want: kube-public
spec:
  containers:
    - name: info
      image: registry.example/info:1.0.0
-- bad-options.yaml --
# options: allow=web-*
apiVersion: v1
kind: Pod
metadata:
  name: kube-proxy
  namespace: kube-system # want
spec:
  containers:
    - name: proxy
      image: registry.example/proxy:1.0.0
---
apiVersion: v1
kind: Pod
metadata:
  name: web-a
  namespace: kube-system
spec:
  containers:
    - name: web
      image: registry.example/web:1.0.0
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
  namespace: kube-system
spec:
  containers:
    - name: apiserver
      image: registry.example/apiserver:1.0.0
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: network
  namespace: kube-system
spec:
  selector: {matchLabels: {app: network}}
  template:
    metadata: {labels: {app: network}}
    spec:
      priorityClassName: system-node-critical
      containers:
        - name: network
          image: registry.example/network:1.0.0
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
# Other kinds are there on purpose, mostly.
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
  namespace: kube-system
`,
}

var clusterNamespaces = []string{"kube-node-lease", "kube-public", "kube-system"}
