package diff

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"sort"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// file is a file of one tree, taken apart where lines say that a document ends.
type file struct {
	name      string
	lines     []string
	documents []*document // in order
}

// document is a part of a file that can be moved to another.
type document struct {
	file        *file
	first, last int // lines of the file, from 0; last is behind it
	// kind, namespace and name are the object's as they are written; empty for
	// what is no object.
	kind, namespace, name string

	known bool // features are set
	// features are digests of the document's values under their keys, sorted; of
	// what can't be parsed, of its lines. They depend neither on order nor on
	// layout. bare are those of the values without the object's own name, which is
	// often in its labels, too.
	features, bare []uint64
	has            map[string]bool // its lines; nil until they are needed
}

// maxDocuments is how many documents of a file are told apart.
const maxDocuments = 10_000

func newFile(name string, data []byte) *file {
	f := &file{name: name, lines: strings.Split(string(data), "\n")}
	first := 0
	end := func(last int) {
		d := &document{file: f, first: first, last: last}
		if strings.TrimSpace(strings.Join(f.lines[first:last], "")) != "" || last == len(f.lines) && len(f.documents) == 0 {
			d.identify()
			f.documents = append(f.documents, d)
		}
		first = last
	}
	for i, line := range f.lines {
		if i > 0 && separates(line) && len(f.documents) < maxDocuments {
			end(i)
		}
	}
	end(len(f.lines))
	return f
}

// separates says that a line begins a document of YAML. A PEM block's first line
// does not.
func separates(line string) bool {
	rest, ok := strings.CutPrefix(line, "---")
	return ok && (rest == "" || rest[0] == ' ' || rest[0] == '\r' || rest[0] == '\t')
}

// opaque is a file of which only its digest is looked at.
func (m *moves) opaque(name string, data []byte) *file {
	f := &file{name: name}
	sum := []uint64{maphash.Bytes(m.seed, data)}
	f.documents = []*document{{file: f, known: true, features: sum, bare: sum}}
	return f
}

// at is the document that a line, from 1, is in; nil where there is none. What has
// no line is about the file, which is its one document if it has one.
func (f *file) at(line int) *document {
	switch {
	case f == nil || len(f.documents) == 0:
		return nil
	case len(f.documents) == 1:
		return f.documents[0]
	case line < 1:
		return nil
	}
	i := sort.Search(len(f.documents), func(i int) bool { return f.documents[i].first > line-1 })
	if i == 0 {
		return f.documents[0]
	}
	return f.documents[i-1]
}

// line is a line of the file, from 1, without its indentation.
func (f *file) line(n int) string {
	if f == nil || n < 1 || n > len(f.lines) {
		return ""
	}
	return strings.TrimSpace(f.lines[n-1])
}

// holds says that a line of the document is the text, but for its indentation.
func (d *document) holds(text string) bool {
	if d.has == nil {
		d.has = map[string]bool{}
		for _, line := range d.file.lines[d.first:d.last] {
			d.has[strings.TrimSpace(line)] = true
		}
	}
	return d.has[text]
}

func (d *document) text() []byte { return []byte(strings.Join(d.file.lines[d.first:d.last], "\n")) }

// identify reads what the object is called, from the lines of a document in block
// style, which may be a template, else from what they say parsed.
func (d *document) identify() {
	within := false
	for _, line := range d.file.lines[d.first:d.last] {
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' || strings.HasPrefix(text, "{{") {
			continue
		}
		top := line[0] != ' ' && line[0] != '\t'
		key, value, _ := strings.Cut(text, ":")
		value = scalar(value)
		switch {
		case top && key == "kind" && d.kind == "":
			d.kind = value
		case top:
			within = key == "metadata"
		case within && key == "name" && d.name == "":
			d.name = value
		case within && key == "namespace" && d.namespace == "":
			d.namespace = value
		}
	}
	if d.kind != "" || d.file.lines == nil {
		return
	}
	text := d.text()
	if !bytes.Contains(text, []byte("kind")) || !bytes.Contains(text, []byte("apiVersion")) {
		return
	}
	if docs, _ := manifest.Parse(text); len(docs) > 0 {
		meta := valueOf(docs[0], "metadata")
		d.kind, d.name, d.namespace = textOf(docs[0], "kind"), textOf(meta, "name"), textOf(meta, "namespace")
	}
}

// scalar is a plain or quoted scalar behind a key, without its comment.
func scalar(text string) string {
	text = strings.TrimSpace(text)
	if text != "" && (text[0] == '"' || text[0] == '\'') {
		if end := strings.IndexByte(text[1:], text[0]); end >= 0 {
			return text[1 : 1+end]
		}
	}
	text, _, _ = strings.Cut(text, " #")
	return strings.TrimSpace(text)
}

// certain is the document's name if no template makes it.
func (d *document) certain() string {
	if strings.ContainsAny(d.name, "{}$") {
		return ""
	}
	return d.name
}

func valueOf(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func textOf(n *yaml.Node, key string) string {
	if v := valueOf(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

// text is the same for documents that are written alike.
func (m *moves) text(d *document) string {
	if len(d.file.lines) == 0 {
		return ""
	}
	return string(binary.LittleEndian.AppendUint64(nil, maphash.Bytes(m.seed, bytes.TrimSpace(d.text()))))
}

// digest is the same for documents that say the same but for their names.
func (m *moves) digest(d *document) string {
	m.know(d)
	if len(d.bare) == 0 {
		return ""
	}
	var b []byte
	for _, f := range d.bare {
		b = binary.LittleEndian.AppendUint64(b, f)
	}
	return string(binary.LittleEndian.AppendUint64(nil, maphash.Bytes(m.seed, b)))
}

// maxFeatures is how many values of a document are looked at.
const maxFeatures = 20_000

// know sets the features of a document.
func (m *moves) know(d *document) {
	if d.known {
		return
	}
	d.known = true
	text := d.text()
	if docs, wrong := manifest.Parse(text); len(wrong) == 0 {
		w := walker{moves: m, document: d}
		for _, doc := range docs {
			// Lines of another format read as one long scalar.
			if doc.Kind != yaml.ScalarNode {
				w.node(doc, "")
			}
		}
	}
	if len(d.features) == 0 {
		for line := range bytes.Lines(text) {
			if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' && !separates(string(line)) && len(d.features) < maxFeatures {
				d.features = append(d.features, maphash.Bytes(m.seed, line))
			}
		}
		d.bare = slices.Clone(d.features)
	}
	slices.Sort(d.features)
	slices.Sort(d.bare)
}

// walker collects the values of a document.
type walker struct {
	*moves
	*document
	visited int
}

func (w *walker) node(n *yaml.Node, path string) {
	if w.visited++; w.visited > maxFeatures {
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			w.node(n.Content[i+1], path+"\x00"+n.Content[i].Value)
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			w.node(item, path+"\x00")
		}
	case yaml.ScalarNode:
		w.value(path, n.Value)
	}
}

func (w *walker) value(path, value string) {
	switch path {
	case "\x00apiVersion", "\x00kind", "\x00metadata\x00name", "\x00metadata\x00namespace":
		if w.kind != "" {
			return // what the document is called
		}
	}
	w.features = append(w.features, maphash.String(w.seed, path+"\x00="+value))
	if len(w.name) > 2 || w.name == value {
		value = strings.ReplaceAll(value, w.name, "\x00")
	}
	w.bare = append(w.bare, maphash.String(w.seed, path+"\x00="+value))
}
