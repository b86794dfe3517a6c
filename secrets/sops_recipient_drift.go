package secrets

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
)

var sopsRecipientDrift = &lint.Rule{
	ID:       "sops-recipient-drift",
	Title:    "File recipients differ from the creation rule",
	Why:      "A rule that is changed changes no file: who was taken out of .sops.yaml still decrypts what was encrypted before, and who was added does not.",
	Fix:      "Run sops updatekeys on the file.",
	Since:    "0.1.0",
	Severity: lint.Medium,
	Category: lint.Secrets,
	Harmless: true,
	CheckTree: func(p *lint.TreePass) {
		rules := creationRulesOf(p.Tree())
		if len(rules) == 0 {
			return
		}
		files := surveyOf(p.Tree()).files
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if isSpecimen(p.Tree(), name) {
				continue
			}
			if rule, drift := driftOf(rules.of(name), files[name]); rule != nil {
				reportDrift(p, name, files[name], rule, drift)
			}
		}
	},
	Examples: `
-- bad-added/.sops.yaml --
creation_rules:
  - age: >-
      age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw,
      age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r
-- bad-added/@want --
a.yaml:9 medium: is not encrypted for age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r, whom the rule in line 2 of .sops.yaml names
-- bad-added/a.yaml --
` + sopsSample + sopsBlock + `
-- bad-removed/.sops.yaml --
creation_rules:
  - key_groups:
      - age: [age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw]
-- bad-removed/@want --
a.yaml:9 high: is still encrypted for age1m534m46v0j5v8jx564xcnq2nndfp7m6gzzuyasyg00r8ttyehefq73szyd
-- bad-removed/a.yaml --
` + sopsSample + sopsBlockFor("age1m534m46v0j5v8jx564xcnq2nndfp7m6gzzuyasyg00r8ttyehefq73szyd", "age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw") + `
-- bad-replaced/.sops.yaml --
creation_rules:
  - path_regex: ^apps/
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
  - age: [age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r]
-- bad-replaced/@want --
b.yaml:9 high: is still encrypted for age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw, whom the rule in line 4 of .sops.yaml does not name, and not for age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r
-- bad-replaced/b.yaml --
` + sopsSample + sopsBlock + `
-- bad-replaced/apps/b.yaml --
` + sopsSample + sopsBlock + `
-- bad-nested/.sops.yaml --
creation_rules:
  - age: age1m534m46v0j5v8jx564xcnq2nndfp7m6gzzuyasyg00r8ttyehefq73szyd
-- bad-nested/apps/.sops.yaml --
creation_rules:
  - age: age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r
-- bad-nested/@want --
apps/b.yaml:9: line 2 of apps/.sops.yaml
-- bad-nested/apps/b.yaml --
` + sopsSample + sopsBlock + `
-- bad-kind/.sops.yaml --
creation_rules:
  - age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
    pgp: FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4
    azure_keyvault: https://corp.vault.azure.net/keys/sops
    hc_vault_transit_uri: https://me:and-my-password@vault.corp:8200/v1/sops/keys/one
-- bad-kind/@want --
b.yaml:9 medium: not encrypted for FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4, https://corp.vault.azure.net/keys/sops and https://vault.corp:8200/v1/sops/keys/one,
-- bad-kind/b.yaml --
` + sopsSample + sopsBlock + `
-- bad-groups/.sops.yaml --
creation_rules:
  - shamir_threshold: 2
    key_groups:
      - age: [age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw]
      - age: [age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r]
-- bad-groups/@want --
b.yaml:9: in other groups
-- bad-groups/b.yaml --
` + sopsSample + sopsBlockFor("age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw", "age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r") + `
-- good/.sops.yaml --
creation_rules:
  - path_regex: spaces
    age: "  age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r ,age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw, age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r,"
  - path_regex: list
    age: [age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r, age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw]
  - path_regex: groups
    key_groups:
      - merge:
          - age: [age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r]
          - age: ["age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw, age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r"]
  - path_regex: selector-only
    encrypted_regex: ^data$
  - path_regex: template
    age: ${AGE_RECIPIENT}
  - path_regex: damaged
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlwx
-- good/spaces.yaml --
` + sopsSample + sopsBlockFor("age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw", "age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r") + `
-- good/list.yaml --
` + sopsSample + sopsBlockFor("age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw", "age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r") + `
-- good/groups.yaml --
` + sopsSample + sopsBlockFor("age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw", "age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r") + `
-- good/selector-only.yaml --
` + sopsSample + sopsBlockFor("age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw", "age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r") + `
-- good/template.yaml --
` + sopsSample + sopsBlockFor("age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw", "age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r") + `
-- good/damaged.yaml --
` + sopsSample + sopsBlockFor("age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw", "age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r") + `
-- good/no-rule.yaml --
` + sopsSample + sopsBlockFor("age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw", "age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r") + `
-- good-specimen/.sops.yaml --
creation_rules:
  - age: age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r
-- good-specimen/lib/testdata/a.yaml --
` + sopsSample + sopsBlock + `
-- good-specimen/tests/assets/a.yaml --
` + sopsSample + sopsBlock + `
-- bad-environment/.sops.yaml --
creation_rules:
  - age: age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r
-- bad-environment/@want --
clusters/test/a.yaml:9: whom the rule in line 2
examples/a.yaml:9: whom the rule in line 2
-- bad-environment/@readers --
examples/a.yaml kustomize examples
-- bad-environment/clusters/test/a.yaml --
` + sopsSample + sopsBlock + `
-- bad-environment/examples/a.yaml --
` + sopsSample + sopsBlock + `
-- good-root/.sops.yaml --
creation_rules:
  - path_regex: ^apps/.*
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
-- good-root/apps/.sops.yaml --
creation_rules:
  - age: age14dpw2qglcz7qy6fcxasl40gctj8k3ynps54dltuucnyxxep0sf7seavz5r
-- good-root/apps/a.yaml --
` + sopsSample + sopsBlock + `
-- good-services/.sops.yaml --
creation_rules:
  - kms: arn:aws:kms:eu-central-1:111122223333:key/7e829b85+arn:aws:iam::111122223333:role/sops
    pgp: |-
      FBC7 B9E2 A4F9 289A C0C1  D484 3D16 CEE4 A273 81B4!, 0x2b144ab1754c9a0a
    azure_keyvault: https://corp.vault.azure.net/keys/sops
    hc_vault_transit_uri: https://vault.corp:8200/v1/team/sops/keys/one
    gcp_kms: [projects/p/locations/global/keyRings/r/cryptoKeys/k]
-- good-services/a.yaml --
` + sopsSample + `sops:
    kms:
        - arn: arn:aws:kms:eu-central-1:111122223333:key/7e829b85
          role: arn:aws:iam::444455556666:role/other
          context: {app: web}
          created_at: "2026-03-01T10:00:00Z"
          enc: AQICAHh
    gcp_kms:
        - resource_id: projects/p/locations/global/keyRings/r/cryptoKeys/k
          created_at: "2026-03-01T10:00:00Z"
          enc: CiQA
    azure_kv:
        - vault_url: https://corp.vault.azure.net
          name: sops
          version: 0123456789abcdef0123456789abcdef
          created_at: "2026-03-01T10:00:00Z"
          enc: abc
    hc_vault:
        - vault_address: https://vault.corp:8200
          engine_path: team/sops
          key_name: one
          created_at: "2026-03-01T10:00:00Z"
          enc: vault:v1:abc
    pgp:
        - created_at: "2026-03-01T10:00:00Z"
          enc: none
          fp: 1FD2CE4427F19D19F127A2912B144AB1754C9A0A
        - created_at: "2026-03-01T10:00:00Z"
          enc: none
          fp: FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4
` + sopsBlock[strings.Index(sopsBlock, "    lastmodified"):],
}

