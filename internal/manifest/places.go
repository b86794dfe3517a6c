package manifest

import (
	"iter"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Places are the origins of all fields of the object and of all items of its
// lists, by their paths, in the order in which they stand in it.
func (o *Object) Places() iter.Seq2[[]string, Origin] {
	return func(yield func([]string, Origin) bool) {
		Walk(o.Node, func(path []string, hits []Hit) bool { return yield(path, o.origin(hits, path, false)) })
	}
}

// Walk calls f for all fields below a node and all items of lists, until it
// returns false: with the path of each, and the steps that lead there, the node
// itself first. Both are f's only until it returns.
func Walk(n *yaml.Node, f func(path []string, hits []Hit) bool) {
	walk(nil, []Hit{{Value: n}}, f)
}

func walk(path []string, hits []Hit, f func([]string, []Hit) bool) bool {
	visit := func(element string, h Hit) bool {
		below, steps := append(path, element), append(hits, h)
		return f(slices.Clip(below), slices.Clip(steps)) && walk(below, steps, f)
	}
	switch n := hits[len(hits)-1].Value; n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !visit(n.Content[i].Value, Hit{n.Content[i], n.Content[i+1]}) {
				return false
			}
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			if !visit(strconv.Itoa(i), Hit{Value: item}) {
				return false
			}
		}
	}
	return true
}
