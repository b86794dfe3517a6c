package network

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var serviceLoadbalancerNoTLS = &lint.Rule{
	ID: "service-loadbalancer-no-tls", Severity: lint.Info, Category: lint.Network, Since: "0.1.0",
	Title:   "cloud load balancer terminates no TLS",
	Why:     "The Service takes plain HTTP only. Passwords, cookies and answers cross the network in clear, and anybody on the way can read and change them.",
	Fix:     "Give the load balancer a certificate with the provider's annotation, or serve HTTPS from the pods.",
	Profile: lint.All,
	Kinds:   []schema.GroupKind{kindService},
	Check: func(p *lint.Pass) {
		s, ok := p.Object.Typed().(*corev1.Service)
		if !ok || s.Spec.Type != corev1.ServiceTypeLoadBalancer || cluster.Private(p.Object) || !plainOnly(s) {
			return
		}
		provider, certificate := terminator(p.Object)
		if provider != "" && !certificate {
			p.Report(field.NewPath("spec", "ports"), "the %s load balancer of Service %q takes plain HTTP only", provider, p.Object.Name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations:
    service.beta.kubernetes.io/aws-load-balancer-type: nlb
spec:
  type: LoadBalancer
  selector: {app: web}
  ports: # want: the AWS load balancer of Service "web" takes plain HTTP only
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: api
  annotations:
    service.beta.kubernetes.io/do-loadbalancer-size-unit: "1"
spec:
  type: LoadBalancer
  selector: {app: api}
  ports: # want: DigitalOcean
    - name: http-api
      port: 8000
-- good.yaml --
apiVersion: v1
kind: Service
metadata:
  name: certified
  annotations:
    service.beta.kubernetes.io/aws-load-balancer-ssl-cert: arn:aws:acm:eu-west-1:123456789012:certificate/web
spec:
  type: LoadBalancer
  selector: {app: web}
  ports:
    - port: 80
---
# The pods serve TLS.
apiVersion: v1
kind: Service
metadata:
  name: through
  annotations:
    service.beta.kubernetes.io/aws-load-balancer-type: nlb
spec:
  type: LoadBalancer
  selector: {app: web}
  ports:
    - port: 80
    - port: 443
---
apiVersion: v1
kind: Service
metadata:
  name: database
  annotations:
    service.beta.kubernetes.io/aws-load-balancer-type: nlb
spec:
  type: LoadBalancer
  selector: {app: db}
  ports:
    - port: 5432
---
# Nothing says which provider it is, or that it could terminate TLS.
apiVersion: v1
kind: Service
metadata:
  name: anywhere
spec:
  type: LoadBalancer
  selector: {app: web}
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: internal
  annotations:
    service.beta.kubernetes.io/aws-load-balancer-scheme: internal
spec:
  type: LoadBalancer
  selector: {app: web}
  ports:
    - port: 80
`,
}

// plainOnly says that a Service has a port that looks like HTTP, and none that
// looks like TLS.
func plainOnly(s *corev1.Service) bool {
	plain := false
	for _, port := range s.Spec.Ports {
		protocol := port.Name
		if port.AppProtocol != nil {
			protocol = *port.AppProtocol
		}
		switch word, _, _ := strings.Cut(protocol, "-"); {
		case word == "https", word == "tls", word == "ssl", word == "websecure", port.Port == 443, port.Port == 8443:
			return false
		case word == "http", word == "http2", word == "web", port.Port == 80, port.Port == 8080:
			plain = true
		}
	}
	return plain
}

// terminator is the provider whose load balancer a Service asks for, if that can
// terminate TLS and the Service's annotations show which it is, and whether it
// has a certificate.
func terminator(o *manifest.Object) (provider string, certificate bool) {
	for key, v := range o.Value("metadata", "annotations").Entries() {
		for _, p := range [...]struct{ name, prefix string }{
			{"AWS", "service.beta.kubernetes.io/aws-load-balancer-"},
			{"DigitalOcean", "service.beta.kubernetes.io/do-loadbalancer-"},
			{"Oracle", "service.beta.kubernetes.io/oci-load-balancer-"},
			{"Hetzner", "load-balancer.hetzner.cloud/"},
		} {
			setting, ok := strings.CutPrefix(key, p.prefix)
			if !ok {
				continue
			}
			provider = p.name
			// ssl-cert, certificate-id, tls-secret, http-certificates and the like.
			if v.Text() != "" && (strings.Contains(setting, "cert") || strings.Contains(setting, "tls")) {
				return provider, true
			}
		}
	}
	return provider, false
}
