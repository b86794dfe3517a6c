package secrets

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
	"go.yaml.in/yaml/v3"
)

var sopsEncryptedRegexIncomplete = &lint.Rule{
	ID:       "sops-encrypted-regex-incomplete",
	Title:    "Creation rule would leave data or stringData in clear",
	Why:      "sops encrypts what the selector of the rule names and leaves the rest as it is, without a word: a Secret that holds its values under the other of the two keys goes into the repository in clear, with a sops block that makes it look encrypted.",
	Fix:      "Set encrypted_regex to ^(data|stringData)$, and encrypt anew the files that the rule governs.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.Secrets,
	Harmless: true,
	CheckTree: func(p *lint.TreePass) {
		suspects := map[*sops.CreationRule]*selectorFault{}
		configs := creationRulesOf(p.Tree())
		for _, dir := range slices.Sorted(maps.Keys(configs)) {
			for _, rule := range configs[dir].Rules {
				if fault := judgeSelector(rule); fault != nil {
					suspects[rule] = fault
				}
			}
		}
		if len(suspects) == 0 {
			return
		}
		confirmSelectors(p.Tree(), configs, suspects)
		for _, dir := range slices.Sorted(maps.Keys(configs)) {
			for _, rule := range configs[dir].Rules {
				if fault := suspects[rule]; fault != nil && (fault.certain || fault.governs) {
					p.Report(rule.SelectorAt, rule.Key+"."+rule.Set()[0], "%s %s", rule.Set()[0], fault.says)
				}
			}
		}
	},
	Examples: `
-- bad-one/.sops.yaml --
creation_rules:
  - path_regex: \.yaml$
    encrypted_regex: ^data$ # want: encrypted_regex does not reach stringData
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- bad-other/.sops.yaml --
creation_rules:
  - encrypted_regex: ^(stringData|users)$ # want: encrypted_regex does not reach data
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- bad-unencrypted/.sops.yaml --
creation_rules:
  - path_regex: .*
    unencrypted_regex: ^(apiVersion|kind|type|.*[dD]ata)$ # want: unencrypted_regex does not reach data and stringData
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- bad-unencrypted/a.json --
{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"password": "aHVudGVyMg=="}}
-- bad-unanchored/.sops.yaml --
creation_rules:
  - encrypted_regex: data|stringData # want: encrypted_regex matches metadata, too
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- bad-neither/.sops.yaml --
creation_rules:
  - path_regex: secrets/.*
    encrypted_regex: ^(password|token)$ # want: encrypted_regex does not reach data["user"]
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- bad-neither/secrets/db.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: db
data:
  user: YXBwLXVzZXI=
  password: aHVudGVyMg==
-- bad-suffix/.sops.yaml --
creation_rules:
  - path_regex: secrets/.*
    encrypted_suffix: _secret # want: encrypted_suffix does not reach stringData["password"]
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- bad-suffix/secrets/list.yaml --
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Secret
    metadata:
      name: db
    stringData:
      password: hunter2-pw
-- bad-named/.sops.yaml --
creation_rules:
  - path_regex: \.sops\.yaml$
    encrypted_regex: ^data$ # want: encrypted_regex does not reach stringData
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- bad-named/db.sops.yaml --
` + sopsSample + sopsBlock + `
-- good/.sops.yaml --
creation_rules:
  - path_regex: values
    encrypted_regex: ^(password|token)$
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
  - path_regex: \.env$
    unencrypted_suffix: _clear
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
  - path_regex: users
    encrypted_regex: ^(users|user-data)$
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
  - path_regex: comments
    encrypted_comment_regex: sops:enc
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
  - path_regex: keys
    encrypted_regex: ((?i)(pass|secret($|[^N])|key|token|^data$|^stringData))
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
  - path_regex: clear
    unencrypted_regex: ^(apiVersion|kind|metadata|type)$
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
  - path_regex: talos/secret
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
  - encrypted_regex: ^(data|stringData)$
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- good/values.yaml --
password: ""
-- good/values/secret.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: reached
stringData:
  password: ${PASSWORD}
  empty: ""
-- good/apps/secret.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: s
stringData:
  password: ${PASSWORD}
-- good-elsewhere/.sops.yaml --
creation_rules:
  - path_regex: ^cloud-init/user.*\.sops\.yaml$
    encrypted_regex: ^data$
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- good-elsewhere/apps/secret.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: s
stringData:
  password: hunter2-pw
-- good-shadowed/.sops.yaml --
creation_rules:
  - path_regex: apps/.*\.sops\.yaml$
    encrypted_regex: ^(accessKeyID)$
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- good-shadowed/apps/.sops.yaml --
creation_rules:
  - encrypted_regex: ^(data|stringData)$
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- good-shadowed/apps/issuer.sops.yaml --
` + sopsSample + sopsBlock,
}

