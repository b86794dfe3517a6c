package secrets

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
)

var sopsNothingEncrypted = &lint.Rule{
	ID:         "sops-nothing-encrypted",
	Title:      "SOPS file has nothing encrypted in it",
	Why:        "The sops block makes people and tools take the file for encrypted, but its selector matched nothing, or the values were put back in clear: every one of them can be read.",
	Fix:        "Correct the selector of the rule in .sops.yaml, encrypt the file anew with sops, and replace the values, because the clear ones stay in the history.",
	Since:      "0.1.0",
	Severity:   lint.Critical,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001"},
	CheckFile: func(p *lint.TreePass) {
		f := sopsFileOf(p)
		if f == nil {
			return
		}
		for _, d := range f.Documents {
			if !nothingEncrypted(f, d) {
				continue
			}
			severity := lint.Medium
			if secretsInClear(d) {
				severity = lint.Critical
			}
			p.ReportAs(severity, d.Block, docKey(f, d, "sops"), "the sops block says that the file is encrypted, but none of its values is")
			return
		}
	},
	Examples: `
-- bad-malformed.yaml --
apiVersion: v1
kind: Secret
metadata:
    name: clear
stringData:
    password: hunter2
sops: # want critical: none of its values is
    age: []
    lastmodified: "2026-03-01T10:00:00Z"
    mac: ` + sopsMAC + `
    encrypted_regex: ^(password)$x
    version: 3.10.2
-- bad-values.yaml --
# Helm values under the selector for Secrets.
replicas: 2
auth:
    adminPassword: hunter2-pw
` + `sops: # want critical
` + sopsMeta + `    encrypted_regex: ^(data|stringData)$
-- bad-env/app.env --
PASSWORD=hunter2-pw
sops_encrypted_regex=^(data|stringData)$
` + sopsEnvMeta + `-- bad-env/@want --
app.env:2 critical: none of its values is
-- bad-harmless.yaml --
apiVersion: example.com/v1
kind: Widget
metadata:
    name: w
spec:
    size: 3
` + `sops: # want medium
` + sopsMeta + `    encrypted_regex: ^(data|stringData)$
-- good-malformed.yaml --
` + sopsSample + sopsBlock + `---
apiVersion: v1
kind: Secret
metadata:
    name: all-empty
stringData:
    password: ""
` + sopsBlock + `
-- good-namespace.yaml --
# sops gives a block to every document of a file.
apiVersion: v1
kind: Namespace
metadata:
    name: shop
` + sopsBlock + `---
apiVersion: v1
kind: ConfigMap
metadata:
    name: settings
spec:
    size: 3
` + sopsBlock + `---
` + sopsSample + sopsBlock + `
-- good-no-values.yaml --
apiVersion: v1
kind: Namespace
metadata:
    name: shop
` + sopsBlock,
}

// nothingEncrypted says that a document has a sops block and values, and that nothing
// in the whole file is encrypted. What is clear in a Secret whose block can't be
// one that SOPS wrote is secret-plaintext's to report.
func nothingEncrypted(f *sops.File, d *sops.Document) bool {
	if d.Metadata == nil || anyCiphertext(f) {
		return false
	}
	if d.Object().IsSecret() && !d.Metadata.Valid() {
		return false
	}
	return slices.ContainsFunc(d.Leaves, func(l sops.Leaf) bool {
		return !l.Empty() && !leafPlace(d, &l).structural()
	})
}

// secretsInClear says that some clear value of a document has to be encrypted, or is
// a secret by its name or place. What is no Kubernetes object was encrypted for
// the values in it.
func secretsInClear(d *sops.Document) bool {
	return d.Node == nil || slices.ContainsFunc(d.Leaves, func(l sops.Leaf) bool {
		return !l.Empty() && (l.Due && !leafPlace(d, &l).structural() || secretLeaf(d, &l))
	})
}
