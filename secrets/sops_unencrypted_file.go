package secrets

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
	"go.yaml.in/yaml/v3"
)

var sopsUnencryptedFile = &lint.Rule{
	ID:         "sops-unencrypted-file",
	Title:      "File that SOPS is meant to encrypt is clear",
	Why:        "By its name, or by the creation rule that asks for such names, everyone takes the file for encrypted, and nobody looks into it again.",
	Fix:        "Encrypt the file with `scantling encrypt FILE`, and replace the values in it, because the clear ones stay in the history. If nothing in it is secret, give it another name.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001"},
	CheckFile: func(p *lint.TreePass) {
		why, certain := demandsSOPS(p)
		if why == "" || isElsewiseEncrypted(p.File.Data) {
			return
		}
		if f := sops.ReadAny(p.File.Name, p.File.Data); f != nil && leavesClear(f, certain) {
			p.Report(manifest.Span{File: p.File.Name, Line: 1, Column: 1}, "sops", "%s, but the file is not encrypted", why)
		}
	},
	Examples: `
-- bad-name/apps/values.sops.yaml --
# the values of the chart # want: the name says that SOPS encrypts it, but the file is not encrypted
replicas: 3
auth:
  password: hunter2-pw
-- bad-name/apps/issuer.sops.yml --
apiVersion: cert-manager.io/v1 # want
kind: ClusterIssuer
metadata:
  name: letsencrypt
spec:
  acme:
    email: someone@corp.example.org
-- bad-name/@want --
apps/settings.sops.json:1: the name says
apps/.env.sops.env:1
apps/one.sops.ini:1
-- bad-name/apps/settings.sops.json --
{"user": "app", "token": "9f8a7b6c5d4e"}
-- bad-name/apps/.env.sops.env --
DB_USER=app
-- bad-name/apps/one.sops.ini --
[db]
user = app
-- bad-enc/.sops.yaml --
creation_rules:
  - path_regex: ^other/
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- bad-enc/@want --
apps/secrets.enc.yaml:1: the name says
-- bad-enc/apps/secrets.enc.yaml --
db:
  password: hunter2-pw
-- bad-rule/.sops.yaml --
creation_rules:
  - path_regex: (.*/)?(secrets?|credentials)(-[a-z]+)?\.ya?ml$
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
  - path_regex: \.env$
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
  - path_regex: encrypted-.*\.json$
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- bad-rule/@want --
apps/secrets-prod.yaml:1: the rule in line 2 of .sops.yaml asks for it
apps/web.env:1: the rule in line 4 of .sops.yaml asks for it
apps/encrypted-settings.json:1: the rule in line 6 of .sops.yaml asks for it
-- bad-rule/apps/secrets-prod.yaml --
db:
  password: hunter2-pw
-- bad-rule/apps/web.env --
# of the web server
DB_PASSWORD=hunter2-pw
-- bad-rule/apps/encrypted-settings.json --
{"user": "app"}
-- good-names/.sops.yaml --
creation_rules:
  - path_regex: \.(sops|enc)\.ya?ml$
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
  - path_regex: secret.*\.yaml$
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
  - path_regex: clusters/.*\.yaml$
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
  - path_regex: talos/.*
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
  - age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- good-names/apps/db.sops.yaml --
` + sopsSample + sopsBlock + `
-- good-names/apps/empty.sops.yaml --
-- good-names/apps/comments.sops.yaml --
---
# nothing yet
-- good-names/apps/none.sops.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: later
data:
  password: ""
-- good-names/apps/template.sops.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: cluster-secrets
stringData:
  SECRET_DOMAIN: ${BOOTSTRAP_DOMAIN}
  SECRET_EMAIL: ${BOOTSTRAP_EMAIL}
-- good-names/apps/reported-by-another.sops.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: s
stringData:
  password: hunter2-pw
-- good-names/apps/generator.sops.yaml --
apiVersion: viaduct.ai/v1
kind: ksops
metadata:
  name: generator
files:
  - db.enc.yaml
-- good-names/apps/external-secret.yaml --
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: s
spec:
  secretStoreRef:
    name: vault
-- good-names/apps/secret-reader-values.yaml --
# values of a chart that has the word in its name
image: corp/secret-reader
existingSecret: reader
-- good-names/clusters/prod/kustomization.yaml --
resources:
  - secret.yaml
-- good-names/talos/talconfig.yaml --
clusterName: home
-- good-names/values.yaml --
image: nginx
password: hunter2-pw
-- good-names/docs/db.sops.yaml --
user: app
-- good-names/db.sops.yaml.example --
user: app
-- good-names/README.sops.md --
How we encrypt
-- good-names/Taskfile.sops.yaml --
version: "3"
tasks:
  encrypt:
    cmds: [sops encrypt -i file]
-- good-names/apps/vault.sops.yaml --
$ANSIBLE_VAULT;1.1;AES256
6231
-- good-read/.sops.yaml --
creation_rules:
  - path_regex: secrets\.env$
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- good-read/@readers --
apps/secrets.env kustomize apps
-- good-read/apps/secrets.env --
DB_PASSWORD=hunter2-pw
-- good-encodings/latin1.enc.json --
{"a": "b"}
-- good-folder/.sops.yaml --
creation_rules:
  - path_regex: secrets/.*\.yaml$
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- good-folder/secrets/settings.yaml --
color: blue
`,
}

