package reliability

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// valueAt is what is written at a path of an object.
func valueAt(o *manifest.Object, path *field.Path) manifest.Value {
	v := manifest.Value{Path: path}
	hits := manifest.Lookup(o.Node, path)
	if len(hits) == 1+len(manifest.SplitPath(path.String())) {
		v.Node = hits[len(hits)-1].Value
	}
	return v
}

// settled says that nothing in a value is filled in later.
func settled(v manifest.Value) bool { return v.Node == nil || settledNode(v.Node) }

func settledNode(n *yaml.Node) bool {
	if n.Kind == yaml.ScalarNode {
		return manifest.Known(n.Value)
	}
	for _, below := range n.Content {
		if !settledNode(below) {
			return false
		}
	}
	return true
}

// readable says that a quantity was written as one: what is filled in later, or
// is no quantity, is the zero value. A written 0 is not, it keeps its text.
func readable(q resource.Quantity) bool { return q != (resource.Quantity{}) }
