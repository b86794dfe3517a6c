package secrets

import (
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
)

var sopsDocumentWithoutMetadata = &lint.Rule{
	ID:       "sops-document-without-metadata",
	Title:    "Document of an encrypted file lacks its sops block",
	Why:      "Flux decrypts object by object, so a document without a block of its own reaches the cluster as it stands: ciphertext, or values that were meant to be encrypted. The sops program reads the block of the first document only and takes it for all, so it refuses the file, or can't edit it any more.",
	Fix:      "Give the document a file of its own, or restore the file from the commit that encrypted it and encrypt it anew with sops, which gives every document its block.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.Secrets,
	CheckFile: func(p *lint.TreePass) {
		f := sopsFileOf(p)
		if f == nil || len(f.Documents) < 2 {
			return
		}
		m := anyBlock(f)
		if m == nil {
			return
		}
		for _, d := range f.Documents {
			if d.Metadata == nil && !d.Odd {
				reportBare(p, f, d, m)
			}
		}
	},
	Examples: `
-- bad.yaml --
` + sopsSample + sopsBlock + `---
apiVersion: v1
kind: Secret
metadata:
    name: second
stringData:
    user: ${USER}
    password: ` + sopsCipher + ` # want high: stringData.password is encrypted in a document without a sops block
-- bad-first.yaml --
apiVersion: v1
kind: Secret
metadata:
    name: first
stringData:
    password: ` + sopsCipher + ` # want high: without a sops block
---
` + sopsSample + sopsBlock + `
-- bad-appended.yaml --
` + sopsSample + sopsBlock + `---
apiVersion: v1 # want medium: sops takes the first document's block for all
kind: ConfigMap
metadata:
    name: settings
data:
    host: db
-- bad-item.yaml --
apiVersion: v1
kind: List
items:
    - apiVersion: v1
      kind: Secret
      metadata:
        name: a
      stringData:
        password: ` + sopsOther + `
      sops:
        age:
            - recipient: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
              enc: none
        lastmodified: "2026-03-01T10:00:00Z"
        mac: ` + sopsMAC + `
        version: 3.10.2
    - apiVersion: v1
      kind: Secret
      metadata:
        name: b
      stringData:
        password: ` + sopsCipher + ` # want: without a sops block
-- good.yaml --
` + sopsSample + sopsBlock + `---
# Nothing in here.
---
` + sopsSample + sopsBlock + `---
apiVersion: v1
kind: Namespace
metadata:
    name: beside
-- good-plain-beside.yaml --
# secret-plaintext reports the password.
` + sopsSample + sopsBlock + `---
apiVersion: v1
kind: Secret
metadata:
    name: clear
stringData:
    password: hunter2
-- good-not-reached.yaml --
apiVersion: v1
kind: Service
metadata:
    name: web
spec:
    type: ClusterIP
---
` + sopsSample + sopsBlock + `
-- good-no-block-at-all.yaml --
# sops-metadata-invalid reports this.
a: ` + sopsCipher + `
---
b: ` + sopsOther + `
`,
}

// reportBare reports a document that has no block beside one that has.
func reportBare(p *lint.TreePass, f *sops.File, d *sops.Document, m *sops.Metadata) {
	for i := range d.Leaves {
		if l := &d.Leaves[i]; l.Encrypted {
			p.Report(l.At, docKey(f, d, l.Path), "%s is encrypted in a document without a sops block, beside documents that have one", l.Path)
			return
		}
	}
	if d.Prefix != "" || f.Documents[0].Metadata == nil || d.Object().IsSecret() {
		// Of a Secret, what is clear in it is reported.
		return
	}
	for i := range d.Leaves {
		if l := &d.Leaves[i]; !l.Empty() && m.Covers(l.Keys) && !leafPlace(d, l).structural() {
			p.ReportAs(lint.Medium, d.Start, docKey(f, d, "sops"), "the document has no sops block, but sops takes the first document's block for all of the file and refuses it, because %s is clear", l.Path)
			return
		}
	}
}
