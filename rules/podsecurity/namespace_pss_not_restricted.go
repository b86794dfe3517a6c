package podsecurity

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var namespacePSSNotRestricted = &lint.Rule{
	ID:         "namespace-pss-not-restricted",
	Title:      "namespace does not even warn at the restricted level",
	Why:        "The restricted level is what a pod should keep to that runs no part of the cluster. As long as the namespace neither enforces it nor warns or audits at it, nobody sees which pods fall short.",
	Fix:        "Set pod-security.kubernetes.io/warn and audit to restricted: they keep no pod out. Enforce it when the warnings are gone.",
	Since:      "0.1.0",
	Severity:   lint.Info,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:restricted", "CIS-1.12:5.2.6", "CIS-1.12:5.2.7", "CIS-1.12:5.2.9", "CIS-1.12:5.2.10"},
	Profile:    lint.All,
	Kinds:      []schema.GroupKind{kindNamespace},
	Standard:   map[string][]string{"unlabelled": {"true"}},
	Options: []lint.Option{systemNamespaces(), {
		Name:    "unlabelled",
		Doc:     "Whether to report namespaces that neither enforce, warn nor audit at any level, of which namespace-pss-enforce-missing speaks.",
		Default: []string{"false"},
		Valid:   lint.Truth,
	}},
	Check: func(p *lint.Pass) {
		modes := []string{"enforce", "warn", "audit"}
		labelled := slices.ContainsFunc(modes, func(mode string) bool { return pssLabel(p.Object, mode).Written() })
		if isSystem(p, p.Object.Name) || !labelled && !p.Yes("unlabelled") {
			return
		}
		restricted := slices.ContainsFunc(modes, func(mode string) bool {
			level := pssLabel(p.Object, mode)
			return level.Text() == "restricted" || !level.Known()
		})
		if !restricted {
			p.Report(pssLabel(p.Object, "warn").Path, "the namespace %q neither enforces the restricted level nor warns or audits at it", p.Object.Name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    pod-security.kubernetes.io/enforce: baseline
    pod-security.kubernetes.io/warn: baseline # want: the namespace "shop" neither enforces the restricted level
-- bad-unlabelled.yaml --
# options: unlabelled=true
apiVersion: v1
kind: Namespace
metadata: # want: the namespace "bank"
  name: bank
-- good.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    pod-security.kubernetes.io/enforce: restricted
---
apiVersion: v1
kind: Namespace
metadata:
  name: bank
  labels:
    pod-security.kubernetes.io/enforce: baseline
    pod-security.kubernetes.io/audit: restricted
---
apiVersion: v1
kind: Namespace
metadata:
  name: mail
  labels:
    pod-security.kubernetes.io/warn: ${LEVEL}
---
apiVersion: v1
kind: Namespace
metadata:
  name: kube-system
  labels:
    pod-security.kubernetes.io/enforce: privileged
---
# namespace-pss-enforce-missing speaks for this one.
apiVersion: v1
kind: Namespace
metadata:
  name: empty
`,
}
