package secrets

import (
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// step is one element of the way to a node: a key, or an index with no key.
type step struct {
	key   string
	index int
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

func (w *walker) node(n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			w.steps = append(w.steps, step{key: n.Content[i].Value, index: -1})
			w.node(n.Content[i+1])
			w.steps = w.steps[:len(w.steps)-1]
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			w.steps = append(w.steps, step{index: i})
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
		case i == 0:
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
