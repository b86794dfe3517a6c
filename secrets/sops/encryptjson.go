package sops

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxJSONDepth is how deep JSON may be nested: as deep as a manifest.
const maxJSONDepth = 200

// json encrypts the values of JSON in their places, and puts the sops block at the end of
// the object.
func (s *sealer) json(data []byte) ([]byte, error) {
	if err := validText(data); err != nil {
		return nil, err
	}
	doc, err := readJSON(data)
	if err != nil {
		return nil, err
	}
	w := s.yamlWalk()
	w.same = sameJSON
	if err := w.document(doc.root); err != nil {
		return nil, err
	}
	for n, l := range w.nodes {
		l.at = doc.at[n]
	}
	var edits []edit
	for _, l := range w.leaves {
		if err := s.take(l); err != nil {
			return nil, err
		}
		if !l.covered || l.empty() {
			continue
		}
		if len(l.keys) == 1 && (l.keys[0] == "apiVersion" || l.keys[0] == "kind") {
			s.structure = true
		}
		text, err := s.sealLeaf(l)
		if err != nil {
			return nil, err
		}
		s.remember(data[l.at.start:l.at.end])
		edits = append(edits, l.at.replaceWith(strconv.Quote(text))...)
	}
	block, err := s.metadata()
	if err != nil {
		return nil, err
	}
	// The brace that ends the object, and the end of what is before it.
	brace := bytes.LastIndexByte(data, '}')
	last := len(bytes.TrimRight(data[:brace], " \t\r\n"))
	outer, step, nl := jsonIndent(data)
	written, err := jsonBlock(block, outer, step, nl)
	if err != nil {
		return nil, err
	}
	before := nl + outer
	if nl == "" {
		before = " "
	}
	edits = append(edits, edit{last, last, "," + before + `"sops": ` + written})
	out, err := applyEdits(data, edits)
	if err != nil {
		return nil, err
	}
	return out, s.verify(out, JSON, w.leaves)
}

// jsonIndent is how the entries of an object are indented, a step of it, and what ends
// its lines: nothing if all stands in one.
func jsonIndent(data []byte) (outer, step, nl string) {
	data = bytes.TrimLeft(data, " \t\r\n")
	space := data[1 : len(data)-len(bytes.TrimLeft(data[1:], " \t\r\n"))]
	i := bytes.LastIndexByte(space, '\n')
	if i < 0 {
		return "", "", ""
	}
	nl = "\n"
	if i > 0 && space[i-1] == '\r' {
		nl = "\r\n"
	}
	outer = string(space[i+1:])
	return outer, outer, nl
}

// jsonBlock is an object in the form of the file.
func jsonBlock(block map[string]any, outer, step, nl string) (string, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if nl != "" {
		e.SetIndent(outer, step)
	}
	if err := e.Encode(block); err != nil {
		return "", fmt.Errorf("writing the sops block: %w", err)
	}
	return strings.ReplaceAll(strings.TrimSuffix(out.String(), "\n"), "\n", nl), nil
}

// sameJSON says that SOPS would write the number again as it is written.
func sameJSON(n *yaml.Node, value any) bool {
	if _, ok := value.(bool); ok {
		return true
	}
	written, err := json.Marshal(value)
	return err == nil && string(written) == n.Value
}

// jsonDocument is a JSON text as nodes.
type jsonDocument struct {
	root *yaml.Node
	at   map[*yaml.Node]textRange

	data   []byte
	tokens *json.Decoder
	line   int
	seen   int // up to where lines are counted
}

var errJSON = errors.New("it can't be read as JSON, of which sops encrypts one object")

func readJSON(data []byte) (*jsonDocument, error) {
	if !json.Valid(data) {
		return nil, errJSON
	}
	d := &jsonDocument{data: data, at: map[*yaml.Node]textRange{}, tokens: json.NewDecoder(bytes.NewReader(data)), line: 1}
	d.tokens.UseNumber()
	root, err := d.node(0)
	if err != nil {
		return nil, err
	}
	if root.Kind != yaml.MappingNode {
		return nil, errJSON
	}
	d.root = &yaml.Node{Kind: yaml.DocumentNode, Line: 1, Content: []*yaml.Node{root}}
	return d, nil
}

// token reads one, and where it is.
func (d *jsonDocument) token() (json.Token, textRange, error) {
	start := int(d.tokens.InputOffset())
	token, err := d.tokens.Token()
	if err != nil {
		// Its words quote the text.
		return nil, textRange{}, errJSON
	}
	for start < len(d.data) && (isBlank(d.data[start]) || d.data[start] == ',' || d.data[start] == ':') {
		start++
	}
	d.line += bytes.Count(d.data[d.seen:start], []byte{'\n'})
	d.seen = start
	return token, textRange{start: start, end: int(d.tokens.InputOffset())}, nil
}

func (d *jsonDocument) node(depth int) (*yaml.Node, error) {
	token, at, err := d.token()
	if err != nil {
		return nil, err
	}
	return d.nodeOf(token, at, depth)
}

func (d *jsonDocument) nodeOf(token json.Token, at textRange, depth int) (*yaml.Node, error) {
	if depth > maxJSONDepth {
		return nil, refusal(d.line, "it is nested deeper than %d levels", maxJSONDepth)
	}
	delimiter, ok := token.(json.Delim)
	if !ok {
		return d.scalar(token, at)
	}
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: d.line}
	if delimiter == '{' {
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
	}
	// Keys come as values do.
	for d.tokens.More() {
		child, err := d.node(depth + 1)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, child)
	}
	_, _, err := d.token()
	return n, err
}

func (d *jsonDocument) scalar(token json.Token, at textRange) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: d.line}
	d.at[n] = at
	switch v := token.(type) {
	case string:
		n.Tag, n.Value = "!!str", v
		if strings.ContainsRune(v, '\ufffd') && !bytes.ContainsRune(d.data[at.start:at.end], '\ufffd') {
			return nil, refusal(d.line, "the text holds half of a character, which sops would replace: write it whole")
		}
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(v)
	case json.Number:
		n.Tag, n.Value = "!!float", v.String()
		if _, err := v.Int64(); err == nil {
			n.Tag = "!!int"
		} else if strings.Trim(n.Value, "-0123456789") == "" {
			return nil, refusal(d.line, "sops would round a number of this size: put it in quotes")
		} else if _, err := v.Float64(); err != nil {
			return nil, refusal(d.line, "sops can't encrypt a file with a number of this size: put it in quotes")
		}
	case nil:
		n.Tag, n.Value = "!!null", "null"
	default:
		return nil, errJSON
	}
	return n, nil
}
