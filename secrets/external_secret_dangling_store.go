package secrets

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var externalSecretDanglingStore = &lint.Rule{
	ID:       "external-secret-dangling-store",
	Title:    "ExternalSecret refers to an unknown store",
	Why:      "Without its store an ExternalSecret makes no Secret and a PushSecret pushes nothing; what needs the Secret does not start.",
	Fix:      "Correct the store's name or kind, or deploy the store. If something else than this repository makes it, turn the rule off.",
	Since:    "0.1.0",
	Severity: lint.Low,
	Category: lint.Secrets,
	Harmless: true,
	Profile:  lint.All,
	Kinds:    []schema.GroupKind{externalSecretKind, pushSecretKind},
	Joins:    []schema.GroupKind{secretStoreKind, clusterSecretStoreKind},
	CheckAll: func(p *lint.Pass) {
		// A repository without any store of a kind leaves them to someone else.
		kinds := map[schema.GroupKind][]*manifest.Object{}
		for _, k := range []schema.GroupKind{secretStoreKind, clusterSecretStoreKind} {
			kinds[k] = p.Of(k)
		}
		for _, o := range p.Judged() {
			for _, ref := range storeRefs(o) {
				danglingStore(p, o, ref, kinds)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: vault, namespace: shop}
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: shared}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop}
spec:
  secretStoreRef:
    name: valut # want: there is no SecretStore "valut" in namespace "shop"
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: cluster, namespace: shop}
spec:
  secretStoreRef:
    kind: ClusterSecretStore
    name: vault # want: there is no ClusterSecretStore "vault"
  dataFrom:
    - extract: {key: a}
      sourceRef:
        storeRef:
          name: gone # want: "gone"
---
apiVersion: external-secrets.io/v1alpha1
kind: PushSecret
metadata: {name: push, namespace: other}
spec:
  secretStoreRefs:
    - name: vault # want: there is no SecretStore "vault" in namespace "other"
-- good.yaml --
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: vault, namespace: shop}
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: shared}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop}
spec:
  secretStoreRef:
    name: vault
  data:
    - secretKey: a
      sourceRef:
        storeRef: {name: shared, kind: ClusterSecretStore}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: generated, namespace: shop}
spec:
  dataFrom:
    - sourceRef:
        generatorRef: {apiVersion: generators.external-secrets.io/v1alpha1, kind: Password, name: p}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: filled-in, namespace: shop}
spec:
  secretStoreRef: {name: "${STORE}"}
---
apiVersion: external-secrets.io/v1alpha1
kind: PushSecret
metadata: {name: push, namespace: shop}
spec:
  secretStoreRefs:
    - labelSelector: {matchLabels: {a: b}}
    - {name: vault, kind: SecretStore}
-- good-none.yaml --
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: elsewhere, namespace: shop}
spec:
  secretStoreRef: {name: elsewhere, kind: ClusterSecretStore}
-- good-incomplete.yaml --
# incomplete
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: vault, namespace: shop}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop}
spec:
  secretStoreRef: {name: other}
`,
}

// storeRefs are an object's references to stores, each once.
func storeRefs(o *manifest.Object) []manifest.Value {
	spec := o.Value("spec")
	refs := append([]manifest.Value{spec.Get("secretStoreRef")}, spec.Get("secretStoreRefs").Items()...)
	for _, list := range [...]string{"data", "dataFrom"} {
		for _, item := range spec.Get(list).Items() {
			refs = append(refs, item.Get("sourceRef", "storeRef"))
		}
	}
	return slices.DeleteFunc(refs, func(r manifest.Value) bool { return r.Get("name").Text() == "" || !r.Known() })
}

func danglingStore(p *lint.Pass, o *manifest.Object, ref manifest.Value, stores map[schema.GroupKind][]*manifest.Object) {
	kind, namespace := secretStoreKind, o.Namespace
	switch ref.Get("kind").Text() {
	case "", secretStoreKind.Kind:
	case clusterSecretStoreKind.Kind:
		kind, namespace = clusterSecretStoreKind, ""
	default:
		return
	}
	if len(stores[kind]) == 0 || !p.Complete(namespace) {
		return
	}
	name := ref.Get("name")
	if slices.ContainsFunc(stores[kind], func(s *manifest.Object) bool {
		return s.Name == name.Text() && (kind == clusterSecretStoreKind || s.Namespace == namespace || s.Namespace == "" || namespace == "")
	}) {
		return
	}
	if namespace == "" {
		p.ReportOn(o, p.Rule.Severity, name.Path, "there is no %s %q", kind.Kind, name.Text())
		return
	}
	p.ReportOn(o, p.Rule.Severity, name.Path, "there is no %s %q in namespace %q", kind.Kind, name.Text(), namespace)
}
