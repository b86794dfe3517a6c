package secrets

import (
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
)

var sopsMetadataInvalid = &lint.Rule{
	ID:       "sops-metadata-invalid",
	Title:    "SOPS metadata is incomplete",
	Why:      "Without its sops block, or with parts of it missing or wrong, an encrypted value can't be decrypted or its integrity not be verified: the cluster gets the ciphertext, or the deployment fails.",
	Fix:      "Restore the sops block from the commit that encrypted the file, or encrypt the file anew with sops.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.Secrets,
	CheckFile: func(p *lint.TreePass) {
		f := sopsFileOf(p)
		if f == nil {
			return
		}
		if anyBlock(f) == nil {
			reportNoBlock(p, f)
			return
		}
		for _, d := range f.Documents {
			reportBlockFault(p, f, d)
		}
	},
	Examples: `
-- bad-malformed.yaml --
apiVersion: v1
kind: Secret
metadata:
    name: no-block
stringData:
    user: ${USER}
    password: ` + sopsCipher + ` # want: without a sops block
    token: ` + sopsCipher + `
-- bad-incomplete.yaml --
` + sopsSample + `sops: # want: lacks mac and lastmodified
    age:
        - recipient: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
          enc: none
    version: 3.10.2
-- bad-mac.yaml --
` + sopsSample + `sops:
    age:
        - recipient: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
          enc: none
    lastmodified: "2026-03-01T10:00:00Z"
    mac: redacted # want: mac of the sops block
    encrypted_regex: ^(data|stringData)$
    version: 3.10.2
-- bad-two-selectors.yaml --
` + sopsSample + `sops:
` + sopsMeta + `    unencrypted_suffix: _clear # want: more than one selector
    encrypted_regex: ^(data|stringData)$
-- bad-nobody.yaml --
password: ` + sopsCipher + `
sops: # want: names no recipient
    age: []
    lastmodified: "2026-03-01T10:00:00Z"
    mac: ` + sopsMAC + `
    version: 3.10.2
-- bad-no-data-key.yaml --
password: ` + sopsCipher + `
sops: # want: no data key for age1yt3t
    age:
        - recipient: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
    lastmodified: "2026-03-01T10:00:00Z"
    mac: ` + sopsMAC + `
    version: 3.10.2
-- bad-selector-moved.yaml --
` + sopsSample + `    token_clear: ENC[AES256_GCM,data:p673w7dSzK0z,iv:ZZ4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str] # want: not decrypt stringData.token_clear
sops:
` + sopsMeta + `    encrypted_regex: ^password$
-- bad-selector-lost.yaml --
` + sopsSample + `sops: # want: says that apiVersion is encrypted
` + sopsMeta + `-- bad-not-a-block.yaml --
` + sopsSample + `sops: true # want: no mapping
-- bad-dotenv/app.env --
NAME=shop
TOKEN=` + sopsCipher + `
-- bad-dotenv/@want --
app.env:2: without a sops block
-- good-malformed.yaml --
` + sopsSample + sopsBlock + `---
apiVersion: v1
kind: Secret
metadata:
    name: plain
stringData:
    password: ${PASSWORD}
-- good-settings.yaml --
# A chart that has settings of this name.
machine: a
sops:
    enabled: true
    version: 3.10.2
    age: []
-- good-prose/README.md --
A value looks like this:

    password: ` + sopsCipher + `
-- good-puppet.yaml --
password: ENC[PKCS7,MIIBeQYJKoZIhvcNAQcDoIIBajCCAWYCAQAxggEhMIIBHQIBADAFMAACAQEw]
-- good-quoted.yaml --
message: >-
    the value ` + sopsCipher + `
    is what sops writes
`,
}

// reportNoBlock reports the first ciphertext of a file that has no sops block.
func reportNoBlock(p *lint.TreePass, f *sops.File) {
	for _, d := range f.Documents {
		if d.Odd {
			p.Report(d.Block, docKey(f, d, "sops"), "the sops block is no mapping")
			return
		}
	}
	for _, d := range f.Documents {
		for i := range d.Leaves {
			if l := &d.Leaves[i]; l.Encrypted {
				p.Report(l.At, docKey(f, d, l.Path), "%s is encrypted in a file without a sops block, so nothing can decrypt it", l.Path)
				return
			}
		}
	}
}

// reportBlockFault reports what is wrong with the block of a document.
func reportBlockFault(p *lint.TreePass, f *sops.File, d *sops.Document) {
	m := d.Metadata
	if m == nil {
		if d.Odd && hasCiphertext(d) {
			p.Report(d.Block, docKey(f, d, "sops"), "the sops block is no mapping")
		}
		return
	}
	if nothingEncrypted(f, d) {
		// That it has to be encrypted anew is said already.
		return
	}
	fault, name := m.Fault()
	if fault == "" && f.CRLF {
		fault, name = "the lines end with carriage returns, which sops takes for part of the metadata", "lastmodified"
	}
	if fault == "" && m.PatternFault() != "" {
		name = m.PatternFault()
		fault = "the " + name + " of the sops block is no regular expression, so it matches nothing"
	}
	if fault != "" {
		at, key := d.Block, "sops"
		if span, ok := d.Fields[name]; ok {
			at, key = span, "sops."+name
		}
		p.Report(at, docKey(f, d, key), "%s", fault)
		return
	}
	reportUnreached(p, f, d)
}

// reportUnreached reports values that show that the selector is not the one that the
// document was encrypted by: a ciphertext that it does not reach, so that SOPS
// leaves it as it is, or clear fields of the object that it does.
func reportUnreached(p *lint.TreePass, f *sops.File, d *sops.Document) {
	if m := d.Metadata; m.EncryptedCommentRegex != "" || m.UnencryptedCommentRegex != "" || !hasCiphertext(d) {
		return
	}
	var stranger *sops.Leaf
	for i := range d.Leaves {
		l := &d.Leaves[i]
		switch {
		case l.Encrypted && !l.Due && !l.IsComment():
			p.Report(l.At, docKey(f, d, l.Path), "the selector of the sops block does not reach this value: sops will not decrypt %s", l.Path)
			return
		case clearInFault(d, l):
			// That is sops-partially-encrypted's to report.
			return
		case l.Due && !l.Encrypted && stranger == nil:
			stranger = l
		}
	}
	if stranger != nil {
		p.Report(d.Block, docKey(f, d, "sops"), "the selector of the sops block says that %s is encrypted, which it is not: sops refuses the file", stranger.Path)
	}
}
