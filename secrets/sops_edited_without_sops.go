package secrets

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
)

var sopsEditedWithoutSOPS = &lint.Rule{
	ID:       "sops-edited-without-sops",
	Title:    "Encrypted file was changed without sops",
	Why:      "The values differ from those of the base, but the MAC over them is still the same, so it can't fit: sops refuses to decrypt the file. Merges of two edits do this, and so does an editor.",
	Fix:      "Take the file back to what sops wrote last and make the change with `sops edit`; after a merge, the changes of one side. A change that is known to be right can be signed anew with `sops --ignore-mac --rotate --in-place FILE`.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.Secrets,
	Compares: true,
	CheckTree: func(p *lint.TreePass) {
		for _, c := range sopsChanges(p.Tree()) {
			if c.head != nil {
				reportEdited(p, c)
			}
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
type: Opaque
stringData:
    password: ` + sopsOther + ` # want high: stringData.password is not what it was
    empty: ""
` + sopsBlock + `
-- bad-clear/@base/secret.yaml --
` + sopsSample + sopsBlock + `
-- bad-clear/secret.yaml --
apiVersion: v1
kind: Secret
metadata:
    name: renamed # want: metadata.name is not what it was
type: Opaque
stringData:
    password: ` + sopsCipher + `
    empty: ""
` + sopsBlock + `
-- bad-removed/@base/values.yaml --
a: ` + sopsCipher + `
b: ` + sopsOther + `
sops:
` + sopsMeta + `
-- bad-removed/moved/values.yaml --
a: ` + sopsCipher + `
sops: # want: values are missing
` + sopsMeta + `
-- bad-time/@base/values.yaml --
a: ` + sopsCipher + `
sops:
    age:
        - recipient: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
          enc: none
    lastmodified: "2025-03-01T10:00:00Z"
    mac: ` + sopsMAC + `
    version: 3.10.2
-- bad-time/values.yaml --
a: ` + sopsCipher + `
sops: # want: lastmodified
` + sopsMeta + `
-- bad-env/@base/app.env --
A=` + sopsCipher + `
` + sopsEnvMeta + `
-- bad-env/app.env --
A=` + sopsOther + `
` + sopsEnvMeta + `
-- bad-env/@want --
app.env:1: A is not what it was
-- good/@base/secret.yaml --
` + sopsSample + sopsBlock + `
-- good/secret.yaml --
# A comment is not covered, nor is how the file is written.
apiVersion: "v1"
kind: Secret
metadata: {name: encrypted}

type: Opaque
stringData:
    password: ` + sopsCipher + `
    empty: ""
    more: ""
` + sopsBlock + `    # and more
-- good-sops/@base/secret.yaml --
` + sopsSample + sopsBlock + `
-- good-sops/secret.yaml --
apiVersion: v1
kind: Secret
metadata:
    name: encrypted
stringData:
    password: ` + sopsOther + `
sops:
    age:
        - recipient: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
          enc: none
    lastmodified: "2026-04-01T10:00:00Z"
    mac: ` + sopsOther + `
    encrypted_regex: ^(data|stringData)$
    version: 3.10.2
-- good-updatekeys/@base/secret.yaml --
` + sopsSample + sopsBlock + `
-- good-updatekeys/secret.yaml --
` + sopsSample + sopsBlock + `    pgp:
        - fp: 0508677DD04952D06A943D5B4DC4116D360E3276
          enc: x
-- good-mac-only/@base/values.yaml --
host: a
password: ` + sopsCipher + `
sops:
` + sopsMeta + `    encrypted_regex: ^password$
    mac_only_encrypted: true
-- good-mac-only/values.yaml --
host: b
password: ` + sopsCipher + `
port: 5432
sops:
` + sopsMeta + `    encrypted_regex: ^password$
    mac_only_encrypted: true
-- good-clear-now/@base/secret.yaml --
# secret-decrypted-in-change reports this.
` + sopsSample + sopsBlock + `
-- good-clear-now/secret.yaml --
apiVersion: v1
kind: Secret
metadata:
    name: encrypted
type: Opaque
stringData:
    password: hunter2
` + sopsBlock + `
-- good-numbers/@base/values.yaml --
port: 0x10
password: ` + sopsCipher + `
sops:
` + sopsMeta + `    encrypted_regex: ^password$
-- good-numbers/values.yaml --
port: 16
password: ` + sopsCipher + `
sops:
` + sopsMeta + `    encrypted_regex: ^password$
`,
}

// reportEdited compares what each MAC of a changed file covers. Where a value is
// clear now, or a ciphertext was moved, that is reported instead.
func reportEdited(p *lint.TreePass, c sopsChange) {
	if len(copiedIn(c.head))+len(movedIn(c)) > 0 {
		return
	}
	for _, mac := range macsOf(c.head) {
		now, before := underMAC(c.head, mac), underMAC(c.base, mac)
		if len(before) == 0 || slices.ContainsFunc(now, holdsClear) {
			continue
		}
		first := now[0]
		if before[0].Metadata.LastModified != first.Metadata.LastModified {
			p.Report(first.Block, docKey(c.head, first, "sops"), "lastmodified of the sops block is not what it was, but the MAC is still the same and can't fit")
			continue
		}
		text, parts := sops.Signed(now)
		old, oldParts := sops.Signed(before)
		if text == old {
			continue
		}
		i := 0
		for i < len(parts) && i < len(oldParts) && parts[i].Same(oldParts[i]) {
			i++
		}
		if i == len(parts) {
			p.Report(first.Block, docKey(c.head, first, "sops"), "values are missing that the base has, but the MAC is still the same and can't fit")
			continue
		}
		l := parts[i].Leaf
		p.Report(l.At, docKey(c.head, parts[i].Document, l.Path), "%s is not what it was in the base, but the MAC is still the same and can't fit", l.Path)
	}
}

// macsOf are the MACs of a file, each once.
func macsOf(f *sops.File) []string {
	var macs []string
	for _, d := range f.Documents {
		if d.Metadata != nil && sops.IsCiphertext(d.Metadata.MAC) && !slices.Contains(macs, d.Metadata.MAC) {
			macs = append(macs, d.Metadata.MAC)
		}
	}
	return macs
}

// underMAC are the documents of a file that share a MAC, as SOPS gives all documents
// of a file the same.
func underMAC(f *sops.File, mac string) []*sops.Document {
	var docs []*sops.Document
	for _, d := range f.Documents {
		if d.Metadata != nil && d.Metadata.MAC == mac {
			docs = append(docs, d)
		}
	}
	return docs
}

func holdsClear(d *sops.Document) bool {
	return slices.ContainsFunc(d.Leaves, func(l sops.Leaf) bool { return clearInFault(d, &l) })
}
