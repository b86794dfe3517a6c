package render

import "text/template/parse"

// maxBranches is how deep the branches of a template are read.
const maxBranches = 200

// place is where an action stands in a template.
type place struct {
	// order is the place's number in the text of the template.
	order int
	// up is the branch around it, nil at the top; otherwise says that it stands
	// behind the else.
	up        *place
	otherwise bool
	node      parse.Node
}

// variable is a variable of a template: what is assigned to it, in the order of
// the text.
type variable struct {
	sets []assignment
}

// assignment gives a variable a value.
type assignment struct {
	at    *place
	value parse.Node
	part  rangePart
}

// rangePart is what of a value is assigned.
type rangePart int

const (
	allOfIt rangePart = iota
	itemOfIt
	keyOfIt
)

// treeIndex says where what stands in a template, and which variable is meant
// where.
type treeIndex struct {
	places map[parse.Node]*place
	uses   map[*parse.VariableNode]*variable
	scopes map[string][]*variable
	orders int
}

func newTreeIndex(tree *parse.Tree) *treeIndex {
	x := &treeIndex{places: map[parse.Node]*place{}, uses: map[*parse.VariableNode]*variable{}, scopes: map[string][]*variable{}}
	if tree != nil && tree.Root != nil {
		x.list(tree.Root, nil, false, 0)
	}
	x.scopes = nil
	return x
}

func (x *treeIndex) list(l *parse.ListNode, up *place, otherwise bool, depth int) {
	if l == nil || depth > maxBranches {
		return
	}
	var declared []string
	for _, n := range l.Nodes {
		at := &place{order: x.orders, up: up, otherwise: otherwise, node: n}
		switch n := n.(type) {
		case *parse.ActionNode:
			x.place(at)
			declared = append(declared, x.pipe(at, n.Pipe, false)...)
		case *parse.TemplateNode:
			x.place(at)
			declared = append(declared, x.pipe(at, n.Pipe, false)...)
		case *parse.IfNode:
			x.branch(at, &n.BranchNode, depth)
		case *parse.WithNode:
			x.branch(at, &n.BranchNode, depth)
		case *parse.RangeNode:
			x.branch(at, &n.BranchNode, depth)
		}
	}
	x.forget(declared)
}

func (x *treeIndex) place(at *place) {
	x.orders++
	x.places[at.node] = at
}

func (x *treeIndex) forget(declared []string) {
	for _, name := range declared {
		stack := x.scopes[name]
		x.scopes[name] = stack[:len(stack)-1]
	}
}

func (x *treeIndex) branch(at *place, b *parse.BranchNode, depth int) {
	x.place(at)
	_, ranges := at.node.(*parse.RangeNode)
	declared := x.pipe(at, b.Pipe, ranges)
	x.list(b.List, at, false, depth+1)
	x.list(b.ElseList, at, true, depth+1)
	x.forget(declared)
}

// pipe notes which variables a pipeline uses, and what it assigns. It gives the
// names of those that it declares.
func (x *treeIndex) pipe(at *place, p *parse.PipeNode, ranges bool) []string {
	if p == nil {
		return nil
	}
	x.use(p, 0)
	x.changes(at, p)
	var declared []string
	for i, d := range p.Decl {
		if len(d.Ident) == 0 {
			continue
		}
		part := allOfIt
		if ranges {
			part = itemOfIt
			if i == 0 && len(p.Decl) == 2 {
				part = keyOfIt
			}
		}
		v := x.variable(d.Ident[0])
		if !p.IsAssign || v == nil {
			v = &variable{}
			x.scopes[d.Ident[0]] = append(x.scopes[d.Ident[0]], v)
			declared = append(declared, d.Ident[0])
		}
		v.sets = append(v.sets, assignment{at, p, part})
	}
	return declared
}

func (x *treeIndex) variable(name string) *variable {
	stack := x.scopes[name]
	if len(stack) == 0 {
		return nil
	}
	return stack[len(stack)-1]
}

// use notes which variable each name in a node means.
func (x *treeIndex) use(n parse.Node, depth int) {
	if depth > maxBranches {
		return
	}
	switch n := n.(type) {
	case *parse.PipeNode:
		for _, c := range n.Cmds {
			x.use(c, depth+1)
		}
	case *parse.CommandNode:
		for _, a := range n.Args {
			x.use(a, depth+1)
		}
	case *parse.ChainNode:
		x.use(n.Node, depth+1)
	case *parse.VariableNode:
		if v := x.variable(n.Ident[0]); v != nil {
			x.uses[n] = v
		}
	}
}

// changes notes the functions that change the map in a variable: to the reader
// they assign it.
func (x *treeIndex) changes(at *place, p *parse.PipeNode) {
	for _, c := range p.Cmds {
		if len(c.Args) < 2 {
			continue
		}
		name, ok := c.Args[0].(*parse.IdentifierNode)
		target, plain := c.Args[1].(*parse.VariableNode)
		if !ok || !plain || len(target.Ident) != 1 {
			continue
		}
		switch name.Ident {
		case "set", "unset", "merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite":
			if v := x.variable(target.Ident[0]); v != nil {
				v.sets = append(v.sets, assignment{at: at, value: p})
			}
		}
	}
}

// within says that a place stands in the same branch as another, or in one
// inside of it: what was done there has been done here.
func (p *place) within(other *place) bool {
	for q := p; q != nil; q = q.up {
		if q.up == other.up && q.otherwise == other.otherwise {
			return true
		}
	}
	return false
}

// loop is the innermost range around a place.
func (p *place) loop() *place {
	for q := p.up; q != nil; q = q.up {
		if _, ok := q.node.(*parse.RangeNode); ok {
			return q
		}
	}
	return nil
}

// inside says that a place stands in a branch.
func (p *place) inside(branch *place) bool {
	for q := p.up; q != nil; q = q.up {
		if q == branch {
			return true
		}
	}
	return false
}

// pipeOf is the pipeline of a branch.
func pipeOf(n parse.Node) *parse.PipeNode {
	switch n := n.(type) {
	case *parse.IfNode:
		return n.Pipe
	case *parse.WithNode:
		return n.Pipe
	case *parse.RangeNode:
		return n.Pipe
	}
	return nil
}

// branchOf is what a node has in common with the other kinds of branches, or
// nil.
func branchOf(n parse.Node) *parse.BranchNode {
	switch n := n.(type) {
	case *parse.IfNode:
		return &n.BranchNode
	case *parse.WithNode:
		return &n.BranchNode
	case *parse.RangeNode:
		return &n.BranchNode
	}
	return nil
}
