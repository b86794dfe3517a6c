package render

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// edit changes a kustomization file. It does so in its text, so that the lines
// of what is left stay as they are, and where the text does not then say what it
// should, by writing the file anew.
type edit struct {
	data   []byte
	root   *yaml.Node // what is in the file
	limits manifest.Limits

	replaced map[*yaml.Node]string
	removed  map[*yaml.Node]bool // keys, values or items
}

// replace puts another text in a scalar's place.
func (e *edit) replace(n *yaml.Node, text string) {
	if e.replaced == nil {
		e.replaced = map[*yaml.Node]string{}
	}
	e.replaced[n] = text
}

// move is replace if the text is another one.
func (e *edit) move(n *yaml.Node, text string) {
	if n.Value != text {
		e.replace(n, text)
	}
}

// remove takes an entry of a mapping, by its key or value, or an item of a list
// out.
func (e *edit) remove(n *yaml.Node) {
	if e.removed == nil {
		e.removed = map[*yaml.Node]bool{}
	}
	e.removed[n] = true
}

// bytes gives the changed file.
func (e *edit) bytes() []byte {
	if len(e.replaced)+len(e.removed) == 0 {
		return e.data
	}
	text := e.text()
	e.apply()
	if docs, problems := e.limits.Parse(text); len(problems) == 0 && len(docs) == 1 && equalNodes(docs[0], e.root) {
		return text
	}
	if text, err := yaml.Marshal(e.root); err == nil {
		return text
	}
	// Not reached with a tree that was parsed; and nothing refers to anything.
	return []byte("metadata:\n  name: scantling\n")
}

// apply makes the changes in the tree.
func (e *edit) apply() {
	e.prune(e.root)
	if manifest.Get(e.root, "metadata") == nil {
		e.root.Content = append(e.root.Content, stringNode("metadata"), &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{stringNode("name"), stringNode("scantling")}})
	}
	for n, text := range e.replaced {
		*n = *stringNode(text)
	}
}

// prune takes what is removed out of a tree.
func (e *edit) prune(n *yaml.Node) {
	var content []*yaml.Node
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if key, value := n.Content[i], n.Content[i+1]; !e.removed[key] && !e.removed[value] {
				content = append(content, key, value)
			}
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			if !e.removed[item] {
				content = append(content, item)
			}
		}
	default:
		return
	}
	n.Content = content
	for _, c := range n.Content {
		e.prune(c)
	}
}

func stringNode(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
}

// text makes the changes in the text, the last first so that the places of the
// others stay. A scalar stands on one line, or it is a block scalar, whose other
// lines are emptied.
func (e *edit) text() []byte {
	lines := bytes.SplitAfter(e.data, []byte("\n"))
	nodes := make([]*yaml.Node, 0, len(e.replaced))
	for n := range e.replaced {
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, func(a, b *yaml.Node) int {
		return cmp.Or(cmp.Compare(b.Line, a.Line), cmp.Compare(b.Column, a.Column))
	})
	for _, n := range nodes {
		if n.Line < 1 || n.Line > len(lines) {
			continue
		}
		line := []rune(string(lines[n.Line-1]))
		start := min(n.Column-1, len(line))
		if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			lines[n.Line-1] = []byte(string(line[:start]) + e.replaced[n] + "\n")
			if n.Style&yaml.LiteralStyle != 0 {
				end := n.Line + strings.Count(strings.TrimSuffix(n.Value, "\n"), "\n") + 1
				for i := n.Line; i < min(end, len(lines)); i++ {
					lines[i] = []byte("\n")
				}
				continue
			}
			for i := n.Line; i < len(lines); i++ {
				content := bytes.TrimLeft(lines[i], " ")
				if len(bytes.TrimSpace(content)) > 0 && len(lines[i])-len(content) < start {
					break
				}
				lines[i] = []byte("\n")
			}
			continue
		}
		width := len([]rune(n.Value))
		if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
			width += 2
		}
		end := min(start+width, len(line))
		lines[n.Line-1] = []byte(string(line[:start]) + e.replaced[n] + string(line[end:]))
	}
	for i := 0; i+1 < len(e.root.Content); i += 2 {
		from, to := e.root.Content[i].Line, len(lines)+1
		if i+2 < len(e.root.Content) {
			to = e.root.Content[i+2].Line
		}
		if !e.removed[e.root.Content[i]] || from < 1 {
			continue
		}
		for l := from; l < to && l <= len(lines); l++ {
			lines[l-1] = []byte("\n")
		}
	}
	text := bytes.Join(lines, nil)
	if manifest.Get(e.root, "metadata") == nil {
		// kustomize refuses an empty kustomization; a name changes nothing else.
		text = append(text, "\nmetadata:\n  name: scantling\n"...)
	}
	return text
}

// equalNodes says that two trees hold the same values.
func equalNodes(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.Value == b.Value && a.ShortTag() == b.ShortTag() &&
		slices.EqualFunc(a.Content, b.Content, equalNodes)
}
