package sops

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// configReader reads a .sops.yaml as sops does, and goes on where sops gives up.
type configReader struct {
	config *Config
	faults []Fault
	// size is that of all path_regex so far: each file is held against them.
	size int
}

// ReadConfig reads creation rules. What can be read is read; the faults say what
// sops refuses, and what it takes otherwise than its author means. No fault quotes
// what may be secret.
func ReadConfig(name string, data []byte) (*Config, []Fault) {
	r := &configReader{config: &Config{File: name}}
	docs, problems := manifest.Parse(data)
	for _, p := range problems {
		at := manifest.Span{File: name, Line: max(p.Line, 1), Column: max(p.Column, 1)}
		if p.Class == manifest.DuplicateKey {
			r.refuse(at, "", "Keep one of the two.", "a key is written twice, so sops does not read the file")
			continue
		}
		r.refuse(at, "", "Correct the YAML.", "sops can't read the file: %s", p.Message)
	}
	if len(docs) > 0 {
		r.document(docs[0])
	} else if len(problems) == 0 {
		r.fault(manifest.Span{File: name, Line: 1, Column: 1}, "", "Write creation_rules into it, or remove it.",
			"the file is empty, so sops takes no configuration further up either")
	}
	if len(docs) > 1 {
		r.fault(r.at(docs[1]), "", "Move its rules into the first document.", "sops reads the first document only")
	}
	r.unreachable()
	slices.SortStableFunc(r.faults, func(a, b Fault) int { return a.At.Line - b.At.Line })
	return r.config, r.faults
}

func (r *configReader) at(n *yaml.Node) manifest.Span {
	return manifest.Span{File: r.config.File, Line: n.Line, Column: n.Column}
}

func (r *configReader) fault(at manifest.Span, key, fix, format string, args ...any) {
	r.faults = append(r.faults, Fault{At: at, Key: key, Fix: fix, Message: fmt.Sprintf(format, args...)})
}

// refuse is fault for what keeps sops from reading the file at all.
func (r *configReader) refuse(at manifest.Span, key, fix, format string, args ...any) {
	r.fault(at, key, fix, format, args...)
	if r.config.refusal == "" {
		r.config.refusal = fmt.Sprintf("line %d: ", at.Line) + r.faults[len(r.faults)-1].Message
	}
}

const noRules = "Write a rule with a path_regex and the recipients, or remove the file."

func (r *configReader) document(doc *yaml.Node) {
	if doc.Kind != yaml.MappingNode {
		r.refuse(r.at(doc), "", "Write creation_rules: and the rules below it.", "the file holds no mapping, so sops does not read it")
		return
	}
	known := []string{"creation_rules", "destination_rules", "stores"}
	used := false
	for key, value := range entries(doc) {
		if slices.Contains(known, key.Value) {
			used = used || !isNullNode(value)
		} else if meant := resembles(key.Value, known); meant != "" && len(key.Value) <= maxKeyShown {
			r.fault(r.at(key), key.Value, "Rename it to "+meant+".", "sops does not know the key %q", key.Value)
			used = true
		}
	}
	rules := manifest.Get(doc, "creation_rules")
	switch {
	case rules == nil && !used:
		r.fault(r.at(doc), "creation_rules", noRules, "there are no creation_rules, so sops takes no rule further up either")
	case rules == nil:
	case isNullNode(rules), rules.Kind == yaml.SequenceNode && len(rules.Content) == 0:
		r.fault(r.at(rules), "creation_rules", noRules, "creation_rules is empty: sops encrypts no file below this folder")
	case rules.Kind != yaml.SequenceNode:
		r.refuse(r.at(rules), "creation_rules", "Begin each rule with a hyphen.", "creation_rules is no list, so sops does not read the file")
	default:
		r.rules(rules.Content)
	}
}

func (r *configReader) rules(nodes []*yaml.Node) {
	for i, n := range nodes {
		key := fmt.Sprintf("creation_rules[%d]", i)
		switch {
		case isNullNode(n):
			// sops leaves it out.
		case n.Kind != yaml.MappingNode:
			r.refuse(r.at(n), key, "Write path_regex and recipients as keys and values.", "the rule is no mapping, so sops does not read the file")
		case len(r.config.Rules) == maxRules:
			r.refuse(r.at(n), key, "Join rules by their path_regex.", "more than %d rules are not read here", maxRules)
			return
		default:
			r.config.Rules = append(r.config.Rules, r.rule(n, key))
		}
	}
}

// recipientFields are the keys of a rule that name recipients, but for key_groups.
func recipientFields() []recipientKind {
	return []recipientKind{ageKind(), pgpKind(), kmsKind(), gcpKind(), hckmsKind(), azureKind(), vaultKind()}
}

