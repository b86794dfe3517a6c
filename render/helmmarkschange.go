package render

import (
	"path"
	"slices"
	"strings"
	"text/template/parse"
)

// Helm gives the same values to all templates of a chart, one after another, and
// a template may change what those see that come after it.

// changer finds the templates that may do so. What it can't tell, it takes for a
// change.
type changer struct {
	*chartTemplates
	// foreign says that what is given to tpl may include templates.
	foreign bool
	// known are the templates that were looked at; those that are being looked at
	// are not known to change anything.
	known map[*parse.Tree]bool
	// named says that one of the named templates changes something.
	named bool
}

// changing are the files that helm executes before the last of some files which
// may change what that sees.
func (t *chartTemplates) changing(files []string, foreign bool) []string {
	c := &changer{chartTemplates: t, foreign: foreign, known: map[*parse.Tree]bool{}}
	for _, name := range sortedKeys(t.trees) {
		if t.source[name] == "" && c.changes(t.trees[name]) {
			c.named = true
		}
	}
	// What was found while not all was known of the named templates.
	clear(c.known)
	var found []string
	for _, name := range t.order() {
		if slices.Contains(files, name) {
			if files = slices.DeleteFunc(slices.Clone(files), func(f string) bool { return f == name }); len(files) == 0 {
				break
			}
			continue
		}
		if !strings.HasPrefix(path.Base(name), "_") && c.mayChange(t.source[name]) && c.changes(t.lookup(name)) {
			found = append(found, name)
		}
	}
	return found
}

// mayChange says that it is worth while to look at a file.
func (c *changer) mayChange(source string) bool {
	return strings.Contains(source, "set") || strings.Contains(source, "erge") ||
		c.named && (strings.Contains(source, "include") || strings.Contains(source, "template") || strings.Contains(source, "tpl"))
}

func (c *changer) changes(tree *parse.Tree) bool {
	if tree == nil {
		return false
	}
	known, ok := c.known[tree]
	if !ok {
		c.known[tree] = false
		known = c.list(tree, tree.Root)
		c.known[tree] = known
	}
	return known
}

func (c *changer) list(tree *parse.Tree, list *parse.ListNode) bool {
	return list != nil && slices.ContainsFunc(list.Nodes, func(n parse.Node) bool {
		switch n := n.(type) {
		case *parse.ActionNode:
			return c.node(tree, n.Pipe)
		case *parse.TemplateNode:
			return n.Pipe != nil && c.node(tree, n.Pipe) || c.changes(c.lookup(n.Name))
		}
		b := branchOf(n)
		return b != nil && (c.node(tree, b.Pipe) || c.list(tree, b.List) || c.list(tree, b.ElseList))
	})
}

func (c *changer) node(tree *parse.Tree, n parse.Node) bool {
	switch n := n.(type) {
	case *parse.PipeNode:
		return slices.ContainsFunc(n.Cmds, func(cmd *parse.CommandNode) bool { return c.node(tree, cmd) })
	case *parse.ChainNode:
		return c.node(tree, n.Node)
	case *parse.CommandNode:
		return c.command(tree, n) || slices.ContainsFunc(n.Args, func(a parse.Node) bool { return c.node(tree, a) })
	}
	return false
}

func (c *changer) command(tree *parse.Tree, n *parse.CommandNode) bool {
	id, ok := n.Args[0].(*parse.IdentifierNode)
	if !ok {
		return false
	}
	switch id.Ident {
	case "set", "unset":
		return len(n.Args) < 2 || !fresh(tree, n.Args[1], false)
	case "merge", "mustMerge", "mergeOverwrite", "mustMergeOverwrite":
		// What lies deeper in the maps that are merged stays a part of them, too,
		// and what is merged after it changes it.
		for i, arg := range n.Args[1:] {
			if !fresh(tree, arg, true) && (i == 0 || i+2 < len(n.Args)) {
				return true
			}
		}
		return len(n.Args) < 2
	case "tpl":
		return c.foreign && c.named
	case "include":
		if name, ok := includes(n); ok {
			return c.changes(c.lookup(name))
		}
		return c.named
	}
	return false
}

// fresh says that a map was made by the template itself; a deep one shares
// nothing with others.
func fresh(tree *parse.Tree, n parse.Node, deep bool) bool {
	switch n := n.(type) {
	case *parse.PipeNode:
		if last := n.Cmds[len(n.Cmds)-1]; len(n.Decl) == 0 {
			return freshFrom(last, deep)
		}
	case *parse.VariableNode:
		return len(n.Ident) == 1 && n.Ident[0] != "$" && assignedFresh(n.Ident[0], tree.Root, deep)
	}
	return false
}

// freshFrom says so of what a command gives.
func freshFrom(c *parse.CommandNode, deep bool) bool {
	id, ok := c.Args[0].(*parse.IdentifierNode)
	if !ok {
		return false
	}
	switch id.Ident {
	case "deepCopy", "mustDeepCopy", "fromYaml", "fromJson", "fromToml":
		return true
	case "dict":
		return !deep || len(c.Args) == 1
	case "omit", "pick":
		return !deep
	}
	return false
}

// assignedFresh says so of all that is assigned to the variables of a name.
func assignedFresh(name string, list *parse.ListNode, deep bool) bool {
	if list == nil {
		return true
	}
	for _, n := range list.Nodes {
		pipe := pipeOf(n)
		if action, ok := n.(*parse.ActionNode); ok {
			pipe = action.Pipe
		}
		if pipe != nil && slices.ContainsFunc(pipe.Decl, func(v *parse.VariableNode) bool { return v.Ident[0] == name }) {
			if _, ranges := n.(*parse.RangeNode); ranges || !freshFrom(pipe.Cmds[len(pipe.Cmds)-1], deep) {
				return false
			}
		}
		if b := branchOf(n); b != nil && (!assignedFresh(name, b.List, deep) || !assignedFresh(name, b.ElseList, deep)) {
			return false
		}
	}
	return true
}
