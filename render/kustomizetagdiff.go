package render

import (
	"slices"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/resource"
)

// shadow is what a tree of nodes was like: plugins change the nodes in place.
type shadow struct {
	node         *yaml.Node
	kind         yaml.Kind
	line, column int
	value        string
	content      []shadow
}

func newShadow(n *yaml.Node) *shadow {
	spare := make([]shadow, count(n))
	s := &spare[0]
	spare = spare[1:]
	s.fill(n, &spare)
	return s
}

func count(n *yaml.Node) int {
	total := 1
	for _, c := range n.Content {
		total += count(c)
	}
	return total
}

func (s *shadow) fill(n *yaml.Node, spare *[]shadow) {
	s.node, s.kind, s.line, s.column, s.value = n, n.Kind, n.Line, n.Column, n.Value
	s.content, *spare = (*spare)[:len(n.Content)], (*spare)[len(n.Content):]
	for i, c := range n.Content {
		s.content[i].fill(c, spare)
	}
}

// rebuilt says that an object was made anew, as JSON patches do: the lines of its
// nodes are those of a text that is nowhere.
func (s *shadow) rebuilt(n *yaml.Node) bool {
	if n == s.node || n.Kind != yaml.MappingNode {
		return false
	}
	before := make(map[*yaml.Node]bool, len(s.content))
	for i := range s.content {
		before[s.content[i].node] = true
	}
	return !slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return before[c] })
}

// unplace takes the places off a tree of nodes.
func unplace(n *yaml.Node) {
	n.Line, n.Column = 0, 0
	for _, c := range n.Content {
		unplace(c)
	}
}

// same says that a tree of nodes is as it was.
func (s *shadow) same(n *yaml.Node) bool {
	if n != s.node || n.Kind != s.kind || n.Line != s.line || n.Value != s.value || len(n.Content) != len(s.content) {
		return false
	}
	for i, c := range n.Content {
		if !s.content[i].same(c) {
			return false
		}
	}
	return true
}

// entryFinder finds the entries of what was a mapping. They are mostly asked for in
// the order in which they stand.
type entryFinder struct {
	of    *shadow
	next  int
	index map[string]int
}

// find is the key and the value of an entry; nil for none.
func (e *entryFinder) find(key string) (k, v *shadow) {
	if e.of == nil || e.of.kind != yaml.MappingNode {
		return nil, nil
	}
	content := e.of.content
	i := e.next
	if i+1 >= len(content) || content[i].value != key {
		if e.index == nil {
			e.index = make(map[string]int, len(content)/2)
			for i := len(content)/2*2 - 2; i >= 0; i -= 2 {
				e.index[content[i].value] = i
			}
		}
		var ok bool
		if i, ok = e.index[key]; !ok {
			return nil, nil
		}
	}
	e.next = i + 2
	return &content[i], &content[i+1]
}

// change gives places to the nodes of an object after something changed it.
type change struct {
	tagger *tagger
	// tag is what changed the field at a path; nil if what has no place is to
	// stay so.
	tag func(path []string) tag
	// restores says that what has the same value as before is what was there,
	// though it lost its line. keeps says that a value was made of the one that
	// was written, which is what there is to edit.
	restores bool
	keeps    func(now, was string) bool
	// patch is the patch that changed the object; nil for none.
	patch *patchSource
	// merged are what else the object was made of.
	merged []*shadow

	path []string
}

func (c *change) object(r *resource.Resource, n *yaml.Node, was *shadow) {
	sides := sides{was: was, merged: c.merged}
	if c.patch != nil {
		sides.over = c.patch.objects(r)
	}
	if was.rebuilt(n) {
		unplace(n)
	}
	c.node(n, sides)
	if c.patch != nil {
		c.operations(n, c.patch.operations())
	}
}

// sides are what stood at a place: over goes before was, and merged behind it.
type sides struct {
	over   []*shadow
	was    *shadow
	merged []*shadow
}

// inside are the entries of the mappings.
func (s sides) inside() (over []*entryFinder, was *entryFinder, merged []*entryFinder) {
	each := func(list []*shadow) []*entryFinder {
		var all []*entryFinder
		for _, side := range list {
			all = append(all, &entryFinder{of: side})
		}
		return all
	}
	return each(s.over), &entryFinder{of: s.was}, each(s.merged)
}

