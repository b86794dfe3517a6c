package manifest

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Place is where a field of an object is written, as it was found once.
type Place struct {
	// Path are the elements that lead to the field.
	Path []string
	// Rough says that the place may be near only: it was asked for by Near.
	Rough  bool
	Origin Origin
}

// memory are the places that an object was asked for.
type memory struct {
	mu     sync.Mutex
	places map[string]Place
	// whole gives the object that was rendered, of which this one is what was kept
	// of it; nil for that one itself.
	whole func() *Object
}

// Remember makes the object note the places that it is asked for, so that they
// need not be found again when the object is restored.
func (o *Object) Remember() {
	if o.memory == nil {
		o.memory = &memory{places: map[string]Place{}}
	}
}

// Remembered are the places that the object was asked for since Remember, in no
// order.
func (o *Object) Remembered() []Place {
	if o.memory == nil {
		return nil
	}
	o.memory.mu.Lock()
	defer o.memory.mu.Unlock()
	list := make([]Place, 0, len(o.memory.places))
	for _, p := range o.memory.places {
		list = append(list, p)
	}
	return list
}

// Restore makes an object of what was kept of one. Its places are those
// that Know is told; what else is asked for is asked of the object that whole
// gives, which has to be rendered again for it. whole may give nil: then only Origin is known.
func Restore(gvk schema.GroupVersionKind, namespace, name string, node *yaml.Node, origin Origin, whole func() *Object) *Object {
	o := &Object{GVK: gvk, Namespace: namespace, Name: name, Node: node, Origin: origin}
	o.memory = &memory{places: map[string]Place{}, whole: whole}
	return o
}

// Know tells a restored object places that were found before.
func (o *Object) Know(places []Place) {
	o.memory.mu.Lock()
	defer o.memory.mu.Unlock()
	for _, p := range places {
		o.memory.places[placeKey(p.Path, p.Rough)] = p
	}
}

// Whole is the object that was rendered, of which this one is what was kept; nil if
// it can't be had. It is rendered again for it.
func (o *Object) Whole() *Object {
	if !o.Restored() {
		return o
	}
	return o.memory.whole()
}

// Compare orders places by their paths.
func (p Place) Compare(q Place) int {
	if c := slices.Compare(p.Path, q.Path); c != 0 || p.Rough == q.Rough {
		return c
	}
	if p.Rough {
		return 1
	}
	return -1
}

// Restored says that the object was made by Restore.
func (o *Object) Restored() bool { return o.memory != nil && o.memory.whole != nil }

func placeKey(elements []string, rough bool) string {
	mark := "="
	if rough {
		mark = "~"
	}
	return mark + strings.Join(elements, "\x00")
}

// recall is the place of a field if it was found before.
func (m *memory) recall(elements []string, rough bool) (Origin, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.places[placeKey(elements, rough)]
	return p.Origin, ok
}

// note keeps a place. What is rough is the same at all times; what is exact may
// become better when the templates are traced, so the last one holds.
func (m *memory) note(elements []string, rough bool, at Origin) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.places[placeKey(elements, rough)] = Place{slices.Clone(elements), rough, at}
}

// Files are the files that the object's fields are written in, and those of the way
// from there to the cluster, sorted. It is Places at less cost.
func (o *Object) Files() []string {
	seen, asked := map[string]bool{o.Origin.File: true}, false
	Walk(o.Node, func(path []string, hits []Hit) bool {
		if n := hits[len(hits)-1].Value; n.Kind != yaml.ScalarNode {
			return true
		}
		if at := o.find(hits, path, true); !seen[at.File] || at.File == o.Origin.File && !asked {
			asked = asked || at.File == o.Origin.File
			seen[at.File] = true
			// The way from a file is the same for all that it holds.
			for _, step := range o.find(hits, path, false).Via {
				seen[step.File] = true
			}
		}
		return true
	})
	delete(seen, "")
	return slices.Sorted(maps.Keys(seen))
}

// Knows says that the place of a field of a restored object was found before: to
// ask for it costs nothing.
func (o *Object) Knows(path *field.Path) bool {
	if !o.Restored() {
		return false
	}
	_, ok := o.memory.recall(elementsOf(path), false)
	return ok
}
