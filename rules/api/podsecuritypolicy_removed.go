package api

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/version"
)

// withoutPSP says that a Kubernetes version has no PodSecurityPolicy
// (https://kubernetes.io/docs/concepts/security/pod-security-policy/).
func withoutPSP(target *version.Version) bool { return !target.LessThan(minor(25)) }

var podSecurityPolicyRemoved = &lint.Rule{
	ID: "podsecuritypolicy-removed", Severity: lint.High, Category: lint.APILifecycle, Since: "0.1.0",
	Title:      "PodSecurityPolicy no longer exists",
	Why:        "Kubernetes 1.25 took PodSecurityPolicy away without a replacement of the same kind. The API server refuses the object, and the pods that it was meant to restrict run without any restriction.",
	Fix:        "Remove the policy and the permission to use it, and put the Pod Security Standards in their place: the label pod-security.kubernetes.io/enforce on each namespace, or a policy engine.",
	Frameworks: []string{"NSA-CISA"},
	Kinds: []schema.GroupKind{
		{Group: "policy", Kind: "PodSecurityPolicy"},
		{Group: "extensions", Kind: "PodSecurityPolicy"},
		{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"},
		{Group: "rbac.authorization.k8s.io", Kind: "Role"},
	},
	Check: func(p *lint.Pass) {
		if !withoutPSP(p.KubeVersion(p.Object)) {
			return
		}
		var rules []rbacv1.PolicyRule
		switch o := p.Object.Typed().(type) {
		case *rbacv1.ClusterRole:
			rules = o.Rules
		case *rbacv1.Role:
			rules = o.Rules
		default:
			p.Report(field.NewPath("kind"), "PodSecurityPolicy is gone since Kubernetes 1.25: it restricts no pod")
			return
		}
		for i, r := range rules {
			at := slices.Index(r.Resources, "podsecuritypolicies")
			if at < 0 || !slices.ContainsFunc(r.APIGroups, func(g string) bool { return g == "policy" || g == "extensions" || g == "*" }) {
				continue
			}
			// What is left behind does no harm.
			p.ReportAs(lint.Low, field.NewPath("rules").Index(i).Child("resources").Index(at), "the rule is about PodSecurityPolicies, which are gone since Kubernetes 1.25")
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: policy/v1beta1
kind: PodSecurityPolicy # want high: PodSecurityPolicy is gone since Kubernetes 1.25
metadata:
  name: restricted
spec:
  privileged: false
-- bad-role.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: psp
rules:
  - apiGroups: ["policy"]
    resources: ["podsecuritypolicies"] # want low: the rule is about PodSecurityPolicies
    resourceNames: ["restricted"]
    verbs: ["use"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: budgets
rules:
  - apiGroups: ["policy"]
    resources: ["poddisruptionbudgets"]
    verbs: ["get"]
  - apiGroups: ["*"]
    resources: ["*"]
    verbs: ["*"]
  - apiGroups: ["example.com"]
    resources: ["podsecuritypolicies"]
    verbs: ["use"]
---
apiVersion: example.com/v1
kind: PodSecurityPolicy
metadata:
  name: restricted
-- good-target.yaml --
# kubernetes: 1.24
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata:
  name: restricted
`,
}
