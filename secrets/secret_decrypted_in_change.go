package secrets

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
)

var secretDecryptedInChange = &lint.Rule{
	ID:         "secret-decrypted-in-change",
	Title:      "Change turns an encrypted value into clear text",
	Why:        "The value was encrypted and stands in clear now: whoever can read the change can read it, and it stays in the history after it is encrypted again.",
	Fix:        "Take the file back to the version of the base, edit it with sops, and replace the value itself if the commit was pushed.",
	Since:      "0.1.0",
	Severity:   lint.Critical,
	Category:   lint.Secrets,
	Compares:   true,
	Frameworks: []string{"MITRE:T1552.001"},
	Supersedes: []string{"configmap-contains-secret", "decrypted-file-committed", "env-var-plaintext-secret", "helm-values-plaintext-secret", "secret-generator-plaintext", "secret-in-command-args", "secret-plaintext", "sops-object-patched", "sops-partially-encrypted", "sops-unencrypted-file", "url-embedded-credentials"},
	CheckTree: func(p *lint.TreePass) {
		for _, c := range sopsChanges(p.Tree()) {
			reportDecrypted(p, c)
		}
	},
	Examples: `
-- bad/@base/secret.yaml --
` + sopsSample + sopsBlock + `
-- bad/secret.yaml --
apiVersion: v1
kind: Secret
metadata:
    name: encrypted
stringData:
    password: hunter2 # want critical: stringData.password was encrypted and is clear now
    empty: ""
-- bad-one/@base/secret.yaml --
` + sopsSample + `    token: ` + sopsOther + `
` + sopsBlock + `
-- bad-one/secret.yaml --
` + sopsSample + `    token: hunter2 # want: stringData.token
` + sopsBlock + `
-- bad-data/@base/secret.yaml --
` + sopsSample + sopsBlock + `
-- bad-data/secret.yaml --
apiVersion: v1
kind: Secret
metadata:
    name: encrypted
data:
    password: aHVudGVyMg== # want: data.password
-- bad-renamed/@base/apps/db/secret.sops.yaml --
` + sopsSample + sopsBlock + `
-- bad-renamed/apps/db/secret.yaml --
apiVersion: v1
kind: Secret
metadata:
    name: encrypted
type: Opaque
stringData:
    password: hunter2 # want: stringData.password
    empty: ""
-- bad-env/@base/app.env --
NAME=` + sopsCipher + `
` + sopsEnvMeta + `
-- bad-env/app.env --
NAME=some-shop
-- bad-env/@want --
app.env:1: NAME was encrypted
-- bad-whole/@base/config.toml --
{"data": "` + sopsCipher + `", "sops": {"age": [{"recipient": "age1", "enc": "x"}], "mac": "` + sopsMAC + `", "lastmodified": "2026-03-01T10:00:00Z", "version": "3.10.2"}}
-- bad-whole/config.toml --
password = "hunter2" # want: the file was encrypted as a whole
-- good/@base/secret.yaml --
` + sopsSample + sopsBlock + `
-- good/@base/gone.yaml --
` + sopsSample + sopsBlock + `
-- good/secret.yaml --
apiVersion: v1
kind: Secret
metadata:
    name: encrypted
stringData:
    password: ${DB_PASSWORD}
    empty: ""
-- good-changed/@base/secret.yaml --
` + sopsSample + sopsBlock + `
-- good-changed/secret.yaml --
apiVersion: v1
kind: Secret
metadata:
    name: encrypted
stringData:
    password: ` + sopsOther + `
    new: ""
` + sopsBlock + `
-- good-narrowed/@base/values.yaml --
# The selector was narrowed to what is secret.
replicas: ` + sopsCipher + `
host: ` + sopsCipher + `
password: ` + sopsOther + `
sops:
` + sopsMeta + `
-- good-narrowed/values.yaml --
replicas: 2
host: db.corp
password: ` + sopsOther + `
sops:
` + sopsMeta + `    encrypted_regex: ^password$
-- good-structure/@base/secret.yaml --
apiVersion: ` + sopsCipher + `
kind: ` + sopsCipher + `
metadata:
    name: ` + sopsCipher + `
stringData:
    password: ` + sopsOther + `
sops:
` + sopsMeta + `
-- good-structure/secret.yaml --
apiVersion: v1
kind: Secret
metadata:
    name: encrypted
stringData:
    password: ` + sopsOther + `
` + sopsBlock + `
-- good-sealed/@base/secret.yaml --
` + sopsSample + sopsBlock + `
-- good-sealed/secret.yaml --
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
    name: encrypted
spec:
    encryptedData:
        password: AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq
-- good-unchanged/@base/secret.yaml --
` + sopsSample + `    token: hunter2
` + sopsBlock + `
-- good-unchanged/secret.yaml --
` + sopsSample + `    token: hunter2
` + sopsBlock + `
-- good-settings/@base/values.yaml --
replicas: ` + sopsCipher + `
enabled: ` + sopsOther + `
sops:
` + sopsMeta + `
-- good-settings/values.yaml --
replicas: 2
enabled: true
`,
}

// reportDecrypted reports the values of a changed file that were encrypted and are
// clear now.
func reportDecrypted(p *lint.TreePass, c sopsChange) {
	if c.base.Format == sops.Binary {
		if sops.ReadFile(c.name, c.data) == nil && Classify(string(c.data)) == Literal {
			p.Report(manifest.Span{File: c.name, Line: 1, Column: 1}, "file", "the file was encrypted as a whole and is clear now")
		}
		return
	}
	reported := 0
	for _, pair := range c.documents() {
		encrypted := map[string]bool{}
		for i := range pair.base.Leaves {
			if l := &pair.base.Leaves[i]; l.Encrypted {
				encrypted[leafPath(pair.base, l)] = true
			}
		}
		for i := range pair.head.Leaves {
			l := &pair.head.Leaves[i]
			if reported < maxClear && encrypted[leafPath(pair.head, l)] && revealed(pair.head, l) {
				p.Report(l.At, docKey(c.head, pair.head, l.Path), "%s was encrypted and is clear now", l.Path)
				reported++
			}
		}
	}
}

// revealed says that a leaf that was encrypted tells something now. In a file that
// is still encrypted, what the selector left out on purpose tells nothing unless
// it is a secret by its name.
func revealed(d *sops.Document, l *sops.Leaf) bool {
	if l.Encrypted || l.Empty() {
		return false
	}
	at := leafPlace(d, l)
	switch {
	case at.secretEntry():
		return secretLeaf(d, l)
	case at.structural() || Classify(l.Value) != Literal:
		return false
	case d.Metadata != nil:
		return l.Due || secretLeaf(d, l)
	}
	return CredentialName(l.Name()) || !isSetting(l.Value)
}