// drift is in what the recipients of a file differ from those of a rule.
type drift struct {
	// extra are in the file only, lacking in the rule only.
	extra, lacking []string
	// regrouped says that they are the same, in other groups.
	regrouped bool
}

func (d drift) none() bool { return len(d.extra) == 0 && len(d.lacking) == 0 && !d.regrouped }

// driftOf compares a file with the nearest rule that is meant for it. Which rule
// that is depends on the folder that sops is run in, so one that agrees is enough.
// The rule is nil if nothing can be said.
func driftOf(g governed, f *sops.File) (*sops.CreationRule, drift) {
	var groups []sops.KeyGroup
	for _, d := range f.Documents {
		if d.Metadata.Valid() {
			// sops reads the first.
			groups = d.Metadata.Groups
			break
		}
	}
	if g.refused || len(groups) == 0 {
		return nil, drift{}
	}
	var rule *sops.CreationRule
	var found drift
	for _, r := range g.rules {
		if len(r.Groups) == 0 || !r.Certain() {
			return nil, drift{}
		}
		d := compareGroups(groups, r.Groups)
		if d.none() {
			return nil, drift{}
		}
		if rule == nil {
			rule, found = r, d
		}
	}
	return rule, found
}

// compareGroups compares the groups of a file with those of a rule, whatever their
// order.
func compareGroups(file, rule []sops.KeyGroup) drift {
	var restFile, restRule []sops.KeyGroup
	taken := make([]bool, len(rule))
	for _, g := range file {
		i := slices.IndexFunc(rule, func(r sops.KeyGroup) bool { return sops.SameRecipients(g, r) })
		for i >= 0 && taken[i] {
			next := slices.IndexFunc(rule[i+1:], func(r sops.KeyGroup) bool { return sops.SameRecipients(g, r) })
			if next < 0 {
				i = -1
				break
			}
			i += 1 + next
		}
		if i < 0 {
			restFile = append(restFile, g)
		} else {
			taken[i] = true
		}
	}
	for i, g := range rule {
		if !taken[i] {
			restRule = append(restRule, g)
		}
	}
	if len(restFile) == 0 && len(restRule) == 0 {
		return drift{}
	}
	var d drift
	d.extra = sops.Without(restFile, rule)
	d.lacking = sops.Without(restRule, file)
	d.regrouped = len(d.extra) == 0 && len(d.lacking) == 0
	return d
}