// inOrder are all, the first that may have given a value first. Names are never a
// patch's or a generator's, which have them only to say what they change.
func (s sides) inOrder(identity bool) []*shadow {
	first, last := s.over, s.merged
	if identity {
		first, last = last, first
	}
	list := first
	if s.was != nil {
		list = append(list[:len(list):len(list)], s.was)
	}
	return append(list[:len(list):len(list)], last...)
}

// identity says that the field at the path says which object it is.
func (c *change) identity() bool {
	switch len(c.path) {
	case 1:
		return c.path[0] == "kind" || c.path[0] == "apiVersion"
	case 2:
		return c.path[0] == "metadata" && (c.path[1] == "name" || c.path[1] == "namespace")
	}
	return false
}

func (c *change) node(n *yaml.Node, s sides) {
	if s.was != nil && s.was.kind != n.Kind {
		s.was = nil
	}
	if n.Kind == yaml.ScalarNode {
		c.scalar(n, s)
		return
	}
	if n.Line == 0 {
		c.place(n, s.inOrder(false), func(*shadow) bool { return true })
	}
	switch n.Kind {
	case yaml.MappingNode:
		c.mapping(n, s)
	case yaml.SequenceNode:
		c.sequence(n, s.was)
	}
}

// place gives a node the place of the first of those that fit, or marks it. What
// was without a place stays so.
func (c *change) place(n *yaml.Node, from []*shadow, fits func(*shadow) bool) {
	unknown := false
	for _, s := range from {
		if s.kind != n.Kind || !fits(s) {
			continue
		}
		if s.line != 0 {
			n.Line, n.Column = s.line, s.column
			return
		}
		unknown = true
	}
	if c.tag != nil && !unknown {
		c.tagger.mark(n, c.tag(c.path))
	}
}

func (c *change) scalar(n *yaml.Node, s sides) {
	was := s.was
	inPlace := was != nil && n == was.node
	switch {
	case n.Line != 0 && c.restores && c.identity() && was != nil && was.line != 0 && n.Value == was.value:
		n.Line, n.Column = was.line, was.column
		return
	case n.Line != 0:
		// It has its place, unless only its value was changed.
		if inPlace && n.Line == was.line && n.Value != was.value && c.tag != nil && (c.keeps == nil || !c.keeps(n.Value, was.value)) {
			c.tagger.mark(n, c.tag(c.path))
		}
		return
	case inPlace && was.line == 0 && n.Value == was.value:
		// Whether it was set is not known.
		return
	}
	c.place(n, s.inOrder(c.identity()), func(s *shadow) bool {
		if !saysTheSame(n, s) {
			return s == was && c.keeps != nil && c.keeps(n.Value, s.value)
		}
		return c.restores || s.node != n
	})
}

// saysTheSame says that a scalar has the value that another had, which may have been
// written in another way.
func saysTheSame(n *yaml.Node, was *shadow) bool {
	if n.Value == was.value {
		return true
	}
	if n == was.node || n.ShortTag() == "!!str" || was.node.ShortTag() == "!!str" || n.Kind != was.kind {
		return false
	}
	var now, before any
	return n.Decode(&now) == nil && was.node.Decode(&before) == nil && numeric(now) == numeric(before)
}

func numeric(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	}
	return v
}

func (c *change) mapping(n *yaml.Node, s sides) {
	over, was, merged := s.inside()
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		var keys, values sides
		for _, e := range over {
			if k, v := e.find(key.Value); k != nil {
				keys.over, values.over = append(keys.over, k), append(values.over, v)
			}
		}
		keys.was, values.was = was.find(key.Value)
		for _, e := range merged {
			if k, v := e.find(key.Value); k != nil {
				keys.merged, values.merged = append(keys.merged, k), append(values.merged, v)
			}
		}
		c.path = append(c.path, key.Value)
		if key.Line == 0 {
			c.place(key, keys.inOrder(c.identity()), func(*shadow) bool { return true })
		}
		c.node(value, values)
		c.path = c.path[:len(c.path)-1]
	}
}

func (c *change) sequence(n *yaml.Node, was *shadow) {
	pairs := align(n.Content, was)
	c.path = append(c.path, "")
	for i, item := range n.Content {
		var s sides
		if j := pairs[i]; j >= 0 {
			s.was = &was.content[j]
		}
		c.node(item, s)
	}
	c.path = c.path[:len(c.path)-1]
}
