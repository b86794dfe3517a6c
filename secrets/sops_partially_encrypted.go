package secrets

import (
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
)

var sopsPartiallyEncrypted = &lint.Rule{
	ID:         "sops-partially-encrypted",
	Title:      "SOPS file leaves sensitive values in clear",
	Why:        "The file looks encrypted, so nobody looks again, but a value in it can be read by everyone; and SOPS refuses to decrypt a file in which a value that it should have encrypted is clear.",
	Fix:        "Widen the selector in .sops.yaml so that it covers data and stringData, encrypt the file anew with sops, and replace the value itself, because the clear one stays in the history.",
	Since:      "0.1.0",
	Severity:   lint.Critical,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001"},
	Supersedes: []string{"configmap-contains-secret", "env-var-plaintext-secret", "helm-values-plaintext-secret", "secret-in-command-args", "secret-plaintext", "sops-object-patched", "url-embedded-credentials"},
	CheckFile: func(p *lint.TreePass) {
		f := sopsFileOf(p)
		if f == nil || !anyCiphertext(f) {
			return
		}
		for _, d := range f.Documents {
			if d.Metadata != nil {
				reportClear(p, f, d)
			}
		}
	},
	Examples: `
-- bad-malformed.yaml --
` + sopsSample + `    token: hunter2 # want: stringData.token is not encrypted
    port: 5432 # want
` + sopsBlock + `---
apiVersion: v1
kind: Secret
metadata:
    name: narrow
stringData:
    password: ` + sopsCipher + `
    token_unencrypted: hunter2 # want: stringData.token_unencrypted is clear
sops:
` + sopsMeta + `-- bad-values.yaml --
auth:
    rootPassword: ` + sopsCipher + `
    replicationPassword: s3cr3t-pw-7 # want: auth.replicationPassword is clear
    existingSecret: mariadb
env:
    - name: API_TOKEN
      value: 8f3d1f1c2b7a4d3f # want: env[0].value is clear
    - name: LOG_LEVEL
      value: debug
sops:
` + sopsMeta + `    encrypted_regex: ^rootPassword$
-- bad-list.yaml --
apiVersion: v1
kind: List
items:
    - apiVersion: v1
      kind: Secret
      metadata:
        name: a
      stringData:
        password: ` + sopsCipher + `
    - apiVersion: v1
      kind: Secret
      metadata:
        name: b
      stringData:
        password: hunter2 # want: items[1].stringData.password is not encrypted
` + sopsBlock + `
-- bad-env/app.env --
USER=` + sopsCipher + `
PASSWORD=hunter2
` + sopsEnvMeta + `-- bad-env/@want --
app.env:2: PASSWORD is not encrypted
-- good-malformed.yaml --
` + sopsSample + `    nothing: null
` + sopsBlock + `---
apiVersion: v1
kind: ConfigMap
metadata:
    name: partly-by-design
data:
    clear: text
    secret_enc: ` + sopsCipher + `
sops:
    age: []
    lastmodified: "2026-03-01T10:00:00Z"
    mac: ` + sopsMAC + `
    encrypted_suffix: _enc
    version: 3.10.2
-- good-references.yaml --
rootPassword: ` + sopsCipher + `
userPassword: ${USER_PASSWORD}
adminPassword: CHANGE_ME
passwordFile: /run/secrets/password
existingSecret: mariadb
tokenTTL: 3600
password: ""
sops:
` + sopsMeta + `    encrypted_regex: ^rootPassword$
-- good-comments.yaml --
# sops:enc
password: ` + sopsCipher + `
host: db
sops:
` + sopsMeta + `    encrypted_comment_regex: sops:enc
`,
}

// maxClear bounds how many clear values of a document are reported one by one.
const maxClear = 50

// reportClear reports the values of a document that have to be encrypted and are
// not, and the secrets that the selector does not reach.
func reportClear(p *lint.TreePass, f *sops.File, d *sops.Document) {
	reported := 0
	for i := range d.Leaves {
		l := &d.Leaves[i]
		if reported == maxClear {
			return
		}
		switch {
		case !clearInFault(d, l):
			continue
		case l.Due:
			p.Report(l.At, docKey(f, d, l.Path), "%s is not encrypted although the selector of the sops block says that it is", l.Path)
		default:
			p.Report(l.At, docKey(f, d, l.Path), "%s is clear because the selector of the sops block does not reach it", l.Path)
		}
		reported++
	}
}

// clearInFault says that a value of a document with a sops block is clear and must
// not be. What is clear in a Secret whose block SOPS can't have written is
// secret-plaintext's to report.
func clearInFault(d *sops.Document, l *sops.Leaf) bool {
	if l.Encrypted || l.Empty() || d.Object().IsSecret() && !d.Metadata.Valid() {
		return false
	}
	return l.Due && !leafPlace(d, l).structural() || secretLeaf(d, l)
}
