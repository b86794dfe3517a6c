package network

import (
	"maps"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/lint"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var ingressNginxAnnotationInjection = &lint.Rule{
	ID: "ingress-nginx-annotation-injection", Severity: lint.Critical, Category: lint.Network, Since: "0.1.0",
	Title:      "ingress-nginx annotation can inject configuration",
	Why:        "Controllers before 1.11.5 and 1.12.1 copy these annotations into the nginx configuration unchecked: quotes, braces, semicolons or new lines in them run code in the controller, which reads the Secrets of all namespaces.",
	Fix:        "Write the annotation's value without these characters, and take one of the documented values where there is a list of them.",
	Frameworks: []string{"CVE-2025-1097", "CVE-2025-1098", "CVE-2025-24514", "CVE-2024-7646"},
	Kinds:      []schema.GroupKind{kindIngress},
	Check: func(p *lint.Pass) {
		ingress, ok := p.Object.Typed().(*networkingv1.Ingress)
		if !ok {
			return
		}
		for _, key := range slices.Sorted(maps.Keys(ingress.Annotations)) {
			name, ok := strings.CutPrefix(key, nginxPrefix)
			if !ok {
				continue
			}
			// A block scalar ends with a new line, which the controller bears.
			value := strings.TrimSpace(ingress.Annotations[key])
			whole := substitute(value)
			values, listed := enumerated(name)
			path := field.NewPath("metadata", "annotations").Key(key)
			switch {
			case value == "" || !listed && !copied(name):
			case strings.ContainsAny(whole, forbidden(name)):
				p.Report(path, "%s holds characters that inject configuration", name)
			case listed && whole == value && !slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, value) }):
				p.ReportAs(lint.Medium, path, "%s has none of its values: %s", name, strings.Join(values, ", "))
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    nginx.ingress.kubernetes.io/auth-url: "http://auth.example.com/#;load_module x" # want: auth-url holds characters that inject configuration
    nginx.ingress.kubernetes.io/auth-tls-match-cn: "CN=abc #(\n){}" # want: auth-tls-match-cn
    nginx.ingress.kubernetes.io/mirror-host: "a.example.com;" # want: mirror-host
    nginx.ingress.kubernetes.io/auth-tls-verify-client: maybe # want: on, off, optional
spec:
  ingressClassName: nginx
  defaultBackend:
    service: {name: web, port: {number: 80}}
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    nginx.ingress.kubernetes.io/auth-url: |
      https://auth.${DOMAIN}/validate?rd=$escaped_request_uri&x=1
    nginx.ingress.kubernetes.io/auth-tls-match-cn: "CN=(web|api)[0-9]{1,3}"
    nginx.ingress.kubernetes.io/auth-tls-verify-client: "on"
    nginx.ingress.kubernetes.io/backend-protocol: https
    nginx.ingress.kubernetes.io/auth-realm: "Sign in; please"
    example.com/auth-url: "a;b"
spec:
  ingressClassName: nginx
  defaultBackend:
    service: {name: web, port: {number: 80}}
`,
}

// copied says that the vulnerable controllers copy the annotation's value into
// the configuration.
func copied(name string) bool {
	switch name {
	case "auth-url", "auth-tls-match-cn", "mirror-target", "mirror-host":
		return true
	}
	return false
}

// forbidden are the characters that end a value in nginx's configuration.
func forbidden(name string) string {
	if name == "auth-tls-match-cn" {
		// A regular expression may well have a | or a {1,3}.
		return "\r\n'\"`;#"
	}
	return "\r\n'\"`{};#|"
}

// enumerated are the values of an annotation that takes one of a list.
func enumerated(name string) ([]string, bool) {
	switch name {
	case "auth-tls-verify-client":
		return []string{"on", "off", "optional", "optional_no_ca"}, true
	case "backend-protocol":
		return []string{"AUTO_HTTP", "HTTP", "HTTPS", "GRPC", "GRPCS", "FCGI", "AJP"}, true
	case "affinity":
		return []string{"cookie"}, true
	case "affinity-mode":
		return []string{"balanced", "persistent"}, true
	case "auth-type":
		return []string{"basic", "digest"}, true
	case "auth-secret-type":
		return []string{"auth-file", "auth-map"}, true
	}
	return nil, false
}
