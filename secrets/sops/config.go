package sops

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
)

// ConfigName is the name of the file that holds creation rules. SOPS reads no
// other: .sops.yml is not looked at.
const ConfigName = ".sops.yaml"

// Config is a .sops.yaml: which file is encrypted for whom.
type Config struct {
	// File is its path from the repository's root; the paths of its rules are
	// relative to its folder.
	File  string
	Rules []*CreationRule

	// refusal is why sops does not read the file at all; empty if it does.
	refusal string
}

// CreationRule says for whom the files that it matches are encrypted, and which of
// their values.
type CreationRule struct {
	// PathRegex matches the path of a file, relative to the configuration's
	// folder; empty for every file.
	PathRegex string
	// At is where the rule is written.
	At manifest.Span
	// Key is its place in the file, such as "creation_rules[0]".
	Key string
	// Groups are the groups of recipients. More than one share the data key
	// (Shamir); with Threshold of them it can be had, 0 meaning all.
	Groups    []KeyGroup
	Threshold int
	Selector
	// SelectorAt is where the first of the selector's fields is written; zero if
	// none is.
	SelectorAt       manifest.Span
	MACOnlyEncrypted bool

	// refusal is why sops encrypts nothing by the rule; empty if it does.
	refusal string
	// damaged says that a recipient of it can't be read.
	damaged bool
	// places are where its recipients are written.
	places map[string]manifest.Span
	// path is the compiled PathRegex; nil for one that matches every file, or that
	// can't be compiled.
	path *regexp.Regexp
}

// KeyGroup are recipients, of whom each alone can decrypt.
type KeyGroup struct {
	// Age are recipients of age, PGP fingerprints; both without duplicates, in the
	// order of the file.
	Age, PGP []string
	// KMS, GCPKMS, AzureKV, HCVault and HCKMS are the keys of services, which
	// can't be used without a network: an ARN, a resource, what azureKey and
	// vaultKey give, and "region:key".
	KMS, GCPKMS, AzureKV, HCVault, HCKMS []string
}

// Fault is what is wrong with a configuration, by the place where it is written.
type Fault struct {
	At manifest.Span
	// Key says which part of the file it is, such as
	// "creation_rules[0].path_regex".
	Key     string
	Message string
	// Fix says what to do about it.
	Fix string
}

// maxRules bounds how many rules of a configuration are looked at: each file of
// a repository is matched against all of them.
const maxRules = 1000

// RuleFor is the first rule that matches a file, as SOPS takes it; nil if there is
// none, or one that sops refuses. The name is a path from the repository's root.
func (c *Config) RuleFor(name string) *CreationRule {
	rule, _ := c.Match(name)
	return rule
}

// Match is RuleFor with the reason why sops would not encrypt the file by the
// configuration. Both results are nil if no rule matches it.
func (c *Config) Match(name string) (*CreationRule, error) {
	if c.refusal != "" {
		return nil, fmt.Errorf("sops does not read %s: %s", c.File, c.refusal)
	}
	name, below := c.relative(name)
	if !below {
		return nil, nil
	}
	for _, r := range c.Rules {
		switch {
		case r.PathRegex == "":
		case r.path == nil:
			return nil, fmt.Errorf("sops refuses %s of %s: its path_regex can't be compiled", r.Key, c.File)
		case !r.path.MatchString(name):
			continue
		}
		if r.refusal != "" {
			return nil, fmt.Errorf("sops refuses %s of %s: %s", r.Key, c.File, r.refusal)
		}
		return r, nil
	}
	return nil, nil
}

// RecipientAt is where a recipient of the rule is written.
func (rule *CreationRule) RecipientAt(recipient string) manifest.Span {
	if at, ok := rule.places[recipient]; ok {
		return at
	}
	return rule.At
}

// relative is a path from the configuration's folder.
func (c *Config) relative(name string) (string, bool) {
	if dir := path.Dir(c.File); dir != "." {
		return strings.CutPrefix(name, dir+"/")
	}
	return name, true
}

// Governing is the configuration that sops takes for a file when it is run in the
// file's folder: the nearest on the way up to the repository's root. It is nil if
// there is none. One that can't be read governs, too: it has no rule then, and a
// fault.
func Governing(read func(name string) ([]byte, error), name string) (*Config, []Fault) {
	for dir := path.Dir(path.Clean(name)); ; dir = path.Dir(dir) {
		file := path.Join(dir, ConfigName)
		data, err := read(file)
		if err == nil {
			return ReadConfig(file, data)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return &Config{File: file, refusal: "the file can't be read"}, []Fault{{
				At:      manifest.Span{File: file, Line: 1, Column: 1},
				Message: "the file can't be read",
				Fix:     "Make it a plain file that sops can open.",
			}}
		}
		if dir == "." || dir == "/" {
			return nil, nil
		}
	}
}

// Offline says that a data key can be encrypted for all of the group without a
// network, and without any program: there is someone in it, and all have age or
// PGP keys, none of a plugin.
func (g KeyGroup) Offline() bool {
	for _, r := range g.Age {
		if _, plugin := AgePlugin(r); plugin {
			return false
		}
	}
	return len(g.Age)+len(g.PGP) > 0 &&
		len(g.KMS)+len(g.GCPKMS)+len(g.AzureKV)+len(g.HCVault)+len(g.HCKMS) == 0
}

// Empty says that nobody is in the group.
func (g KeyGroup) Empty() bool {
	return len(g.Age)+len(g.PGP)+len(g.KMS)+len(g.GCPKMS)+len(g.AzureKV)+len(g.HCVault)+len(g.HCKMS) == 0
}