func (r *configReader) rule(n *yaml.Node, key string) *CreationRule {
	rule := &CreationRule{At: r.at(n), Key: key, places: map[string]manifest.Span{}}
	rule.PathRegex = r.text(n, key, "path_regex")
	r.text(n, key, "aws_profile")
	for _, f := range []struct {
		name  string
		value *string
	}{
		{"unencrypted_suffix", &rule.UnencryptedSuffix},
		{"encrypted_suffix", &rule.EncryptedSuffix},
		{"unencrypted_regex", &rule.UnencryptedRegex},
		{"encrypted_regex", &rule.EncryptedRegex},
		{"unencrypted_comment_regex", &rule.UnencryptedCommentRegex},
		{"encrypted_comment_regex", &rule.EncryptedCommentRegex},
	} {
		if *f.value = r.text(n, key, f.name); *f.value != "" {
			at := r.at(manifest.Get(n, f.name))
			if rule.SelectorAt.Line == 0 || at.Line < rule.SelectorAt.Line {
				rule.SelectorAt = at
			}
		}
	}
	r.scalar(n, key, "shamir_threshold", &rule.Threshold, "a whole number")
	r.scalar(n, key, "mac_only_encrypted", &rule.MACOnlyEncrypted, "true or false, without quotes")
	r.recipients(n, rule)
	r.judge(n, rule)
	return rule
}

// text is a field that sops reads as text.
func (r *configReader) text(n *yaml.Node, key, name string) string {
	var s string
	r.scalar(n, key, name, &s, "a text")
	return s
}

// scalar reads a field into a variable of its type. sops reads nothing of a file
// in which one has another.
func (r *configReader) scalar(n *yaml.Node, key, name string, into any, kind string) {
	if v := manifest.Get(n, name); v != nil && (v.Kind != yaml.ScalarNode || v.Decode(into) != nil) {
		r.refuse(r.at(v), key+"."+name, "Write it as "+kind+".", "%s is not %s, so sops does not read the file", name, kind)
	}
}

// recipients reads those of a rule. With key_groups sops looks at no other.
func (r *configReader) recipients(n *yaml.Node, rule *CreationRule) {
	groups := manifest.Get(n, "key_groups")
	if groups != nil && !isNullNode(groups) && groups.Kind != yaml.SequenceNode {
		r.refuse(r.at(groups), rule.Key+".key_groups", "Begin each group with a hyphen.", "key_groups is no list, so sops does not read the file")
		return
	}
	if groups == nil || len(groups.Content) == 0 {
		var g KeyGroup
		for _, kind := range recipientFields() {
			r.inline(n, rule, kind, &g)
		}
		if !g.Empty() {
			rule.Groups = []KeyGroup{g}
		}
		return
	}
	for _, kind := range recipientFields() {
		if beside := manifest.Get(n, kind.name); beside != nil && !isNullNode(beside) && beside.Value != "" {
			r.fault(r.at(beside), rule.Key+"."+kind.name, "Move the recipients into the group, or remove key_groups.",
				"sops ignores %s beside key_groups: nobody there can decrypt", kind.name)
		}
	}
	for i, g := range groups.Content {
		key := fmt.Sprintf("%s.key_groups[%d]", rule.Key, i)
		if isNullNode(g) {
			continue
		}
		var group KeyGroup
		r.group(g, key, rule, &group, 0)
		if group.Empty() && rule.refusal == "" && r.config.refusal == "" {
			rule.refusal = "a group of recipients is empty"
			r.fault(r.at(g), key, "Put a recipient into it, or remove it.", "the group is empty, so sops encrypts nothing by the rule")
		}
		rule.Groups = append(rule.Groups, group)
	}
}

// inline reads a field of a rule that holds recipients: a list, or a text with
// commas.
func (r *configReader) inline(n *yaml.Node, rule *CreationRule, kind recipientKind, g *KeyGroup) {
	v := manifest.Get(n, kind.name)
	if v == nil || isNullNode(v) {
		return
	}
	key := rule.Key + "." + kind.name
	listed := v.Kind == yaml.SequenceNode
	texts := []*yaml.Node{v}
	if listed {
		texts = v.Content
	} else if kind.name == "hckms" {
		r.refuse(r.at(v), key, "Write a list.", "hckms is no list, so sops does not read the file")
		return
	}
	for i, item := range texts {
		at := key
		if listed {
			at = fmt.Sprintf("%s[%d]", key, i)
		}
		if item.Kind != yaml.ScalarNode || item.ShortTag() != "!!str" && kind.name != "hckms" {
			// Digits alone are a number to YAML.
			rule.refuse("a recipient is no text")
			rule.damaged = true
			r.fault(r.at(item), at, "Put it in quotes.", "a recipient is no text to YAML, so sops encrypts nothing by the rule")
			continue
		}
		r.commas(item, at, listed, rule, kind, g)
	}
}

// commas reads recipients with commas between them. In a list nothing may be
// empty.
func (r *configReader) commas(n *yaml.Node, key string, strict bool, rule *CreationRule, kind recipientKind, g *KeyGroup) {
	for _, recipient := range strings.Split(n.Value, ",") {
		if strings.TrimSpace(recipient) == "" && (!strict || !kind.refused || kind.name == "hckms" || kind.name == "hc_vault_transit_uri") {
			continue
		}
		r.recipient(n, key, recipient, rule, kind, g)
	}
}

