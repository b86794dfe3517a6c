package secrets

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var clusterSecretStoreUnrestricted = &lint.Rule{
	ID:       "clustersecretstore-unrestricted",
	Title:    "ClusterSecretStore is usable from every namespace",
	Why:      "Without conditions everyone who may create an ExternalSecret in some namespace reads, with the store's own account, all that the store gives access to.",
	Fix:      "List in spec.conditions the namespaces, or a selector of namespaces, that may use the store, or give each team a SecretStore of its own.",
	Since:    "0.1.0",
	Severity: lint.Medium,
	Category: lint.Secrets,
	Harmless: true,
	Kinds:    []schema.GroupKind{clusterSecretStoreKind},
	Check: func(p *lint.Pass) {
		spec := p.Object.Value("spec")
		conditions := spec.Get("conditions")
		if !conditions.Known() {
			return
		}
		for _, c := range conditions.Items() {
			if !c.Known() || c.Get("namespaces").Len()+c.Get("namespaceSelector").Len()+c.Get("namespaceRegexes").Len() > 0 {
				return
			}
		}
		p.Report(conditions.Path, "ClusterSecretStore %q has no conditions: every namespace may use it", p.Object.Name)
	},
	Examples: `
-- bad.yaml --
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata:
  name: vault
spec: # want: ClusterSecretStore "vault" has no conditions
  provider:
    vault: {}
---
apiVersion: external-secrets.io/v1beta1
kind: ClusterSecretStore
metadata:
  name: empty
spec:
  conditions: [] # want
  provider:
    vault: {}
-- good.yaml --
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata:
  name: selector
spec:
  conditions:
    - namespaceSelector:
        matchLabels:
          team: shop
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata:
  name: names
spec:
  conditions:
    - namespaces: [shop]
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata:
  name: expressions
spec:
  conditions:
    - namespaceRegexes: ["^team-"]
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata:
  name: filled-in
spec:
  conditions: ${CONDITIONS}
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata:
  name: namespaced
  namespace: shop
spec:
  provider:
    vault: {}
`,
}
