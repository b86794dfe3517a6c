package source

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The rules of gitignore(5), as git's dir.c and wildmatch.c have them.
//
// go-git's package gitignore is not used: it takes a pattern to match all that
// lies below what it matches, and so gives another answer than git for
// "a/**" with "!a/keep", for "*" with "!*/", and for "[!a]"; with the first it
// hides files that git shows. TestIgnoreLikeGit holds these cases.

const (
	maxIgnoreFile  = 1 << 20 // bytes of one .gitignore
	maxIgnoreRules = 10_000  // in force at once
)

// ignoreRule is one pattern.
type ignoreRule struct {
	negated  bool
	folder   bool // matches folders only
	baseName bool // has no slash: is matched with the last component alone

	literal string // the whole pattern, if it has no wildcards
	suffix  string // the pattern after the star, if it is "*" and a literal
	tokens  []token
	tail    string // what a match of the tokens ends in: most names are told apart by it
}

// ignoreFile is the rules of one file, which see paths relative to base: "" or
// a folder with a slash at its end.
type ignoreFile struct {
	base  string
	rules []ignoreRule
}

// ignoreRules is the files in force at some folder, the weakest first.
type ignoreRules []ignoreFile

// ignored reports whether the last rule that matches excludes path. The
// folders above path are not looked at: who walks does not enter those that are
// ignored.
func (s ignoreRules) ignored(path string, folder bool) bool {
	for _, file := range slices.Backward(s) {
		rel := path[len(file.base):]
		name := rel[strings.LastIndexByte(rel, '/')+1:]
		for i := len(file.rules) - 1; i >= 0; i-- {
			r := &file.rules[i]
			if r.folder && !folder {
				continue
			}
			text := rel
			if r.baseName {
				text = name
			}
			if r.match(text) {
				return !r.negated
			}
		}
	}
	return false
}

// with adds the rules of a file, unless there would be more than anybody
// writes: to list an ignored file costs less than to spend minutes on matching.
func (s ignoreRules) with(base string, data []byte) (ignoreRules, error) {
	rules := parseIgnore(data)
	n := len(rules)
	for _, f := range s {
		n += len(f.rules)
	}
	if n > maxIgnoreRules {
		return s, fmt.Errorf("more than %d rules are in force there", maxIgnoreRules)
	}
	if len(rules) == 0 {
		return s, nil
	}
	// A folder beside this one appends to the same s: never share its array.
	return append(s[:len(s):len(s)], ignoreFile{base, rules}), nil
}

func parseIgnore(data []byte) []ignoreRule {
	var rules []ignoreRule
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	for line := range bytes.Lines(data) {
		text := strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r")
		if r, ok := parseIgnoreRule(text); ok {
			rules = append(rules, r)
		}
	}
	return rules
}

