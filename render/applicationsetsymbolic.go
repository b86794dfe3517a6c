package render

import (
	"maps"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"
)

// shape is what a template expects of a value that it names: fields of a
// mapping, elements of a list, or, if neither, a text.
type shape struct {
	fields map[string]*shape
	// item is what the elements of a list, of which there are at least length,
	// are expected to be.
	item   *shape
	length int
}

// at is what is expected of a field.
func (s *shape) at(names ...string) *shape {
	for _, name := range names {
		if s.fields == nil {
			s.fields = map[string]*shape{}
		}
		if s.fields[name] == nil {
			s.fields[name] = &shape{}
		}
		s = s.fields[name]
	}
	return s
}

// mostSymbolic is the longest list that stands for one that is not known.
const mostSymbolic = 100

// element is what is expected of an element of a list.
func (s *shape) element(i int) *shape {
	if s.item == nil {
		s.item = &shape{}
	}
	s.length = min(max(s.length, i+1), mostSymbolic)
	return s.item
}

// complete adds placeholders for what a template names and is not known.
func complete(known map[string]any, s *shape) map[string]any {
	if known == nil {
		known = map[string]any{}
	}
	return s.fill(known, "").(map[string]any)
}

// fill is a value with placeholders for what it lacks. What is there is not
// changed.
func (s *shape) fill(v any, name string) any {
	switch {
	case v == nil && s.item != nil:
		list := make([]any, s.length)
		for i := range list {
			list[i] = s.item.fill(nil, name)
		}
		return list
	case v == nil && s.fields == nil:
		return placeholder(name)
	case v == nil:
		v = map[string]any{}
	}
	var filled map[string]any
	switch v := v.(type) {
	case map[string]any:
		filled = maps.Clone(v)
	case map[string]string:
		filled = make(map[string]any, len(v))
		for k, text := range v {
			filled[k] = text
		}
	}
	if filled == nil || s.fields == nil {
		return v
	}
	for key, field := range s.fields {
		filled[key] = field.fill(filled[key], strings.TrimPrefix(name+"."+key, "."))
	}
	return filled
}

// mentions finds what a template names.
type mentions struct {
	templates *template.Template
	vars      map[string]*shape
	// left are the nodes that may still be gone through: templates that call
	// each other twice double them.
	left *int
}

const maxMentions = 10_000

// mentioned is the shape of the parameters of a template that doesn't call
// itself.
func mentioned(t *template.Template) *shape {
	root := &shape{}
	if t.Tree != nil {
		left := maxMentions
		m := &mentions{t, map[string]*shape{"$": root}, &left}
		m.walk(t.Root, root)
	}
	return root
}

// walk goes through a node for which the dot has a shape.
func (m *mentions) walk(n parse.Node, dot *shape) {
	if *m.left--; *m.left < 0 {
		return
	}
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, c := range n.Nodes {
			m.walk(c, dot)
		}
	case *parse.ActionNode:
		m.pipe(n.Pipe, dot)
	case *parse.IfNode:
		m.pipe(n.Pipe, dot)
		m.walk(n.List, dot)
		m.walk(n.ElseList, dot)
	case *parse.WithNode:
		m.walk(n.List, m.pipe(n.Pipe, dot))
		m.walk(n.ElseList, dot)
	case *parse.RangeNode:
		list := m.pipe(n.Pipe, dot)
		item := list.element(0)
		if len(n.Pipe.Decl) > 0 {
			m.vars[n.Pipe.Decl[0].Ident[0]] = &shape{}
			m.vars[n.Pipe.Decl[len(n.Pipe.Decl)-1].Ident[0]] = item
		}
		m.walk(n.List, item)
		m.walk(n.ElseList, dot)
	case *parse.TemplateNode:
		arg := &shape{}
		if n.Pipe != nil {
			arg = m.pipe(n.Pipe, dot)
		}
		if called := m.templates.Lookup(n.Name); called != nil && called.Tree != nil {
			inner := &mentions{m.templates, map[string]*shape{"$": arg}, m.left}
			inner.walk(called.Root, arg)
		}
	}
}

// pipe goes through a pipeline and gives the shape of its value: one of its own
// if that is no parameter.
func (m *mentions) pipe(p *parse.PipeNode, dot *shape) *shape {
	result := &shape{}
	for _, cmd := range p.Cmds {
		result = m.command(cmd, dot)
	}
	for _, v := range p.Decl {
		m.vars[v.Ident[0]] = result
	}
	return result
}

func (m *mentions) command(cmd *parse.CommandNode, dot *shape) *shape {
	args := make([]*shape, len(cmd.Args))
	for i, arg := range cmd.Args {
		args[i] = m.argument(arg, dot)
	}
	function, ok := cmd.Args[0].(*parse.IdentifierNode)
	if !ok {
		return args[0]
	}
	switch {
	case len(args) < 3:
	case function.Ident == "index", function.Ident == "get", function.Ident == "hasKey":
		return m.index(args[1], cmd.Args[2:])
	case function.Ident == "dig" && len(args) > 3:
		return m.index(args[len(args)-1], cmd.Args[1:len(cmd.Args)-2])
	case function.Ident == "default":
		return args[len(args)-1]
	}
	return &shape{}
}

// index is the shape of what keys, of mappings or lists, lead to.
func (m *mentions) index(s *shape, keys []parse.Node) *shape {
	for _, key := range keys {
		switch key := key.(type) {
		case *parse.StringNode:
			s = s.at(key.Text)
		case *parse.NumberNode:
			i, err := strconv.Atoi(key.Text)
			if err != nil || i < 0 {
				return &shape{}
			}
			s = s.element(i)
		default:
			return &shape{}
		}
	}
	return s
}

func (m *mentions) argument(n parse.Node, dot *shape) *shape {
	switch n := n.(type) {
	case *parse.DotNode:
		return dot
	case *parse.FieldNode:
		return dot.at(n.Ident...)
	case *parse.VariableNode:
		if s := m.vars[n.Ident[0]]; s != nil {
			return s.at(n.Ident[1:]...)
		}
	case *parse.ChainNode:
		return m.argument(n.Node, dot).at(n.Field...)
	case *parse.PipeNode:
		return m.pipe(n, dot)
	}
	return &shape{}
}
