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

var ingressNginxSnippet = &lint.Rule{
	ID: "ingress-nginx-snippet", Severity: lint.High, Category: lint.Network, Since: "0.1.0",
	Title:      "snippet annotation injects raw nginx configuration",
	Why:        "A snippet is copied into the controller's configuration as it stands. It can read the controller's files, its service account token among them, and with that token every Secret that the controller sees.",
	Fix:        "Replace the snippet by the annotation that is made for the purpose, or by the controller's own configuration.",
	Frameworks: []string{"CVE-2021-25742", "NSA-CISA"},
	Kinds:      []schema.GroupKind{kindIngress},
	Check: func(p *lint.Pass) {
		ingress, ok := p.Object.Typed().(*networkingv1.Ingress)
		if !ok {
			return
		}
		for _, key := range slices.Sorted(maps.Keys(ingress.Annotations)) {
			name, ok := strings.CutPrefix(key, nginxPrefix)
			value := ingress.Annotations[key]
			if !ok || !strings.HasSuffix(name, "-snippet") || strings.TrimSpace(value) == "" {
				continue
			}
			path := field.NewPath("metadata", "annotations").Key(key)
			if reads(value) {
				p.ReportAs(lint.Critical, path, "%s runs code or serves files of the controller", name)
			} else {
				p.Report(path, "%s injects raw nginx configuration", name)
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
    nginx.ingress.kubernetes.io/configuration-snippet: | # want: configuration-snippet injects raw nginx configuration
      more_set_headers "X-Frame-Options: DENY";
    nginx.ingress.kubernetes.io/server-snippet: "location /x { alias /var/run/secrets/; }" # want: serves files
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
    nginx.ingress.kubernetes.io/configuration-snippet: ""
    nginx.ingress.kubernetes.io/proxy-body-size: 8m
    example.com/configuration-snippet: "return 403;"
spec:
  ingressClassName: nginx
  defaultBackend:
    service: {name: web, port: {number: 80}}
`,
}

// reads says that a snippet can run Lua or reach files of the controller.
func reads(snippet string) bool {
	if strings.Contains(snippet, "_by_lua") || strings.Contains(snippet, "serviceaccount") {
		return true
	}
	for _, word := range strings.FieldsFunc(snippet, func(r rune) bool { return strings.ContainsRune(" \t\r\n;{}", r) }) {
		switch word {
		case "alias", "root", "load_module", "include":
			return true
		}
	}
	return false
}
