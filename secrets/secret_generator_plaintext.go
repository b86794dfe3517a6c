package secrets

import (
	"path"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
	"go.yaml.in/yaml/v3"
)

var secretGeneratorPlaintext = &lint.Rule{
	ID:         "secret-generator-plaintext",
	Title:      "Kustomize secretGenerator reads unencrypted material",
	Why:        "A generated Secret is as readable as what it is generated from: everyone who can read the repository can read the literal, the env file or the file, and it stays in the history after it is removed.",
	Fix:        "Put the values into a file that SOPS encrypts (`scantling encrypt FILE`) and that Flux or ksops decrypts, or let an ExternalSecret bring them; then replace the values, because the old ones stay in the history.",
	Since:      "0.1.0",
	Severity:   lint.Critical,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001"},
	Supersedes: []string{"secret-plaintext", "url-embedded-credentials"},
	CheckFile: func(p *lint.TreePass) {
		if !p.File.Contains("secretGenerator") && !p.File.Contains("SecretGenerator") {
			return
		}
		if readingOf(p.Tree, p.File.Name) != readDocuments {
			return
		}
		docs, _ := p.File.Documents()
		for _, doc := range docs {
			if sops.Read(doc).Valid() {
				continue
			}
			if !isKustomizeInput(p.File.Name, doc) {
				continue
			}
			for _, g := range secretGenerators(doc) {
				generatorLiterals(p, g)
			}
		}
	},
	CheckTree: func(p *lint.TreePass) {
		done := map[string]bool{}
		for _, k := range kustomizationsOf(p.Tree()) {
			for _, source := range generatorSources(k.node) {
				name, ok := k.resolve(p.Tree(), source.path)
				if !ok || done[name] {
					// A file that git does not track is missing where it is rendered.
					continue
				}
				done[name] = true
				if data, err := p.Tree().ReadFile(name); err == nil && !isSealed(data) {
					judgeSource(p, source, lint.NewFile(name, data))
				}
			}
		}
	},
	Examples: `
-- bad/kustomization.yaml --
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
secretGenerator:
  - name: db
    literals:
      - username=app # want: secretGenerator "db" has a literal for "username"
      - 'password="correct horse"' # want: "password"
      - reference=${PASSWORD}
      - empty=
      - placeholder=CHANGE_ME
    envs:
      - db.env
    files:
      - token=token.txt
      - ca.crt
      - config.json
-- bad/db.env --
# connection
HOST=${HOST}
PASSWORD=hunter2-pw # want: env file of secretGenerator "db" has a literal for "PASSWORD"
export TOKEN="hunter2-pw" # want: "TOKEN"
EMPTY=
-- bad/token.txt --
hunter2-pw # want: secretGenerator "db" reads a file that is not encrypted
-- bad/ca.crt --
-----BEGIN CERTIFICATE-----
MIIBhTCCASugAwIBAgIQIRi6zePL6mKjOipn+dNuaTAKBggqhkjOPQQDAjASMRAw
-----END CERTIFICATE-----
-- bad/config.json --
{}
-- bad-shared/base/kustomization.yaml --
secretGenerator:
  - name: a
    envs: [../shared.env]
-- bad-shared/other/kustomization.yaml --
secretGenerator:
  - name: b
    behavior: merge
    env: ../shared.env
-- bad-shared/shared.env --
A=hunter2-pw # want: "A"
-- bad-component/kustomization.yaml --
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
secretGenerator:
  - name: a
    literals: [a=hunter2-pw] # want
-- bad-builtin/kustomization.yaml --
generators:
  - generator.yaml
-- bad-builtin/generator.yaml --
apiVersion: builtin
kind: SecretGenerator
metadata:
  name: made
literals:
  - a=hunter2-pw # want: secretGenerator "made"
files:
  - key=key.txt
-- bad-builtin/key.txt --
hunter2-pw # want
-- bad-ksops/kustomization.yaml --
generators:
  - ksops.yaml
-- bad-ksops/ksops.yaml --
apiVersion: viaduct.ai/v1
kind: ksops
metadata:
  name: secrets
secretFrom:
  - metadata:
      name: made
    envs: [clear.env]
    files:
      - key=clear.txt
      - sealed.txt
-- bad-ksops/clear.env --
A=hunter2-pw # want: "A"
-- bad-ksops/clear.txt --
hunter2-pw # want
-- bad-ksops/sealed.txt --
-----BEGIN AGE ENCRYPTED FILE-----
YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBzb21ldGhpbmctdGhhdC1p
-----END AGE ENCRYPTED FILE-----
-- good/kustomization.yaml --
kind: Kustomization
configMapGenerator:
  - name: c
    literals: [a=b]
    files: [plain.txt]
secretGenerator:
  - name: refs
    literals:
      - password=${PASSWORD}
      - token=<path:secret/data/db#token>
      - noequalsign
    envs: [sealed.env]
    files:
      - missing.txt
      - known_hosts
      - https://example.com/file
      - ../../outside.txt
generatorOptions:
  disableNameSuffixHash: true
-- good/plain.txt --
hunter2-pw
-- good/known_hosts --
github.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl
-- good/sealed.env --
PASSWORD=ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
sops_lastmodified=2026-03-01T10:00:00Z
sops_mac=ENC[AES256_GCM,data:xyDBcIdjZRJpp6Y9nJMl4KHQzvZ+T2I6Sl4YB6A0MZs=,iv:9T0O8Zl0Rv6cSL5wrUBZEY7lCrWfJZ2GVaOBpRwTB1A=,tag:fhDpJPdr9bE0sVFEtNw3ug==,type:str]
sops_version=3.10.2
-- good-elsewhere/values.yaml --
secretGenerator:
  enabled: true
  literals: [a=hunter2-pw]
-- good-elsewhere/readme.md --
secretGenerator:
  - name: a
    literals: [a=hunter2-pw]
-- good-unread/notes.env --
A=hunter2-pw
`,
}

