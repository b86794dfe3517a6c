package secrets

import (
	"path"

	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
)

var sopsMACOnlyEncrypted = &lint.Rule{
	ID:       "sops-mac-only-encrypted",
	Title:    "MAC does not protect the clear part of the file",
	Why:      "With mac_only_encrypted sops does not notice when a value that it left clear is changed, added or removed: whoever can write to the repository can change what stands beside the secrets, such as the host that they are sent to.",
	Fix:      "Remove mac_only_encrypted from the rule in .sops.yaml, and encrypt the file anew.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Secrets,
	Harmless: true,
	Profile:  lint.All,
	CheckFile: func(p *lint.TreePass) {
		if !p.File.Contains("mac_only_encrypted") {
			return
		}
		if path.Base(p.File.Name) == sops.ConfigName {
			c, _ := sops.ReadConfig(p.File.Name, p.File.Data)
			if c == nil {
				return
			}
			for _, r := range c.Rules {
				if r.MACOnlyEncrypted {
					p.Report(r.At, r.Key+".mac_only_encrypted", "the rule leaves what is clear in its files out of the MAC")
				}
			}
			return
		}
		f := sopsFileOf(p)
		if f == nil {
			return
		}
		for _, d := range f.Documents {
			if d.Metadata == nil || !d.Metadata.MACOnlyEncrypted {
				continue
			}
			at := d.Block
			if span, ok := d.Fields["mac_only_encrypted"]; ok {
				at = span
			}
			p.Report(at, docKey(f, d, "sops.mac_only_encrypted"), "the MAC does not cover what is clear in the file")
			return
		}
	},
	Examples: `
-- bad.yaml --
` + sopsSample + sopsBlock + `    mac_only_encrypted: true # want info: does not cover what is clear
-- bad-env/app.env --
A=` + sopsCipher + `
sops_mac_only_encrypted=true
` + sopsEnvMeta + `-- bad-env/@want --
app.env:2: does not cover
-- bad-rule/.sops.yaml --
creation_rules:
  - path_regex: \.sops\.yaml$ # want: the rule leaves
    mac_only_encrypted: true
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- good.yaml --
` + sopsSample + sopsBlock + `    mac_only_encrypted: false
-- good-not-sops.yaml --
mac_only_encrypted: true
-- good-rule/.sops.yaml --
creation_rules:
  - path_regex: \.sops\.yaml$
    mac_only_encrypted: false
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
`,
}
