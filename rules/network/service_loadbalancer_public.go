package network

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var serviceLoadbalancerPublic = &lint.Rule{
	ID: "service-loadbalancer-public", Severity: lint.Medium, Category: lint.Network, Since: "0.1.0",
	Title:      "LoadBalancer Service is reachable from anywhere",
	Why:        "Most providers give such a Service a public address, and every port of it is scanned within minutes. What was meant for colleagues answers everybody.",
	Fix:        "Name the ranges that may call in loadBalancerSourceRanges, set the provider's annotation for an internal load balancer, or lead to the Service through the Ingress or Gateway that everything else uses.",
	Frameworks: []string{"MITRE:T1133"},
	Profile:    lint.Strict,
	Kinds:      []schema.GroupKind{kindService},
	Joins:      lint.Workloads,
	Options: []lint.Option{{
		Name:  "public",
		Doc:   "Services that are public on purpose, as namespace/name with * for any characters.",
		Valid: lint.Glob,
	}},
	// A join: the Service of an ingress controller or a gateway is public because
	// that is what these are for.
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		for _, o := range p.Judged() {
			s, ok := o.Typed().(*corev1.Service)
			if !ok || s.Spec.Type != corev1.ServiceTypeLoadBalancer || cluster.Private(o) {
				continue
			}
			open := anywhere(o)
			if open.Path == nil || matches(p.Option("public"), o.Namespace, o.Name) || slices.ContainsFunc(x.Behind(o), isEdge) {
				continue
			}
			if open.Written() {
				p.ReportOn(o, p.Rule.Severity, open.Path, "Service %q lets in %s, which is everybody", o.Name, open.Text())
			} else {
				p.ReportOn(o, p.Rule.Severity, open.Path, "the load balancer of Service %q is open to everybody", o.Name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  type: LoadBalancer # want: the load balancer of Service "web" is open to everybody
  selector: {app: web}
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: open
  annotations:
    service.beta.kubernetes.io/azure-load-balancer-internal: "false"
spec:
  type: LoadBalancer
  loadBalancerSourceRanges:
    - 10.0.0.0/8
    - 0.0.0.0/0 # want: Service "open" lets in 0.0.0.0/0
  selector: {app: web}
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: annotated
  annotations:
    service.beta.kubernetes.io/load-balancer-source-ranges: "10.0.0.0/8, ::/0" # want: lets in
    service.beta.kubernetes.io/aws-load-balancer-type: nlb
spec:
  type: LoadBalancer
  selector: {app: web}
  ports:
    - port: 80
-- good.yaml --
apiVersion: v1
kind: Service
metadata:
  name: ranges
spec:
  type: LoadBalancer
  loadBalancerSourceRanges: [198.51.100.0/24]
  selector: {app: web}
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: internal
  annotations:
    networking.gke.io/load-balancer-type: Internal
spec:
  type: LoadBalancer
  selector: {app: web}
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: substituted
spec:
  type: LoadBalancer
  loadBalancerSourceRanges: ["${OFFICE}"]
  selector: {app: web}
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: inside
spec:
  selector: {app: web}
  ports:
    - port: 80
-- good-edge.yaml --
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: traefik
  namespace: edge
spec:
  selector:
    matchLabels: {app: traefik}
  template:
    metadata:
      labels: {app: traefik}
    spec:
      containers:
        - name: traefik
          image: docker.io/traefik:v3.5.0
---
apiVersion: v1
kind: Service
metadata:
  name: traefik
  namespace: edge
spec:
  type: LoadBalancer
  selector: {app: traefik}
  ports:
    - port: 443
-- good-on-purpose.yaml --
# options: public=mail/smtp*
apiVersion: v1
kind: Service
metadata:
  name: smtp-in
  namespace: mail
spec:
  type: LoadBalancer
  selector: {app: smtp}
  ports:
    - port: 25
`,
}

// anywhere is where a Service of the type LoadBalancer lets everybody in: the
// range that does, or its type where none is written. It has no path if only
// some are let in.
func anywhere(o *manifest.Object) manifest.Value {
	ranges := o.Value("spec", "loadBalancerSourceRanges")
	for _, r := range ranges.Items() {
		if everybody(r.Text()) {
			return r
		}
	}
	// The annotation that came before the field, which still counts without it:
	// https://github.com/kubernetes/cloud-provider/blob/v0.33.0/service/helpers/helper.go.
	list := annotation(o, corev1.AnnotationLoadBalancerSourceRangesKey)
	switch {
	case ranges.Len() > 0:
		return manifest.Value{}
	case slices.ContainsFunc(strings.Split(list.Text(), ","), everybody):
		return list
	case strings.TrimSpace(list.Text()) != "":
		return manifest.Value{}
	}
	return manifest.Value{Path: field.NewPath("spec", "type")}
}

func everybody(addresses string) bool {
	addresses = strings.TrimSpace(addresses)
	return addresses == "0.0.0.0/0" || addresses == "::/0"
}

// isEdge says that a workload is an ingress controller, a gateway or another
// proxy that is there to be reached from outside, by its images.
func isEdge(w *manifest.Object) bool {
	workload, ok := w.Workload()
	return ok && slices.ContainsFunc(workload.Containers(), func(c *manifest.Container) bool {
		if _, ok := controllerTag(c.Image); ok {
			return true
		}
		switch repository(c.Image) {
		case "traefik", "rancher/mirrored-library-traefik", "haproxytech/kubernetes-ingress", "jcmoraisjr/haproxy-ingress", "jcmoraisjr/haproxy",
			"nginx/nginx-ingress", "kong", "kong/kong", "kong/kong-gateway", "envoyproxy/envoy", "envoyproxy/gateway", "istio/proxyv2",
			"projectcontour/contour", "apache/apisix", "caddy/ingress", "cloudflare/cloudflared", "tailscale/tailscale", "pomerium/pomerium":
			return true
		}
		return false
	})
}

// repository is the end of an image's name without registry and tag: the last
// two parts, or the last one of an official image.
func repository(image string) string {
	name, _ := untagged(image)
	parts := strings.Split(strings.ToLower(name), "/")
	if len(parts) > 1 && (strings.ContainsAny(parts[0], ".:") || parts[0] == "localhost") {
		parts = parts[1:]
	}
	if len(parts) > 2 {
		parts = parts[len(parts)-2:]
	}
	return strings.TrimPrefix(strings.Join(parts, "/"), "library/")
}
