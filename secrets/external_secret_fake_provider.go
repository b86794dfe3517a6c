package secrets

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const externalSecretsGroup = "external-secrets.io"

var (
	externalSecretKind        = schema.GroupKind{Group: externalSecretsGroup, Kind: "ExternalSecret"}
	clusterExternalSecretKind = schema.GroupKind{Group: externalSecretsGroup, Kind: "ClusterExternalSecret"}
	pushSecretKind            = schema.GroupKind{Group: externalSecretsGroup, Kind: "PushSecret"}
	secretStoreKind           = schema.GroupKind{Group: externalSecretsGroup, Kind: "SecretStore"}
	clusterSecretStoreKind    = schema.GroupKind{Group: externalSecretsGroup, Kind: "ClusterSecretStore"}
	fakeGeneratorKind         = schema.GroupKind{Group: "generators.external-secrets.io", Kind: "Fake"}
)

var externalSecretFakeProvider = &lint.Rule{
	ID:         "external-secret-fake-provider",
	Title:      "External Secrets object keeps values inline",
	Why:        "The fake provider serves what stands in the object itself, and a template puts its literals into the Secret as they are: both are plaintext in the repository behind the name of a secret manager.",
	Fix:        "Move the values into the secret manager, name a real provider, and refer to the values from the template as {{ .key }}; then replace them, because the old ones stay in the history.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001"},
	Kinds:      []schema.GroupKind{secretStoreKind, clusterSecretStoreKind, externalSecretKind, clusterExternalSecretKind, pushSecretKind, fakeGeneratorKind},
	Written:    true,
	Check: func(p *lint.Pass) {
		spec := p.Object.Value("spec")
		switch p.Object.GroupKind() {
		case secretStoreKind, clusterSecretStoreKind:
			for _, item := range spec.Get("provider", "fake", "data").Items() {
				key := item.Get("key").Text()
				reportFake(p, key, item.Get("value"))
				for _, v := range item.Get("valueMap").Entries() {
					reportFake(p, key, v)
				}
			}
		case fakeGeneratorKind:
			for key, v := range spec.Get("data").Entries() {
				reportFake(p, key, v)
			}
		case externalSecretKind:
			reportTemplate(p, spec.Get("target", "template", "data"))
		case clusterExternalSecretKind:
			reportTemplate(p, spec.Get("externalSecretSpec", "target", "template", "data"))
		case pushSecretKind:
			reportTemplate(p, spec.Get("template", "data"))
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata:
  name: fake
spec:
  provider:
    fake:
      data:
        - key: /db/password
          value: hunter2-pw # want: fake provider holds a literal value for "/db/password"
          version: v1
        - key: /db
          valueMap:
            user: app # want: "/db"
---
apiVersion: external-secrets.io/v1beta1
kind: ExternalSecret
metadata:
  name: db
spec:
  target:
    template:
      data:
        password: hunter2-pw # want: template holds a literal credential for "password"
        config.ini: | # want: "config.ini"
          [db]
          password = hunter2-pw
        url: postgres://app:hunter2-pw@{{ .host }}/app # want
---
apiVersion: generators.external-secrets.io/v1alpha1
kind: Fake
metadata:
  name: fake
spec:
  data:
    token: hunter2-pw # want: "token"
-- good.yaml --
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata:
  name: vault
spec:
  provider:
    vault:
      server: https://vault.corp
      path: secret
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata:
  name: fake-references
spec:
  provider:
    fake:
      data:
        - key: a
          value: ${VALUE}
        - key: b
          value: ""
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: db
spec:
  secretStoreRef:
    name: vault
  target:
    name: db
    template:
      data:
        password: "{{ .password }}"
        url: postgres://app:{{ .password }}@db/app
        type: git
        tokenTTL: 1h
        ssh-privatekey: unused
        config.yaml: |
          user: app
          password: {{ .password }}
  data:
    - secretKey: password
      remoteRef:
        key: /db/password
---
apiVersion: generators.external-secrets.io/v1alpha1
kind: Password
metadata:
  name: generated
spec:
  length: 42
`,
}

func reportFake(p *lint.Pass, key string, v manifest.Value) {
	if v.Node != nil && v.Node.Kind == yaml.ScalarNode && !isNull(v.Node) && Classify(v.Text()) == Literal {
		p.Report(v.Path, "fake provider holds a literal value for %q", key)
	}
}

// reportTemplate reports the credentials that a template writes out. Settings
// beside them are what templates are for.
func reportTemplate(p *lint.Pass, data manifest.Value) {
	for key, v := range data.Entries() {
		value := v.Text()
		switch {
		case v.Node.Kind != yaml.ScalarNode, isNull(v.Node), isHarmlessText(value):
		case CredentialName(key) && literalCredential(value) && !strings.Contains(value, "{{"),
			len(embeddedCredentials(key, value)) > 0, hasClearURL(value):
			p.Report(data.Key(key).Path, "template holds a literal credential for %q", key)
		}
	}
}

// hasClearURL says that a text holds a URL with a credential in it.
func hasClearURL(value string) bool {
	for _, u := range findURLs(value) {
		if u.clearCredentials() {
			return true
		}
	}
	return false
}
