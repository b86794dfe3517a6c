package image

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// kyvernoPolicies are Kyverno's policies that may look at images.
var kyvernoPolicies = []schema.GroupKind{
	{Group: "kyverno.io", Kind: "ClusterPolicy"},
	{Group: "kyverno.io", Kind: "Policy"},
}

// signaturePolicies are the kinds that do nothing but verify images.
var signaturePolicies = []schema.GroupKind{
	{Group: "policies.kyverno.io", Kind: "ImageValidatingPolicy"},
	{Group: "policies.kyverno.io", Kind: "NamespacedImageValidatingPolicy"},
	{Group: "policy.sigstore.dev", Kind: "ClusterImagePolicy"},
	{Group: "config.openshift.io", Kind: "ClusterImagePolicy"},
	{Group: "config.openshift.io", Kind: "ImagePolicy"},
	{Group: "portieris.cloud.ibm.com", Kind: "ClusterImagePolicy"},
	{Group: "portieris.cloud.ibm.com", Kind: "ImagePolicy"},
	{Group: "config.ratify.deislabs.io", Kind: "Verifier"},
}

var imageSignaturePolicyAbsent = &lint.Rule{
	ID: "image-signature-policy-absent", Severity: lint.Info, Category: lint.SupplyChain, Since: "0.1.0",
	Title:      "nothing in the repository verifies the signatures of images",
	Why:        "Whoever gets the right to push to a registry, or stands between it and the nodes, decides what the cluster runs: nothing asks who built an image.",
	Fix:        "Sign images where they are built, for example with cosign, and deploy a policy that verifies it: an ImageValidatingPolicy of Kyverno, a ClusterImagePolicy of sigstore's policy-controller, Connaisseur or Ratify. If something else does, turn this rule off, or name it in the option verifiers.",
	Frameworks: []string{"CIS-1.12:5.5.1", "MITRE:T1195.002"},
	Profile:    lint.All,
	Kinds:      cluster.Deployments,
	Joins:      slices.Concat(lint.Workloads, kyvernoPolicies, signaturePolicies),
	Options: []lint.Option{{
		Name: "verifiers", Doc: "Words, in lower case, in the names of further programs that verify images, of their charts or images.",
	}},
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		whole := x.Whole()
		if whole == nil || verifiesImages(x) || x.Deploys(slices.Concat([]string{"connaisseur", "ratify", "portieris"}, p.Option("verifiers"))) {
			return
		}
		p.ReportOn(whole, p.Rule.Severity, nil, "nothing that the repository deploys to this cluster verifies who built an image")
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: List
items:
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: kyverno}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: b}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: c}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: d}}
  - apiVersion: kustomize.toolkit.fluxcd.io/v1 # want: verifies who built an image
    kind: Kustomization
    metadata: {name: apps}
  - apiVersion: kyverno.io/v1
    kind: ClusterPolicy
    metadata: {name: labels}
    spec: {rules: [{name: owner, validate: {pattern: {metadata: {labels: {owner: "?*"}}}}}]}
-- good.yaml --
apiVersion: v1
kind: List
items:
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: a}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: b}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: c}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: d}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: e}}
  - apiVersion: kyverno.io/v1
    kind: ClusterPolicy
    metadata: {name: signed}
    spec: {rules: [{name: signed, verifyImages: [{imageReferences: ["ghcr.io/acme/*"]}]}]}
-- good-sigstore.yaml --
apiVersion: v1
kind: List
items:
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: a}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: b}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: c}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: d}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: e}}
  - {apiVersion: policy.sigstore.dev/v1beta1, kind: ClusterImagePolicy, metadata: {name: signed}}
-- good-program.yaml --
# options: verifiers=notary-gate
apiVersion: v1
kind: List
items:
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: a}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: b}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: c}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: d}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: e}}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: gate
spec:
  selector: {matchLabels: {app: gate}}
  template:
    metadata: {labels: {app: gate}}
    spec:
      containers:
        - name: gate
          image: registry.example/Notary-Gate/server:1.0.0
-- good-application.yaml --
# The repository of one application: others care for the cluster.
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: web
-- good-incomplete.yaml --
# incomplete
apiVersion: v1
kind: List
items:
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: a}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: b}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: c}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: d}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: e}}
`,
}

// verifiesImages says that some policy of the cluster verifies images.
func verifiesImages(x *cluster.Index) bool {
	for _, kind := range signaturePolicies {
		if len(x.Kind(kind.Group, kind.Kind)) > 0 {
			return true
		}
	}
	return someRule(x, func(rule manifest.Value) bool { return rule.Get("verifyImages").Written() })
}

// someRule says that some rule of Kyverno's policies is as asked.
func someRule(x *cluster.Index, is func(rule manifest.Value) bool) bool {
	for _, kind := range kyvernoPolicies {
		for _, o := range x.Kind(kind.Group, kind.Kind) {
			if slices.ContainsFunc(o.Value("spec", "rules").Items(), is) {
				return true
			}
		}
	}
	return false
}
