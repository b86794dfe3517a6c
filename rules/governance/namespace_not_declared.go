package governance

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var namespaceNotDeclared = &lint.Rule{
	ID:       "namespace-not-declared",
	Title:    "object goes into a namespace that nothing creates",
	Why:      "Objects can't be created in a namespace that does not exist: a new cluster stops at this point when it is set up from the repository. A namespace that was made by hand has none of the labels, such as those of pod security, that the repository would give it.",
	Fix:      "Declare the Namespace; or let the GitOps tool create it: CreateNamespace=true in Argo CD, install.createNamespace in a HelmRelease. Name what is made elsewhere in the option existing.",
	Since:    "0.1.0",
	Severity: lint.Low,
	Category: lint.Governance,
	Profile:  lint.All,
	Kinds:    lint.Any,
	Options: []lint.Option{{
		Name:    "existing",
		Doc:     "Namespaces, as patterns, that exist before anything in the repository is deployed.",
		Default: []string{"default", "kube-*", "openshift", "openshift-*", "flux-system", "argocd"},
		Valid:   lint.Glob,
	}},
	CheckAll: func(p *lint.Pass) {
		if !p.Complete("") {
			return
		}
		created := created(p)
		type place struct{ unit, namespace string }
		reported := map[place]bool{}
		for _, o := range p.Judged() {
			unit := p.UnitOf(o)
			at := place{unit.ID, o.Namespace}
			if o.Namespace == "" || created[o.Namespace] || reported[at] || unit.Bare || o.ClusterScoped() || !manifest.Known(o.Namespace) || exists(p, o.Namespace) {
				continue
			}
			// One finding for all that a unit puts there: one Namespace mends it.
			reported[at] = true
			p.ReportOn(o, p.Rule.Severity, o.Value("metadata", "namespace").Path, "nothing creates the namespace %q, which %s %q goes into", o.Namespace, o.GVK.Kind, o.Name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
  namespace: shop # want: nothing creates the namespace "shop", which ConfigMap "web" goes into
---
# The same Namespace mends this.
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: other}
---
# It does not create it.
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
spec:
  destination: {server: "https://kubernetes.default.svc", namespace: shop}
  syncPolicy: {syncOptions: [CreateNamespace=false]}
-- good.yaml --
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: from-argo}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
spec:
  destination: {server: "https://kubernetes.default.svc", namespace: from-argo}
  syncPolicy: {syncOptions: [CreateNamespace=true]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: from-flux}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web, namespace: flux-system}
spec:
  targetNamespace: from-flux
  install: {createNamespace: true}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: kube-system}
---
# Whoever applies it says where.
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: later, namespace: "${NAMESPACE}"}
---
# It has none.
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: letsencrypt, namespace: nowhere}
-- good-existing.yaml --
# options: existing=team-*
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: team-a}
-- good-bare.yaml --
# unit: bare
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: shop}
-- good-incomplete.yaml --
# incomplete
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: shop}
`,
}

// created are the namespaces that the objects of a cluster create.
func created(p *lint.Pass) map[string]bool {
	x := cluster.Of(p)
	names := map[string]bool{}
	for _, kind := range []struct{ group, kind string }{
		{"", "Namespace"},
		{"project.openshift.io", "Project"},
		{"project.openshift.io", "ProjectRequest"},
		{"hnc.x-k8s.io", "SubnamespaceAnchor"},
	} {
		for _, o := range x.Kind(kind.group, kind.kind) {
			names[o.Name] = true
		}
	}
	for _, o := range x.Kind(kindApplication.Group, kindApplication.Kind) {
		if slices.Contains(o.Value("spec", "syncPolicy", "syncOptions").Texts(), "CreateNamespace=true") {
			names[o.Value("spec", "destination", "namespace").Text()] = true
		}
	}
	for _, o := range x.Kind(kindHelmRelease.Group, kindHelmRelease.Kind) {
		if o.Value("spec", "install", "createNamespace").True() {
			names[o.Value("spec", "targetNamespace").Text()] = true
		}
	}
	return names
}

// exists says that the option names a namespace.
func exists(p *lint.Pass, namespace string) bool {
	return p.Matches("existing", namespace)
}
