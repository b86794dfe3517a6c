package secrets

import (
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var secretPlaintext = &lint.Rule{
	ID:         "secret-plaintext",
	Title:      "Secret is stored unencrypted in Git",
	Why:        "Everyone who can read the repository, a clone of it or a build's cache can read the value, and it stays in the history after it is removed. Base64 is no encryption.",
	Fix:        "Encrypt the file with `scantling encrypt FILE`, or let a SealedSecret or an ExternalSecret bring the value; then replace the value itself, because the old one stays in the history.",
	Since:      "0.1.0",
	Severity:   lint.Critical,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001"},
	Kinds:      []schema.GroupKind{secretKind},
	Written:    true,
	Check: func(p *lint.Pass) {
		if sops.Read(p.Object.Node).Valid() && p.Object.Template == "" {
			// The sops rules say what is clear in an encrypted document. What a chart
			// gives nobody decrypts, whatever stands in it.
			return
		}
		severity := p.Rule.Severity
		file := p.Object.Origin.File
		if p.Written && isSample(file) || isSampleName(file) || isDocumentation(file) && !p.Unit.Reconciled {
			severity = lint.Low
		}
		for _, v := range clearEntries(p.Object.Node) {
			p.ReportAs(v.severity(severity), v.path, "Secret key %q holds a literal value", v.key)
		}
	},
	CheckFile: func(p *lint.TreePass) {
		if !mayHoldSecret(p.File.Data) {
			return
		}
		reading := readingOf(p.Tree, p.File.Name)
		if reading == readNot {
			return
		}
		searchSecrets(p.File, reading, reportSecret(p))
	},
	CheckTree: func(p *lint.TreePass) {
		searchPatchFiles(p.Tree(), reportSecret(p))
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: db
type: Opaque
stringData:
  username: app # want: Secret key "username" holds a literal value
  password: "correct horse" # want: Secret key "password"
  url: postgres://app:s3cr3t-pw@db/app # want: Secret key "url"
  config.yaml: | # want: Secret key "config.yaml"
    password: s3cr3t-pw
  empty: ""
  false-friend: not-false-or-true-or-null # want
---
apiVersion: v1
kind: Secret
metadata:
  name: encoded
data:
  password: aHVudGVyMg== # want: Secret key "password"
  binary: AAECAwQF/v8= # want: Secret key "binary"
  lines: >- # want: Secret key "lines"
    aHVudGVy
    Mg==
---
apiVersion: v1
kind: Secret
metadata:
  name: bootstrap-token-abcdef
type: bootstrap.kubernetes.io/token
stringData:
  token-id: abcdef # want
  token-secret: 0123456789abcdef # want
---
apiVersion: v1
kind: Secret
metadata:
  name: weak
stringData:
  pin: "12345678" # want
  partly: postgres://app:hunter2@${DB_HOST}/app # want
  fallback: ${PASSWORD:=hunter2} # want
---
apiVersion: v1
kind: Secret
metadata:
  name: key-among-references
stringData:
  bridge.yaml: | # want: Secret key "bridge.yaml" holds a literal value
    as_token: ${AS_TOKEN}
    server: ed25519 a_x1 ivuR2EzzrqX7kIADeypBxJUmHOJdsBewQC6qr3Hho7Q
-- bad-list.json --
{
  "apiVersion": "v1",
  "kind": "List",
  "items": [
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "b"}},
    {
      "apiVersion": "v1",
      "kind": "Secret",
      "metadata": {"name": "s"},
      "data": {
        "password": "aHVudGVyMg==" # want: Secret key "password"
      }
    }
  ]
}
-- bad-secretlist.yaml --
apiVersion: v1
kind: SecretList
items:
  - metadata:
      name: s
    stringData:
      password: hunter2 # want
-- bad-malformed.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: not-base64
data:
  password: hunter2! # want
  pin: 123456 # want
  tail: ENC[AES256_GCM,data:aGVsbG8=,iv:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,tag:AAAAAAAAAAAAAAAAAAAAAA==,type:str] hunter2 # want
  nested: # want: Secret key "nested"
    password: hunter2
---
apiVersion: v1
kind: Secret
metadata:
  name: pretends
stringData:
  password: hunter2 # want
sops: {}
---
apiVersion: v1
kind: Secret
metadata:
  name: bad-patch
$patch: merge
stringData:
  password: hunter2 # want
-- good.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: references
stringData:
  a: ${DB_PASSWORD}
  b: $(DB_PASSWORD)
  c: <path:secret/data/db#password>
  d: vault:secret/data/db#password
  e: ref+vault://secret/db#/password
  f: op://vault/item/password
  g: "%(db_password)s"
  h: ${{ secrets.DB_PASSWORD }}
  i: $__file{/run/secrets/db}
  j: "{{ .Values.password }}"
  k: postgres://app:${DB_PASSWORD}@db:5432/app
  l: ${DB_PASSWORD:=}
  m: |
    host=db
    password=${DB_PASSWORD}
  n: Bearer ${TOKEN}
data:
  a: JHtEQl9QQVNTV09SRH0=
  generated: c2NhbnRsaW5nMHNjYW50bGlu
  empty: ""
  nothing:
---
apiVersion: v1
kind: Secret
metadata:
  name: public
type: kubernetes.io/tls
stringData:
  ca.crt: |
    # the root
    -----BEGIN CERTIFICATE-----
    MIIBhTCCASugAwIBAgIQIRi6zePL6mKjOipn+dNuaTAKBggqhkjOPQQDAjASMRAw
    DgYDVQQKEwdBY21lIENvMB4XDTE3MTAyMDE5NDMwNloXDTE4MTAyMDE5NDMwNlow
    -----END CERTIFICATE-----
  tls.key: ""
---
apiVersion: v1
kind: Secret
metadata:
  name: default-token
  annotations:
    kubernetes.io/service-account.name: default
type: kubernetes.io/service-account-token
---
apiVersion: v1
kind: Secret
metadata:
  name: placeholders
stringData:
  password: CHANGE_ME
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: sealed
spec:
  encryptedData:
    password: AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq
---
apiVersion: example.com/v1
kind: Secret
metadata:
  name: other-group
data:
  password: hunter2
-- bad-settings.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: beside-a-password
stringData:
  DB_HOST: db.corp # want low
  DB_USER: app # want low
  DATABASE_URL: postgres://db.corp/app # want low
  debug: "true" # want low
  cache: redis://cache.corp:6379/0?idle_timeout_seconds=30 # want low
  changed: "2026-01-02T15:04:05Z" # want low
  hook: https://hooks.corp/services/a8Fk20Lmzq91Xy7PsT43 # want critical
  DB_PASSWORD: app # want critical
  ADMIN_URL: postgres://app:hunter2@db.corp/app # want critical
  api-user-token: app # want critical
  app.yaml: | # want low
    server:
      host: db.corp
      port: 5432
  secret.yaml: | # want critical
    server:
      host: db.corp
      password: hunter2-pw
  users: | # want low
    app:$2y$05$abcdefghijklmnopqrstuuDK8J3Q5cXf1H0ZyBwVvTgRkLmNoPqRs
  weak: app:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk= # want critical
---
apiVersion: v1
kind: Secret
metadata:
  name: only-a-name
stringData:
  username: app # want low
-- good-settings.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: filled-in
stringData:
  DB_HOST: db.corp
  DB_USER: app
  RESTIC_REPOSITORY: s3:${ENDPOINT}/restic/app
  DB_PASSWORD: ${DB_PASSWORD}
  app.yaml: |
    # For example, postgres://user:password@host/database
    uri: postgres://app:${DB_PASSWORD}@db/app
    token: ${TOKEN}
---
apiVersion: v1
kind: Secret
metadata:
  name: no-credential
type: kubernetes.io/dockerconfigjson
stringData:
  .dockerconfigjson: '{"auths": {"registry.corp": {"email": ""}}}'
---
apiVersion: v1
kind: Secret
metadata:
  name: no-key-among-references
stringData:
  bridge.yaml: |
    as_token: ${AS_TOKEN}
    # server: ed25519 a_x1 ivuR2EzzrqX7kIADeypBxJUmHOJdsBewQC6qr3Hho7Q
    image: sha256:0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0
    id: 7b1f2c52-4a0e-4d3c-9a57-0e3bdc1c2f11
    topic: com/example/Bridge2/Events/OfThe3rdKind/AreSentHere4
-- good-malformed.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: gone
$patch: delete
data:
  password: aHVudGVyMg==
---
apiVersion: v1
kind: Secret
metadata:
  name: replaced
stringData:
  $patch: replace
  password: ${PASSWORD}
---
` + sopsSample + sopsBlock,
}

// reportSecret reports what is found in files. What is there to be copied is no
// leak for certain, but people do put real values into it.
func reportSecret(p *lint.TreePass) func(foundSecret) {
	return func(found foundSecret) {
		severity := p.Rule.Severity
		if isUnusedSample(p.Tree, found.at.File) {
			severity = lint.Low
		}
		p.ReportAs(found.severity(severity), found.at, found.identity, "Secret key %q holds a literal value", found.name)
	}
}

// sopsSample and sopsBlock are a Secret as SOPS writes it.
const (
	sopsSample = `apiVersion: v1
kind: Secret
metadata:
    name: encrypted
type: Opaque
stringData:
    password: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
    empty: ""
`
	sopsBlock = `sops:
    age:
        - recipient: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
          enc: |
            -----BEGIN AGE ENCRYPTED FILE-----
            YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBzb21ldGhpbmctdGhhdC1p
            cy1ub3QtcmVhbAo=
            -----END AGE ENCRYPTED FILE-----
    lastmodified: "2026-03-01T10:00:00Z"
    mac: ENC[AES256_GCM,data:xyDBcIdjZRJpp6Y9nJMl4KHQzvZ+T2I6Sl4YB6A0MZs=,iv:9T0O8Zl0Rv6cSL5wrUBZEY7lCrWfJZ2GVaOBpRwTB1A=,tag:fhDpJPdr9bE0sVFEtNw3ug==,type:str]
    encrypted_regex: ^(data|stringData)$
    version: 3.10.2
`
)
