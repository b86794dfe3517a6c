package render

import (
	"bytes"
	"slices"
	"strings"
	"text/template/parse"
)

// templateOption is a key that a template could write but for a condition.
type templateOption struct {
	// pos is where the key stands, or the action that includes a template in
	// which it stands, in the template that was asked about.
	pos parse.Pos
	key string
	// refs are the values that the conditions around it read, the outermost
	// first, then what is printed behind it.
	refs []ref
}

// maxIncluded is how deep the templates that a branch includes are looked
// through for keys.
const maxIncluded = 8

// options are the keys that stand in branches of a template, in the order of
// their places. Texts and actions of the template that are known to have been
// written are left out.
func (r *templateReader) options(f *templateFrame, written func(parse.Node) bool) []templateOption {
	r.begin()
	w := &optionWalk{r: r, written: written, seen: map[optionKey]bool{}}
	if c := r.framed(f); c.tree != nil {
		w.list(c, c.tree.Root, branchState{pos: -1})
	}
	return w.options
}

type optionKey struct {
	pos parse.Pos
	key string
}

type optionWalk struct {
	r       *templateReader
	written func(parse.Node) bool
	options []templateOption
	seen    map[optionKey]bool
}

// branchState is what holds for a branch of a template.
type branchState struct {
	// pos is where the template is included, or -1 in the one that was asked
	// about.
	pos parse.Pos
	// conds are what the conditions read; within says that there were any.
	conds  []ref
	within bool
	// depth is how many branches, and included how many templates, are around.
	depth, included int
}

func (w *optionWalk) list(c *call, l *parse.ListNode, s branchState) {
	if l == nil || s.depth > maxBranches {
		return
	}
	for i, n := range l.Nodes {
		if len(w.options) >= maxReadOption || !w.r.spend(1) {
			return
		}
		switch n := n.(type) {
		case *parse.TextNode:
			if s.within && !(s.pos < 0 && w.written(n)) {
				w.text(c, l.Nodes, i, n, s)
			}
		case *parse.ActionNode, *parse.TemplateNode:
			if s.within && !(s.pos < 0 && w.written(n)) {
				w.include(c, n, s)
			}
		default:
			w.branch(c, n, s)
		}
	}
}

func (w *optionWalk) branch(c *call, n parse.Node, s branchState) {
	b, at := branchOf(n), c.index.places[n]
	if b == nil || at == nil {
		return
	}
	asked := c.pipe(at, b.Pipe)
	truth, certain := asked.known()
	s.conds = joinRefs(s.conds, valuesOnly(w.r.collect(asked, true)))
	s.within = true
	s.depth++
	if truth || !certain {
		w.list(c, b.List, s)
	}
	if !truth || !certain {
		w.list(c, b.ElseList, s)
	}
}

// text adds the keys in a text.
func (w *optionWalk) text(c *call, nodes []parse.Node, i int, n *parse.TextNode, s branchState) {
	if !w.r.spend(1 + len(n.Text)/64) {
		return
	}
	for start, next := 0, 0; start < len(n.Text) && len(w.options) < maxReadOption; start = next {
		next = len(n.Text)
		if end := bytes.IndexByte(n.Text[start:], '\n'); end >= 0 {
			next = start + end + 1
		}
		if start == 0 && i > 0 && prints(nodes[i-1]) {
			// The line begins with what is printed before.
			continue
		}
		at, key, rest := literalKey(n.Text[start:next])
		if key == "" {
			continue
		}
		refs := s.conds
		if i+1 < len(nodes) && blank(rest) && blank(n.Text[next:]) {
			refs = joinRefs(refs, w.behind(c, nodes[i+1]))
		}
		w.add(s, n.Pos+parse.Pos(start+at), key, refs)
	}
}

func blank(text []byte) bool { return len(bytes.TrimLeft(text, " \t\r\n")) == 0 }

