package sops

import (
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// judge finds what is wrong with a rule as a whole.
func (r *configReader) judge(n *yaml.Node, rule *CreationRule) {
	r.pattern(n, rule)
	if names := rule.Set(); len(names) > 1 {
		rule.refuse("it has more than one selector")
		slices.SortFunc(names, func(a, b string) int { return manifest.Get(n, a).Line - manifest.Get(n, b).Line })
		for _, name := range names[1:] {
			r.fault(r.at(manifest.Get(n, name)), rule.Key+"."+name, "Keep one of them.",
				"sops takes one selector for a rule, and refuses %s beside %s", name, names[0])
		}
	}
	for _, name := range [...]string{"encrypted_regex", "unencrypted_regex", "encrypted_comment_regex", "unencrypted_comment_regex"} {
		v := manifest.Get(n, name)
		if v == nil || v.Kind != yaml.ScalarNode || v.Value == "" || isTemplateText(v.Value) {
			continue
		}
		if _, err := compilePattern(v.Value); err != nil {
			rule.refuse("its " + name + " can't be compiled")
			r.fault(r.at(v), rule.Key+"."+name, "Write it as RE2 has it: without lookaround and back references.",
				"%s is no regular expression that sops can compile; it says nothing and %s", name, consequence(name))
		}
	}
	if len(rule.Groups) > 1 && rule.Threshold > len(rule.Groups) {
		rule.refuse("shamir_threshold is greater than the number of groups")
		r.fault(r.at(manifest.Get(n, "shamir_threshold")), rule.Key+".shamir_threshold", "Set it to the number of groups, or less.",
			"shamir_threshold asks for more groups than there are, so sops encrypts nothing by the rule")
	}
	r.unknownKeys(n, rule)
}

// consequence is what sops does with a selector that it can't compile.
func consequence(name string) string {
	if strings.HasPrefix(name, "encrypted") {
		return "leaves every value clear"
	}
	return "encrypts every value"
}

// pattern compiles the rule's path_regex.
func (r *configReader) pattern(n *yaml.Node, rule *CreationRule) {
	if rule.PathRegex == "" {
		return
	}
	at, key := r.at(manifest.Get(n, "path_regex")), rule.Key+".path_regex"
	var err error
	if r.size += patternSize(rule.PathRegex); r.size > maxPatternSize {
		r.fault(at, key, "Write shorter expressions.", "the expressions of the file are too large to be tried on each file here")
		return
	}
	if rule.path, err = compilePattern(rule.PathRegex); err != nil {
		if !isTemplateText(rule.PathRegex) {
			r.fault(at, key, "Write it as RE2 has it: without lookaround and back references.",
				"path_regex is no regular expression that sops can compile: it refuses every file that no rule above matches")
		}
		return
	}
	if tree, err := syntax.Parse(rule.PathRegex, syntax.Perl); err == nil && needs(tree, '\\') {
		r.fault(at, key, `Write / for the separator, or [/\\] for both.`,
			"path_regex asks for a backslash in the path, so that it matches on Windows only")
	}
}

// needs says that each match of an expression holds a character.
func needs(e *syntax.Regexp, c rune) bool {
	some := func(test func([]*syntax.Regexp, func(*syntax.Regexp) bool) bool) bool {
		return test(e.Sub, func(sub *syntax.Regexp) bool { return needs(sub, c) })
	}
	switch e.Op {
	case syntax.OpLiteral:
		return slices.Contains(e.Rune, c)
	case syntax.OpCharClass:
		return len(e.Rune) == 2 && e.Rune[0] == c && e.Rune[1] == c
	case syntax.OpCapture, syntax.OpPlus, syntax.OpConcat:
		return some(slices.ContainsFunc[[]*syntax.Regexp])
	case syntax.OpRepeat:
		return e.Min > 0 && some(slices.ContainsFunc[[]*syntax.Regexp])
	case syntax.OpAlternate:
		return !slices.ContainsFunc(e.Sub, func(sub *syntax.Regexp) bool { return !needs(sub, c) })
	}
	return false
}

// ruleKeys are the keys that sops knows in a rule.
func ruleKeys() []string {
	return []string{
		"path_regex", "kms", "aws_profile", "age", "pgp", "gcp_kms", "hckms", "azure_keyvault", "hc_vault_transit_uri",
		"key_groups", "shamir_threshold", "unencrypted_suffix", "encrypted_suffix", "unencrypted_regex", "encrypted_regex",
		"unencrypted_comment_regex", "encrypted_comment_regex", "mac_only_encrypted",
	}
}

func (r *configReader) unknownKeys(n *yaml.Node, rule *CreationRule) {
	known := ruleKeys()
	for key := range entries(n) {
		if slices.Contains(known, key.Value) || len(key.Value) > maxKeyShown {
			continue
		}
		if meant := resembles(key.Value, known); meant != "" {
			r.fault(r.at(key), rule.Key+"."+key.Value, "Rename it to "+meant+".", "sops does not know the key %q and ignores it", key.Value)
		} else if speaksOfSOPS(key.Value) {
			r.fault(r.at(key), rule.Key+"."+key.Value, "Use one of the keys that sops knows: "+strings.Join(known, ", ")+".",
				"sops does not know the key %q and ignores it", key.Value)
		}
	}
}

// maxKeyShown is how long a key may be to be called by its name.
const maxKeyShown = 60

// resembles is the known key that a key was meant to be; empty if it looks like
// none. People add keys of their own, such as a description, or a list of anchors.
func resembles(key string, known []string) string {
	plain := func(s string) string {
		return strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(s), "_", ""), "-", "")
	}
	aliases := map[string]string{
		"azurekv": "azure_keyvault", "azure": "azure_keyvault", "hcvault": "hc_vault_transit_uri", "hcvaulturis": "hc_vault_transit_uri",
		"hcvaulttransit": "hc_vault_transit_uri", "vault": "hc_vault_transit_uri", "gpg": "pgp", "awskms": "kms", "gcp": "gcp_kms",
		"filenameregex": "path_regex", "pathregexp": "path_regex", "path": "path_regex", "regex": "path_regex",
		"encryptedregexp": "encrypted_regex", "unencryptedregexp": "unencrypted_regex", "encryptregex": "encrypted_regex",
		"threshold": "shamir_threshold", "keygroup": "key_groups", "creationrule": "creation_rules",
	}
	p := plain(key)
	if meant := aliases[p]; slices.Contains(known, meant) {
		return meant
	}
	for _, k := range known {
		if len(k) > 3 && oneEdit(plain(k), p) || plain(k) == p {
			return k
		}
	}
	return ""
}

// oneEdit says that two texts differ by one character, or by two neighbours that
// changed places.
func oneEdit(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	a, b = a[i:], b[i:]
	switch {
	case len(b)-len(a) > 1 || b == "":
		return false
	case len(b) > len(a):
		return a == b[1:]
	}
	return a[1:] == b[1:] || len(a) > 1 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]
}

// speaksOfSOPS says that a key looks as if sops was to do something by it.
func speaksOfSOPS(key string) bool {
	key = strings.ToLower(key)
	return slices.ContainsFunc([]string{"regex", "suffix", "kms", "vault", "pgp", "gpg", "recipient", "fingerprint", "encrypt", "shamir"}, func(word string) bool {
		return strings.Contains(key, word)
	})
}
