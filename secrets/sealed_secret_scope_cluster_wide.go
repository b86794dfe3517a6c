package secrets

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var sealedSecretKind = schema.GroupKind{Group: "bitnami.com", Kind: "SealedSecret"}

var sealedSecretScopeClusterWide = &lint.Rule{
	ID:       "sealed-secret-scope-cluster-wide",
	Title:    "SealedSecret can be unsealed in any namespace",
	Why:      "The ciphertext of a cluster-wide SealedSecret is not bound to its name and namespace: whoever may create SealedSecrets in some namespace copies it there and reads what the controller unseals.",
	Fix:      "Remove the annotation and seal the values anew with the scope strict, which is the default of kubeseal.",
	Since:    "0.1.0",
	Severity: lint.Low,
	Category: lint.Secrets,
	Harmless: true,
	Kinds:    []schema.GroupKind{sealedSecretKind},
	Written:  true,
	Check: func(p *lint.Pass) {
		annotations := p.Object.Value("metadata", "annotations")
		for _, scope := range [...]struct {
			name, where string
			severity    lint.Severity
		}{
			{"cluster-wide", "in any namespace", p.Rule.Severity},
			{"namespace-wide", "under any name in its namespace", lint.Info},
		} {
			// The controller knows no other spelling, and the wider scope wins.
			if v := annotations.Key("sealedsecrets.bitnami.com/" + scope.name); v.Text() == "true" {
				p.ReportAs(scope.severity, v.Path, "SealedSecret %q can be unsealed %s", p.Object.Name, scope.where)
				return
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: wide
  annotations:
    sealedsecrets.bitnami.com/cluster-wide: "true" # want low: SealedSecret "wide" can be unsealed in any namespace
spec:
  encryptedData: {}
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: namespaced
  annotations:
    sealedsecrets.bitnami.com/namespace-wide: "true" # want info: under any name
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: both
  annotations:
    sealedsecrets.bitnami.com/namespace-wide: "true"
    sealedsecrets.bitnami.com/cluster-wide: "true" # want low
-- good.yaml --
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: strict
  annotations:
    sealedsecrets.bitnami.com/cluster-wide: "false"
    sealedsecrets.bitnami.com/namespace-wide: ""
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: none
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: other
  annotations:
    sealedsecrets.bitnami.com/cluster-wide: "true"
`,
}