// isKustomizeInput says that Kustomize reads a document as its own: by the name of
// its file, or by what it says of itself.
func isKustomizeInput(name string, doc *yaml.Node) bool {
	return isKustomizationName(path.Base(name)) || manifest.Text(doc, "kind") == "SecretGenerator" ||
		strings.HasPrefix(manifest.Text(doc, "apiVersion"), "kustomize.config.k8s.io/")
}

// secretGenerators are the generators of Secrets in a document: those of a
// kustomization or component, or the document itself.
func secretGenerators(doc *yaml.Node) []*yaml.Node {
	if manifest.Text(doc, "kind") == "SecretGenerator" {
		return []*yaml.Node{doc}
	}
	return manifest.Items(doc, "secretGenerator")
}

// generatorName is what a generator calls its Secret.
func generatorName(g *yaml.Node) string {
	if name := manifest.Text(g, "name"); name != "" {
		return name
	}
	return manifest.Text(manifest.Get(g, "metadata"), "name")
}

func generatorLiterals(p *lint.TreePass, g *yaml.Node) {
	for _, n := range manifest.Items(g, "literals") {
		key, value, ok := strings.Cut(n.Value, "=")
		c := clearnessOf(key, unquoted(value))
		if !ok || n.Kind != yaml.ScalarNode || c == notClear {
			continue
		}
		name := generatorName(g)
		p.ReportAs(c.severity(p.Rule.Severity), p.File.Node(n), "secretGenerator["+name+"].literals["+key+"]", "secretGenerator %q has a literal for %q", name, key)
	}
}

// unquoted is a value without the quotes around it, as Kustomize reads a literal.
func unquoted(v string) string {
	if len(v) > 1 && (v[0] == '"' || v[0] == '\'') && v[len(v)-1] == v[0] {
		return v[1 : len(v)-1]
	}
	return v
}

// generatorSource is a file that a generator puts into a Secret.
type generatorSource struct {
	generator, path string
	// env says that each line is an entry; else the file is one.
	env bool
}