// selectorFault is what the selector of a rule leaves clear, or encrypts too much.
type selectorFault struct {
	says string
	// certain says that it is one whatever files there are: the rule takes any
	// manifest, and its selector is meant for Secrets.
	certain bool
	// inner says that it depends on the keys in a Secret.
	inner bool
	// governs says that there is a Secret that it is a fault for.
	governs bool
}

// judgeSelector is nil for a selector that encrypts all of a Secret's values, and
// nothing that names it. Where comments decide nothing is known.
func judgeSelector(rule *sops.CreationRule) *selectorFault {
	data, known := rule.Chooses("data")
	stringData, _ := rule.Chooses("stringData")
	if !known || len(rule.Set()) != 1 || !rule.Usable() {
		return nil
	}
	metadata, _ := rule.Chooses("metadata")
	general := rule.General()
	switch {
	case data && stringData && metadata && rule.EncryptedRegex != "":
		return &selectorFault{says: "matches metadata, too: sops would encrypt the name of the object", certain: general}
	case data && stringData:
		return nil
	case data:
		return &selectorFault{says: "does not reach stringData, so sops would leave it clear", certain: general}
	case stringData:
		return &selectorFault{says: "does not reach data, so sops would leave it clear", certain: general}
	case rule.UnencryptedRegex != "":
		return &selectorFault{says: "does not reach data and stringData, so sops would leave them clear"}
	}
	return &selectorFault{inner: true}
}

// confirmSelectors finds the Secrets that the rules under suspicion govern.
func confirmSelectors(t *lint.Tree, configs creationRules, suspects map[*sops.CreationRule]*selectorFault) {
	for _, name := range t.Files {
		if format := sops.FormatOf(path.Base(name)); format != sops.YAML && format != sops.JSON {
			continue
		}
		g := configs.of(name)
		if len(g.rules) == 0 {
			continue
		}
		rule := g.rules[0]
		fault := suspects[rule]
		if fault == nil || fault.governs {
			continue
		}
		data, err := t.ReadFile(name)
		if err != nil || !bytes.Contains(data, []byte("Secret")) || isSample(name) {
			continue
		}
		docs, _ := manifest.Parse(data)
		for _, secret := range writtenSecrets(docs) {
			fault.confirm(rule, secret)
		}
	}
}

// confirm looks whether the fault is one for a Secret.
func (f *selectorFault) confirm(rule *sops.CreationRule, secret *yaml.Node) {
	if !f.inner {
		f.governs = true
		return
	}
	for _, v := range secretEntries(secret) {
		if v.class != Literal || harmlessEntry(secret, v) || f.governs {
			continue
		}
		in, _, _ := strings.Cut(v.path.String(), "[")
		if chosen, _ := rule.Chooses(in, v.key); !chosen {
			f.governs = true
			f.says = fmt.Sprintf("does not reach %s[%q] of a Secret that the rule governs, so sops would leave it clear", in, v.key)
		}
	}
}
