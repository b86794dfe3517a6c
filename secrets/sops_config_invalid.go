package secrets

import (
	"path"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
	"go.yaml.in/yaml/v3"
)

var sopsConfigInvalid = &lint.Rule{
	ID:       "sops-config-invalid",
	Title:    "SOPS creation rules say something else than they seem to",
	Why:      "sops ignores keys that it does not know, rules that another one shadows and files that it does not look for, and refuses the rest: files are encrypted for the wrong people, in the wrong parts, or not at all.",
	Fix:      "Correct .sops.yaml, then encrypt a file that the rule matches and look at its sops block.",
	Since:    "0.1.0",
	Severity: lint.Medium,
	Category: lint.Secrets,
	CheckFile: func(p *lint.TreePass) {
		switch path.Base(p.File.Name) {
		case sops.ConfigName:
			_, faults := sops.ReadConfig(p.File.Name, p.File.Data)
			for _, f := range faults {
				p.ReportFix(lint.Medium, f.At, f.Key, f.Fix, "%s", f.Message)
			}
		case ".sops.yml":
			if at, ok := creationRulesAt(p.File); ok {
				p.ReportFix(lint.Medium, at, "creation_rules", "Rename it to .sops.yaml.", "sops does not look for a file of this name: its rules say nothing")
			}
		}
	},
	Examples: `
-- bad-unreachable/.sops.yaml --
creation_rules:
  - age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
  - path_regex: ^production/ # want: no file reaches the rule: sops takes the one of line 2, which matches every file
    pgp: FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4
-- bad-contained/.sops.yaml --
creation_rules:
  - path_regex: .*\.yaml
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
  - path_regex: prod/.*\.yaml$ # want: which matches every file that this one does
    pgp: FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4
  - path_regex: (dev|test)/secret\.yaml # want: the one of line 2
    pgp: FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4
-- bad-selectors/.sops.yaml --
creation_rules:
  - encrypted_regex: ^(data|stringData)$
    unencrypted_suffix: _clear # want: refuses unencrypted_suffix beside encrypted_regex
    pgp: FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4
-- bad-patterns/.sops.yaml --
creation_rules:
  - path_regex: (?<!public)/secrets/ # want: no regular expression that sops can compile
    pgp: FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4
  - path_regex: ^apps\\.*\.yaml$ # want: a backslash in the path
    pgp: FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4
  - path_regex: \.yaml$
    encrypted_regex: ^(data|stringData$ # want: leaves every value clear
    pgp: FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4
  - path_regex: \.json$
    unencrypted_regex: ^(?!data) # want: encrypts every value
    pgp: FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4
-- bad-recipients/.sops.yaml --
creation_rules:
  - path_regex: a
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlx # want: no valid age recipient
  - path_regex: b
    pgp:
      - FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4
      - FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B # want: no PGP fingerprint
      - "1234567890123456"
      - 1234567890123457 # want: no text to YAML
      - age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw # want: it belongs under age
  - path_regex: c
    kms: arn:aws:kms:eu-central-1:key/7e829b85-6fed-4598-b675-8ebeea105c4c # want: no ARN
  - path_regex: d
    gcp_kms: projects/p/keyRings/r/cryptoKeys/k # want: no resource of a GCP key
  - path_regex: e
    azure_keyvault: https://corp.vault.azure.net/key/sops # want: no URL of an Azure key
  - path_regex: f
    hc_vault_transit_uri: vault.corp:8200/v1/sops/keys/one # want: no URI of a Vault key
  - path_regex: g
    age: ssh-ecdsa AAAA # want: an SSH key of a kind that age does not know
  - path_regex: h
    key_groups:
      - age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw # want: age of a group is no list
-- bad-keys/.sops.yaml --
creation_rules:
  - path_regex: a
    encrypted-regex: ^data$ # want: does not know the key "encrypted-regex"
    gcp-kms: projects/p/locations/l/keyRings/r/cryptoKeys/k # want: does not know the key "gcp-kms"
  - filename_regex: \.yaml$ # want: does not know the key "filename_regex"
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw # want: sops ignores age beside key_groups
    key_groups:
      - pgp: [FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4]
        vault: [https://vault.corp:8200/v1/sops/keys/one] # want: does not know the key "vault" of a group
-- bad-types/.sops.yaml --
creation_rules:
  - age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
    mac_only_encrypted: "true" # want: not true or false
    shamir_threshold: two # want: not a whole number
-- bad-empty/.sops.yaml --
creation_rules: [] # want: sops encrypts no file below this folder
-- bad-none/.sops.yaml --
rules: # want: there are no creation_rules
  - age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- bad-misspelt/.sops.yaml --
creation-rules: # want: does not know the key "creation-rules"
  - age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- bad-name/apps/.sops.yml --
creation_rules: # want: does not look for a file of this name
  - age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- bad-twice/.sops.yaml --
creation_rules:
  - age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
    path_regex: a
    path_regex: b # want: a key is written twice
-- bad-threshold/.sops.yaml --
creation_rules:
  - shamir_threshold: 3 # want: more groups than there are
    key_groups:
      - pgp: [FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4]
      - age: [age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw]
-- good-usual/.sops.yaml --
---
keys:
  - &admin age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
creation_rules:
  - path_regex: talos/.*\.sops\.ya?ml$
    description: the machines
    key_groups:
      - age: [*admin]
  - path_regex: kubernetes/.*\.sops\.ya?ml$
    encrypted_regex: ((?i)(pass|secret($|[^N])|key|token|^data$|^stringData))
    mac_only_encrypted: true
    age: >-
      age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw,
      ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEeA5uMGAqSwkeb0kX7DmAdbSBUMqpNPF3bHY3yjaHZ5 me@laptop,
      age1yubikey1q2w7u3vpya839jxxuq8g0sedh3d740d4xvn639sqhr95ejj8vu3hyfumptt
  - path_regex: \.sops\.ya?ml$
    pgp: >-
      1FD2 CE44 27F1 9D19 F127  A291 2B14 4AB1 754C 9A0A,
      0x3D16CEE4A27381B4, someone@corp.example
    kms: arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/sops+arn:aws:iam::111122223333:role/sops
  - path_regex: windows[/\\]or[/\\]not
    gcp_kms: projects/p/locations/global/keyRings/r/cryptoKeys/k
    azure_keyvault: https://corp.vault.azure.net/keys/sops/0123456789abcdef0123456789abcdef
    hc_vault_transit_uri: https://vault.corp:8200/v1/sops/keys/one
  - pgp: FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4
destination_rules:
  - path_regex: s3/.*
    s3_bucket: corp
stores:
  yaml:
    indent: 2
-- good-redundant/.sops.yaml --
creation_rules:
  - path_regex: talos/.*
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
  - path_regex: cloud/talos/.*
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- good-order/.sops.yaml --
creation_rules:
  - path_regex: ^prod/.*\.yaml$
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
  - path_regex: prod/.*\.yaml$
    pgp: FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4
  - path_regex: prod/secret.yaml
    kms: arn:aws:kms:eu-central-1:111122223333:key/7e829b85-6fed-4598-b675-8ebeea105c4c
-- good-template/.sops.yaml --
creation_rules:
  - path_regex: ${CLUSTER}/.*\.sops\.ya?ml$
    age: ${AGE_PUBLIC_KEY}
  - pgp: <fingerprint of the cluster>
-- good-stores/.sops.yaml --
stores:
  json:
    indent: 4
-- good-other/.sops.yml --
# an object that happens to have this name
apiVersion: v1
kind: ConfigMap
metadata:
  name: c
-- good-other/docs/sops.yaml --
creation_rules: []
`,
}

// creationRulesAt is where a file has creation rules.
func creationRulesAt(f *lint.File) (at manifest.Span, ok bool) {
	if !f.Contains("creation_rules") {
		return at, false
	}
	docs, _ := f.Documents()
	if len(docs) == 0 || docs[0].Kind != yaml.MappingNode {
		return at, false
	}
	for i := 0; i+1 < len(docs[0].Content); i += 2 {
		if docs[0].Content[i].Value == "creation_rules" {
			return f.Node(docs[0].Content[i]), true
		}
	}
	return at, false
}