// sopsExtensions are those of the files that people encrypt with SOPS.
func sopsExtension(ext string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json", ".env", ".ini", ".toml", ".properties", ".conf", ".txt"}, ext)
}

// demandsSOPS says why a file has to be encrypted with SOPS: what it is called, or
// the rule that governs it. certain says that there is no doubt about the file;
// else it depends on what is in it. why is empty for a file of which nobody says
// so.
func demandsSOPS(p *lint.TreePass) (why string, certain bool) {
	name := p.File.Name
	base := strings.ToLower(path.Base(name))
	ext := path.Ext(base)
	if !sopsExtension(ext) || strings.HasPrefix(base, ".sops.") || strings.HasPrefix(base, "taskfile") || strings.HasPrefix(base, "readme") ||
		strings.HasPrefix(name, ".github/") || isSample(name) {
		return "", false
	}
	configs := creationRulesOf(p.Tree())
	switch path.Ext(strings.TrimSuffix(base, ext)) {
	case ".sops":
		return "the name says that SOPS encrypts it", true
	case ".enc":
		if len(configs) > 0 || len(surveyOf(p.Tree()).files) > 0 {
			return "the name says that SOPS encrypts it", true
		}
	}
	g := configs.of(name)
	if len(g.rules) == 0 || p.File.Contains("{{") {
		return "", false
	}
	rule := g.rules[0]
	words := wordsOf(base)
	for _, word := range rule.Telling() {
		if !slices.Contains(words, word) {
			continue
		}
		certain = certain || word == "sops" || word == "enc" || word == "encrypted"
		why = fmt.Sprintf("the rule in line %d of %s asks for it", rule.At.Line, rule.At.File)
	}
	if !certain && isRead(p.Tree, name) {
		// What a unit reads is judged by what the unit makes of it.
		return "", false
	}
	return why, certain
}

func wordsOf(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
}

// isElsewiseEncrypted knows what other programs encrypt.
func isElsewiseEncrypted(data []byte) bool {
	text := bytes.TrimLeft(data, " \t\r\n")
	return slices.ContainsFunc([]string{
		"$ANSIBLE_VAULT;", "age-encryption.org/", "-----BEGIN AGE ENCRYPTED FILE", "-----BEGIN PGP MESSAGE", "Salted__", "U2FsdGVkX1", "\x00GITCRYPT",
	}, func(mark string) bool { return bytes.HasPrefix(text, []byte(mark)) })
}

// leavesClear says that there is something to encrypt in a file that SOPS did not
// touch. Secrets with literals in them are secret-plaintext's to report, and other
// objects only where the file's name leaves no doubt.
func leavesClear(f *sops.File, certain bool) bool {
	clear := false
	for _, d := range f.Documents {
		object := d.Node != nil && manifest.Text(d.Node, "apiVersion") != "" && manifest.Text(d.Node, "kind") != ""
		if d.Metadata != nil || object && (!certain || strings.HasPrefix(manifest.Text(d.Node, "apiVersion"), "viaduct.ai/")) {
			return false
		}
		if d.Node != nil && slices.ContainsFunc(writtenSecrets([]*yaml.Node{d.Node}), holdsLiteral) {
			return false
		}
		for i := range d.Leaves {
			l := &d.Leaves[i]
			if l.Encrypted {
				return false
			}
			if l.Empty() || object && slices.Contains([]string{"apiVersion", "kind", "metadata", "type"}, l.Keys[0]) {
				continue
			}
			clear = clear || clearCredential(l.Name(), l.Value) || certain && Classify(l.Value) == Literal
		}
	}
	return clear
}
