package network

import (
	"slices"
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/lint"
)

var ingressNginxControllerVulnerable = &lint.Rule{
	ID: "ingress-nginx-controller-vulnerable", Severity: lint.Critical, Category: lint.Network, Since: "0.1.0",
	Title:      "ingress-nginx controller has a known critical flaw",
	Why:        "Before 1.11.5 and in 1.12.0 everybody who reaches the controller's admission webhook, that is every pod, can run code in it (IngressNightmare) and read the Secrets of all namespaces.",
	Fix:        "Upgrade the controller to 1.11.5, 1.12.1 or later (chart 4.11.5, 4.12.1), and plan the move to another controller: ingress-nginx is retired.",
	Frameworks: []string{"CVE-2025-1974", "CVE-2024-7646"},
	Kinds:      append(slices.Clone(lint.Workloads), kindHelmRelease, kindApplication),
	// A join: a chart that was rendered is judged by its image.
	CheckAll: func(p *lint.Pass) {
		rendered := map[string]bool{} // namespaces
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
				rendered[o.Namespace] = true
				if vulnerable(tag, 1) {
					p.ReportOn(o, p.Rule.Severity, c.Path.Child("image"), "ingress-nginx controller %s has CVE-2025-1974", tag)
				}
			}
		}
		for _, o := range p.Of(kindHelmRelease, kindApplication) {
			for _, r := range releases(o) {
				if r.installsNginx() && !rendered[r.namespace] && vulnerable(r.version.Text(), 4) {
					p.ReportOn(o, p.Rule.Severity, r.version.Path, "ingress-nginx chart %s has CVE-2025-1974", r.version.Text())
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
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
          image: registry.k8s.io/ingress-nginx/controller:v1.11.4@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef # want: controller v1.11.4 has CVE-2025-1974
        - name: mirrored
          image: mirror.example.com:5000/k8s/ingress-nginx/controller:v1.12.0 # want
        - name: ancient
          image: quay.io/kubernetes-ingress-controller/nginx-ingress-controller:0.26.1 # want
-- bad-chart.yaml --
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: ingress
  namespace: ingress
spec:
  chart:
    spec:
      chart: ingress-nginx
      version: 4.10.0 # want: chart 4.10.0
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: ingress
  namespace: argocd
spec:
  destination: {namespace: edge}
  source:
    chart: ingress-nginx
    targetRevision: 4.12.0 # want: chart 4.12.0
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: ingress
  namespace: edge
spec:
  containers:
    - name: fixed
      image: registry.k8s.io/ingress-nginx/controller:v1.11.5
    - name: newer
      image: registry.k8s.io/ingress-nginx/controller-chroot:v1.12.1
    - name: other
      image: example.com/other/controller:v1.0.0
    - name: hook
      image: registry.k8s.io/ingress-nginx/kube-webhook-certgen:v1.4.0
    - name: unknown
      image: registry.k8s.io/ingress-nginx/controller@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: range
  namespace: ingress
spec:
  chart:
    spec:
      chart: ingress-nginx
      version: ">=4.0.0"
---
# Its chart was rendered, with a newer image: the Pod above.
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: ingress
  namespace: edge
spec:
  chart:
    spec:
      chart: ingress-nginx
      version: 4.10.0
`,
}

// controllerTag is the tag of an image that is the controller, in any registry.
func controllerTag(image string) (tag string, ok bool) {
	name, tag := untagged(image)
	for _, known := range [...]string{"ingress-nginx/controller", "ingress-nginx/controller-chroot", "kubernetes-ingress-controller/nginx-ingress-controller"} {
		if name == known || strings.HasSuffix(name, "/"+known) {
			return tag, true
		}
	}
	return "", false
}

// untagged takes the tag, if there is one, and the digest off an image.
func untagged(image string) (name, tag string) {
	name, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name, tag = name[:i], name[i+1:]
	}
	return name, tag
}

// vulnerable says that a full version is one that has the flaw. The chart's
// versions are the controller's, with 4 for the major 1. What is no full
// version, such as a range, is not known to be.
func vulnerable(version string, major int) bool {
	version, _, _ = strings.Cut(strings.TrimPrefix(version, "v"), "-")
	parts := strings.Split(version, ".")
	if len(parts) != 3 {
		return false
	}
	var v [3]int
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil {
			return false
		}
		v[i] = n
	}
	return slices.Compare(v[:], []int{major, 11, 5}) < 0 || v == [3]int{major, 12, 0}
}
