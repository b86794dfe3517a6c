package network

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var externalDNSDuplicateHostname = &lint.Rule{
	ID: "external-dns-duplicate-hostname", Severity: lint.Low, Category: lint.Network, Since: "0.1.0",
	Title:   "two objects publish the same external-dns hostname",
	Why:     "The hostname gets one address of the two, or both in turn, and the other changes whenever external-dns runs: callers reach an application that they did not ask for.",
	Fix:     "Give each object a hostname of its own, or a set-identifier where the provider is to share requests out.",
	Profile: lint.All,
	Kinds:   published,
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		first := map[[2]string]*manifest.Object{} // by cluster and hostname
		for _, kind := range published {
			for _, o := range x.Kind(kind.Group, kind.Kind) {
				v := annotation(o, externalDNS+"hostname")
				if annotation(o, externalDNS+"set-identifier").Written() {
					continue
				}
				for host := range strings.SplitSeq(v.Text(), ",") {
					host = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(host)), ".")
					if host == "" || !manifest.Known(host) {
						continue
					}
					key := [2]string{where(p, o), host}
					other := first[key]
					switch {
					case other == nil:
						first[key] = o
					case other.ID() != o.ID():
						p.ReportOn(o, p.Rule.Severity, v.Path, "%s publishes %q, too", other.ID(), host)
					}
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
  annotations:
    external-dns.alpha.kubernetes.io/hostname: shop.example.com
spec: &spec
  type: LoadBalancer
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: landing
  namespace: marketing
  annotations:
    external-dns.alpha.kubernetes.io/hostname: www.example.com, Shop.example.com. # want: Service shop/web publishes "shop.example.com", too
spec: *spec
-- good.yaml --
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations:
    external-dns.alpha.kubernetes.io/hostname: shop.example.com
spec: &spec
  type: LoadBalancer
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: api
  annotations:
    external-dns.alpha.kubernetes.io/hostname: api.example.com
spec: *spec
---
apiVersion: v1
kind: Service
metadata:
  name: a-part
  annotations:
    external-dns.alpha.kubernetes.io/hostname: shop.example.com
    external-dns.alpha.kubernetes.io/set-identifier: second
spec: *spec
---
apiVersion: v1
kind: Service
metadata:
  name: substituted
  annotations:
    external-dns.alpha.kubernetes.io/hostname: ${HOST}
spec: *spec
---
apiVersion: v1
kind: Service
metadata:
  name: substituted-too
  annotations:
    external-dns.alpha.kubernetes.io/hostname: ${HOST}
spec: *spec
`,
}

const externalDNS = "external-dns.alpha.kubernetes.io/"

// published are the kinds whose annotation external-dns reads.
var published = slices.Concat([]schema.GroupKind{kindService, kindIngress, kindRoute}, gatewayRoutes)