func reportDrift(p *lint.TreePass, name string, f *sops.File, rule *sops.CreationRule, d drift) {
	where := fmt.Sprintf("line %d of %s", rule.At.Line, rule.At.File)
	at := blockOf(f)
	update := "Run `sops updatekeys " + shellQuoted(name) + "`"
	switch {
	case len(d.extra) > 0 && len(d.lacking) > 0:
		p.ReportFix(lint.High, at, "sops", update+", then `sops rotate -i "+shellQuoted(name)+"`; and replace the values if who left must not know them any more.",
			"the file is still encrypted for %s, whom the rule in %s does not name, and not for %s", listed(d.extra), where, listed(d.lacking))
	case len(d.extra) > 0:
		p.ReportFix(lint.High, at, "sops", update+", then `sops rotate -i "+shellQuoted(name)+"`; and replace the values if who left must not know them any more.",
			"the file is still encrypted for %s, whom the rule in %s does not name", listed(d.extra), where)
	case len(d.lacking) > 0:
		p.ReportFix(lint.Medium, at, "sops", update+".",
			"the file is not encrypted for %s, whom the rule in %s names", listed(d.lacking), where)
	default:
		p.ReportFix(lint.Medium, at, "sops", update+".",
			"the recipients of the file are in other groups than in the rule in %s", where)
	}
}

// maxListed is how many recipients a message names.
const maxListed = 3

func listed(recipients []string) string {
	shown := make([]string, 0, maxListed)
	for _, r := range recipients[:min(len(recipients), maxListed)] {
		shown = append(shown, sops.Display(r))
	}
	if n := len(recipients) - maxListed; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(shown, ", "), n)
	}
	return inWords(shown)
}

// inWords joins texts for a sentence.
func inWords(texts []string) string {
	if n := len(texts); n > 1 {
		return strings.Join(texts[:n-1], ", ") + " and " + texts[n-1]
	}
	return strings.Join(texts, "")
}

// sopsBlockFor is sopsBlock with other recipients.
func sopsBlockFor(recipients ...string) string {
	start, end := strings.Index(sopsBlock, "        - recipient:"), strings.Index(sopsBlock, "    lastmodified:")
	entry := sopsBlock[start:end]
	from, to := strings.Index(entry, "age1"), strings.Index(entry, "\n")
	var entries strings.Builder
	for _, r := range recipients {
		entries.WriteString(entry[:from] + r + entry[to:])
	}
	return sopsBlock[:start] + entries.String() + sopsBlock[end:]
}
