package secrets

import (
	"path"
	"strings"

	"github.com/scantling-dev/scantling/lint"
)

var encodedCredential = &lint.Rule{
	ID:         "encoded-credential",
	Title:      "Credential is written in base64",
	Why:        "Base64 is no encryption: whoever reads the file reads the password with one command, while reviewers and searches pass over it.",
	Fix:        "Move the value to an encrypted Secret and refer to it from here; then replace it, because the old one stays in the history.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001"},
	Supersedes: []string{"configmap-contains-secret", "env-var-plaintext-secret", "helm-values-plaintext-secret", "secret-in-command-args"},
	CheckFile: func(p *lint.TreePass) {
		fixture := isFixture(p.File.Name)
		reportHits(p, func(h *hit) bool {
			if h.family != encodedFamily || !holdsValues(p.File.Name) || inSecret(p.File.Data, h.offset) {
				return false
			}
			if fixture {
				h.severity = min(h.severity, lint.Low)
			}
			return true
		}, func(h hit, name string) string {
			switch h.id {
			case "basic-auth":
				return inName(name) + " holds a user's name and password in base64"
			case "registry-auth":
				return inName(name) + " holds a registry's user name and password in base64"
			}
			return inName(name) + " holds base64 with a literal for \"" + h.name + "\" in it"
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: config
data:
  user-data: I2Nsb3VkLWNvbmZpZwp1c2VyczoKICAtIG5hbWU6IGFkbWluCiAgICBwYXNzd2Q6IHEzcmZ0LVl4Nwo= # want: user-data holds base64 with a literal for "passwd" in it
  .dockerconfigjson: eyJhdXRocyI6eyJyZWdpc3RyeS5jb3JwIjp7InVzZXJuYW1lIjoiYXBwIiwicGFzc3dvcmQiOiJxM3JmdC1ZeDciLCJhdXRoIjoiWVhCd09uRXpjbVowTFZsNE53PT0ifX19 # want: .dockerconfigjson holds base64
  clear.json: '{"auths":{"registry.corp":{"auth":"YXBwOnEzcmZ0LVl4Nw=="}}}' # want: a registry's user name and password
  header: "Authorization: Basic YXBwOnEzcmZ0LVl4Nw==" # want: user's name and password
  wrapped: | # want
    I2Nsb3VkLWNvbmZpZwp1c2VyczoKICAtIG5hbWU6IGFkbWluCiAgICBwYXNz
    d2Q6IHEzcmZ0LVl4Nwo=
  twice: STJOc2IzVmtMV052Ym1acFp3cDFjMlZ5Y3pvS0lDQXRJRzVoYldVNklHRmtiV2x1Q2lBZ0lDQndZWE56ZDJRNklIRXpjbVowTFZsNE53bz0= # want: literal for "passwd"
-- bad-values/values.json --
{
  "env": {"SETTINGS": "REJfVVNFUj1hcHAKREJfUEFTU1dPUkQ9cTNyZnQtWXg3Cg=="} # want: literal for "DB_PASSWORD"
}
-- good.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: config
data:
  user-data: I2Nsb3VkLWNvbmZpZwp1c2VyczoKICAtIG5hbWU6IGFkbWluCg==
  reference: REJfVVNFUj1hcHAKREJfUEFTU1dPUkQ9JHtEQl9QQVNTV09SRH0K
  placeholder: REJfVVNFUj1hcHAKREJfUEFTU1dPUkQ9Q0hBTkdFX01FCg==
  docs: "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
  user-pass: "Authorization: Basic dXNlcjpwYXNzd29yZA=="
  picture: data:image/svg+xml;base64,PHN2Zz48IS0tIHBhc3N3b3JkPXEzcmZ0LVl4NyAtLT48L3N2Zz4=
  certificate: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJoVENDQVN1Z0F3SUJBZ0lRSVJpNnplUEw2bUtqT2lwbitkTnVhVEFLQmdncWhrak9QUVFEQWpBU01SQXcKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=
  digest: sha512-q2Wm8LrYc4ZxNb7PsDhT5gKqQm7RtY2uWp9ZkLc4VxNb8HsDkT6yUj3iOe1aFgHq2vWm8LrYc4ZxNb7PsDhT5g==
  name: ThisIsAVeryLongNameOfSomethingThatIsNoBase64AtAll
  auth: basic
---
apiVersion: v1
kind: Secret
metadata:
  name: judged-by-another-rule
data:
  settings: REJfVVNFUj1hcHAKREJfUEFTU1dPUkQ9cTNyZnQtWXg3Cg==
`,
}

// holdsValues says that a file is one of values rather than of a program, by its
// name.
func holdsValues(name string) bool {
	if isYAMLName(name) {
		return true
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".json", ".jsonnet", ".libsonnet", ".json5", ".env", ".toml", ".ini", ".conf", ".cfg", ".cnf", ".config", ".properties", ".tf", ".tfvars", ".hcl", ".dockerconfigjson", ".dockercfg", ".cue", ".txt", ".sh", ".ign", ".bu", ".npmrc":
		return true
	}
	return strings.Contains(path.Base(name), ".env") || strings.HasPrefix(path.Base(name), ".")
}
