package admission

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var policyEngineAuditOnly = &lint.Rule{
	ID: "policy-engine-audit-only", Severity: lint.Info, Category: lint.Admission, Since: "0.1.0",
	Title:   "policy only says what it would refuse",
	Why:     "What breaks the policy is taken all the same, and stands in a report that somebody has to read. As a first step that is right; as the last it protects nothing.",
	Fix:     "Once the report is empty, set the policy to enforce: failureAction Enforce with Kyverno, enforcementAction deny with Gatekeeper, the validationAction Deny with Kubernetes' own policies.",
	Profile: lint.All,
	// The kinds of Gatekeeper's constraints are whatever their templates name.
	Kinds: lint.Any,
	Check: func(p *lint.Pass) {
		switch o := p.Object; o.GVK.Group {
		case constraintsGroup:
			if v := o.Value("spec", "enforcementAction"); v.Text() == "dryrun" || v.Text() == "warn" {
				p.Report(v.Path, "the constraint refuses nothing: its enforcementAction is %s", v.Text())
			}
		case kyvernoGroup:
			if o.GroupKind() == (schema.GroupKind{Group: kyvernoGroup, Kind: "ClusterPolicy"}) || o.GVK.Kind == "Policy" {
				audits(p)
			}
		case kyvernoCELGroup:
			denies(p, "ValidatingPolicy", "NamespacedValidatingPolicy", "ImageValidatingPolicy", "NamespacedImageValidatingPolicy")
		case admissionGroup:
			denies(p, "ValidatingAdmissionPolicyBinding")
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: old
spec:
  validationFailureAction: audit # want: the policy refuses nothing: its validationFailureAction is audit
  rules:
    - {name: owner, validate: {message: owner, pattern: {metadata: {labels: {owner: "?*"}}}}}
    - {name: team, validate: {message: team, pattern: {metadata: {labels: {team: "?*"}}}}}
---
apiVersion: kyverno.io/v1
kind: Policy
metadata:
  name: rules
spec:
  rules:
    - name: owner
      validate:
        failureAction: Audit # want: rule "owner" refuses nothing
        message: owner
    - name: team
      validate:
        failureAction: Enforce
        message: team
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: default
spec: # want: no failureAction, so that it only audits
  rules:
    - {name: owner, validate: {message: owner, pattern: {metadata: {labels: {owner: "?*"}}}}}
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sRequiredLabels
metadata:
  name: owner
spec:
  enforcementAction: dryrun # want: its enforcementAction is dryrun
---
apiVersion: policies.kyverno.io/v1
kind: ValidatingPolicy
metadata:
  name: owner
spec:
  validationActions: [Audit] # want: it is set to Audit
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: owner
spec:
  policyName: owner
  validationActions: [Warn, Audit] # want: it is set to Warn, Audit
-- good.yaml --
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: enforced
spec:
  validationFailureAction: Enforce
  rules:
    - {name: owner, validate: {message: owner, pattern: {metadata: {labels: {owner: "?*"}}}}}
---
# Enforced where it matters.
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: overridden
spec:
  validationFailureAction: Audit
  validationFailureActionOverrides:
    - {action: Enforce, namespaces: [shop]}
  rules:
    - {name: owner, validate: {message: owner, pattern: {metadata: {labels: {owner: "?*"}}}}}
---
# It refuses nothing by its nature.
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: generates
spec:
  rules:
    - {name: quota, generate: {kind: ResourceQuota}}
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: variable
spec:
  validationFailureAction: ${ACTION}
  rules:
    - {name: owner, validate: {message: owner, pattern: {metadata: {labels: {owner: "?*"}}}}}
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sRequiredLabels
metadata:
  name: owner
spec: {}
---
apiVersion: policies.kyverno.io/v1
kind: ValidatingPolicy
metadata:
  name: owner
spec: {}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: owner
spec:
  policyName: owner
  validationActions: [Deny, Audit]
---
apiVersion: example.com/v1
kind: ClusterPolicy
metadata:
  name: other
spec:
  validationFailureAction: audit
`,
}

// denies reports a policy of one of some kinds whose actions lack Deny, which is
// what none stands for.
func denies(p *lint.Pass, kinds ...string) {
	actions := p.Object.Value("spec", "validationActions")
	if !slices.Contains(kinds, p.Object.GVK.Kind) || actions.Len() == 0 {
		return
	}
	texts := actions.Texts()
	if !slices.Contains(texts, "Deny") && !slices.ContainsFunc(texts, func(t string) bool { return !manifest.Known(t) }) {
		p.Report(actions.Path, "the policy refuses nothing: it is set to %s", strings.Join(texts, ", "))
	}
}

// audits reports a policy of Kyverno, or its rules, that only audit. A rule's
// action goes before the policy's, and the default is Audit:
// https://kyverno.io/docs/policy-types/cluster-policy/validate/.
func audits(p *lint.Pass) {
	spec := p.Object.Value("spec")
	action := spec.Get("validationFailureAction")
	if enforcedSomewhere(spec.Get("validationFailureActionOverrides")) {
		return
	}
	inherited := false
	for _, rule := range spec.Get("rules").Items() {
		checks := []manifest.Value{rule.Get("validate")}
		checks = append(checks, rule.Get("verifyImages").Items()...)
		for _, check := range checks {
			own := check.Get("failureAction")
			switch {
			case !check.Written() || enforcedSomewhere(check.Get("failureActionOverrides")):
			case !own.Written():
				inherited = true
			case strings.EqualFold(own.Text(), "Audit"):
				p.Report(own.Path, "rule %q refuses nothing: its failureAction is %s", rule.Get("name").Text(), own.Text())
			}
		}
	}
	switch {
	case !inherited:
	case !action.Written():
		p.Report(action.Path, "the policy has no failureAction, so that it only audits")
	case strings.EqualFold(action.Text(), "Audit"):
		p.Report(action.Path, "the policy refuses nothing: its validationFailureAction is %s", action.Text())
	}
}

// enforcedSomewhere says that overrides enforce in some namespaces.
func enforcedSomewhere(overrides manifest.Value) bool {
	return slices.ContainsFunc(overrides.Items(), func(v manifest.Value) bool { return strings.EqualFold(v.Get("action").Text(), "Enforce") })
}
