package network

import (
	"strings"
	"unicode"

	"github.com/scantling-dev/scantling/lint"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var ingressPathInjection = &lint.Rule{
	ID: "ingress-path-injection", Severity: lint.High, Category: lint.Network, Since: "0.1.0",
	Title:      "Ingress path reaches into the controller",
	Why:        "ingress-nginx copies the path into a location of its configuration. Characters that end the location, or the path of a file in the controller, give out its service account token.",
	Fix:        "Write a path of letters, digits and the usual URL characters that names what the application serves.",
	Frameworks: []string{"CVE-2021-25745"},
	Kinds:      []schema.GroupKind{kindIngress},
	Check: func(p *lint.Pass) {
		ingress, ok := p.Object.Typed().(*networkingv1.Ingress)
		if !ok {
			return
		}
		for i := range ingress.Spec.Rules {
			http := ingress.Spec.Rules[i].HTTP
			if http == nil {
				continue
			}
			for j := range http.Paths {
				at := field.NewPath("spec", "rules").Index(i).Child("http", "paths").Index(j).Child("path")
				path := substitute(http.Paths[j].Path)
				if file := controllerFile(path); file != "" {
					p.Report(at, "path leads to the controller's %s", file)
				} else if breaksOut(path) {
					p.Report(at, "path holds characters that no URL path has")
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  ingressClassName: nginx
  rules:
    - host: example.com
      http:
        paths:
          - path: /x{alias /;} # want: characters that no URL path has
            pathType: ImplementationSpecific
            backend: &web
              service: {name: web, port: {number: 80}}
          - path: "/a\nroot" # want: characters
            pathType: Prefix
            backend: *web
          - path: /files/var/run/secrets/kubernetes.io # want: /var/run/secrets
            pathType: Prefix
            backend: *web
          - path: /etc/nginx # want: /etc
            pathType: Prefix
            backend: *web
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  ingressClassName: nginx
  rules:
    - host: example.com
      http:
        paths:
          - path: /api(/|$)(.*)
            pathType: ImplementationSpecific
            backend: &web
              service: {name: web, port: {number: 80}}
          - path: /v[0-9]{1,3}/items\.json
            pathType: ImplementationSpecific
            backend: *web
          - path: /etcd/${VERSION}
            pathType: Prefix
            backend: *web
          - path: /.well-known/acme-challenge/~a!$&'()*+,=:@%20
            pathType: Prefix
            backend: *web
    - host: other.example.com
`,
}

// controllerFile is the folder of the controller that a path goes through. It
// compares whole parts: /etcd is not /etc.
func controllerFile(path string) string {
	for _, folder := range [...]string{"/etc", "/root", "/var/run/secrets", "/var/run/kubernetes"} {
		if strings.Contains(strings.TrimRight(path, "/")+"/", folder+"/") {
			return folder
		}
	}
	return ""
}

// breaksOut says that a path holds what ends a location of nginx. Braces are
// let through where they count repetitions in a regular expression.
func breaksOut(path string) bool {
	for i := 0; i < len(path); i++ {
		switch path[i] {
		case '"', '`', ';', '#', '<', '>', '}':
			return true
		case '{':
			end := strings.IndexByte(path[i:], '}')
			if end < 2 || strings.Trim(path[i+1:i+end], "0123456789,") != "" {
				return true
			}
			i += end
		}
	}
	return strings.ContainsFunc(path, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
}
