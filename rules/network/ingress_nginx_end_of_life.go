package network

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var ingressNginxEndOfLife = &lint.Rule{
	ID: "ingress-nginx-end-of-life", Severity: lint.Medium, Category: lint.Network, Since: "0.1.0",
	Title:      "retired ingress-nginx controller is deployed",
	Why:        "The Kubernetes project retired ingress-nginx in March 2026 (https://kubernetes.io/blog/2025/11/11/ingress-nginx-retirement/): the next flaw in what takes all requests from outside, and reads the Secrets of all namespaces, will not be mended.",
	Fix:        "Move to the Gateway API or to a controller that is maintained, or take the controller from a vendor who still mends it.",
	Frameworks: []string{"NSA-CISA"},
	Kinds:      slices.Concat(lint.Workloads, []schema.GroupKind{kindHelmRelease, kindApplication, kindIngressClass}),
	// A join: each installation is reported once, by its image, else by its
	// chart, else by its class.
	CheckAll: func(p *lint.Pass) {
		running := map[string]bool{} // by namespace
		found := false
		for _, o := range p.Of(lint.Workloads...) {
			w, ok := o.Workload()
			if !ok {
				continue
			}
			for _, c := range w.Containers() {
				tag, ok := controllerTag(c.Image)
				if !ok {
					continue
				}
				running[o.Namespace], found = true, true
				// What has a known critical flaw is reported for that.
				if !vulnerable(tag, 1) {
					p.ReportOn(o, p.Rule.Severity, c.Path.Child("image"), "container %q is the ingress-nginx controller, which is retired", c.Name)
				}
			}
		}
		for _, o := range p.Of(kindHelmRelease, kindApplication) {
			for _, r := range releases(o) {
				if !r.installsNginx() || running[r.namespace] {
					continue
				}
				found = true
				if !vulnerable(r.version.Text(), 4) {
					p.ReportOn(o, p.Rule.Severity, r.chart.Path, "chart %q installs a controller that is retired", r.chart.Text())
				}
			}
		}
		if found {
			return
		}
		for _, o := range cluster.Of(p).Kind(kindIngressClass.Group, kindIngressClass.Kind) {
			if v := o.Value("spec", "controller"); v.Text() == "k8s.io/ingress-nginx" {
				p.ReportOn(o, p.Rule.Severity, v.Path, "IngressClass %q is served by ingress-nginx, which is retired", o.Name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: ingress-nginx-controller
  namespace: ingress-nginx
spec:
  selector:
    matchLabels: {app: ingress}
  template:
    metadata:
      labels: {app: ingress}
    spec:
      containers:
        - name: controller
          image: registry.k8s.io/ingress-nginx/controller:v1.14.3 # want: container "controller" is the ingress-nginx controller
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: nginx
spec:
  controller: k8s.io/ingress-nginx
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: ingress
  namespace: ingress-nginx
spec:
  chart:
    spec: {chart: ingress-nginx, version: 4.14.3}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: ingress
  namespace: argocd
spec:
  destination: {namespace: edge}
  source:
    chart: ingress-nginx # want: chart "ingress-nginx" installs a controller that is retired
    targetRevision: 4.*
-- bad-class.yaml --
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: nginx
spec:
  controller: k8s.io/ingress-nginx # want: IngressClass "nginx" is served by ingress-nginx
-- good.yaml --
# Has a flaw that is worse: ingress-nginx-controller-vulnerable reports it.
apiVersion: v1
kind: Pod
metadata:
  name: old
  namespace: old
spec:
  containers:
    - name: controller
      image: registry.k8s.io/ingress-nginx/controller:v1.9.0
---
# The controller of NGINX itself is another one.
apiVersion: v1
kind: Pod
metadata:
  name: nginx
spec:
  containers:
    - name: controller
      image: docker.io/nginx/nginx-ingress:5.3.0
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: nginx-org
spec:
  controller: nginx.org/ingress-controller
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: traefik
spec:
  chart:
    spec: {chart: traefik}
`,
}
