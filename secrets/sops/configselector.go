package sops

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
)

// Selector says which values of a document are encrypted. At most one of its
// fields is set; none means UnencryptedSuffix "_unencrypted".
type Selector struct {
	UnencryptedSuffix, EncryptedSuffix             string
	UnencryptedRegex, EncryptedRegex               string
	UnencryptedCommentRegex, EncryptedCommentRegex string
}

// Set are the names of the fields that are set.
func (s Selector) Set() []string {
	var names []string
	for _, f := range []struct{ name, value string }{
		{"unencrypted_suffix", s.UnencryptedSuffix},
		{"encrypted_suffix", s.EncryptedSuffix},
		{"unencrypted_regex", s.UnencryptedRegex},
		{"encrypted_regex", s.EncryptedRegex},
		{"unencrypted_comment_regex", s.UnencryptedCommentRegex},
		{"encrypted_comment_regex", s.EncryptedCommentRegex},
	} {
		if f.value != "" {
			names = append(names, f.name)
		}
	}
	return names
}

// Chooses says whether a value is encrypted, by the keys that lead to it; known is
// false where comments decide. As in sops, one key that matches decides for all
// below it, and an expression that can't be compiled matches nothing.
func (s Selector) Chooses(keys ...string) (encrypted, known bool) {
	any := func(test func(string) bool) bool {
		for _, k := range keys {
			if test(k) {
				return true
			}
		}
		return false
	}
	suffix := func(end string) func(string) bool {
		return func(key string) bool { return strings.HasSuffix(key, end) }
	}
	switch {
	case s.UnencryptedCommentRegex != "", s.EncryptedCommentRegex != "":
		return false, false
	case s.EncryptedSuffix != "":
		return any(suffix(s.EncryptedSuffix)), true
	case s.EncryptedRegex != "":
		return any(keyPattern(s.EncryptedRegex)), true
	case s.UnencryptedRegex != "":
		return !any(keyPattern(s.UnencryptedRegex)), true
	case s.UnencryptedSuffix != "":
		return !any(suffix(s.UnencryptedSuffix)), true
	}
	return !any(suffix("_unencrypted")), true
}

func keyPattern(pattern string) func(string) bool {
	re, err := compilePattern(pattern)
	if err != nil {
		return func(string) bool { return false }
	}
	return re.MatchString
}

// compilePattern compiles an expression that a repository wrote. The time that RE2
// takes is linear in the text, but for each of its states, which repetitions
// multiply.
func compilePattern(pattern string) (*regexp.Regexp, error) {
	if patternSize(pattern) > maxPatternSize {
		return nil, errPatternSize
	}
	return regexp.Compile(pattern)
}

var errPatternSize = errors.New("the expression is too large")

// maxPatternSize is far above what people write: an expression for a list of names
// has some hundred states.
const maxPatternSize = 10_000

// patternSize is about how many states an expression has.
func patternSize(pattern string) int {
	if len(pattern) > maxPattern {
		return maxPatternSize + 1
	}
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		// There is nothing to run.
		return 0
	}
	return treeSize(tree)
}

func treeSize(e *syntax.Regexp) int {
	size := 1 + len(e.Rune)
	for _, sub := range e.Sub {
		size += treeSize(sub)
	}
	if e.Op == syntax.OpRepeat {
		// Nested ones come to 1,000 at most.
		size *= max(e.Min, e.Max, 1)
	}
	return size
}
