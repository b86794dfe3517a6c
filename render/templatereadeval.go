package render

import (
	"slices"
	"text/template/parse"
)

// call is a template with what it is called with.
type call struct {
	r     *templateReader
	index *treeIndex
	tree  *parse.Tree
	dot   *symbol

	// values are those of pipelines, of variables where they are used, and of
	// the dot inside a branch, under the branch's node. One that is being read
	// is unknown.
	values   map[parse.Node]*symbol
	includes map[*parse.CommandNode]include
	output   *symbol
}

// include is a template that an action calls.
type include struct {
	tree *parse.Tree
	dot  *symbol
}

// printed is what an action, or a TemplateNode, prints.
func (c *call) printed(n parse.Node) *symbol {
	at := c.index.places[n]
	if at == nil {
		return unknown
	}
	switch n := n.(type) {
	case *parse.ActionNode:
		if n.Pipe != nil && len(n.Pipe.Decl) == 0 {
			return c.eval(at, n.Pipe)
		}
	case *parse.TemplateNode:
		if tree := c.r.trees[n.Name]; tree != nil {
			return c.r.call(tree, c.pipe(at, n.Pipe)).prints()
		}
	}
	return unknown
}

// argument is what a template is called with by an action or a TemplateNode.
func (c *call) argument(n parse.Node, tree *parse.Tree) *symbol {
	at := c.index.places[n]
	if at == nil {
		return unknown
	}
	if t, ok := n.(*parse.TemplateNode); ok {
		return c.pipe(at, t.Pipe)
	}
	var dots, others []*symbol
	for _, i := range c.included(at, n) {
		if i.tree == tree {
			dots = append(dots, i.dot)
		} else {
			others = append(others, i.dot)
		}
	}
	if len(dots) == 0 {
		dots = others
	}
	return either(dots...)
}

// included are the templates that an action includes.
func (c *call) included(at *place, n parse.Node) []include {
	action, ok := n.(*parse.ActionNode)
	if !ok {
		return nil
	}
	c.pipe(at, action.Pipe)
	var found []include
	eachCommand(action.Pipe, 0, func(cmd *parse.CommandNode) {
		if i, ok := c.includes[cmd]; ok {
			found = append(found, i)
		}
	})
	return found
}

// eachCommand calls f for the commands of a pipeline and of those inside of it.
func eachCommand(n parse.Node, depth int, f func(*parse.CommandNode)) {
	if depth > maxBranches {
		return
	}
	switch n := n.(type) {
	case *parse.PipeNode:
		if n != nil {
			for _, cmd := range n.Cmds {
				eachCommand(cmd, depth+1, f)
			}
		}
	case *parse.CommandNode:
		for _, a := range n.Args {
			eachCommand(a, depth+1, f)
		}
		f(n)
	case *parse.ChainNode:
		eachCommand(n.Node, depth+1, f)
	}
}

// remember reads a value once. A value that is needed to read itself is
// unknown.
func (c *call) remember(n parse.Node, read func() *symbol) *symbol {
	if s := c.values[n]; s != nil {
		return s
	}
	if !c.r.spend(1) || c.r.depth >= maxReadDepth {
		return unknown
	}
	if c.values == nil {
		c.values = map[parse.Node]*symbol{}
	}
	c.r.depth++
	c.values[n] = unknown
	s := read()
	c.r.depth--
	if c.r.left <= 0 {
		// What was not read to its end is not kept.
		delete(c.values, n)
		return unknown
	}
	c.values[n] = s
	return s
}

// pipe is the value of a pipeline that may be missing.
func (c *call) pipe(at *place, p *parse.PipeNode) *symbol {
	if p == nil {
		return unknown
	}
	return c.eval(at, p)
}

func (c *call) eval(at *place, n parse.Node) *symbol {
	if !c.r.spend(1) {
		return unknown
	}
	switch n := n.(type) {
	case *parse.PipeNode:
		return c.remember(n, func() *symbol {
			var value *symbol
			for _, cmd := range n.Cmds {
				value = c.command(at, cmd, value)
			}
			if value == nil {
				return unknown
			}
			return value
		})
	case *parse.DotNode:
		return c.dotAt(at)
	case *parse.FieldNode:
		return c.r.fields(c.dotAt(at), n.Ident)
	case *parse.VariableNode:
		return c.r.fields(c.variable(at, n), n.Ident[1:])
	case *parse.ChainNode:
		return c.r.fields(c.eval(at, n.Node), n.Field)
	case *parse.IdentifierNode:
		return c.function(n.Ident, nil)
	case *parse.StringNode:
		return textSymbol(n.Text)
	case *parse.NumberNode:
		return &symbol{kind: symbolText, text: n.Text, falsy: n.Text == "0"}
	case *parse.BoolNode:
		return boolSymbol(n.True)
	case *parse.NilNode:
		return absent
	}
	return unknown
}

