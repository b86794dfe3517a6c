package podsecurity

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var namespacePSSEnforcePrivileged = &lint.Rule{
	ID:         "namespace-pss-enforce-privileged",
	Title:      "namespace lets pods do everything",
	Why:        "The level privileged forbids nothing: the API server takes pods into the namespace that own their node. Whoever may create a pod there can take over the cluster.",
	Fix:        "Enforce baseline or restricted, and move the pods that need more to a namespace of their own that few may write to.",
	Since:      "0.1.0",
	Severity:   lint.Medium,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:baseline", "CIS-1.12:5.2.2", "CIS-1.12:5.2.8", "CIS-1.12:5.2.11", "CIS-1.12:5.2.12", "CIS-1.12:5.2.13"},
	Profile:    lint.Strict,
	Kinds:      []schema.GroupKind{kindNamespace},
	Options:    []lint.Option{systemNamespaces()},
	Check: func(p *lint.Pass) {
		if level := pssLabel(p.Object, "enforce"); level.Text() == "privileged" && !isSystem(p, p.Object.Name) {
			p.Report(level.Path, "the namespace %q enforces the level privileged, which forbids nothing", p.Object.Name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    pod-security.kubernetes.io/enforce: privileged # want: the namespace "shop" enforces the level privileged
    pod-security.kubernetes.io/warn: restricted
-- bad-option.yaml --
# options: system=storage-*
apiVersion: v1
kind: Namespace
metadata:
  name: kube-system
  labels:
    pod-security.kubernetes.io/enforce: privileged # want: "kube-system"
---
apiVersion: v1
kind: Namespace
metadata:
  name: storage-nodes
  labels:
    pod-security.kubernetes.io/enforce: privileged
-- good.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    pod-security.kubernetes.io/enforce: baseline
    pod-security.kubernetes.io/audit: privileged
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
  name: bank
---
# Only on a namespace do these labels mean anything.
apiVersion: v1
kind: ConfigMap
metadata:
  name: shop
  labels:
    pod-security.kubernetes.io/enforce: privileged
`,
}
