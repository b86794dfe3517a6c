package secrets

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var secretPlaceholderDeployed = &lint.Rule{
	ID:       "secret-placeholder-deployed",
	Title:    "Deployed Secret holds a placeholder",
	Why:      "What was meant to be replaced before anything is deployed reaches the cluster, and then it is a password that everyone can guess.",
	Fix:      "Set the real value in an encrypted file, or remove the Secret from what is deployed.",
	Since:    "0.1.0",
	Severity: lint.Low,
	Category: lint.Secrets,
	Kinds:    []schema.GroupKind{secretKind},
	Check: func(p *lint.Pass) {
		if p.Written || sops.Read(p.Object.Node).Valid() {
			return
		}
		vault := hasVaultAnnotation(p.Object)
		for _, v := range secretValues(p.Object) {
			if v.class != Placeholder {
				continue
			}
			text := v.placeholder
			if decoded, ok := decodeBase64(text); ok && isPrintable(decoded) {
				text = decoded
			}
			if vault && strings.HasPrefix(strings.TrimSpace(text), "<") {
				continue
			}
			p.Report(v.path, "Secret key %q holds a placeholder", v.key)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  a: CHANGE_ME # want: Secret key "a" holds a placeholder
  b: <your password> # want
  c: xxxxxxxx # want
  d: REPLACE_WITH_TOKEN # want
  e: postgres://app:changeme@db/app # want
data:
  f: Y2hhbmdlbWU= # want
-- good.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  empty: ""
  reference: ${PASSWORD}
  literal: hunter2-with-example-in-it
---
apiVersion: v1
kind: Secret
metadata:
  name: filled-in-by-vault
  annotations:
    avp.kubernetes.io/path: secret/data/db
stringData:
  password: <password>
data:
  encoded: PHBhc3N3b3JkPg==
`,
}

// hasVaultAnnotation says that Argo CD's vault plug-in fills the object in,
// which writes its references as <name>.
func hasVaultAnnotation(o *manifest.Object) bool {
	annotations := manifest.Get(manifest.Get(o.Node, "metadata"), "annotations")
	if annotations == nil || annotations.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i < len(annotations.Content); i += 2 {
		if strings.HasPrefix(annotations.Content[i].Value, "avp.kubernetes.io/") {
			return true
		}
	}
	return false
}
