package network

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var cniWithoutNetworkpolicySupport = &lint.Rule{
	ID: "cni-without-networkpolicy-support", Severity: lint.Low, Category: lint.Network, Since: "0.1.0",
	Title:      "pod network does not enforce network policies",
	Why:        "Flannel connects pods and leaves policies to others: the API server takes a NetworkPolicy, and nothing comes of it. All pods are open, whatever the policies say.",
	Fix:        "Run a network that enforces policies, such as Calico, Cilium or Antrea, or set netpol.enabled in flannel's chart, which runs kube-network-policies beside it.",
	Frameworks: []string{"CIS-1.12:5.3.1"},
	Profile:    lint.All,
	Kinds:      []schema.GroupKind{{Group: "apps", Kind: "DaemonSet"}},
	Joins:      cniKinds,
	CheckAll: func(p *lint.Pass) {
		sets := p.Judged()
		if len(sets) == 0 || slices.ContainsFunc(p.Of(cniKinds...), enforcesPolicies) {
			return
		}
		for _, o := range sets {
			w, ok := o.Workload()
			if !ok || !p.Complete(o.Namespace) || !p.Complete("") {
				continue
			}
			for _, c := range w.Containers() {
				if runsImage(c.Image, "flannel") {
					p.ReportOn(o, p.Rule.Severity, c.Path.Child("image"), "%s %q connects pods without enforcing policies, and nothing that does is deployed", o.GVK.Kind, o.Name)
					break
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: kube-flannel-ds, namespace: kube-flannel}
spec:
  selector: {matchLabels: {app: flannel}}
  template:
    metadata: {labels: {app: flannel}}
    spec:
      hostNetwork: true
      initContainers:
        - name: install-cni-plugin
          image: ghcr.io/flannel-io/flannel-cni-plugin:v1.7.1-flannel1
      containers:
        - name: kube-flannel
          image: ghcr.io/flannel-io/flannel:v0.27.0 # want: DaemonSet "kube-flannel-ds" connects pods without enforcing
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
          image: registry.example/calico-shop/web:1.4.2
-- good.yaml --
# Calico enforces policies on flannel's network.
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: canal, namespace: kube-system}
spec:
  selector: {matchLabels: {app: canal}}
  template:
    metadata: {labels: {app: canal}}
    spec:
      hostNetwork: true
      containers:
        - name: calico-node
          image: docker.io/calico/node:v3.30.0
        - name: kube-flannel
          image: ghcr.io/flannel-io/flannel:v0.27.0
-- good-chart.yaml --
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: kube-flannel-ds, namespace: kube-flannel}
spec:
  selector: {matchLabels: {app: flannel}}
  template:
    metadata: {labels: {app: flannel}}
    spec:
      containers:
        - name: kube-flannel
          image: ghcr.io/flannel-io/flannel:v0.27.0
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: cilium, namespace: kube-system}
spec:
  interval: 1h
  chart:
    spec:
      chart: cilium
      version: 1.17.4
      sourceRef: {kind: HelmRepository, name: cilium}
-- good-other.yaml --
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: kube-proxy, namespace: kube-system}
spec:
  selector: {matchLabels: {app: kube-proxy}}
  template:
    metadata: {labels: {app: kube-proxy}}
    spec:
      containers:
        - name: kube-proxy
          image: registry.k8s.io/kube-proxy:v1.34.0
`,
}