func (r *templateReader) fields(s *symbol, names []string) *symbol {
	for _, name := range names {
		s = r.field(s, name)
	}
	return s
}

// command is the value of one command of a pipeline. final is what the one
// before it gave, or nil.
func (c *call) command(at *place, cmd *parse.CommandNode, final *symbol) *symbol {
	if len(cmd.Args) == 0 {
		return unknown
	}
	args := make([]*symbol, 0, len(cmd.Args))
	for _, a := range cmd.Args[1:] {
		args = append(args, c.eval(at, a))
	}
	if final != nil {
		args = append(args, final)
	}
	switch first := cmd.Args[0].(type) {
	case *parse.IdentifierNode:
		switch first.Ident {
		case "include":
			return c.include(cmd, args)
		case "tpl":
			return c.tpl(args)
		}
		return c.function(first.Ident, args)
	case *parse.FieldNode:
		if n := len(first.Ident); len(args) > 0 && n > 0 {
			return c.r.method(c.r.fields(c.dotAt(at), first.Ident[:n-1]), first.Ident[n-1], args)
		}
	case *parse.VariableNode:
		if n := len(first.Ident); len(args) > 0 && n > 1 {
			return c.r.method(c.r.fields(c.variable(at, first), first.Ident[1:n-1]), first.Ident[n-1], args)
		}
	case *parse.ChainNode:
		if n := len(first.Field); len(args) > 0 && n > 0 {
			return c.r.method(c.r.fields(c.eval(at, first.Node), first.Field[:n-1]), first.Field[n-1], args)
		}
	}
	return c.eval(at, cmd.Args[0])
}

// method is what a method of one of helm's objects gives.
func (r *templateReader) method(s *symbol, name string, args []*symbol) *symbol {
	if s.kind != symbolFiles || len(args) == 0 || s.scope.file == nil {
		return unknown
	}
	switch name {
	case "Get", "GetBytes", "Lines", "Glob":
	default:
		return unknown
	}
	file := func(name *symbol) *symbol {
		if name.kind == symbolText {
			if p, ok := s.scope.file(name.text); ok {
				return made(r.symbols.top(refFile, p))
			}
		}
		return unknown
	}
	if args[0].kind == symbolEither {
		return r.each(args[0], file)
	}
	return file(args[0])
}

// dotAt is the dot at a place.
func (c *call) dotAt(at *place) *symbol {
	for p := at; p != nil && p.up != nil; p = p.up {
		if p.otherwise {
			continue
		}
		up := p.up
		switch n := up.node.(type) {
		case *parse.WithNode:
			return c.pipe(up, n.Pipe)
		case *parse.RangeNode:
			return c.remember(n, func() *symbol { return c.r.item(c.pipe(up, n.Pipe)) })
		}
	}
	return c.dot
}

// variable is the value of a variable where it is used.
func (c *call) variable(at *place, n *parse.VariableNode) *symbol {
	if n.Ident[0] == "$" {
		return c.dot
	}
	v := c.index.uses[n]
	if v == nil {
		return unknown
	}
	return c.remember(n, func() *symbol {
		before, _ := slices.BinarySearchFunc(v.sets, at.order, func(a assignment, order int) int { return a.at.order - order })
		var values, conds []*symbol
		for _, a := range slices.Backward(v.sets[:before]) {
			if len(values) >= maxAlternatives {
				break
			}
			values = append(values, c.assigned(a))
			if at.within(a.at) {
				break
			}
			conds = append(conds, c.conditions(a.at, at)...)
		}
		if loop := at.loop(); loop != nil && before < len(v.sets) && before > 0 && v.sets[0].at.order < loop.order {
			// What the last turn of a range has left.
			for _, a := range v.sets[before:] {
				if a.at.inside(loop) && len(values) < maxAlternatives {
					values = append(values, c.assigned(a))
				}
			}
		}
		return eitherOf(values, conds)
	})
}

func (c *call) assigned(a assignment) *symbol {
	s := c.eval(a.at, a.value)
	switch a.part {
	case itemOfIt:
		return c.r.item(s)
	case keyOfIt:
		return c.r.key(s)
	}
	return s
}

// conditions are those that must hold for an assignment to have been made,
// beside those that hold where the variable is used.
func (c *call) conditions(set, use *place) []*symbol {
	var conds []*symbol
	for p := set.up; p != nil && !use.inside(p) && len(conds) < maxAlternatives; p = p.up {
		conds = append(conds, c.pipe(p, pipeOf(p.node)))
	}
	return conds
}
