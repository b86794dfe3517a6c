package secrets

import (
	"path"

	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
)

var sopsPluginRecipient = &lint.Rule{
	ID:       "sops-plugin-recipient",
	Title:    "SOPS creation rule makes sops run a plugin",
	Why:      "To encrypt for the recipient of an age plugin, sops runs the program age-plugin-NAME that it finds first in PATH, with NAME from .sops.yaml. Who changes that file chooses what runs on the machines of all who encrypt.",
	Fix:      "Make sure that the plugin is one that the team uses, or give the recipient an age or PGP key of its own.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Secrets,
	Harmless: true,
	CheckTree: func(p *lint.TreePass) {
		for _, name := range p.Tree().Files {
			if path.Base(name) == sops.ConfigName {
				reportPlugins(p, name)
			}
		}
	},
	Examples: `
-- bad/.sops.yaml --
creation_rules:
  - path_regex: a
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw,age1yubikey1q2w7u3vpya839jxxuq8g0sedh3d740d4xvn639sqhr95ejj8vu3hyfumptt # want info: runs the program age-plugin-yubikey
  - key_groups:
      - pgp: [FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4]
      - merge:
          - age: [age1tpm1qg86fn5esp30u9h6jy6zvu9gcsvnac09vn8jzjxt8s3qtlcv5h2x287wm36] # want info: runs the program age-plugin-tpm
-- bad-new/.sops.yaml --
creation_rules:
  - path_regex: a
    age: age1evil1q2w7u3vpya839jxxuq8g0sedh3d740d4xvn639sqhr95ejj8vu3hyfumptt # want high: which no rule of the base does
  - path_regex: b
    age: age1yubikey1q2w7u3vpya839jxxuq8g0sedh3d740d4xvn639sqhr95ejj8vu3hyfumptt # want info: age-plugin-yubikey
-- bad-new/@base/.sops.yaml --
creation_rules:
  - age: age1yubikey1q2w7u3vpya839jxxuq8g0sedh3d740d4xvn639sqhr95ejj8vu3hyfumptt
-- good/.sops.yaml --
creation_rules:
  - path_regex: a
    age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
  - path_regex: c
    age: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEeA5uMGAqSwkeb0kX7DmAdbSBUMqpNPF3bHY3yjaHZ5 age1yubikey1@laptop
-- good/docs/sops.yaml --
creation_rules:
  - age: age1yubikey1q2w7u3vpya839jxxuq8g0sedh3d740d4xvn639sqhr95ejj8vu3hyfumptt
`,
}

// reportPlugins reports the plugins that a configuration names, each where it does
// so first. One that the base does not have is news to everybody.
func reportPlugins(p *lint.TreePass, name string) {
	data, err := p.Tree().ReadFile(name)
	if err != nil {
		return
	}
	config, _ := sops.ReadConfig(name, data)
	seen := map[string]bool{}
	for _, rule := range config.Rules {
		for plugin, recipient := range pluginsOf(rule) {
			if seen[plugin] {
				continue
			}
			seen[plugin] = true
			severity, what := p.Rule.Severity, ""
			if p.Tree().Base != nil && !basePlugins(p.Tree().Base)[plugin] {
				severity, what = lint.High, ", which no rule of the base does"
			}
			p.ReportAs(severity, rule.RecipientAt(recipient), "age["+plugin+"]", "encrypting by this rule runs the program age-plugin-%s%s", plugin, what)
		}
	}
}

// basePlugins are the plugins that a tree's rules name.
func basePlugins(t *lint.Tree) map[string]bool {
	plugins := map[string]bool{}
	for _, config := range creationRulesOf(t) {
		for _, rule := range config.Rules {
			for plugin := range pluginsOf(rule) {
				plugins[plugin] = true
			}
		}
	}
	return plugins
}

// pluginsOf are the plugins that a rule's recipients belong to, each with the first
// of them.
func pluginsOf(rule *sops.CreationRule) map[string]string {
	plugins := map[string]string{}
	for _, g := range rule.Groups {
		for _, r := range g.Age {
			if name, ok := sops.AgePlugin(r); ok && plugins[name] == "" {
				plugins[name] = r
			}
		}
	}
	return plugins
}
