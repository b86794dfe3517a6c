package sops

import (
	"regexp/syntax"
	"slices"
	"strings"
)

// Telling are the words by which a rule's path_regex says that a file is secret:
// those in the file names that it asks for, such as sops in apps/.*\.sops\.yaml.
// There are none for a rule that takes whatever lies in a folder.
func (rule *CreationRule) Telling() []string {
	text := rule.asks()
	if i := strings.LastIndexByte(text, '/'); i >= 0 {
		text = text[i+1:]
	}
	var words []string
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r < 'a' || r > 'z' }) {
		if slices.Contains(tellingWords(), word) && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}

// General says that the rule takes files whatever they are called and wherever they
// are, at least those of YAML.
func (rule *CreationRule) General() bool {
	for word := range strings.FieldsFuncSeq(rule.asks(), func(r rune) bool { return strings.ContainsRune("*./", r) }) {
		if !slices.Contains([]string{"yaml", "yml", "y", "aml", "ml", "json"}, word) {
			return false
		}
	}
	return rule.PathRegex == "" || rule.path != nil && rule.path.MatchString("a/b.yaml")
}

// Usable says that sops encrypts by the rule, if it has recipients.
func (rule *CreationRule) Usable() bool { return rule.refusal == "" }

// asks is what the path_regex asks for literally, in lower case.
func (rule *CreationRule) asks() string {
	tree, err := syntax.Parse(rule.PathRegex, syntax.Perl)
	if err != nil || rule.path == nil {
		return ""
	}
	var b strings.Builder
	skeleton(tree, &b)
	return strings.ToLower(b.String())
}

func tellingWords() []string {
	return []string{"sops", "enc", "encrypted", "secret", "secrets", "cred", "creds", "credential", "credentials", "password", "passwords", "token", "tokens", "private", "env"}
}

// skeleton is what an expression asks for literally; what may vary is an asterisk.
func skeleton(e *syntax.Regexp, b *strings.Builder) {
	switch e.Op {
	case syntax.OpLiteral:
		b.WriteString(string(e.Rune))
	case syntax.OpConcat, syntax.OpCapture, syntax.OpPlus, syntax.OpQuest:
		for _, sub := range e.Sub {
			if e.Op == syntax.OpPlus && sub.Op != syntax.OpLiteral && sub.Op != syntax.OpCapture {
				b.WriteByte('*')
				continue
			}
			skeleton(sub, b)
		}
	case syntax.OpAlternate:
		for _, sub := range e.Sub {
			b.WriteByte('*')
			skeleton(sub, b)
		}
		b.WriteByte('*')
	case syntax.OpCharClass:
		if strings.ContainsRune(string(e.Rune), '/') {
			b.WriteByte('/')
			return
		}
		b.WriteByte('*')
	case syntax.OpStar, syntax.OpRepeat, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('*')
	}
}
