package secrets

import (
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
	"go.yaml.in/yaml/v3"
)

var sopsCreationRulesMissing = &lint.Rule{
	ID:       "sops-creation-rules-missing",
	Title:    "Secret path is covered by no SOPS creation rule",
	Why:      "sops encrypts no new file where no rule says for whom, and updates the recipients of none: who leaves the team keeps access, and who is in a hurry commits the file in clear.",
	Fix:      "Add a rule to creation_rules in .sops.yaml whose path_regex matches the file, or move the file to where one does.",
	Since:    "0.1.0",
	Severity: lint.Medium,
	Category: lint.Secrets,
	Harmless: true,
	CheckFile: func(p *lint.TreePass) {
		// What is encrypted is CheckTree's.
		if p.File.Contains("Secret") && !sops.MayHold(p.File.Data) {
			reportUncoveredSecret(p)
		}
	},
	CheckTree: func(p *lint.TreePass) {
		var outside []string
		rules := creationRulesOf(p.Tree())
		files := surveyOf(p.Tree()).files
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if blockOf(files[name]).Line == 0 || isSpecimen(p.Tree(), name) {
				continue
			}
			switch g := rules.of(name); {
			case len(g.rules) > 0 || g.refused:
			case len(g.configs) == 0:
				outside = append(outside, name)
			default:
				p.Report(blockOf(files[name]), "sops", "the file is encrypted, but no creation rule of %s matches its path", g.configs[0].File)
			}
		}
		if len(outside) > 0 && len(otherConfigs(p.Tree())) == 0 {
			reportNoConfig(p, outside, files, len(rules) > 0)
		}
	},
	Examples: `
-- bad/.sops.yaml --
creation_rules:
  - path_regex: ^apps/.*\.sops\.yaml$
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- bad/@want --
apps/secret.yaml:8: no creation rule of .sops.yaml matches its path
infra/db.sops.yaml:9: no creation rule of .sops.yaml matches its path
-- bad/apps/secret.yaml --
# two documents, the second one clear
apiVersion: v1
kind: ConfigMap
metadata:
  name: c
---
apiVersion: v1
kind: Secret
metadata:
  name: s
stringData:
  password: hunter2-pw
-- bad/infra/db.sops.yaml --
` + sopsSample + sopsBlock + `
-- bad/apps/db.sops.yaml --
` + sopsSample + sopsBlock + `
-- bad-nested/.sops.yaml --
creation_rules:
  - path_regex: ^infra/
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- bad-nested/apps/.sops.yaml --
creation_rules:
  # paths are relative to this folder
  - path_regex: ^apps/
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- bad-nested/@want --
apps/db.yaml:9: no creation rule of apps/.sops.yaml matches its path
-- bad-nested/apps/db.yaml --
` + sopsSample + sopsBlock + `
-- bad-none/@want --
a.yaml:9: 2 encrypted files and no .sops.yaml
-- bad-none/a.yaml --
` + sopsSample + sopsBlock + `
-- bad-none/b.yaml --
` + sopsSample + sopsBlock + `
-- bad-elsewhere/apps/.sops.yaml --
creation_rules:
  - age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- bad-elsewhere/@want --
infra/b.yaml:9: no .sops.yaml in its folder or above
-- bad-elsewhere/infra/b.yaml --
` + sopsSample + sopsBlock + `
-- good/.sops.yaml --
creation_rules:
  - path_regex: ^(apps|infra)/.*\.sops\.yaml$
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- good/apps/.sops.yaml --
creation_rules:
  - path_regex: ^only/
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- good/apps/db.sops.yaml --
` + sopsSample + sopsBlock + `
-- good/apps/only/db.yaml --
` + sopsSample + sopsBlock + `
-- good/infra/references.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: s
stringData:
  password: ${PASSWORD}
-- good/infra/settings.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: s
stringData:
  hostname: db.databases.svc
  port: "5432"
  uri: postgres://${USER}@db.databases.svc/app
-- good/infra/plain.yaml --
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: s
spec:
  secretStoreRef:
    kind: SecretStore
    name: vault
-- good/docs/secret.yaml.example --
apiVersion: v1
kind: Secret
metadata:
  name: s
stringData:
  password: hunter2-pw
-- good/charts/web/templates/secret.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}
stringData:
  password: hunter2-pw
-- good/tests/assets/a.yaml --
` + sopsSample + sopsBlock + `
-- good/tests/out.sops.yaml.txt --
sops: a word, and lastmodified, and mac
-- good-refused/.sops.yaml --
creation_rules:
  - path_regex: (?<!x)b
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- good-refused/a.yaml --
` + sopsSample + sopsBlock + `
-- good-option/ci/sops.yaml --
creation_rules:
  - age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- good-option/a.yaml --
` + sopsSample + sopsBlock + `
-- good-unused/secret.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: s
stringData:
  password: hunter2-pw
`,
}

// blockOf is where the first valid sops block of a file is; zero if it has none.
func blockOf(f *sops.File) manifest.Span {
	for _, d := range f.Documents {
		if d.Metadata.Valid() {
			return d.Block
		}
	}
	return manifest.Span{}
}

// reportNoConfig says once for all files that there is no configuration.
func reportNoConfig(p *lint.TreePass, names []string, files map[string]*sops.File, elsewhere bool) {
	message := fmt.Sprintf("the repository has %d encrypted files and no .sops.yaml", len(names))
	switch {
	case elsewhere && len(names) == 1:
		message = "the file is encrypted, and there is no .sops.yaml in its folder or above"
	case elsewhere:
		message = fmt.Sprintf("%d files like this one are encrypted, and there is no .sops.yaml in their folders or above", len(names))
	case len(names) == 1:
		message = "the file is encrypted, and the repository has no .sops.yaml"
	}
	p.ReportFix(p.Rule.Severity, blockOf(files[names[0]]), "sops",
		"Write a .sops.yaml into the root of the repository, with the recipients of the files, their selector and a path_regex.", "%s", message)
}

// reportUncoveredSecret reports a file with a plain Secret in it that sops would
// refuse to encrypt. Where SOPS is not used there is nothing to say.
func reportUncoveredSecret(p *lint.TreePass) {
	name := p.File.Name
	if format := sops.FormatOf(path.Base(name)); format != sops.YAML && format != sops.JSON || isSpecimen(p.Tree(), name) || p.File.Contains("{{") {
		return
	}
	g := creationRulesOf(p.Tree()).of(name)
	if len(g.configs) == 0 || len(g.rules) > 0 || g.refused {
		return
	}
	docs, _ := p.File.Documents()
	for _, secret := range writtenSecrets(docs) {
		if holdsCredential(secret) {
			p.Report(p.File.Node(kindNode(secret)), "kind", "the file holds a Secret in clear, and no creation rule of %s matches its path", g.configs[0].File)
			return
		}
	}
}

// kindNode is where an object says what it is.
func kindNode(object *yaml.Node) *yaml.Node {
	if n := manifest.Get(object, "kind"); n != nil {
		return n
	}
	return object
}
