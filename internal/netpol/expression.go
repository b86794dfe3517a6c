package netpol

import (
	"fmt"
	"strings"
)

// parseExpression reads a selector of Calico's own language, such as
// "app == 'web' && !has(exempt)"; "" takes everything:
// https://docs.tigera.io/calico/latest/reference/resources/networkpolicy#selector.
func parseExpression(text string) (selector, error) {
	p := &expression{rest: text}
	p.space()
	if p.rest == "" {
		return constant(Yes), nil
	}
	s, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.rest != "" {
		return nil, fmt.Errorf("unexpected %q", p.rest)
	}
	return s, nil
}

// maxExpressionDepth is how deep parentheses and negations go: Calico takes
// selectors of at most 1024 characters.
const maxExpressionDepth = 1024

// expression is what is left of a text to parse; it never begins with space.
type expression struct {
	rest  string
	depth int
}

func (p *expression) space() { p.rest = strings.TrimLeft(p.rest, " \t") }

// take takes a text off, if it is there.
func (p *expression) take(text string) bool {
	rest, ok := strings.CutPrefix(p.rest, text)
	if ok {
		p.rest = rest
		p.space()
	}
	return ok
}

// word takes a word off that is an operator.
func (p *expression) word(text string) bool {
	rest, ok := strings.CutPrefix(p.rest, text)
	if !ok || rest != "" && inIdentifier(rest[0]) {
		return false
	}
	p.rest = rest
	p.space()
	return true
}

func (p *expression) or() (selector, error) {
	first, err := p.and()
	if err != nil || !p.take("||") {
		return first, err
	}
	all := anyOf{first}
	for {
		next, err := p.and()
		if err != nil {
			return nil, err
		}
		all = append(all, next)
		if !p.take("||") {
			return all, nil
		}
	}
}

func (p *expression) and() (selector, error) {
	first, err := p.operation()
	if err != nil || !p.take("&&") {
		return first, err
	}
	all := allOf{first}
	for {
		next, err := p.operation()
		if err != nil {
			return nil, err
		}
		all = append(all, next)
		if !p.take("&&") {
			return all, nil
		}
	}
}

func (p *expression) operation() (selector, error) {
	negated := false
	for p.take("!") {
		negated = !negated
	}
	s, err := p.term()
	if err != nil || !negated {
		return s, err
	}
	return not{s}, nil
}

func (p *expression) term() (selector, error) {
	switch {
	case p.take("("):
		if p.depth++; p.depth > maxExpressionDepth {
			return nil, fmt.Errorf("more than %d parentheses", maxExpressionDepth)
		}
		s, err := p.or()
		if err != nil {
			return nil, err
		}
		p.depth--
		return s, p.expect(")")
	case p.take("all("):
		return constant(Yes), p.expect(")")
	case p.take("global("):
		// What has no namespace: no pod.
		return constant(No), p.expect(")")
	case p.take("has("):
		key, err := p.identifier()
		if err != nil {
			return nil, err
		}
		return hasKey{key}, p.expect(")")
	}
	key, err := p.identifier()
	if err != nil {
		return nil, err
	}
	return p.comparison(key)
}

func (p *expression) comparison(key string) (selector, error) {
	part := func(in func(value, part string) bool) (selector, error) {
		text, err := p.literal()
		return like{key, text, in}, err
	}
	switch {
	case p.take("=="):
		text, err := p.literal()
		return isIn{key, []string{text}}, err
	case p.take("!="):
		text, err := p.literal()
		return not{isIn{key, []string{text}}}, err
	case p.word("contains"):
		return part(strings.Contains)
	case p.words("starts", "with"):
		return part(strings.HasPrefix)
	case p.words("ends", "with"):
		return part(strings.HasSuffix)
	case p.words("not", "in"):
		values, err := p.set()
		return not{isIn{key, values}}, err
	case p.word("in"):
		values, err := p.set()
		return isIn{key, values}, err
	}
	return nil, fmt.Errorf("expected an operator after label %q", key)
}

// words takes two words off, which may be written as one.
func (p *expression) words(first, second string) bool {
	before := p.rest
	if p.take(first) && p.word(second) {
		return true
	}
	p.rest = before
	return false
}

func (p *expression) set() ([]string, error) {
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	var values []string
	for strings.HasPrefix(p.rest, "'") || strings.HasPrefix(p.rest, `"`) {
		text, err := p.literal()
		if err != nil {
			return nil, err
		}
		values = append(values, text)
		if !p.take(",") {
			break
		}
	}
	return values, p.expect("}")
}

func (p *expression) literal() (string, error) {
	if p.rest == "" || p.rest[0] != '\'' && p.rest[0] != '"' {
		return "", fmt.Errorf("expected a string before %q", p.rest)
	}
	text, rest, ok := strings.Cut(p.rest[1:], p.rest[:1])
	if !ok {
		return "", fmt.Errorf("unterminated string %s", p.rest)
	}
	p.rest = rest
	p.space()
	return text, nil
}

func (p *expression) identifier() (string, error) {
	end := 0
	for end < len(p.rest) && inIdentifier(p.rest[end]) {
		end++
	}
	if end == 0 {
		return "", fmt.Errorf("expected a label before %q", p.rest)
	}
	name := p.rest[:end]
	p.rest = p.rest[end:]
	p.space()
	return name, nil
}

func (p *expression) expect(text string) error {
	if !p.take(text) {
		return fmt.Errorf("expected %q before %q", text, p.rest)
	}
	return nil
}

func inIdentifier(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_./-", c) >= 0
}
