package sops

import (
	"fmt"
	"regexp"
	"strings"
)

// choice decides as SOPS does what is encrypted.
type choice struct {
	// field is the metadata field of the selector, pattern its value; both are empty
	// for what SOPS encrypts whole.
	field, pattern string
	re             *regexp.Regexp
	known          map[string]bool

	macOnlyEncrypted bool
}

func newChoice(rule *CreationRule, format Format) (*choice, error) {
	c := &choice{known: map[string]bool{}}
	if format == Binary {
		// A whole file is one value, of which no rule makes an exception.
		return c, nil
	}
	c.macOnlyEncrypted = rule.MACOnlyEncrypted
	set := rule.Set()
	if len(set) > 1 {
		return nil, fmt.Errorf("the rule has more than one selector, and sops takes one: remove one of %s", strings.Join(set, ", "))
	}
	s := rule.Selector
	c.field, c.pattern = "unencrypted_suffix", "_unencrypted"
	if len(set) == 1 {
		c.field = set[0]
		c.pattern = s.UnencryptedSuffix + s.EncryptedSuffix + s.UnencryptedRegex + s.EncryptedRegex + s.UnencryptedCommentRegex + s.EncryptedCommentRegex
	}
	if strings.HasSuffix(c.field, "regex") {
		re, err := compilePattern(c.pattern)
		if err != nil {
			return nil, fmt.Errorf("the %s of the rule can't be read as a regular expression", c.field)
		}
		c.re = re
	}
	return c, nil
}

// match says that the selector matches a key, or a comment.
func (c *choice) match(text string) bool {
	hit, ok := c.known[text]
	if ok {
		return hit
	}
	if c.re != nil {
		hit = c.re.MatchString(text)
	} else {
		hit = strings.HasSuffix(text, c.pattern)
	}
	c.known[text] = hit
	return hit
}

// covers says that a value or a comment is encrypted, where the scope stands.
func (c *choice) covers(at *scope, isComment bool) bool {
	switch c.field {
	case "":
		return true
	case "unencrypted_comment_regex", "encrypted_comment_regex":
		hit := strings.HasPrefix(c.field, "encrypted")
		for i, l := range at.levels {
			matched := l.matched
			if hit && isComment && i == len(at.levels)-1 {
				// The comment that asks for encryption stays clear itself.
				matched = l.before
			}
			if matched {
				return hit
			}
		}
		return !hit
	}
	hit := strings.HasPrefix(c.field, "encrypted")
	for _, k := range at.keys {
		if c.match(k) {
			return hit
		}
	}
	return !hit
}

// scope is where a walk through a document stands: the keys, and what the comments say
// that hold on each level.
type scope struct {
	keys   []string
	levels []commentLevel
}

// commentLevel are the comments since the last entry of a collection: whether the selector
// matches one of them, and one before the last.
type commentLevel struct{ matched, before bool }

func (s *scope) enter() { s.levels = append(s.levels, commentLevel{}) }
func (s *scope) leave() { s.levels = s.levels[:len(s.levels)-1] }

// comment makes one hold for what follows it.
func (s *scope) comment(c *choice, text string) {
	l := &s.levels[len(s.levels)-1]
	l.before = l.matched
	l.matched = l.matched || strings.HasSuffix(c.field, "comment_regex") && c.match(text)
}

// done ends what held for an entry.
func (s *scope) done() { s.levels[len(s.levels)-1] = commentLevel{} }
