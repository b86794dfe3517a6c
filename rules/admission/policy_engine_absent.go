package admission

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// policies are the kinds of what decides which objects the cluster takes.
var policies = []schema.GroupKind{
	{Group: admissionGroup, Kind: "ValidatingAdmissionPolicy"},
	{Group: admissionGroup, Kind: "ValidatingAdmissionPolicyBinding"},
	{Group: kyvernoGroup, Kind: "ClusterPolicy"},
	{Group: kyvernoGroup, Kind: "Policy"},
	{Group: kyvernoCELGroup, Kind: "ValidatingPolicy"},
	{Group: kyvernoCELGroup, Kind: "NamespacedValidatingPolicy"},
	{Group: kyvernoCELGroup, Kind: "ImageValidatingPolicy"},
	{Group: "templates.gatekeeper.sh", Kind: "ConstraintTemplate"},
	{Group: "policies.kubewarden.io", Kind: "ClusterAdmissionPolicy"},
	{Group: "policies.kubewarden.io", Kind: "AdmissionPolicy"},
	{Group: "policy.jspolicy.com", Kind: "JsPolicy"},
}

var kindNamespace = schema.GroupKind{Kind: "Namespace"}

var policyEngineAbsent = &lint.Rule{
	ID: "policy-engine-absent", Severity: lint.Info, Category: lint.Admission, Since: "0.1.0",
	Title:      "nothing in the repository decides which pods the cluster takes",
	Why:        "Who may create a pod in some namespace may create a privileged one, mount the node's disk and so own the node: rights on pods are rights on the cluster as long as nothing says no.",
	Fix:        "Label namespaces with pod-security.kubernetes.io/enforce, or deploy ValidatingAdmissionPolicies, Kyverno, Gatekeeper or Kubewarden. If the platform brings something else, turn this rule off, or name it in the option engines.",
	Frameworks: []string{"CIS-1.12:5.2.1"},
	Profile:    lint.All,
	Kinds:      cluster.Deployments,
	Joins:      slices.Concat(lint.Workloads, policies, []schema.GroupKind{kindNamespace}),
	Options: []lint.Option{{
		Name: "engines", Doc: "Words, in lower case, in the names of further policy engines, of their charts or images.",
	}},
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		whole := x.Whole()
		if whole == nil || hasPolicy(x) || x.Deploys(slices.Concat([]string{"kyverno", "gatekeeper", "kubewarden", "jspolicy", "opa-"}, p.Option("engines"))) {
			return
		}
		p.ReportOn(whole, p.Rule.Severity, nil, "nothing that the repository deploys to this cluster limits which pods it takes")
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: List
items:
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: a}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: b}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: c}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: d}}
  - apiVersion: kustomize.toolkit.fluxcd.io/v1 # want: limits which pods it takes
    kind: Kustomization
    metadata: {name: apps}
  - {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {pod-security.kubernetes.io/warn: baseline}}}
-- good.yaml --
apiVersion: v1
kind: List
items:
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: a}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: b}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: c}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: d}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: e}}
  - {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline}}}
-- good-policy.yaml --
apiVersion: v1
kind: List
items:
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: a}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: b}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: c}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: d}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: e}}
  - {apiVersion: templates.gatekeeper.sh/v1, kind: ConstraintTemplate, metadata: {name: k8sallowedrepos}}
-- good-engine.yaml --
apiVersion: v1
kind: List
items:
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: a}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: b}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: c}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: d}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: policies}, spec: {chart: {spec: {chart: kyverno}}}}
-- good-incomplete.yaml --
# incomplete
apiVersion: v1
kind: List
items:
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: a}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: b}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: c}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: d}}
  - {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: e}}
`,
}

// hasPolicy says that the cluster has a policy, or a namespace that enforces one
// of the Pod Security Standards.
func hasPolicy(x *cluster.Index) bool {
	for _, kind := range policies {
		if len(x.Kind(kind.Group, kind.Kind)) > 0 {
			return true
		}
	}
	for _, o := range x.Kind(kindNamespace.Group, kindNamespace.Kind) {
		if o.Value("metadata", "labels").Key("pod-security.kubernetes.io/enforce").Written() {
			return true
		}
	}
	return false
}
