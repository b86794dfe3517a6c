package podsecurity

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

const pssLabelPrefix = "pod-security.kubernetes.io/"

var namespacePSSInvalidLabel = &lint.Rule{
	ID:       "namespace-pss-invalid-label",
	Title:    "Pod Security label is not valid",
	Why:      "The API server refuses a namespace with a level or version that it does not know, and ignores a label that it does not know, so that nothing is enforced.",
	Fix:      "Use the labels enforce, audit and warn with privileged, baseline or restricted, and enforce-version, audit-version and warn-version with latest or a version such as v1.34.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.PodSecurity,
	Kinds:    []schema.GroupKind{{Kind: "Namespace"}},
	Check: func(p *lint.Pass) {
		ns, ok := p.Object.Typed().(*corev1.Namespace)
		if !ok {
			return
		}
		for _, key := range slices.Sorted(maps.Keys(ns.Labels)) {
			name, ok := strings.CutPrefix(key, pssLabelPrefix)
			if !ok {
				continue
			}
			value := ns.Labels[key]
			mode, isVersion := strings.CutSuffix(name, "-version")
			known := mode == "enforce" || mode == "audit" || mode == "warn"
			path := field.NewPath("metadata", "labels").Key(key)
			switch {
			case !known:
				p.Report(path, "no Pod Security label is called %q", name)
			case !manifest.Known(value):
			case isVersion && !isPSSVersion(value):
				p.Report(path, "the Pod Security label %q has the version %q, which does not exist", name, value)
			case !isVersion && value != "privileged" && value != "baseline" && value != "restricted":
				p.Report(path, "the Pod Security label %q has the level %q, which does not exist", name, value)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    pod-security.kubernetes.io/enforce: Restricted # want: has the level "Restricted", which does not exist
    pod-security.kubernetes.io/enforce-version: "1.34" # want: has the version "1.34"
    pod-security.kubernetes.io/warn: strict # want: "strict"
    pod-security.kubernetes.io/audits: baseline # want: no Pod Security label is called "audits"
-- good.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    pod-security.kubernetes.io/enforce: baseline
    pod-security.kubernetes.io/enforce-version: v1.34
    pod-security.kubernetes.io/warn: restricted
    pod-security.kubernetes.io/warn-version: latest
    pod-security.kubernetes.io/audit: ${level:=restricted}
    example.com/pod-security: strict
---
# Only on a namespace do these labels mean anything.
apiVersion: v1
kind: ConfigMap
metadata:
  name: shop
  labels:
    pod-security.kubernetes.io/enforce: none
`,
}

// isPSSVersion says that the text is latest or v1.N, N without leading zeros.
func isPSSVersion(s string) bool {
	if s == "latest" {
		return true
	}
	minor, ok := strings.CutPrefix(s, "v1.")
	n, err := strconv.ParseUint(minor, 10, 16)
	return ok && err == nil && strconv.FormatUint(n, 10) == minor
}
