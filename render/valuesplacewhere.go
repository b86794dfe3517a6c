package render

import (
	"path"
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// fieldPlace says where a field, or what is below it at some keys, is written.
type fieldPlace = func(keys []string) (manifest.Origin, bool)

// heldText is a text that a field of an object holds.
type heldText struct {
	r     *Renderer
	text  string
	field fieldPlace

	once sync.Once
	docs []*yaml.Node
	// at is where the field is written, file the file that is, and block that the
	// text stands there line by line, from the line behind at on.
	at    manifest.Origin
	known bool
	file  *writtenFile
	block bool
	// source is the file that the text was read from, if a generator made the
	// field of one.
	source string
}

func (r *Renderer) heldText(text string, field fieldPlace) *heldText {
	return &heldText{r: r, text: text, field: field}
}

// where finds values in a text of YAML.
func (h *heldText) where(keys []string) (manifest.Origin, bool) {
	h.find()
	if !h.known || len(h.docs) != 1 {
		return h.near()
	}
	s := &valuesSource{root: h.docs[0], file: h.at.File}
	found, ok, _ := s.find(keys)
	if !ok {
		return h.near()
	}
	n := found.placed()
	return h.line(n.Line, n.Column, n)
}

// line is where a node is written whose place in the text is a line and a column.
func (h *heldText) line(line, column int, n *yaml.Node) (manifest.Origin, bool) {
	h.find()
	at := *n
	switch {
	case h.source != "":
		via := h.at.Via
		if h.source != h.at.File {
			via = append([]manifest.Step{{Span: h.at.Span, What: "generator"}}, via...)
		}
		return manifest.Origin{Span: manifest.NodeSpan(h.source, &at), Exact: true, Via: via}, true
	case !h.block || line < 1:
		return h.near()
	}
	lines := strings.Split(h.text, "\n")
	if line > len(lines) {
		return h.near()
	}
	at.Line = h.at.Line + line
	want := strings.TrimSpace(lines[line-1])
	if got := strings.TrimSpace(string(h.file.line(at.Line))); got != want {
		return h.near()
	}
	at.Column = column + h.file.indent(at.Line) - (len(lines[line-1]) - len(strings.TrimLeft(lines[line-1], " ")))
	return manifest.Origin{Span: manifest.NodeSpan(h.at.File, &at), Exact: h.at.Exact, Via: h.at.Via}, true
}

// near is the field itself.
func (h *heldText) near() (manifest.Origin, bool) {
	at := h.at
	at.Exact = false
	return at, h.known
}

func (h *heldText) find() {
	h.once.Do(func() {
		limits := h.r.settings.limits.YAML
		if h.at, h.known = h.field(nil); !h.known || h.at.Line == 0 {
			return
		}
		h.docs, _ = limits.Parse([]byte(h.text))
		data, err := readLimited(h.r.view, h.at.File, limits.FileSize)
		if err != nil {
			return
		}
		h.file = newWrittenFile(data, limits)
		if string(data) == h.text {
			h.source = h.at.File
			return
		}
		if h.file.block(h.at.Line, h.text) != nil {
			h.block = true
			return
		}
		n := h.file.scalar(h.at.Line, h.at.Column)
		if !isKustomization(h.at.File) || n == nil {
			return
		}
		_, ref, named := strings.Cut(n.Value, "=")
		if !named {
			ref = n.Value
		}
		name := join(path.Dir(h.at.File), ref)
		if data, err := readLimited(h.r.view, name, limits.FileSize); err == nil && string(data) == h.text {
			h.source = name
		}
	})
}

// placed is the node by which a person knows the setting: the value if it is a
// scalar on one line, else the key.
func (s setting) placed() *yaml.Node {
	n := s.node
	switch {
	case s.key != nil && (n.Kind != yaml.ScalarNode || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 || n.ShortTag() == "!!null"):
		return s.key
	case n.Kind == yaml.MappingNode && len(n.Content) > 0:
		return n.Content[0]
	}
	return n
}
