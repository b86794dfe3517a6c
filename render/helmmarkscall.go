package render

import (
	"regexp"
	"strconv"
	"strings"
	"text/template/parse"
)

// markedCall is a pipeline that prints what a named template gives.
type markedCall struct {
	name string
	// command is the one that includes the template.
	command *parse.CommandNode
	// text is the pipeline with the copy in the place of the template.
	text string
}

// What a call may be wrapped in: people write one or two functions, and the text
// is written anew for each.
const maxWraps = 8

// call says whether all that a pipeline does to what a template gives is done as
// well to a text with marks.
func (m *marker) call(pipe *parse.PipeNode, depth int) (call markedCall, ok bool) {
	if len(pipe.Decl) > 0 || depth > maxWraps {
		return call, false
	}
	wraps := 0
	for i, command := range pipe.Cmds {
		if call.command != nil {
			call.text, ok = m.passed(command.Args, call.text)
			if wraps++; !ok || wraps > maxWraps {
				return call, false
			}
			continue
		}
		if name, included := includes(command); included && m.lookup(name) != nil {
			call = markedCall{name: name, command: command}
			if call.text, ok = m.includeCopy(pipe, i, name); !ok {
				return call, false
			}
		} else if i == 0 {
			call, _ = m.inner(command, depth)
		}
	}
	return call, call.command != nil
}

// includeCopy is the command of a pipeline that includes a template, with the
// name of the copy.
func (m *marker) includeCopy(pipe *parse.PipeNode, i int, name string) (string, bool) {
	var data string
	switch args := pipe.Cmds[i].Args; {
	case i == 0 && len(args) == 3:
		data = operand(args[2])
	case i > 0 && len(args) == 2:
		before := parse.PipeNode{NodeType: parse.NodePipe, Cmds: pipe.Cmds[:i]}
		data = "(" + before.String() + ")"
	default:
		return "", false
	}
	return "(include " + strconv.Quote(m.copied+name) + " " + data + ")", true
}

// inner is a command whose last operand is, in parentheses, a pipeline that is a
// call.
func (m *marker) inner(c *parse.CommandNode, depth int) (markedCall, bool) {
	last := len(c.Args) - 1
	pipe, ok := c.Args[last].(*parse.PipeNode)
	if !ok {
		return markedCall{}, false
	}
	call, ok := m.call(pipe, depth+1)
	if ok && last > 0 {
		call.text, ok = m.passed(c.Args[:last], call.text)
	}
	if !ok {
		return markedCall{}, false
	}
	return call, true
}

// passed is what a function of which the last operand is left out gives of a
// text with marks. Trimming leaves the marks.
func (m *marker) passed(args []parse.Node, text string) (string, bool) {
	switch {
	case len(args) == 2 && (isFunction(args[0], "indent") || isFunction(args[0], "nindent")):
		return "(" + args[0].String() + " " + operand(args[1]) + " " + text + ")", true
	case len(args) == 1 && isFunction(args[0], "trim"):
		marks := "((?:" + regexp.QuoteMeta(m.open) + "[0-9]*" + markClose + ")*)"
		for range 2 {
			text = "(regexReplaceAll `^" + marks + `\s+|\s+` + marks + "$` " + text + " `${1}${2}`)"
		}
		return text, true
	}
	return "", false
}

// operand is an operand of a command as it is written.
func operand(n parse.Node) string {
	if _, ok := n.(*parse.PipeNode); ok {
		return "(" + n.String() + ")"
	}
	return n.String()
}

// includes is the name of the template that a command includes, if it is a
// constant.
func includes(c *parse.CommandNode) (name string, ok bool) {
	if !isFunction(c.Args[0], "include") || len(c.Args) < 2 {
		return "", false
	}
	text, ok := c.Args[1].(*parse.StringNode)
	if !ok {
		return "", false
	}
	return text.Text, true
}

func isFunction(n parse.Node, name string) bool {
	id, ok := n.(*parse.IdentifierNode)
	return ok && id.Ident == name
}

// names notes which templates are needed for what stands in a node, besides the
// one of a call.
func (m *marker) names(n parse.Node, call *parse.CommandNode) {
	switch n := n.(type) {
	case *parse.PipeNode:
		for _, c := range n.Cmds {
			m.names(c, call)
		}
	case *parse.ChainNode:
		m.names(n.Node, call)
	case *parse.IdentifierNode:
		m.all = m.all || m.foreign && n.Ident == "tpl"
	case *parse.StringNode:
		// It may become a part of what is given to tpl.
		m.all = m.all || strings.Contains(n.Text, "{{")
	case *parse.CommandNode:
		if isFunction(n.Args[0], "include") && n != call {
			m.include(n)
		}
		for _, arg := range n.Args {
			m.names(arg, call)
		}
	}
}

// include notes which templates a command may include.
func (m *marker) include(c *parse.CommandNode) {
	if name, ok := includes(c); ok {
		m.need(name)
		return
	}
	if len(c.Args) > 1 {
		if suffix := constantEnd(c.Args[1]); suffix != "" {
			m.suffixes[suffix] = true
			return
		}
	}
	m.all = true
}

// constantEnd is how the text always ends that an operand prints: the path of a
// template is often put together of the folder and the name.
func constantEnd(n parse.Node) string {
	pipe, ok := n.(*parse.PipeNode)
	if !ok || len(pipe.Cmds) != 1 || len(pipe.Decl) > 0 {
		return ""
	}
	args := pipe.Cmds[0].Args
	if len(args) < 3 {
		return ""
	}
	switch {
	case isFunction(args[0], "print"):
		if text, ok := args[len(args)-1].(*parse.StringNode); ok {
			return text.Text
		}
	case isFunction(args[0], "printf"):
		if format, ok := args[1].(*parse.StringNode); ok {
			verb := format.Text[strings.LastIndexByte(format.Text, '%')+1:]
			if end := strings.TrimLeft(verb, "+-# 0123456789.*[]"); len(verb) < len(format.Text) && end != "" {
				return end[1:]
			}
		}
	}
	return ""
}

// need notes that a template is needed as it is.
func (m *marker) need(name string) {
	if m.lookup(name) != nil {
		m.plain.add(name)
	}
}
