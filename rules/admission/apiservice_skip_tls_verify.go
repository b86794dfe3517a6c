package admission

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var apiserviceSkipTLSVerify = &lint.Rule{
	ID: "apiservice-skip-tls-verify", Severity: lint.Medium, Category: lint.Admission, Since: "0.1.0",
	Title:      "aggregated API is reached without verification of its certificate",
	Why:        "The API server passes requests on, with the user's name in a header, to whoever answers at the address of the Service. A pod or a node that gets in between reads and changes them; before CVE-2022-3172 was mended it could also send the client, with its credentials, elsewhere.",
	Fix:        "Set caBundle to the authority of the server's certificate, for example by cert-manager's annotation cert-manager.io/inject-ca-from, and remove insecureSkipTLSVerify.",
	Frameworks: []string{"CVE-2022-3172"},
	Kinds:      []schema.GroupKind{{Group: "apiregistration.k8s.io", Kind: "APIService"}},
	Check: func(p *lint.Pass) {
		if v := p.Object.Value("spec", "insecureSkipTLSVerify"); v.True() {
			p.Report(v.Path, "the certificate of Service %q is not verified", p.Object.Value("spec", "service", "name").Text())
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata:
  name: v1beta1.metrics.k8s.io
spec:
  group: metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true # want: the certificate of Service "metrics-server" is not verified
  service: {name: metrics-server, namespace: kube-system}
-- good.yaml --
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata:
  name: v1beta1.metrics.k8s.io
  annotations:
    cert-manager.io/inject-ca-from: kube-system/metrics-server
spec:
  group: metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: false
  service: {name: metrics-server, namespace: kube-system}
---
# Served by the API server itself.
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata:
  name: v1.apps
spec:
  group: apps
  version: v1
  groupPriorityMinimum: 100
  versionPriority: 100
`,
}