// generatorSources are the files that a document's generators read: those of
// Kustomize, and those of ksops, which has to find them encrypted.
func generatorSources(doc *yaml.Node) []generatorSource {
	var sources []generatorSource
	generators := secretGenerators(doc)
	if strings.EqualFold(manifest.Text(doc, "kind"), "ksops") {
		generators = manifest.Items(doc, "secretFrom")
	}
	for _, g := range generators {
		name := generatorName(g)
		if env := manifest.Text(g, "env"); env != "" {
			sources = append(sources, generatorSource{name, env, true})
		}
		for _, n := range manifest.Items(g, "envs") {
			sources = append(sources, generatorSource{name, n.Value, true})
		}
		for _, list := range [...]string{"files", "binaryFiles"} {
			for _, n := range manifest.Items(g, list) {
				file := n.Value
				if _, after, keyed := strings.Cut(file, "="); keyed {
					file = after
				}
				sources = append(sources, generatorSource{name, file, false})
			}
		}
	}
	return sources
}

// judgeSource reports what a file that is not encrypted gives a Secret: of an env
// file each entry, of any other file all as one.
func judgeSource(p *lint.TreePass, source generatorSource, file *lint.File) {
	fix := "Encrypt the file with `scantling encrypt " + shellQuoted(file.Name) + "`, and let Flux or ksops decrypt it; then replace the values, because the old ones stay in the history."
	severity := p.Rule.Severity
	if isUnusedSample(p.Tree, file.Name) {
		severity = lint.Low
	}
	if !source.env {
		value := string(file.Data)
		c := clearnessOf(path.Base(file.Name), value)
		if isPublicName(file.Name) || c == notClear {
			return
		}
		p.ReportFix(c.severity(severity), file.At(0, 0), "content", fix, "secretGenerator %q reads a file that is not encrypted", source.generator)
		return
	}
	offset := 0
	for line := range strings.Lines(string(file.Data)) {
		name, value, at, ok := envLine(line)
		if c := clearnessOf(name, value); ok && c != notClear {
			p.ReportFix(c.severity(severity), file.At(offset+at, len(value)), "env["+name+"]", fix, "env file of secretGenerator %q has a literal for %q", source.generator, name)
		}
		offset += len(line)
	}
}

// envLine reads a line of an env file: a name, its value without quotes, and where
// what stands behind the sign begins.
func envLine(line string) (name, value string, at int, ok bool) {
	body := strings.TrimPrefix(line, "\ufeff")
	if strings.HasPrefix(strings.TrimLeft(body, " \t"), "#") {
		return "", "", 0, false
	}
	sign := strings.IndexByte(line, '=')
	if sign < 0 {
		return "", "", 0, false
	}
	name = strings.TrimSpace(strings.TrimPrefix(line[:sign], "\ufeff"))
	name = strings.TrimSpace(strings.TrimPrefix(name, "export "))
	return name, unquoted(strings.TrimSpace(line[sign+1:])), sign + 1, name != ""
}

// isPublicName says that a file of this name holds what is meant to be public,
// even where it is no text.
func isPublicName(name string) bool {
	for _, suffix := range [...]string{".crt", ".cer", ".der", ".pub", ".csr", ".crl"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// isSealed says that a file is encrypted, by SOPS or by another tool for files. Of
// what SOPS left clear in it the rules on SOPS tell.
func isSealed(data []byte) bool {
	text := string(data)
	if isSOPSDocument(text) || sops.MayHold(data) && strings.Contains(text, "sops") {
		return true
	}
	for _, start := range [...]string{"\x00GITCRYPT\x00", "$ANSIBLE_VAULT;", "age-encryption.org/v1\n", "-----BEGIN AGE ENCRYPTED FILE-----", "-----BEGIN PGP MESSAGE-----"} {
		if strings.HasPrefix(text, start) {
			return true
		}
	}
	return false
}
