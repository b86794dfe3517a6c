package crd

import "go.yaml.in/yaml/v3"

// Compact is a copy of a CustomResourceDefinition's node without the prose of its
// schemas, which is most of it, and without comments: what custom resources are
// checked against is all there.
func Compact(n *yaml.Node) *yaml.Node { return compact(n, outside) }

// part is where in a definition a node stands.
type part int

const (
	outside    part = iota // of the schemas
	schemaNode             // what describes a value
	nameMap                // what holds such descriptions by names that are the user's own
)

func compact(n *yaml.Node, at part) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	c := &yaml.Node{Kind: n.Kind, Style: n.Style, Tag: n.Tag, Value: n.Value}
	if len(n.Content) > 0 {
		c.Content = make([]*yaml.Node, 0, len(n.Content))
	}
	if n.Kind != yaml.MappingNode {
		for _, item := range n.Content {
			c.Content = append(c.Content, compact(item, at))
		}
		return c
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if at == schemaNode && key.Value == "description" && value.Kind == yaml.ScalarNode {
			continue
		}
		c.Content = append(c.Content, compact(key, at), compact(value, below(at, key.Value)))
	}
	return c
}

// below is what stands under a key.
func below(at part, key string) part {
	switch {
	case at == outside && key == "openAPIV3Schema", at == nameMap:
		return schemaNode
	case at == schemaNode && (key == "properties" || key == "patternProperties" || key == "definitions" || key == "dependencies"):
		return nameMap
	case at == schemaNode && (key == "default" || key == "example" || key == "enum"):
		// Values, which mean nothing here.
		return outside
	}
	return at
}
