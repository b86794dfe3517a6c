package manifest

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Hit is one step of the way from an object's root to a field: the key node
// (nil for a list item) and the value node.
type Hit struct {
	Key, Value *yaml.Node
}

// places are the nodes whose positions may stand for the field, the best first:
// the value if it is a scalar, else the key; the first key of a list item. What
// kustomize merges in keeps the positions of values, not always those of keys.
func (h Hit) places() [2]*yaml.Node {
	v := h.Value
	if h.Key == nil {
		return [2]*yaml.Node{firstKey(v)}
	}
	if v.Kind == yaml.ScalarNode && v.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 && !isNull(v) {
		return [2]*yaml.Node{v, h.Key}
	}
	if v.Kind == yaml.SequenceNode && len(v.Content) > 0 {
		v = v.Content[0]
	}
	return [2]*yaml.Node{h.Key, firstKey(v)}
}

// Lookup follows a path as far as it is written and returns the steps, the
// object's root first. A path element is a field name, an index or a map key.
func Lookup(root *yaml.Node, path *field.Path) []Hit {
	return lookup(root, elementsOf(path))
}

// elementsOf are the elements of a path; none for a nil one.
func elementsOf(path *field.Path) []string {
	if path == nil {
		return nil
	}
	return SplitPath(path.String())
}

func lookup(root *yaml.Node, elements []string) []Hit {
	hits := []Hit{{Value: root}}
	n := root
	for _, element := range elements {
		var h Hit
		switch n.Kind {
		case yaml.MappingNode:
			h.Key, h.Value = entry(n, element)
		case yaml.SequenceNode:
			if i, err := strconv.Atoi(element); err == nil && i >= 0 && i < len(n.Content) {
				h.Value = n.Content[i]
			}
		}
		if h.Value == nil {
			return hits
		}
		hits = append(hits, h)
		n = h.Value
	}
	return hits
}

// SplitPath takes a field path's text apart: `spec.containers[0]` and
// `metadata.annotations[a.b/c]` give {spec containers 0} and
// {metadata annotations a.b/c}.
func SplitPath(path string) []string {
	var elements []string
	for path != "" {
		switch path[0] {
		case '.':
			path = path[1:]
		case '[':
			end := closing(path)
			elements = append(elements, path[1:end])
			path = path[min(end+1, len(path)):]
		default:
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			elements = append(elements, path[:end])
			path = path[end:]
		}
	}
	return elements
}

// JoinPath writes elements as SplitPath takes them apart: an index, or a key that
// holds a separator, in brackets.
func JoinPath(elements []string) string {
	var b strings.Builder
	for i, element := range elements {
		_, err := strconv.Atoi(element)
		switch {
		case err == nil, strings.ContainsAny(element, ".[]"):
			b.WriteString("[" + element + "]")
			continue
		case i > 0:
			b.WriteByte('.')
		}
		b.WriteString(element)
	}
	return b.String()
}

// closing is the index of the bracket that ends a subscript: the first one that
// a separator or the end follows, since a map key may hold brackets itself.
func closing(path string) int {
	for i := 1; i < len(path); i++ {
		if path[i] == ']' && (i+1 == len(path) || path[i+1] == '.' || path[i+1] == '[') {
			return i
		}
	}
	return len(path)
}

// StablePath is the path with the index of a list item replaced by what the
// item is called (`containers[web]`), or by nothing where it has no name, so
// that an item put before it does not change the path.
func (o *Object) StablePath(path *field.Path) string {
	if path == nil {
		return ""
	}
	var b strings.Builder
	n := o.Node
	for i, element := range SplitPath(path.String()) {
		if n != nil && n.Kind == yaml.SequenceNode {
			b.WriteByte('[')
			index, err := strconv.Atoi(element)
			if err != nil || index < 0 || index >= len(n.Content) {
				n = nil
			} else {
				n = n.Content[index]
				b.WriteString(itemName(n))
			}
			b.WriteByte(']')
			continue
		}
		n = Get(n, element)
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(element)
	}
	return b.String()
}

// itemName is the value of the key by which the API merges a list's items,
// after the patchMergeKey tags of k8s.io/api.
func itemName(item *yaml.Node) string {
	for _, key := range [...]string{"name", "mountPath", "devicePath", "containerPort", "ip", "topologyKey", "uid", "type"} {
		if v := scalar(item, key); v != "" {
			return v
		}
	}
	return ""
}
