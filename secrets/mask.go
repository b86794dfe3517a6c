package secrets

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// masked is what stands in the place of a Secret's value. It has one form for
// all values, so that it says nothing of their length.
const masked = "***"

// MaskNode is a deep copy of a document's node in which every value of a Secret
// is replaced by '***': those of data, stringData and whatever else holds data
// of a Secret, and annotations in which a tool keeps a copy of the object. Items
// of lists are masked, too; keys stay. Comments inside a Secret are dropped, as
// they may hold what the value beside them is. Everything that prints objects
// goes through it.
func MaskNode(n *yaml.Node) *yaml.Node {
	return maskDocument(copyNode(n, 0), "")
}

func maskDocument(n *yaml.Node, inherited string) *yaml.Node {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case yaml.DocumentNode, yaml.SequenceNode:
		for _, c := range n.Content {
			maskDocument(c, inherited)
		}
	case yaml.MappingNode:
		kind := manifest.Text(n, "kind")
		if kind == "" {
			kind = inherited
		}
		if isSecret(n, kind) {
			// Of whatever group: to mask too much is the smaller fault.
			maskSecret(n)
			return n
		}
		item, isList := strings.CutSuffix(kind, "List")
		for i := 0; i+1 < len(n.Content); i += 2 {
			if isList && n.Content[i].Value == "items" {
				maskDocument(n.Content[i+1], item)
			} else {
				maskNested(n.Content[i], n.Content[i+1], strings.Contains(kind, "Secret"))
			}
		}
	}
	return n
}

// isSecret says that a mapping is a Secret, or may be taken for one: of two kinds
// either may count.
func isSecret(n *yaml.Node, kind string) bool {
	if strings.TrimSpace(kind) == "Secret" {
		return true
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "kind" && strings.TrimSpace(n.Content[i+1].Value) == "Secret" {
			return true
		}
	}
	return false
}

// maskNested masks the Secrets that an object of another kind carries, whole or
// as a template. One that only refers to a Secret has no data. template says
// that the object is one of those that Secrets are made of.
func maskNested(key, n *yaml.Node, template bool) {
	switch {
	case key.Value == "stringData", key.Value == "data" && template && n.Kind == yaml.MappingNode:
		if n.Kind != yaml.MappingNode {
			*n = *mask()
			return
		}
		for i := 1; i < len(n.Content); i += 2 {
			n.Content[i] = mask()
		}
	case n.Kind == yaml.SequenceNode:
		for _, c := range n.Content {
			maskNested(n, c, template)
		}
	case n.Kind == yaml.MappingNode:
		template = template || isSecret(n, "")
		for i := 0; i+1 < len(n.Content); i += 2 {
			maskNested(n.Content[i], n.Content[i+1], template)
		}
		if isSecret(n, "") {
			dropComments(n)
			maskAnnotations(manifest.Get(n, "metadata"))
		}
	}
}

func maskSecret(n *yaml.Node) {
	dropComments(n)
	for i := 0; i+1 < len(n.Content); i += 2 {
		v := n.Content[i+1]
		switch n.Content[i].Value {
		case "apiVersion", "kind", "type", "immutable", "$patch":
			if v.Kind != yaml.ScalarNode || n.Content[i].Value == "immutable" && v.Tag != "!!bool" {
				n.Content[i+1] = mask()
			}
		case "sops":
		case "metadata":
			maskAnnotations(v)
		default:
			if v.Kind != yaml.MappingNode {
				n.Content[i+1] = mask()
				continue
			}
			for j := 0; j+1 < len(v.Content); j += 2 {
				if v.Content[j].Kind != yaml.ScalarNode {
					v.Content[j] = mask()
				}
				v.Content[j+1] = mask()
			}
		}
	}
}

func maskAnnotations(metadata *yaml.Node) {
	if metadata == nil || metadata.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(metadata.Content); i += 2 {
		v := metadata.Content[i+1]
		if metadata.Content[i].Value != "annotations" || v.Kind != yaml.MappingNode {
			continue
		}
		for j := 0; j+1 < len(v.Content); j += 2 {
			if isObjectCopy(v.Content[j].Value) {
				v.Content[j+1] = mask()
			}
		}
	}
}

// isObjectCopy says that a tool keeps a copy of the whole object under the
// annotation.
func isObjectCopy(annotation string) bool {
	switch annotation {
	case "kapp.k14s.io/original", "objectset.rio.cattle.io/applied":
		return true
	}
	return strings.Contains(annotation, "last-applied")
}

func mask() *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.SingleQuotedStyle, Value: masked}
}

func dropComments(n *yaml.Node) {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	for _, c := range n.Content {
		dropComments(c)
	}
}

// maxCopyDepth is beyond what manifest.Parse lets through; a node that was not
// parsed there may hold a cycle of aliases.
const maxCopyDepth = 1000

func copyNode(n *yaml.Node, depth int) *yaml.Node {
	if n == nil || depth > maxCopyDepth {
		return mask()
	}
	if n.Kind == yaml.AliasNode {
		// A kept alias would lead back to the node that is not masked.
		return copyNode(n.Alias, depth+1)
	}
	c := *n
	c.Anchor, c.Alias = "", nil
	c.Content = nil
	for _, child := range n.Content {
		c.Content = append(c.Content, copyNode(child, depth+1))
	}
	return &c
}