// literalKey is the key that a line of a template's text begins with, where it
// stands in the line, and what stands behind its colon; "" if there is none.
func literalKey(line []byte) (at int, key string, rest []byte) {
	text := bytes.TrimLeft(line, " \t")
	for bytes.HasPrefix(text, []byte("- ")) {
		text = bytes.TrimLeft(text[1:], " ")
	}
	text = bytes.TrimLeft(text, `"'`)
	at = len(line) - len(text)
	colon := bytes.IndexByte(text, ':')
	if colon < 1 || colon > maxKey {
		return 0, "", nil
	}
	key = strings.TrimRight(string(text[:colon]), `"'`)
	if key == "" || !isKeyByte(key[0]) || strings.ContainsFunc(key, func(c rune) bool { return c >= 0x80 || !isKeyByte(byte(c)) && !strings.ContainsRune("./-", c) }) {
		return 0, "", nil
	}
	rest = text[colon+1:]
	if len(rest) > 0 && !bytes.ContainsAny(rest[:1], " \t\r\n") {
		return 0, "", nil
	}
	return at, key, rest
}

// maxKey is how long a key is at most, in bytes.
const maxKey = 128

func isKeyByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

func (w *optionWalk) add(s branchState, pos parse.Pos, key string, refs []ref) {
	if s.pos >= 0 {
		pos = s.pos
	}
	if k := (optionKey{pos, key}); !w.seen[k] {
		w.seen[k] = true
		w.options = append(w.options, templateOption{pos, key, refs})
	}
}

// behind is what stands behind a key.
func (w *optionWalk) behind(c *call, n parse.Node) []ref {
	b, at := branchOf(n), c.index.places[n]
	if b == nil || at == nil {
		return w.r.collect(c.printed(n), false)
	}
	refs := valuesOnly(w.r.collect(c.pipe(at, b.Pipe), true))
	if b.List != nil {
		for _, inner := range b.List.Nodes {
			refs = joinRefs(refs, w.r.collect(c.printed(inner), false))
			if len(refs) >= maxReadRefs || !w.r.spend(1) {
				break
			}
		}
	}
	return refs
}

// include adds the keys of the templates that an action of a branch includes:
// when the branch is not taken, nobody else calls them.
func (w *optionWalk) include(c *call, n parse.Node, s branchState) {
	at := c.index.places[n]
	if at == nil || s.included >= maxIncluded {
		return
	}
	if s.pos < 0 {
		s.pos = n.Position()
	}
	s.included++
	if t, ok := n.(*parse.TemplateNode); ok {
		if tree := w.r.trees[t.Name]; tree != nil {
			w.list(w.r.call(tree, c.pipe(at, t.Pipe)), tree.Root, s)
		}
		return
	}
	if !prints(n) {
		return
	}
	for _, i := range c.included(at, n) {
		w.list(w.r.call(i.tree, i.dot), i.tree.Root, s)
	}
}

// prints says that a node is an action that prints.
func prints(n parse.Node) bool {
	switch n := n.(type) {
	case *parse.ActionNode:
		return n.Pipe != nil && len(n.Pipe.Decl) == 0
	case *parse.TemplateNode:
		return true
	}
	return false
}

func valuesOnly(refs []ref) []ref {
	return slices.DeleteFunc(slices.Clone(refs), func(r ref) bool { return r.kind != refValues })
}

// joinRefs are the refs of both, without repetition.
func joinRefs(a, b []ref) []ref {
	if len(b) == 0 {
		return a
	}
	joined := slices.Clip(a)
	for _, r := range b {
		i := slices.IndexFunc(joined, func(o ref) bool { return sameRef(o, r) })
		switch {
		case i < 0 && len(joined) < maxReadRefs:
			joined = append(joined, r)
		case i >= 0 && r.whole && !joined[i].whole:
			joined = slices.Clone(joined)
			joined[i].whole = true
		}
	}
	return joined
}

func sameRef(a, b ref) bool {
	return a.kind == b.kind && slices.Equal(a.path, b.path)
}
