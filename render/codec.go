package render

import (
	"encoding/binary"
	"errors"
	"unsafe"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// The messages between the program and its workers are written with these: a
// number is a varint, a text its length and its bytes. Neither side trusts what
// the other one sends, least of all the program its worker, which reads what
// strangers wrote.

type encoder struct{ buf []byte }

func (e *encoder) int(n int) { e.buf = binary.AppendVarint(e.buf, int64(n)) }

func (e *encoder) bool(b bool) {
	if b {
		e.buf = append(e.buf, 1)
	} else {
		e.buf = append(e.buf, 0)
	}
}

func (e *encoder) text(s string) {
	e.int(len(s))
	e.buf = append(e.buf, s...)
}

func (e *encoder) bytes(b []byte) {
	e.int(len(b))
	e.buf = append(e.buf, b...)
}

func (e *encoder) texts(list []string) {
	e.int(len(list))
	for _, s := range list {
		e.text(s)
	}
}

func (e *encoder) span(s manifest.Span) {
	e.text(s.File)
	for _, n := range []int{s.Line, s.Column, s.EndLine, s.EndColumn} {
		e.int(n)
	}
}

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
	e.buf = append(e.buf, byte(n.Kind), what)
	e.int(int(n.Style))
	if what&hasTag != 0 {
		e.text(n.Tag)
	}
	if what&hasPlace != 0 {
		e.int(n.Line)
		e.int(n.Column)
	}
	if what&hasComments != 0 {
		e.text(n.HeadComment)
		e.text(n.LineComment)
		e.text(n.FootComment)
	}
	e.text(n.Value)
	e.int(len(n.Content))
	for _, c := range n.Content {
		e.node(c)
	}
}

var errMessage = errors.New("a message of the worker can't be read")

// decoder reads what an encoder wrote. After the first fault it gives zeros.
type decoder struct {
	buf  []byte
	text string // the same bytes
	at   int
	err  error

	spare []yaml.Node
}

// newDecoder takes a message, which must not be changed afterwards: the texts
// that are read are parts of it.
func newDecoder(message []byte) *decoder {
	return &decoder{buf: message, text: unsafe.String(unsafe.SliceData(message), len(message))}
}

func (d *decoder) fail() { d.err = errMessage }

func (d *decoder) int() int {
	if d.err != nil {
		return 0
	}
	n, size := binary.Varint(d.buf[d.at:])
	if size <= 0 || int64(int(n)) != n {
		d.fail()
		return 0
	}
	d.at += size
	return int(n)
}

// count reads how many things follow, each of at least one byte.
func (d *decoder) count() int {
	n := d.int()
	if n < 0 || n > len(d.buf)-d.at {
		d.fail()
		return 0
	}
	return n
}

func (d *decoder) byte() byte {
	if d.err != nil || d.at >= len(d.buf) {
		d.fail()
		return 0
	}
	d.at++
	return d.buf[d.at-1]
}

func (d *decoder) bool() bool { return d.byte() != 0 }

func (d *decoder) string() string {
	n := d.count()
	d.at += n
	return d.text[d.at-n : d.at]
}

func (d *decoder) bytes() []byte {
	n := d.count()
	d.at += n
	return d.buf[d.at-n : d.at : d.at]
}

func (d *decoder) strings() []string {
	list := make([]string, d.count())
	for i := range list {
		list[i] = d.string()
	}
	return list
}

func (d *decoder) span() manifest.Span {
	return manifest.Span{File: d.string(), Line: d.int(), Column: d.int(), EndLine: d.int(), EndColumn: d.int()}
}

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
	n.Kind = yaml.Kind(d.byte())
	what := d.byte()
	n.Style = yaml.Style(d.int())
	switch n.Kind {
	case yaml.DocumentNode, yaml.MappingNode, yaml.SequenceNode, yaml.ScalarNode:
	default:
		d.fail()
	}
	if what&hasTag != 0 {
		n.Tag = d.string()
	}
	if what&hasPlace != 0 {
		n.Line, n.Column = d.int(), d.int()
	}
	if what&hasComments != 0 {
		n.HeadComment, n.LineComment, n.FootComment = d.string(), d.string(), d.string()
	}
	n.Value = d.string()
	count := d.count()
	if depth > maxNodeDepth || n.Kind == yaml.MappingNode && count%2 != 0 {
		d.fail()
	}
	if d.err != nil || count == 0 {
		return n
	}
	n.Content = make([]*yaml.Node, count)
	for i := range n.Content {
		n.Content[i] = d.node(depth + 1)
		if d.err != nil {
			return n
		}
	}
	return n
}
