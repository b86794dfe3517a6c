package render

import (
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// directivesKind is who wrote a setting.
type directivesKind int

const (
	ofKustomization directivesKind = iota
	ofFlux                         // the spec of a Flux Kustomization
	ofApplication                  // the kustomize options of an Application
	ofPlugin                       // the configuration of one plugin, in a file of its own
)

// directives are YAML that says what kustomize does.
type directives struct {
	kind directivesKind
	root *yaml.Node
	// file is what the root was read from; where, if it is a part of a GitOps
	// object, finds a field below the root.
	file  string
	where func(keys []string) (manifest.Origin, bool)
}

// spot is a node of a setting.
type spot struct {
	*directives
	path       []string
	key, value *yaml.Node
}

func (s *directives) spot() spot { return spot{directives: s, value: s.root} }

// get follows keys and indexes down from a spot.
func (s spot) get(keys ...string) (spot, bool) {
	for _, key := range keys {
		next := spot{directives: s.directives, path: append(s.path[:len(s.path):len(s.path)], key)}
		switch s.value.Kind {
		case yaml.MappingNode:
			for i := len(s.value.Content) - 2; i >= 0 && next.value == nil; i -= 2 {
				if s.value.Content[i].Value == key {
					next.key, next.value = s.value.Content[i], s.value.Content[i+1]
				}
			}
		case yaml.SequenceNode:
			if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(s.value.Content) {
				next.value = s.value.Content[i]
			}
		}
		if next.value == nil {
			return spot{}, false
		}
		s = next
	}
	return s, true
}

// items are the entries of the list at some keys.
func (s spot) items(keys ...string) []spot {
	list, ok := s.get(keys...)
	if !ok {
		return nil
	}
	var all []spot
	for i := range items(list.value) {
		if item, ok := list.get(strconv.Itoa(i)); ok {
			all = append(all, item)
		}
	}
	return all
}

// str is the text of the scalar at some keys.
func (s spot) str(keys ...string) string {
	if at, ok := s.get(keys...); ok && at.value.Kind == yaml.ScalarNode {
		return at.value.Value
	}
	return ""
}

// origin is where the spot is written: a scalar's text, else the key.
func (s spot) origin() (manifest.Origin, bool) {
	if s.where != nil {
		return s.where(s.path)
	}
	n := s.value
	switch {
	case s.key != nil && (n.Kind != yaml.ScalarNode || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0):
		n = s.key
	case n.Kind == yaml.MappingNode && len(n.Content) > 0:
		n = n.Content[0]
	}
	return manifest.Origin{Span: position(s.file, n), Exact: true}, n.Line > 0
}

// near is the origin as the nearest place that is known.
func (s spot) near() (manifest.Origin, bool) {
	at, ok := s.origin()
	at.Exact = false
	return at, ok
}

// fold is the value of a key in a mapping, however its letters are written:
// kustomize writes what it configures plugins with by the names of Go fields.
func fold(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		var next *yaml.Node
		if n != nil && n.Kind == yaml.MappingNode {
			for i := 0; i+1 < len(n.Content); i += 2 {
				if strings.EqualFold(n.Content[i].Value, key) {
					next = n.Content[i+1]
				}
			}
		}
		n = next
	}
	return n
}

// foldText is the text of a scalar as fold finds it.
func foldText(n *yaml.Node, keys ...string) string {
	if v := fold(n, keys...); v != nil && v.Kind == yaml.ScalarNode && v.ShortTag() != "!!null" {
		return v.Value
	}
	return ""
}

// objectField finds the fields of an object below some field of it. What leads
// from the object to the cluster is left to the one who asks.
func objectField(o *manifest.Object, below ...string) func(keys []string) (manifest.Origin, bool) {
	return func(keys []string) (manifest.Origin, bool) {
		at := o.At(elementPath(append(below[:len(below):len(below)], keys...)))
		if n := len(at.Via) - len(o.Origin.Via); n >= 0 {
			at.Via = at.Via[:n:n]
		}
		return at, at.Missing == "" && at.File != ""
	}
}

// elementPath is the path of a field by the elements that lead to it.
func elementPath(elements []string) *field.Path {
	var p *field.Path
	for _, element := range elements {
		_, err := strconv.Atoi(element)
		switch {
		case p == nil:
			p = field.NewPath(element)
		case err == nil, strings.ContainsAny(element, ".[]"):
			p = p.Key(element)
		default:
			p = p.Child(element)
		}
	}
	return p
}