func parseIgnoreRule(p string) (r ignoreRule, ok bool) {
	if strings.HasPrefix(p, "#") {
		return r, false
	}
	p = trimBlanks(p)
	if strings.HasPrefix(p, "!") {
		r.negated, p = true, p[1:]
	}
	if strings.HasSuffix(p, "/") {
		r.folder, p = true, p[:len(p)-1]
	}
	if p == "" {
		return r, false
	}
	r.baseName = !strings.Contains(p, "/")
	p = strings.TrimPrefix(p, "/")
	switch {
	case !strings.ContainsAny(p, `*?[\`):
		r.literal = p
	case r.baseName && p[0] == '*' && len(p) > 1 && !strings.ContainsAny(p[1:], `*?[\`):
		r.suffix = p[1:]
	default:
		r.tokens, ok = compile(p)
		r.tail = tailOf(r.tokens)
		return r, ok
	}
	return r, true
}

// trimBlanks drops the blanks at the end that no backslash protects.
func trimBlanks(p string) string {
	end := 0
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case ' ':
			continue
		case '\\':
			i++
		}
		end = min(i+1, len(p))
	}
	return p[:end]
}

func (r *ignoreRule) match(text string) bool {
	switch {
	case r.tokens != nil:
		return strings.HasSuffix(text, r.tail) && matchTokens(r.tokens, text)
	case r.suffix != "":
		return strings.HasSuffix(text, r.suffix)
	}
	return r.literal == text
}

// token is one step of a compiled pattern.
type token struct {
	op  tokenOp
	set *[256]bool // opSet
	c   byte       // opByte
}

type tokenOp uint8

const (
	opByte   tokenOp = iota // exactly c
	opSet                   // one byte of set
	opStar                  // any bytes but slashes
	opAny                   // any bytes
	opMaybe2                // the next two tokens, or neither
)

// compile turns a pattern into tokens; ok is false if it can match nothing.
func compile(p string) (tokens []token, ok bool) {
	// Git compares what comes before the first wildcard on its own, and then
	// takes the rest for a whole pattern: the stars of "a**/b" begin one.
	first := strings.IndexAny(p, `*?[\`)
	for i := 0; i < len(p); i++ {
		switch c := p[i]; c {
		case '\\':
			if i++; i == len(p) {
				return nil, false
			}
			tokens = append(tokens, token{op: opByte, c: p[i]})
		case '?':
			tokens = append(tokens, token{op: opSet, set: &notSlash})
		case '*':
			end := i
			for end < len(p) && p[end] == '*' {
				end++
			}
			stars := end - i
			starts := i == first || p[i-1] == '/'
			switch {
			case stars == 1 || !starts || (end < len(p) && p[end] != '/'):
				tokens = append(tokens, token{op: opStar})
			case end == len(p):
				tokens = append(tokens, token{op: opAny})
			default: // "**/": no folder, or any number of them
				tokens = append(tokens, token{op: opMaybe2}, token{op: opAny}, token{op: opByte, c: '/'})
				end++
			}
			i = end - 1
		case '[':
			set, n := compileSet(p[i:])
			if n == 0 {
				return nil, false
			}
			tokens = append(tokens, token{op: opSet, set: set})
			i += n - 1
		default:
			tokens = append(tokens, token{op: opByte, c: c})
		}
	}
	return tokens, true
}

// tailOf gives the bytes behind the last wildcard.
func tailOf(tokens []token) string {
	first := len(tokens)
	for first > 0 && tokens[first-1].op == opByte {
		first--
	}
	if first > 1 && tokens[first-2].op == opMaybe2 {
		first++ // the slash of "**/", which may match nothing
	}
	tail := make([]byte, 0, len(tokens)-first)
	for _, t := range tokens[first:] {
		tail = append(tail, t.c)
	}
	return string(tail)
}

var notSlash = func() (set [256]bool) {
	for c := range set {
		set[c] = c != '/'
	}
	return set
}()

// compileSet reads a bracket expression and its length in the pattern, 0 if it
// has no end.
func compileSet(p string) (*[256]bool, int) {
	var set [256]bool
	i := 1
	negated := i < len(p) && (p[i] == '!' || p[i] == '^')
	if negated {
		i++
	}
	prev, ranged := byte(0), false // what a '-' that follows begins at
	for first := true; ; first = false {
		if i >= len(p) {
			return nil, 0
		}
		c := p[i]
		switch {
		case c == ']' && !first:
			for b := range set {
				set[b] = set[b] != negated && b != '/'
			}
			return &set, i + 1
		case c == '-' && ranged && i+1 < len(p) && p[i+1] != ']':
			i++
			if p[i] == '\\' {
				if i++; i >= len(p) {
					return nil, 0
				}
			}
			for b := int(prev); b <= int(p[i]); b++ {
				set[b] = true
			}
			ranged = false
		case c == '[' && i+1 < len(p) && p[i+1] == ':':
			end := strings.IndexByte(p[i+2:], ']')
			if end < 0 {
				return nil, 0
			}
			name, closed := strings.CutSuffix(p[i+2:i+2+end], ":")
			if !closed { // not ":]": the bracket is a plain one
				set['['], prev, ranged = true, '[', true
				break
			}
			if !addClass(&set, name) {
				return nil, 0
			}
			i += 2 + end
			ranged = false
		default:
			if c == '\\' {
				if i++; i >= len(p) {
					return nil, 0
				}
				c = p[i]
			}
			set[c], prev, ranged = true, c, true
		}
		i++
	}
}

func addClass(set *[256]bool, name string) bool {
	between := func(c, low, high byte) bool { return low <= c && c <= high }
	digit := func(c byte) bool { return between(c, '0', '9') }
	alpha := func(c byte) bool { return between(c|0x20, 'a', 'z') }
	classes := map[string]func(c byte) bool{
		"alnum":  func(c byte) bool { return alpha(c) || digit(c) },
		"alpha":  alpha,
		"blank":  func(c byte) bool { return c == ' ' || c == '\t' },
		"cntrl":  func(c byte) bool { return c < 0x20 || c == 0x7f },
		"digit":  digit,
		"graph":  func(c byte) bool { return between(c, 0x21, 0x7e) },
		"lower":  func(c byte) bool { return between(c, 'a', 'z') },
		"print":  func(c byte) bool { return between(c, 0x20, 0x7e) },
		"punct":  func(c byte) bool { return between(c, 0x21, 0x7e) && !alpha(c) && !digit(c) },
		"space":  func(c byte) bool { return c == ' ' || between(c, '\t', '\r') },
		"upper":  func(c byte) bool { return between(c, 'A', 'Z') },
		"xdigit": func(c byte) bool { return digit(c) || between(c|0x20, 'a', 'f') },
	}
	in, ok := classes[name]
	if !ok {
		return false
	}
	for c := range utf8.RuneSelf {
		if in(byte(c)) {
			set[c] = true
		}
	}
	return true
}

// matchTokens runs all ways to match at once, in time proportional to the
// lengths of both: a backtracking matcher takes for ever on "*a*a*a*a*b".
func matchTokens(tokens []token, text string) bool {
	var small [2][64]bool
	now, next := small[0][:], small[1][:]
	if len(tokens) >= len(now) {
		now, next = make([]bool, len(tokens)+1), make([]bool, len(tokens)+1)
	}
	now, next = now[:len(tokens)+1], next[:len(tokens)+1]
	now[0] = true
	for i := 0; ; i++ {
		// What may match nothing lets its successors begin here too.
		for s, t := range tokens {
			if !now[s] {
				continue
			}
			switch t.op {
			case opStar, opAny:
				now[s+1] = true
			case opMaybe2:
				now[s+1], now[s+3] = true, true
			}
		}
		if i == len(text) {
			return now[len(tokens)]
		}
		clear(next)
		c, alive := text[i], false
		for s, t := range tokens {
			if !now[s] {
				continue
			}
			to := s
			switch t.op {
			case opByte:
				if c != t.c {
					continue
				}
				to = s + 1
			case opSet:
				if !t.set[c] {
					continue
				}
				to = s + 1
			case opStar:
				if c == '/' {
					continue
				}
			case opAny:
			case opMaybe2:
				continue
			}
			next[to], alive = true, true
		}
		if !alive {
			return false
		}
		now, next = next, now
	}
}
