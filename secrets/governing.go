package secrets

import (
	"bytes"
	"path"
	"strings"

	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
)

// creationRules are the configurations of a tree, by folder.
type creationRules map[string]*sops.Config

type creationRulesKey struct{}

// creationRulesOf are the configurations of a tree, read once for all rules.
func creationRulesOf(t *lint.Tree) creationRules {
	return t.Shared(creationRulesKey{}, func() any {
		configs := creationRules{}
		for _, name := range t.Files {
			if path.Base(name) != sops.ConfigName {
				continue
			}
			if data, err := t.ReadFile(name); err == nil {
				config, _ := sops.ReadConfig(name, data)
				configs[path.Dir(name)] = config
			}
		}
		return configs
	}).(creationRules)
}

// governed is what the configurations say about a file.
type governed struct {
	// configs are those on the way from the file's folder to the repository's root,
	// the nearest first.
	configs []*sops.Config
	// rules are those that sops takes for the file, one of each configuration at
	// most. Which it is depends on the folder that sops is run in.
	rules []*sops.CreationRule
	// refused says that sops refuses one of the configurations, or its rule: what
	// it is meant to say of the file is not known.
	refused bool
}

// of is what the configurations say about a file.
func (c creationRules) of(name string) governed {
	var g governed
	if len(c) == 0 {
		return g
	}
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if config := c[dir]; config != nil {
			g.configs = append(g.configs, config)
			rule, err := config.Match(name)
			if rule != nil {
				g.rules = append(g.rules, rule)
			}
			g.refused = g.refused || err != nil
		}
		if dir == "." || dir == "/" {
			return g
		}
	}
}

// isSpecimen says that a file is there for tests or to be looked at, and that no
// unit reads it: who can decrypt it concerns nobody. A folder called test may well
// be an environment.
func isSpecimen(t *lint.Tree, name string) bool {
	if t.Readers != nil && len(t.Readers(name)) > 0 {
		return false
	}
	for part := range strings.SplitSeq(strings.ToLower(path.Dir(name)), "/") {
		switch part {
		case "tests", "test_resources", "test-resources", "e2e", "example", "examples":
			return true
		}
	}
	return isSample(name)
}

// otherConfigs are files that look like creation rules and that sops finds only if
// it is told to: sops --config FILE.
func otherConfigs(t *lint.Tree) []string {
	return t.Shared(otherConfigsKey{}, func() any {
		var names []string
		for _, name := range t.Files {
			base := path.Base(name)
			if base == sops.ConfigName || !strings.Contains(base, "sops") && !strings.Contains(path.Dir(name), "sops") {
				continue
			}
			if data, err := t.ReadFile(name); err == nil && len(data) < 1<<20 && bytes.Contains(data, []byte("creation_rules")) {
				names = append(names, name)
			}
		}
		return names
	}).([]string)
}

type otherConfigsKey struct{}
