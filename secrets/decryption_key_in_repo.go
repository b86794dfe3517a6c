package secrets

import (
	"path"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var decryptionKeyInRepo = &lint.Rule{
	ID:         "decryption-key-in-repo",
	Title:      "Private decryption key is committed",
	Why:        "The key opens everything that was encrypted for it: every SOPS file of this repository, those of its history, and those of other repositories that share the recipient.",
	Fix:        "Make a new key, put it into the cluster by hand or from a secret manager, run `sops updatekeys` and `sops rotate` over all files, and replace every value that the old key can open.",
	Since:      "0.1.0",
	Severity:   lint.Critical,
	Category:   lint.Secrets,
	ByPathOnly: true,
	Frameworks: []string{"MITRE:T1552.004"},
	Kinds:      []schema.GroupKind{secretKind},
	Written:    true,
	Supersedes: append([]string{"private-key-in-repo", "known-credential-pattern", "encoded-credential", "secret-in-comment"}, plaintextRules...),
	Check: func(p *lint.Pass) {
		for _, v := range secretValues(p.Object) {
			if v.class != Literal || !isDecryptionEntry(v.key) {
				continue
			}
			if holdsDecryptionKey(entryText(p.Object.Node, v.path)) {
				// It is reported where the key itself is written.
				continue
			}
			p.Report(v.path, "Secret key %q holds a credential that decrypts", v.key)
		}
	},
	CheckFile: func(p *lint.TreePass) {
		reportHits(p, func(h *hit) bool { return h.family == decryptionKeyFamily }, func(h hit, name string) string {
			text := inName(name) + " holds " + withArticle(h.name)
			if h.encoded {
				text += " in base64"
			}
			return text
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: sops-age
stringData:
  age.agekey: | # want critical: age.agekey holds an age identity
    # created: 2026-01-01T00:00:00Z
    # public key: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
    AGE-SECRET-` + `KEY-10TPHYJQQGTKGK2JQS04FZ6GKG08Z0N47HVRK0T4Q0R2CC86CTW2Q9C5C84
  line.agekey: AGE-SECRET-` + `KEY-10TPHYJQQGTKGK2JQS04FZ6GKG08Z0N47HVRK0T4Q0R2CC86CTW2Q9C5C84 # want critical
  mistyped.agekey: AGE-SECRET-` + `KEY-10TPHYJQQGTKGK2JQS04FZ6GKG08Z0N47HVRK0T4Q0R2CC86CTW2Q9C5C85 # want high
  sops.vault-token: Qm7RtY2uWp9ZkLc4 # want: Secret key "sops.vault-token" holds a credential that decrypts
  plugin.txt: AGE-PLUGIN-` + `YUBIKEY-1Q0TPHYJQQGTKGK2JQS04FZ6GKG # want medium: an identity of an age plugin
data:
  encoded.agekey: QUdFLVNFQ1JFVC` + `1LRVktMTBUUEhZSlFRR1RLR0sySlFTMDRGWjZHS0cwOFowTjQ3SFZSSzBUNFEwUjJDQzg2Q1RXMlE5QzVDODQK # want: encoded.agekey holds an age identity in base64
-- bad-keys/keys.txt --
# created: 2026-01-01T00:00:00Z
AGE-SECRET-` + `KEY-10TPHYJQQGTKGK2JQS04FZ6GKG08Z0N47HVRK0T4Q0R2CC86CTW2Q9C5C84 # want: the file holds an age identity
-- bad-pgp/flux.asc --
-----BEGIN PGP PRIVATE ` + `KEY BLOCK----- # want: the file holds a PGP private key
Version: GnuPG v2

lQOYBGk2Wm8BCADq2Wm8LrYc4ZxNb7PsDhT5gKqQm7RtY2uWp9ZkLc4VxNb8HsDk
T6yUj3iOe1aFg7VTLw7onLRnrq0IzW7yWR7QkrmBL7jTKEn5uqKhbwKfBstIsbMY
=Q4eg
-----END PGP PRIVATE ` + `KEY BLOCK-----
-- good.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: sops-age
stringData:
  age.agekey: ${AGE_KEY}
  help: put AGE-SECRET-KEY-1... here
  filled: AGE-SECRET-KEY-1XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX
  recipient: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
  sops.pub.asc: |
    -----BEGIN PGP PUBLIC KEY BLOCK-----

    mQENBGk2Wm8BCADq2Wm8LrYc4ZxNb7PsDhT5gKqQm7RtY2uWp9ZkLc4VxNb8HsDk
    =Q4eg
    -----END PGP PUBLIC KEY BLOCK-----
  placeholder.agekey: CHANGE_ME
---
` + sopsSample + sopsBlock + `
-- good-doc/README.md --
Put the line that begins with AGE-SECRET-KEY-1 into the Secret sops-age.
-- good-locked/age.agekey --
-----BEGIN AGE ENCRYPTED FILE-----
YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlwdCBzb21ldGhpbmctdGhhdC1p
-----END AGE ENCRYPTED FILE-----
`,
}

// isDecryptionEntry says that Flux takes the entry of a Secret for what decrypts:
// fluxcd.io/flux/components/kustomize/kustomizations, "Decryption Secret".
func isDecryptionEntry(key string) bool {
	switch path.Ext(key) {
	case ".agekey", ".asc":
		return true
	}
	switch key {
	case "sops.vault-token", "sops.aws-kms", "sops.azure-kv", "sops.gcp-kms":
		return true
	}
	return false
}

// entryText is what a Secret's entry holds, decoded.
func entryText(object *yaml.Node, entry *field.Path) string {
	hits := manifest.Lookup(object, entry)
	value := hits[len(hits)-1].Value.Value
	if decoded, ok := decodeBase64(value); ok && entry.Root().String() == "data" {
		return decoded
	}
	return value
}

// holdsDecryptionKey says that a text has the form of a key itself.
func holdsDecryptionKey(value string) bool {
	if !strings.Contains(value, "AGE-") && !strings.Contains(value, "PRIVATE KEY") {
		return false
	}
	for _, h := range scanText([]byte(value)) {
		if h.family == decryptionKeyFamily {
			return true
		}
	}
	return false
}
