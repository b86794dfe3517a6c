package report

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// WriteYAML writes a node as a YAML document. What would drive a terminal or
// speak to a CI runner is written with the escapes of YAML, so that whoever
// parses it gets the values as they are. Comments are left out: they are no part
// of an object, and may quote what is secret. The node's comments and styles are
// changed.
func WriteYAML(w *bytes.Buffer, n *yaml.Node) error {
	quote(n)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(n); err != nil {
		return err
	}
	if err := e.Close(); err != nil {
		return err
	}
	// What is left of these stands in double quotes now: the encoder takes most
	// of Unicode for printable.
	text := b.String()
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '#' && isRunnerCommand(text[i:]):
			w.WriteString(`\x23`)
		case r == '\n' || r == '\t' || visible(r):
			w.WriteString(text[i : i+size])
		case r > 0xffff:
			fmt.Fprintf(w, `\U%08X`, r)
		default:
			fmt.Fprintf(w, `\u%04X`, r)
		}
		i += size
	}
	return nil
}

// quote puts the scalars below a node that are not safe to print in double
// quotes, the only style that has escapes.
func quote(n *yaml.Node) {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	// The encoder refuses what is not UTF-8.
	n.Value = strings.ToValidUTF8(n.Value, "\ufffd")
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" && n.Value == "" {
		// In a flow mapping the encoder makes an empty text of it.
		n.Value = "null"
	}
	if n.Style&yaml.FoldedStyle != 0 {
		// The encoder adds line breaks at the end of a folded text.
		n.Style = n.Style&^yaml.FoldedStyle | yaml.LiteralStyle
	}
	if n.Kind == yaml.ScalarNode && !printable(n) {
		n.Style = n.Style&yaml.TaggedStyle | yaml.DoubleQuotedStyle
	}
	for _, c := range n.Content {
		quote(c)
	}
}

// printable says that a scalar can be shown in any style. A block scalar shows
// each line of its value at the start of one, where a CI runner obeys "::"; and
// the encoder writes one that begins with white space wrongly.
func printable(n *yaml.Node) bool {
	for _, line := range strings.Split(n.Value, "\n") {
		if !isSafe(strings.ReplaceAll(line, "\t", "")) || strings.HasPrefix(strings.TrimLeft(line, " \t"), "::") {
			return false
		}
	}
	return strings.TrimLeft(n.Value, " \t\n") == n.Value
}
