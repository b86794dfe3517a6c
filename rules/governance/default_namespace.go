package governance

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	kindApplication = schema.GroupKind{Group: "argoproj.io", Kind: "Application"}
	kindHelmRelease = schema.GroupKind{Group: "helm.toolkit.fluxcd.io", Kind: "HelmRelease"}
)

var defaultNamespace = &lint.Rule{
	ID:         "default-namespace",
	Title:      "object lies in the namespace default",
	Why:        "What names no namespace lands in default, by mistake as well as on purpose. What lies together there shares one set of Secrets, rights, quotas and network policies: none of them can be drawn tightly around an application.",
	Fix:        "Give the application a namespace of its own: in metadata.namespace, the kustomization's namespace, targetNamespace or destination.namespace.",
	Since:      "0.1.0",
	Severity:   lint.Low,
	Category:   lint.Governance,
	Frameworks: []string{"CIS-1.12:5.7.1", "CIS-1.12:5.7.4"},
	Profile:    lint.Strict,
	Kinds:      lint.Any,
	Check: func(p *lint.Pass) {
		o := p.Object
		switch o.GroupKind() {
		case kindApplication:
			into(p, o.Value("spec", "destination", "namespace"))
		case kindHelmRelease:
			into(p, o.Value("spec", "targetNamespace"))
		}
		// What names no namespace itself gets it from one of the objects above, or
		// nobody knows which.
		if own := o.Value("metadata", "namespace"); !o.ClusterScoped() && !p.Unit.Bare && !guards(o) {
			into(p, own)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: default # want: Deployment "web" lies in the namespace default
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
-- bad-release.yaml --
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web, namespace: flux-system}
spec:
  targetNamespace: default # want: HelmRelease "web" deploys into the namespace default
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
spec:
  destination:
    server: https://kubernetes.default.svc
    namespace: default # want: Application "web" deploys into the namespace default
-- good.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
---
# Whoever applies it says where.
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: later, namespace: "${NAMESPACE:=default}"}
---
# These guard the namespace.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: default}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: default}
automountServiceAccountToken: false
---
# It has none.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: view-all, namespace: default}
rules: []
---
# The object called default.
apiVersion: v1
kind: Namespace
metadata: {name: default}
-- good-bare.yaml --
# unit: bare
# It is only what helm template says.
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: default}
`,
}

// into reports a field that names the namespace default.
func into(p *lint.Pass, namespace manifest.Value) {
	if namespace.Text() != metav1.NamespaceDefault {
		return
	}
	what := "lies in"
	if namespace.Path.String() != "metadata.namespace" {
		what = "deploys into"
	}
	p.Report(namespace.Path, "%s %q %s the namespace default", p.Object.GVK.Kind, p.Object.Name, what)
}

// guardKinds are what a namespace is locked and bounded with, default too.
var guardKinds = []string{"NetworkPolicy", "CiliumNetworkPolicy", "LimitRange", "ResourceQuota"}

// guards says that an object lies in default for that namespace's own sake.
func guards(o *manifest.Object) bool {
	return slices.Contains(guardKinds, o.GVK.Kind) || o.GVK.Kind == "ServiceAccount" && o.Name == metav1.NamespaceDefault
}