func (r *configReader) recipient(n *yaml.Node, key, recipient string, rule *CreationRule, kind recipientKind, g *KeyGroup) {
	wrong := kind.check(recipient)
	if wrong != "" {
		rule.damaged = true
		if kind.refused {
			rule.refuse("a recipient is " + wrong)
		}
		if !isTemplate(recipient) {
			r.fault(r.at(n), key, "Copy the recipient anew from where it was made.", "a recipient is %s", wrong)
		}
	}
	if wrong == "" || isTemplate(recipient) {
		normal := kind.normal(recipient)
		if list := kind.list(g); !slices.Contains(*list, normal) && len(*list) < maxNamed {
			*list = append(*list, normal)
		}
		if _, ok := rule.places[normal]; !ok {
			rule.places[normal] = r.at(n)
		}
	}
}

func (rule *CreationRule) refuse(why string) {
	if rule.refusal == "" {
		rule.refusal = why
	}
}

// maxMerges bounds how deep groups are merged into each other.
const maxMerges = 20

// group reads a key group, and the groups that are merged into it.
func (r *configReader) group(n *yaml.Node, key string, rule *CreationRule, g *KeyGroup, depth int) {
	if n.Kind != yaml.MappingNode || depth > maxMerges {
		r.refuse(r.at(n), key, "Write age: or pgp: with a list of recipients.", "the group is no mapping, so sops does not read the file")
		return
	}
	for i, m := range r.list(n, key, "merge") {
		r.group(m, fmt.Sprintf("%s.merge[%d]", key, i), rule, g, depth+1)
	}
	for _, kind := range []recipientKind{ageKind(), pgpKind()} {
		for i, item := range r.list(n, key, kind.name) {
			at := fmt.Sprintf("%s.%s[%d]", key, kind.name, i)
			if item.Kind != yaml.ScalarNode {
				r.refuse(r.at(item), at, "Write the recipient alone.", "a recipient is no text, so sops does not read the file")
				continue
			}
			if kind.name == "age" && strings.Contains(item.Value, ",") {
				r.commas(item, at, true, rule, kind, g)
			} else if item.Value != "" {
				r.recipient(item, at, item.Value, rule, kind, g)
			}
		}
	}
	for name, k := range services() {
		for i, item := range r.list(n, key, name) {
			at := fmt.Sprintf("%s.%s[%d]", key, name, i)
			if recipient, ok := k.read(item); ok {
				r.recipient(item, at, recipient, rule, k.kind, g)
			} else {
				r.refuse(r.at(item), at, k.form, "the recipient is not written as sops reads it in a group, so it does not read the file")
			}
		}
	}
	for entry := range entries(n) {
		if len(entry.Value) <= maxKeyShown && !slices.Contains([]string{"merge", "age", "pgp", "kms", "gcp_kms", "hckms", "azure_keyvault", "hc_vault"}, entry.Value) {
			r.fault(r.at(entry), key+"."+entry.Value, "The keys are age, pgp, kms, gcp_kms, azure_keyvault, hc_vault, hckms and merge.",
				"sops does not know the key %q of a group: nobody there can decrypt", entry.Value)
		}
	}
}

// list is a field that has to be a list.
func (r *configReader) list(n *yaml.Node, key, name string) []*yaml.Node {
	v := manifest.Get(n, name)
	if v == nil || isNullNode(v) {
		return nil
	}
	if v.Kind != yaml.SequenceNode {
		r.refuse(r.at(v), key+"."+name, "Write a list, one recipient in each line.", "%s of a group is no list, so sops does not read the file", name)
		return nil
	}
	return v.Content
}

// service is how a group names the keys of a service.
type service struct {
	kind recipientKind
	form string
	read func(*yaml.Node) (string, bool)
}

func services() map[string]service {
	field := func(name string) func(*yaml.Node) (string, bool) {
		return func(n *yaml.Node) (string, bool) { return manifest.Text(n, name), n.Kind == yaml.MappingNode }
	}
	return map[string]service{
		"kms":     {kmsKind(), "Write arn: before it.", field("arn")},
		"gcp_kms": {gcpKind(), "Write resource_id: before it.", field("resource_id")},
		"hckms":   {hckmsKind(), "Write key_id: before it.", field("key_id")},
		"azure_keyvault": {azureKind(), "Write it as vaultUrl, key and version.", func(n *yaml.Node) (string, bool) {
			return azureKey(manifest.Text(n, "vaultUrl"), manifest.Text(n, "key"), manifest.Text(n, "version")), n.Kind == yaml.MappingNode
		}},
		"hc_vault": {vaultKind(), "Write the URI of the key.", func(n *yaml.Node) (string, bool) {
			return n.Value, n.Kind == yaml.ScalarNode
		}},
	}
}

// entries are the keys of a mapping with their values.
func entries(n *yaml.Node) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

func isNullNode(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }
