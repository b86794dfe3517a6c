package secrets

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// step is one element of the way to a node: a key, or an index with no key, and
// the collection that it is in.
type step struct {
	key   string
	index int
	in    *yaml.Node
}

// walker is where a walk stands. Paths are built only for what is reported.
type walker struct {
	steps []step
	visit func(*walker, *yaml.Node)
}

// walk visits every scalar value of a mapping node. Parse bounds the depth.
func walk(n *yaml.Node, visit func(*walker, *yaml.Node)) {
	if n.Kind == yaml.MappingNode {
		(&walker{visit: visit}).node(n)
	}
}

// walkFrom is walk for the node that keys lead to, with the way there before every
// path. There may be none.
func walkFrom(n *yaml.Node, keys []string, visit func(*walker, *yaml.Node)) {
	w := &walker{visit: visit}
	for _, key := range keys {
		var below *yaml.Node
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				below = n.Content[i+1]
			}
		}
		if below == nil {
			return
		}
		w.steps = append(w.steps, step{key: key, index: -1, in: n})
		n = below
	}
	w.node(n)
}

func (w *walker) node(n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			w.steps = append(w.steps, step{n.Content[i].Value, -1, n})
			w.node(n.Content[i+1])
			w.steps = w.steps[:len(w.steps)-1]
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			w.steps = append(w.steps, step{"", i, n})
			w.node(c)
			w.steps = w.steps[:len(w.steps)-1]
		}
	case yaml.ScalarNode:
		w.visit(w, n)
	}
}

// keys are the keys of the way, which is what SOPS's selectors look at.
func (w *walker) keys() []string {
	var keys []string
	for _, s := range w.steps {
		if s.index < 0 {
			keys = append(keys, s.key)
		}
	}
	return keys
}

// name is the last key of the way.
func (w *walker) name() string {
	for i := len(w.steps) - 1; i >= 0; i-- {
		if w.steps[i].index < 0 {
			return w.steps[i].key
		}
	}
	return ""
}

// path is the way as a field path. Keys that are no field names are written as
// map keys.
func (w *walker) path() *field.Path {
	var p *field.Path
	for i, s := range w.steps {
		switch {
		case i == 0 && s.index < 0:
			p = field.NewPath(s.key)
		case s.index >= 0:
			p = p.Index(s.index)
		case s.key == "" || strings.ContainsAny(s.key, ".[]/") || isDataMap(w.steps[:i]):
			p = p.Key(s.key)
		default:
			p = p.Child(s.key)
		}
	}
	return p
}

// stable is the way without indexes, an item called by its name where it has one:
// "env[DB_PASSWORD].value".
func (w *walker) stable() string {
	var b strings.Builder
	for i, s := range w.steps {
		if s.index < 0 {
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.key)
			continue
		}
		b.WriteByte('[')
		if i+1 < len(w.steps) {
			b.WriteString(manifest.Text(w.steps[i+1].in, "name"))
		}
		b.WriteByte(']')
	}
	return b.String()
}

// isDataMap says that the way leads to a map whose keys people choose.
func isDataMap(steps []step) bool {
	if len(steps) != 1 {
		return false
	}
	switch steps[0].key {
	case "data", "stringData", "binaryData":
		return true
	}
	return false
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }
