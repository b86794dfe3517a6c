package network

import (
	"crypto/tls"
	"slices"

	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var traefikDefaultTlsoptionOverridden = &lint.Rule{
	ID: "traefik-default-tlsoption-overridden", Severity: lint.Low, Category: lint.Network, Since: "0.1.0",
	Title:   "default Traefik TLSOption is redefined or weak",
	Why:     "A TLSOption that is called default holds for every host that names no other, in all namespaces; with two of them Traefik drops both. Versions before TLS 1.2 and the cipher suites that Go calls insecure can be broken by who listens.",
	Fix:     "Give the TLSOption a name of its own and let the routers that need it refer to it; leave minVersion at VersionTLS12 or above and cipherSuites unset.",
	Profile: lint.All,
	Kinds:   []schema.GroupKind{{Group: "traefik.io", Kind: "TLSOption"}, {Group: "traefik.containo.us", Kind: "TLSOption"}},
	Check: func(p *lint.Pass) {
		if p.Object.Name == "default" {
			p.Report(p.Object.Value("metadata", "name").Path, "TLSOption \"default\" holds for the hosts of all namespaces")
		}
		if v := p.Object.Value("spec", "minVersion"); v.Text() == "VersionTLS10" || v.Text() == "VersionTLS11" || v.Text() == "VersionSSL30" {
			p.Report(v.Path, "TLSOption %q allows %s", p.Object.Name, v.Text())
		}
		for _, suite := range p.Object.Value("spec", "cipherSuites").Items() {
			if slices.ContainsFunc(tls.InsecureCipherSuites(), func(s *tls.CipherSuite) bool { return s.Name == suite.Text() }) {
				p.Report(suite.Path, "TLSOption %q allows the insecure cipher suite %s", p.Object.Name, suite.Text())
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: traefik.io/v1alpha1
kind: TLSOption
metadata:
  name: default # want: TLSOption "default" holds for the hosts of all namespaces
  namespace: shop
spec:
  minVersion: VersionTLS11 # want: TLSOption "default" allows VersionTLS11
  cipherSuites:
    - TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    - TLS_RSA_WITH_RC4_128_SHA # want: insecure cipher suite TLS_RSA_WITH_RC4_128_SHA
-- good.yaml --
apiVersion: traefik.io/v1alpha1
kind: TLSOption
metadata:
  name: modern
spec:
  minVersion: VersionTLS13
---
apiVersion: traefik.io/v1alpha1
kind: TLSStore
metadata:
  name: default
spec:
  minVersion: VersionTLS10
`,
}
