package network

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	networkingv1 "k8s.io/api/networking/v1"
)

// certified says that a TLS block of an Ingress covers a host; a block without
// hosts covers all.
func certified(ingress *networkingv1.Ingress, host string) bool {
	return slices.ContainsFunc(ingress.Spec.TLS, func(t networkingv1.IngressTLS) bool {
		return host == "" || len(t.Hosts) == 0 || slices.ContainsFunc(t.Hosts, func(h string) bool { return covers(h, host) || !manifest.Known(h) })
	})
}

// terminatesElsewhere says that an Ingress gets TLS from something else than its
// TLS blocks: an annotation of its controller, or a controller that serves
// nothing without it.
func terminatesElsewhere(o *manifest.Object) bool {
	switch class := cluster.IngressClass(o).Text(); class {
	case "tailscale", "cloudflare-tunnel", "cloudflared", "ngrok":
		return true
	}
	for key, v := range o.Value("metadata", "annotations").Entries() {
		value := v.Text()
		switch key {
		case
			"alb.ingress.kubernetes.io/certificate-arn",
			"ingress.gcp.kubernetes.io/pre-shared-cert", "networking.gke.io/managed-certificates", "networking.gke.io/certmap",
			"route.openshift.io/termination",
			"appgw.ingress.kubernetes.io/appgw-ssl-certificate",
			"nginx.ingress.kubernetes.io/ssl-passthrough", "haproxy.org/ssl-passthrough", "haproxy-ingress.github.io/ssl-passthrough":
			if value != "" && value != "false" {
				return true
			}
		case "traefik.ingress.kubernetes.io/router.tls":
			if value == "true" {
				return true
			}
		case "traefik.ingress.kubernetes.io/router.entrypoints":
			// The entry point that Traefik's chart makes, with TLS on.
			if !slices.ContainsFunc(strings.Split(value, ","), func(e string) bool { return strings.TrimSpace(e) != "websecure" }) {
				return true
			}
		case "alb.ingress.kubernetes.io/listen-ports":
			// A certificate is then found by the hosts:
			// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/cert_discovery/.
			if strings.Contains(value, "HTTPS") {
				return true
			}
		}
	}
	return false
}
