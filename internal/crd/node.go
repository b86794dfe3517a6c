package crd

import (
	"regexp"
	"strconv"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// node is one level of a schema. What is below it is read when something is held
// against it: most of a large schema never is.
type node struct {
	// kind is the type: object, array, string, integer, number or boolean; empty
	// for any.
	kind                  string
	nullable, intOrString bool
	// preserve keeps fields that the schema does not know; embedded says that the
	// value is an object with apiVersion, kind and metadata of its own.
	preserve, embedded bool

	properties map[string]*property
	// open takes fields of any name; values is what they must be, if that is said.
	open   bool
	values func() *node
	items  func() *node

	required []string
	enum     []any

	allOf, anyOf, oneOf []func() *node
	not                 func() *node

	// limits are minimum, maxLength and the like.
	limits                             map[string]float64
	exclusiveMinimum, exclusiveMaximum bool
	pattern                            func() *regexp.Regexp // nil for none
	format                             string
	unique                             bool
	// set and keys say that the items of a list differ: as a whole, or in these
	// fields.
	set  bool
	keys []string
}

// property is a field that a schema knows.
type property struct {
	node func() *node
	// filled says that the API server fills it in when it is missing.
	filled bool
}

var limitNames = [...]string{"minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"}

// maxPattern is how long a pattern may be: to compile a longer one takes memory
// that grows with what is repeated in it.
const maxPattern = 4 << 10

func lazily(v manifest.Value) func() *node {
	if v.Node == nil || v.Node.Kind != yaml.MappingNode {
		return nil
	}
	return sync.OnceValue(func() *node { return newNode(v.Node) })
}

func each(v manifest.Value) []func() *node {
	var all []func() *node
	for _, item := range v.Items() {
		if n := lazily(item); n != nil {
			all = append(all, n)
		}
	}
	return all
}

func newNode(raw *yaml.Node) *node {
	v := manifest.Value{Node: raw}
	n := &node{
		kind:        v.Get("type").Text(),
		nullable:    v.Get("nullable").True(),
		intOrString: v.Get("x-kubernetes-int-or-string").True(),
		preserve:    v.Get("x-kubernetes-preserve-unknown-fields").True(),
		embedded:    v.Get("x-kubernetes-embedded-resource").True(),
		items:       lazily(v.Get("items")),
		required:    v.Get("required").Texts(),
		allOf:       each(v.Get("allOf")),
		anyOf:       each(v.Get("anyOf")),
		oneOf:       each(v.Get("oneOf")),
		not:         lazily(v.Get("not")),
		format:      v.Get("format").Text(),
		unique:      v.Get("uniqueItems").True(),
		set:         v.Get("x-kubernetes-list-type").Text() == "set",
	}
	if v.Get("x-kubernetes-list-type").Text() == "map" {
		n.keys = v.Get("x-kubernetes-list-map-keys").Texts()
	}
	n.exclusiveMinimum, n.exclusiveMaximum = v.Get("exclusiveMinimum").True(), v.Get("exclusiveMaximum").True()
	more := v.Get("additionalProperties")
	n.values = lazily(more)
	n.open = n.values != nil || more.True()
	for name, p := range v.Get("properties").Entries() {
		if n.properties == nil {
			n.properties = map[string]*property{}
		}
		n.properties[name] = &property{node: lazily(p), filled: p.Get("default").Written()}
	}
	for _, item := range v.Get("enum").Items() {
		n.enum = append(n.enum, item.Scalar())
	}
	for _, name := range limitNames {
		if limit, err := strconv.ParseFloat(v.Get(name).Text(), 64); err == nil {
			if n.limits == nil {
				n.limits = map[string]float64{}
			}
			n.limits[name] = limit
		}
	}
	if text := v.Get("pattern").Text(); text != "" && len(text) <= maxPattern {
		n.pattern = sync.OnceValue(func() *regexp.Regexp {
			// A pattern that is none is a fault of the definition.
			compiled, err := regexp.Compile(text)
			if err != nil {
				return nil
			}
			return compiled
		})
	}
	return n
}
