package render

import (
	"github.com/scantling-dev/scantling/internal/wire"
	"go.yaml.in/yaml/v3"
)

// The messages between the program and its workers are written with these. Neither
// side trusts what the other one sends, least of all the program its worker, which
// reads what strangers wrote.

type encoder struct{ wire.Encoder }

// What a node has besides its kind, value and content.
const (
	hasTag = 1 << iota
	hasPlace
	hasComments
)

// node writes a tree of nodes. An alias is written as what it stands for.
func (e *encoder) node(n *yaml.Node) {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	what := byte(0)
	if n.Tag != "" {
		what |= hasTag
	}
	if n.Line != 0 || n.Column != 0 {
		what |= hasPlace
	}
	if n.HeadComment != "" || n.LineComment != "" || n.FootComment != "" {
		what |= hasComments
	}
	e.Buf = append(e.Buf, byte(n.Kind), what)
	e.Int(int(n.Style))
	if what&hasTag != 0 {
		e.Text(n.Tag)
	}
	if what&hasPlace != 0 {
		e.Int(n.Line)
		e.Int(n.Column)
	}
	if what&hasComments != 0 {
		e.Text(n.HeadComment)
		e.Text(n.LineComment)
		e.Text(n.FootComment)
	}
	e.Text(n.Value)
	e.Int(len(n.Content))
	for _, c := range n.Content {
		e.node(c)
	}
}

// decoder reads what an encoder wrote. After the first fault it gives zeros.
type decoder struct {
	wire.Decoder

	spare []yaml.Node
}

// newDecoder takes a message, which must not be changed afterwards: the texts
// that are read are parts of it.
func newDecoder(message []byte) *decoder { return &decoder{Decoder: wire.NewDecoder(message)} }

// maxNodeDepth is the deepest tree of nodes that is read. The gate lets no
// document through that is half as deep.
const maxNodeDepth = 1000

func (d *decoder) node(depth int) *yaml.Node {
	if len(d.spare) == 0 {
		// Objects are freed together, unit by unit: so their nodes may be
		// made together.
		d.spare = make([]yaml.Node, 128)
	}
	n := &d.spare[0]
	d.spare = d.spare[1:]
	n.Kind = yaml.Kind(d.Byte())
	what := d.Byte()
	n.Style = yaml.Style(d.Int())
	switch n.Kind {
	case yaml.DocumentNode, yaml.MappingNode, yaml.SequenceNode, yaml.ScalarNode:
	default:
		d.Fail()
	}
	if what&hasTag != 0 {
		n.Tag = d.String()
	}
	if what&hasPlace != 0 {
		n.Line, n.Column = d.Int(), d.Int()
	}
	if what&hasComments != 0 {
		n.HeadComment, n.LineComment, n.FootComment = d.String(), d.String(), d.String()
	}
	n.Value = d.String()
	count := d.Count()
	if depth > maxNodeDepth || n.Kind == yaml.MappingNode && count%2 != 0 {
		d.Fail()
	}
	if d.Err != nil || count == 0 {
		return n
	}
	n.Content = make([]*yaml.Node, count)
	for i := range n.Content {
		n.Content[i] = d.node(depth + 1)
		if d.Err != nil {
			return n
		}
	}
	return n
}
