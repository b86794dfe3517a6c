package network

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var referencegrantUnrestricted = &lint.Rule{
	ID: "referencegrant-unrestricted", Severity: lint.Low, Category: lint.Network, Since: "0.1.0",
	Title:   "ReferenceGrant opens a kind without naming objects",
	Why:     "Objects of the other namespaces may refer to every object of the kind, those that are made later included. For Secrets this means that whoever runs a Gateway there can serve with any certificate of this namespace.",
	Fix:     "Set name for each kind in spec.to, and make one grant for each namespace that needs it.",
	Profile: lint.Strict,
	Kinds:   []schema.GroupKind{kindReferenceGrant},
	Options: []lint.Option{{
		Name:    "namespaces",
		Doc:     "To how many namespaces a grant may open a whole kind other than Secret.",
		Default: []string{"5"},
		Valid:   lint.Whole(0),
	}},
	Check: func(p *lint.Pass) {
		namespaces := grantees(p.Object)
		for _, to := range p.Object.Value("spec", "to").Items() {
			kind := to.Get("kind")
			switch {
			case to.Get("name").Text() != "" || len(namespaces) == 0:
			case kind.Text() == "Secret":
				p.Report(kind.Path, "every Secret%s is open to %s", inNamespace(p.Object.Namespace), strings.Join(quoted(namespaces), ", "))
			case int64(len(namespaces)) > p.Number("namespaces"):
				p.Report(kind.Path, "every %s%s is open to %d namespaces", kind.Text(), inNamespace(p.Object.Namespace), len(namespaces))
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata:
  name: certificates
  namespace: shop
spec:
  from:
    - group: gateway.networking.k8s.io
      kind: Gateway
      namespace: edge
  to:
    - group: ""
      kind: Secret # want: every Secret in namespace "shop" is open to "edge"
-- bad-many.yaml --
# options: namespaces=1
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata:
  name: routes
  namespace: shop
spec:
  from:
    - {group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: edge}
    - {group: gateway.networking.k8s.io, kind: GRPCRoute, namespace: edge}
    - {group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: other}
  to:
    - kind: Service # want: every Service in namespace "shop" is open to 2 namespaces
-- good.yaml --
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata:
  name: certificates
  namespace: shop
spec:
  from:
    - group: gateway.networking.k8s.io
      kind: Gateway
      namespace: edge
  to:
    - group: ""
      kind: Secret
      name: shop-tls
    - group: ""
      kind: Service
`,
}

// grantees are the namespaces that a ReferenceGrant opens its own to.
func grantees(o *manifest.Object) []string {
	var all []string
	for _, from := range o.Value("spec", "from").Items() {
		if n := from.Get("namespace").Text(); n != "" && !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all
}
