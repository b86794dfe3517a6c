package secrets

import (
	"github.com/scantling-dev/scantling/lint"
)

var sopsSingleRecipient = &lint.Rule{
	ID:       "sops-single-recipient",
	Title:    "Encrypted file has one recipient only",
	Why:      "Whoever loses the one key can never decrypt the file again, and nobody else can: there is no recovery key.",
	Fix:      "Add a second recipient, such as a key that is kept offline, to the rule in .sops.yaml, and run sops updatekeys on the file.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Secrets,
	Harmless: true,
	Profile:  lint.All,
	CheckFile: func(p *lint.TreePass) {
		f := sopsFileOf(p)
		if f == nil || !anyCiphertext(f) {
			return
		}
		for _, d := range f.Documents {
			if d.Metadata != nil && len(d.Metadata.Recipients()) == 1 {
				p.Report(d.Block, docKey(f, d, "sops"), "the file is encrypted for one recipient only")
				return
			}
		}
	},
	Examples: `
-- bad.yaml --
` + sopsSample + `sops: # want info: one recipient only
` + sopsMeta + `-- bad-group.yaml --
# A single group counts as none.
a: ` + sopsCipher + `
sops: # want
    shamir_threshold: 1
    key_groups:
        - kms:
            - arn: arn:aws:kms:eu-central-1:123456789012:key/0
              enc: x
          age: []
    lastmodified: "2026-03-01T10:00:00Z"
    mac: ` + sopsMAC + `
    version: 3.10.2
-- bad-env/app.env --
A=` + sopsCipher + `
` + sopsEnvMeta + `-- bad-env/@want --
app.env:2
-- good.yaml --
` + sopsSample + `sops:
    pgp:
        - fp: 0508677DD04952D06A943D5B4DC4116D360E3276
          enc: x
` + sopsMeta + `-- good-groups.yaml --
a: ` + sopsCipher + `
sops:
    shamir_threshold: 1
    key_groups:
        - age:
            - recipient: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
              enc: x
        - pgp:
            - fp: 0508677DD04952D06A943D5B4DC4116D360E3276
              enc: x
    lastmodified: "2026-03-01T10:00:00Z"
    mac: ` + sopsMAC + `
    version: 3.10.2
-- good-nobody.yaml --
# sops-metadata-invalid reports this.
a: ` + sopsCipher + `
sops:
    lastmodified: "2026-03-01T10:00:00Z"
    mac: ` + sopsMAC + `
    version: 3.10.2
`,
}
