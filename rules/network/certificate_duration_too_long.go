package network

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var certificateDurationTooLong = &lint.Rule{
	ID: "certificate-duration-too-long", Severity: lint.Info, Category: lint.Network, Since: "0.1.0",
	Title:   "cert-manager Certificate is long-lived, weak or broad",
	Why:     "A stolen key serves for as long as its certificate is valid, an RSA key of less than 2048 bits can be computed, and a certificate for * is one for everything.",
	Fix:     "Let cert-manager renew the certificate every 90 days, with a key of its default size or better, for the hosts that are served.",
	Profile: lint.All,
	Kinds:   []schema.GroupKind{{Group: certManager, Kind: "Certificate"}},
	Joins:   []schema.GroupKind{{Group: certManager, Kind: "Issuer"}, {Group: certManager, Kind: "ClusterIssuer"}},
	Options: []lint.Option{{
		Name:    "hours",
		Doc:     "For how many hours a certificate may be valid.",
		Default: []string{"2400"},
		Valid:   lint.Whole(1),
	}, {
		Name:  "issuers",
		Doc:   "The names of the issuers that may be used; empty for all.",
		Valid: lint.Glob,
	}},
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		most := time.Duration(p.Number("hours")) * time.Hour
		for _, o := range p.Judged() {
			spec := o.Value("spec")
			report := func(v manifest.Value, format string, args ...any) {
				p.ReportOn(o, p.Rule.Severity, v.Path, format, args...)
			}
			duration, issuer := spec.Get("duration"), spec.Get("issuerRef", "name")
			// A certificate authority lives longer than what it signs, and ACME
			// issuers decide themselves.
			if d, err := time.ParseDuration(duration.Text()); err == nil && d > most && !spec.Get("isCA").True() && !ofACME(x, o) {
				report(duration, "Certificate %q is valid for %s, more than %d hours", o.Name, duration.Text(), p.Number("hours"))
			}
			key := spec.Get("privateKey")
			if size, ok := key.Get("size").Int(); ok && size < 2048 && strings.EqualFold(cmp.Or(key.Get("algorithm").Text(), "RSA"), "RSA") {
				report(key.Get("size"), "Certificate %q has an RSA key of %d bits", o.Name, size)
			}
			for _, name := range spec.Get("dnsNames").Items() {
				if name.Text() == "*" {
					report(name, "Certificate %q is for every host", o.Name)
				}
			}
			if allowed := p.Option("issuers"); len(allowed) > 0 && issuer.Known() && !lint.MatchesAny(allowed, issuer.Text()) {
				report(issuer, "issuer %q of Certificate %q is none of those that are allowed", issuer.Text(), o.Name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: web
  namespace: shop
spec:
  secretName: web
  duration: 8760h # want: Certificate "web" is valid for 8760h, more than 2400 hours
  privateKey:
    size: 1024 # want: RSA key of 1024 bits
  dnsNames:
    - shop.example.com
    - "*" # want: for every host
  issuerRef: {kind: ClusterIssuer, name: company}
-- bad-options.yaml --
# options: hours=24 issuers=company-*
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: web
spec:
  secretName: web
  duration: 48h0m0s # want: more than 24 hours
  dnsNames: [shop.example.com]
  issuerRef:
    name: own # want: issuer "own" of Certificate "web" is none of those that are allowed
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: api
spec:
  secretName: api
  dnsNames: [api.example.com]
  issuerRef: {name: company-internal}
-- good.yaml --
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: web
spec:
  secretName: web
  duration: 2160h
  privateKey: {algorithm: ECDSA, size: 256}
  dnsNames: ["*.example.com"]
  issuerRef: {kind: ClusterIssuer, name: company}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: authority
spec:
  isCA: true
  secretName: authority
  duration: 87600h
  commonName: authority
  issuerRef: {name: self-signed}
---
# The issuer decides how long it is valid.
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: public
spec:
  secretName: public
  duration: 8760h
  dnsNames: [shop.example.com]
  issuerRef: {kind: ClusterIssuer, name: public}
---
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata:
  name: public
spec:
  acme: {server: https://acme.example.com/directory}
`,
}

const certManager = "cert-manager.io"

// ofACME says that the issuer of a Certificate is one that decides how long
// certificates are valid, by what is known of it or by its name.
func ofACME(x *cluster.Index, o *manifest.Object) bool {
	ref := o.Value("spec", "issuerRef")
	name, kind, namespace := ref.Get("name").Text(), cmp.Or(ref.Get("kind").Text(), "Issuer"), o.Namespace
	if kind == "ClusterIssuer" {
		namespace = ""
	}
	issuers := x.Named(o, schema.GroupKind{Group: certManager, Kind: kind}, namespace, name)
	if len(issuers) == 0 {
		return strings.Contains(name, "letsencrypt") || strings.Contains(name, "acme")
	}
	return slices.ContainsFunc(issuers, func(i *manifest.Object) bool { return i.Value("spec", "acme").Written() })
}
