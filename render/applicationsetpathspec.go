package render

import (
	"fmt"
	"path"
	"strings"
)

// pathspec is a pattern of `git ls-files`, with which Argo CD finds files unless
// it is told otherwise: its stars match slashes, too, and a folder stands for
// what is in it.
type pathspec struct {
	pattern string
	// dir is the folder that all matches are in.
	dir string
}

func newPathspec(pattern string) (pathspec, error) {
	if strings.HasPrefix(pattern, ":") {
		return pathspec{}, fmt.Errorf("the pattern %q of a git generator begins with a colon, which scantling doesn't know", pattern)
	}
	clean := path.Clean(pattern)
	if path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
		return pathspec{}, fmt.Errorf("the pattern %q of a git generator leads out of the repository", pattern)
	}
	if strings.HasSuffix(pattern, "/") && clean != "." {
		clean += "/"
	}
	plain := clean
	if i := strings.IndexAny(clean, `*?[\`); i >= 0 {
		plain = clean[:i]
	}
	return pathspec{clean, path.Dir(plain)}, nil
}

func (p pathspec) matches(name string) bool {
	if p.pattern == "." || p.pattern == name {
		return true
	}
	if rest, ok := strings.CutPrefix(name, p.pattern); ok && (strings.HasSuffix(p.pattern, "/") || rest[0] == '/') {
		return true
	}
	return wildmatch(p.pattern, name)
}

// wildmatch matches a text with a pattern whose star stands for any text.
func wildmatch(pattern, text string) bool {
	// Where to go on after the last star, with one more character for it.
	retry, retryText := -1, 0
	p, t := 0, 0
	for {
		if p < len(pattern) && pattern[p] == '*' {
			p++
			retry, retryText = p, t
			continue
		}
		if t == len(text) {
			return p == len(pattern)
		}
		if p < len(pattern) {
			if width, ok := wildOne(pattern[p:], text[t]); ok {
				p, t = p+width, t+1
				continue
			}
		}
		if retry < 0 {
			return false
		}
		retryText++
		p, t = retry, retryText
	}
}

// wildOne matches one character with the beginning of a pattern, and says how
// much of the pattern that is.
func wildOne(pattern string, c byte) (width int, ok bool) {
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		return wildClass(pattern, c)
	case '\\':
		return 2, len(pattern) > 1 && pattern[1] == c
	}
	return 1, pattern[0] == c
}

// wildClass matches a character with a class in brackets. One that is not closed
// matches nothing.
func wildClass(pattern string, c byte) (width int, ok bool) {
	i := 1
	negated := i < len(pattern) && (pattern[i] == '!' || pattern[i] == '^')
	if negated {
		i++
	}
	matched := false
	for first := true; ; first = false {
		switch {
		case i >= len(pattern):
			return 0, false
		case pattern[i] == ']' && !first:
			return i + 1, matched != negated
		case strings.HasPrefix(pattern[i:], "[:"):
			name, _, closed := strings.Cut(pattern[i+2:], ":]")
			if !closed || wildNamed[name] == nil {
				return 0, false
			}
			matched = matched || wildNamed[name](c)
			i += len(name) + 4
			continue
		}
		if pattern[i] == '\\' && i+1 < len(pattern) {
			i++
		}
		low := pattern[i]
		high := low
		i++
		if i+1 < len(pattern) && pattern[i] == '-' && pattern[i+1] != ']' {
			if i++; pattern[i] == '\\' && i+1 < len(pattern) {
				i++
			}
			high = pattern[i]
			i++
		}
		matched = matched || low <= c && c <= high
	}
}

// wildNamed are the classes that have names, of ASCII.
var wildNamed = map[string]func(c byte) bool{
	"alnum":  func(c byte) bool { return isLetter(c) || isDigit(c) },
	"alpha":  isLetter,
	"blank":  func(c byte) bool { return c == ' ' || c == '\t' },
	"cntrl":  func(c byte) bool { return c < ' ' || c == 0x7f },
	"digit":  isDigit,
	"graph":  func(c byte) bool { return c > ' ' && c < 0x7f },
	"lower":  func(c byte) bool { return c >= 'a' && c <= 'z' },
	"print":  func(c byte) bool { return c >= ' ' && c < 0x7f },
	"punct":  func(c byte) bool { return c > ' ' && c < 0x7f && !isLetter(c) && !isDigit(c) },
	"space":  func(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' },
	"upper":  func(c byte) bool { return c >= 'A' && c <= 'Z' },
	"xdigit": func(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' },
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
