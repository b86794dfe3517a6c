package podsecurity

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var namespacePSSEnforceMissing = &lint.Rule{
	ID:         "namespace-pss-enforce-missing",
	Title:      "namespace enforces no Pod Security level",
	Why:        "Without an enforced level the API server takes any pod into the namespace, privileged ones that own their node included: whoever may create a pod there can take over the cluster. The rule is silent when an enforced Kyverno policy or Gatekeeper constraint for Pod Security, or defaults of the API server, stand in the repository, and when OpenShift keeps the labels itself.",
	Fix:        "Set the label pod-security.kubernetes.io/enforce to restricted, or to baseline where the pods need more.",
	Since:      "0.1.0",
	Severity:   lint.Medium,
	Category:   lint.PodSecurity,
	Frameworks: []string{"CIS-1.12:5.2.1", "MITRE:T1610"},
	Profile:    lint.Strict,
	Kinds:      []schema.GroupKind{kindNamespace},
	Joins:      []schema.GroupKind{kindAdmissionConfiguration, kindKyvernoPolicy, kindKyvernoValidation, kindGatekeeperPrivileged},
	Options:    []lint.Option{systemNamespaces()},
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		if slices.ContainsFunc(x.Kind(kindAdmissionConfiguration.Group, kindAdmissionConfiguration.Kind), defaultsPodSecurity) ||
			slices.ContainsFunc(x.Kind(kindKyvernoPolicy.Group, kindKyvernoPolicy.Kind), enforcesPodSecurity) ||
			slices.ContainsFunc(x.Kind(kindKyvernoValidation.Group, kindKyvernoValidation.Kind), validatesPodSecurity) ||
			slices.ContainsFunc(x.Kind(kindGatekeeperPrivileged.Group, kindGatekeeperPrivileged.Kind), deniesPrivileged) {
			return
		}
		for _, o := range x.Kind("", "Namespace") {
			level := pssLabel(o, "enforce")
			if level.Written() || isSystem(p, o.Name) || o.Value("metadata", "labels").Get(openShiftLabelSync).True() {
				continue
			}
			p.ReportOn(o, p.Rule.Severity, level.Path, "the namespace %q enforces no Pod Security level", o.Name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: # want: the namespace "shop" enforces no Pod Security level
    # A warning keeps nothing out.
    pod-security.kubernetes.io/warn: restricted
---
apiVersion: v1
kind: Namespace
metadata: # want: the namespace "bank"
  name: bank
-- bad-audit.yaml --
# These policies only report.
apiVersion: v1
kind: Namespace
metadata: # want: the namespace "shop"
  name: shop
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: baseline
spec:
  validationFailureAction: Audit
  rules:
    - name: baseline
      match: {any: [{resources: {kinds: [Pod]}}]}
      validate:
        podSecurity: {level: baseline, version: latest}
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sPSPPrivilegedContainer
metadata:
  name: privileged
spec:
  enforcementAction: dryrun
---
apiVersion: policies.kyverno.io/v1
kind: ValidatingPolicy
metadata:
  name: disallow-privileged
  annotations:
    policies.kyverno.io/category: Pod Security Standards (Baseline)
spec:
  validationActions: [Audit]
---
apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
  - name: PodSecurity
    configuration:
      apiVersion: pod-security.admission.config.k8s.io/v1
      kind: PodSecurityConfiguration
      defaults: {enforce: privileged}
-- bad-other-policy.yaml --
apiVersion: v1
kind: Namespace
metadata: # want: the namespace "shop"
  name: shop
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: labels
spec:
  validationFailureAction: Enforce
  rules:
    - name: labels
      match: {any: [{resources: {kinds: [Pod]}}]}
      validate:
        pattern: {metadata: {labels: {team: "?*"}}}
-- good.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    pod-security.kubernetes.io/enforce: baseline
---
# namespace-pss-enforce-privileged speaks for this one.
apiVersion: v1
kind: Namespace
metadata:
  name: storage
  labels:
    pod-security.kubernetes.io/enforce: privileged
---
apiVersion: v1
kind: Namespace
metadata:
  name: kube-system
---
apiVersion: v1
kind: Namespace
metadata:
  name: openshift-shop
  labels:
    security.openshift.io/scc.podSecurityLabelSync: "true"
---
apiVersion: v1
kind: Namespace
metadata:
  name: ${NAMESPACE}
-- good-kyverno.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: baseline
spec:
  rules:
    - name: baseline
      match: {any: [{resources: {kinds: [Pod]}}]}
      validate:
        failureAction: Enforce
        podSecurity: {level: baseline, version: latest}
-- good-kyverno-labels.yaml --
# The policy sets the label.
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: labels
spec:
  rules:
    - name: labels
      match: {any: [{resources: {kinds: [Namespace]}}]}
      mutate:
        patchStrategicMerge:
          metadata:
            labels:
              +(pod-security.kubernetes.io/enforce): baseline
-- good-kyverno-validating.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: policies.kyverno.io/v1
kind: ValidatingPolicy
metadata:
  name: disallow-privileged
  annotations:
    policies.kyverno.io/category: Pod Security Standards (Baseline)
spec:
  validationActions: [Deny]
-- good-gatekeeper.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sPSPPrivilegedContainer
metadata:
  name: privileged
spec:
  match: {kinds: [{apiGroups: [""], kinds: [Pod]}]}
-- good-defaults.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
  - name: PodSecurity
    configuration:
      apiVersion: pod-security.admission.config.k8s.io/v1
      kind: PodSecurityConfiguration
      defaults: {enforce: baseline}
`,
}

var (
	kindAdmissionConfiguration = schema.GroupKind{Group: "apiserver.config.k8s.io", Kind: "AdmissionConfiguration"}
	kindKyvernoPolicy          = schema.GroupKind{Group: "kyverno.io", Kind: "ClusterPolicy"}
	kindKyvernoValidation      = schema.GroupKind{Group: "policies.kyverno.io", Kind: "ValidatingPolicy"}
	// Of the constraints that Gatekeeper's library has in place of Pod Security,
	// this is the one that nobody leaves out.
	kindGatekeeperPrivileged = schema.GroupKind{Group: "constraints.gatekeeper.sh", Kind: "K8sPSPPrivilegedContainer"}
)

// openShiftLabelSync asks OpenShift to keep the labels of a namespace:
// https://docs.redhat.com/en/documentation/openshift_container_platform/4.20/html/authentication_and_authorization/understanding-and-managing-pod-security-admission.
const openShiftLabelSync = "security.openshift.io/scc.podSecurityLabelSync"

// defaultsPodSecurity says that the API server has a level for namespaces without
// the label.
func defaultsPodSecurity(o *manifest.Object) bool {
	return slices.ContainsFunc(o.Value("plugins").Items(), func(plugin manifest.Value) bool {
		level := plugin.Get("configuration", "defaults", "enforce").Text()
		return plugin.Get("name").Text() == "PodSecurity" && level != "" && level != "privileged"
	})
}

// enforcesPodSecurity says that Kyverno keeps pods out by the Pod Security
// Standards, or sets the labels.
func enforcesPodSecurity(o *manifest.Object) bool {
	all := strings.EqualFold(o.Value("spec", "validationFailureAction").Text(), "enforce")
	return slices.ContainsFunc(o.Value("spec", "rules").Items(), func(rule manifest.Value) bool {
		for label := range rule.Get("mutate", "patchStrategicMerge", "metadata", "labels").Entries() {
			if strings.Contains(label, pssLabelPrefix+"enforce") {
				return true
			}
		}
		action := rule.Get("validate", "failureAction").Text()
		enforced := strings.EqualFold(action, "enforce") || action == "" && all
		return enforced && (rule.Get("validate", "podSecurity").Written() || forPodSecurity(o) && rule.Get("validate").Written())
	})
}

func validatesPodSecurity(o *manifest.Object) bool {
	return forPodSecurity(o) && slices.Contains(o.Value("spec", "validationActions").Texts(), "Deny")
}

// forPodSecurity says that a policy is one of those that Kyverno publishes for
// the Pod Security Standards.
func forPodSecurity(o *manifest.Object) bool {
	return strings.HasPrefix(o.Value("metadata", "annotations").Get("policies.kyverno.io/category").Text(), "Pod Security Standards")
}

// deniesPrivileged says that Gatekeeper keeps privileged pods out: deny is its
// default.
func deniesPrivileged(o *manifest.Object) bool {
	action := o.Value("spec", "enforcementAction")
	return !action.Written() || action.Text() == "deny"
}
