package render

import (
	"strings"
	"text/template/parse"
)

// include is what the template that a command names prints.
func (c *call) include(cmd *parse.CommandNode, args []*symbol) *symbol {
	if len(args) < 2 {
		return unknown
	}
	return c.r.eachText(args[0], func(name string) *symbol {
		tree := c.r.trees[name]
		if tree == nil {
			return unknown
		}
		if c.includes == nil {
			c.includes = map[*parse.CommandNode]include{}
		}
		c.includes[cmd] = include{tree, args[1]}
		return c.r.call(tree, args[1]).prints()
	})
}

// eachText is what f makes of a constant, or of the constants one of which a
// value is.
func (r *templateReader) eachText(s *symbol, f func(string) *symbol) *symbol {
	if s.kind == symbolEither {
		return r.each(s, func(p *symbol) *symbol { return r.eachText(p, f) })
	}
	if s.kind != symbolText || s == absent {
		return unknown
	}
	return f(s.text)
}

// tpl is what a text that is a template itself prints; of one that is not known
// it is the text.
func (c *call) tpl(args []*symbol) *symbol {
	if len(args) < 2 {
		return unknown
	}
	text := args[0]
	if text.kind != symbolText || !strings.Contains(text.text, "{{") || !c.r.spend(1+len(text.text)/16) {
		return text
	}
	tree, ok := c.r.texts[text.text]
	if !ok {
		t := parse.New("tpl")
		t.Mode = parse.SkipFuncCheck
		if parsed, err := t.Parse(text.text, "", "", map[string]*parse.Tree{}); err == nil {
			tree = parsed
		}
		c.r.texts[text.text] = tree
	}
	if tree == nil {
		return unknown
	}
	return c.r.call(tree, args[1]).prints()
}

// prints is what the template prints, in the order of its text, and what it
// asks before it prints.
func (c *call) prints() *symbol {
	if c.output != nil {
		return c.output
	}
	if !c.r.spend(1) || c.r.depth >= maxReadDepth || c.tree == nil || c.r.active[c.tree] >= maxRecursion {
		return unknown
	}
	c.r.depth++
	c.r.active[c.tree]++
	c.output = unknown
	out := &symbol{kind: symbolOutput}
	c.printList(out, c.tree.Root, 0)
	c.r.depth--
	c.r.active[c.tree]--
	if c.r.left <= 0 {
		c.output = nil
		return unknown
	}
	c.output = out
	return out
}

func (c *call) printList(out *symbol, l *parse.ListNode, depth int) {
	if l == nil || depth > maxBranches {
		return
	}
	key := ""
	for _, n := range l.Nodes {
		if len(out.parts) >= maxReadParts || !c.r.spend(1) {
			return
		}
		switch n := n.(type) {
		case *parse.TextNode:
			key = keyBefore(n.Text)
		case *parse.ActionNode, *parse.TemplateNode:
			if s := c.printed(n); s != unknown {
				out.parts, out.keys = append(out.parts, s), append(out.keys, key)
			}
		default:
			c.printBranch(out, n, depth)
		}
	}
}

// printBranch adds what a branch prints, of those that may be taken.
func (c *call) printBranch(out *symbol, n parse.Node, depth int) {
	b := branchOf(n)
	at := c.index.places[n]
	if b == nil || at == nil {
		return
	}
	s := c.pipe(at, b.Pipe)
	truth, certain := s.known()
	if !certain && len(out.conds) < maxReadParts {
		out.conds = append(out.conds, s)
	}
	if truth || !certain {
		c.printList(out, b.List, depth+1)
	}
	if !truth || !certain {
		c.printList(out, b.ElseList, depth+1)
	}
}

// keyBefore is the key whose value is to follow a text, or "".
func keyBefore(text []byte) string {
	line := strings.TrimRight(string(text[max(0, len(text)-200):]), " \t\r\n\"'")
	line, ok := strings.CutSuffix(line, ":")
	if !ok {
		return ""
	}
	return strings.Trim(line[strings.LastIndexAny(line, "\n {,")+1:], `"'- `)
}
