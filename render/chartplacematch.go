package render

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// accounts says how a value accounts for a text, and where it stands in it.
func accounts(n *yaml.Node, shown string) (grade, int) {
	value := strings.TrimSpace(n.Value)
	if shown = strings.Trim(strings.TrimSpace(shown), `"'`); sameScalar(n, value, shown) {
		return wholeMatch, 0
	}
	if value == "" {
		return noMatch, 0
	}
	text := strings.TrimSpace(decoded(shown))
	if text == value && len(value) > 2 || fills(value, text) {
		return wholeMatch, 0
	}
	i := strings.LastIndex(shown, value)
	if i < 0 || !boundary(shown[:i], value, true) || !boundary(shown[i+len(value):], value, false) {
		return noMatch, 0
	}
	return partMatch, i
}

// sameScalar says that a value, as it is written, is printed as a text.
func sameScalar(n *yaml.Node, value, shown string) bool {
	if value == shown {
		return true
	}
	switch n.ShortTag() {
	case "!!str":
		return strings.EqualFold(value, shown)
	case "!!int", "!!float", "!!bool":
		var a, b any
		other := yaml.Node{Kind: yaml.ScalarNode, Value: shown}
		if n.Decode(&a) != nil || other.Decode(&b) != nil {
			return false
		}
		return equalNumbers(a, b)
	}
	return false
}

func equalNumbers(a, b any) bool {
	number := func(v any) (float64, bool) {
		switch v := v.(type) {
		case int:
			return float64(v), true
		case int64:
			return float64(v), true
		case float64:
			return v, true
		}
		return 0, false
	}
	x, okX := number(a)
	y, okY := number(b)
	if okX && okY {
		return x == y
	}
	return a == b
}

// boundary says that a value does not go on as the same word in the text beside it.
func boundary(beside, value string, before bool) bool {
	if beside == "" {
		return true
	}
	word := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	near, edge := []rune(beside), []rune(value)
	if before {
		return !word(near[len(near)-1]) || !word(edge[0])
	}
	return !word(near[0]) || !word(edge[len(edge)-1])
}

// decoded is what a text says that may be in base64.
func decoded(text string) string {
	if data, err := base64.StdEncoding.DecodeString(text); err == nil && len(data) > 2 {
		return string(data)
	}
	return text
}

// minFilled is how many characters of a value that is a template of its own must
// stand in what it gave.
const minFilled = 8

// fills says that a text is what a value of several lines gave that is a template
// of its own: what stands in the value outside of its branches stands there, in
// this order. Of one line, what matters may be another value that it takes in.
func fills(value, text string) bool {
	if !strings.Contains(value, "{{") || !strings.Contains(value, "\n") {
		return false
	}
	text = withoutSpace(text)
	depth, count, first := 0, 0, true
	for rest := value; rest != ""; {
		literal, behind, opens := strings.Cut(rest, "{{")
		action := ""
		if opens {
			action, behind = cutAction(behind)
		}
		if raw := strings.Trim(action, "- "); len(raw) > 1 && raw[0] == '`' && raw[len(raw)-1] == '`' {
			literal += raw[1 : len(raw)-1]
		}
		if literal = withoutSpace(literal); depth == 0 && literal != "" {
			i := strings.Index(text, literal)
			if i < 0 || first && i > 0 || !opens && !strings.HasSuffix(text, literal) {
				return false
			}
			text = text[i+len(literal):]
			count += len(literal)
		}
		first = false
		switch word := strings.Fields(strings.TrimLeft(action, "- ") + " ."); word[0] {
		case "if", "with", "range", "define", "block":
			depth++
		case "end":
			depth--
		}
		rest = behind
	}
	return count >= minFilled
}

// cutAction divides a template behind the start of an action into that and what
// is behind it.
func cutAction(text string) (action, behind string) {
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0 && c == '\\' && quote != '`':
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '"' || c == '`':
			quote = c
		case strings.HasPrefix(text[i:], "}}"):
			return text[:i], text[i+2:]
		}
	}
	return text, ""
}

func withoutSpace(text string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) {
			return -1
		}
		return c
	}, text)
}

// holds says whether a text is a mapping or a list of the values, as YAML.
func (f *finder) holds(view *valuesView, s setting, text string) grade {
	text = decoded(strings.TrimSpace(text))
	if len(s.node.Content) == 0 || !strings.ContainsAny(text, ":-[{") {
		return noMatch
	}
	docs, problems := f.c.limits().Parse([]byte(text))
	if len(docs) != 1 || len(problems) > 0 || !view.printsAs(s.path(), docs[0]) {
		return noMatch
	}
	return wholeMatch
}

// path is where the setting is among the values of the release.
func (s setting) path() []string {
	if len(s.keys) > 0 && s.keys[0] == "global" {
		return s.keys
	}
	return slices.Concat(s.source.scope, s.keys)
}

// printsAs says that a value, with what all sources say of it, is what was
// printed.
func (v *valuesView) printsAs(path []string, printed *yaml.Node) bool {
	s, ok := v.lookup(path)
	if !ok || s.node.Kind != printed.Kind {
		return false
	}
	if s.node.Kind == yaml.ScalarNode {
		// Whatever a template in it gave.
		return strings.Contains(s.node.Value, "{{") || sameScalar(s.node, strings.TrimSpace(s.node.Value), strings.TrimSpace(printed.Value))
	}
	items := v.items(path)
	for i, item := range items {
		var below *yaml.Node
		if printed.Kind == yaml.MappingNode {
			_, below = child(printed, item)
		} else if i < len(printed.Content) {
			below = printed.Content[i]
		}
		if below == nil || !v.printsAs(append(slices.Clip(path), item), below) {
			return false
		}
	}
	if printed.Kind == yaml.MappingNode {
		return len(printed.Content) == 2*len(items)
	}
	return len(printed.Content) == len(items)
}
