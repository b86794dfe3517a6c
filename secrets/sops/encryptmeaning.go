package sops

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
	kyaml "sigs.k8s.io/yaml"
)

// keepsMeaning refuses documents that SOPS would give back as something else. It reads
// and writes values by YAML 1.2 with some of 1.1, and Kubernetes reads them by 1.1, where
// yes is a boolean and a date is a text.
func keepsMeaning(text []byte, docs []*yaml.Node, ends []documentEnd) error {
	for i, doc := range docs {
		before, err := kyaml.YAMLToJSON(text[ends[i].start:ends[i].end])
		if err != nil {
			// The words of the parser may quote a value.
			return refusal(doc.Content[0].Line, "the tools of Kubernetes can't read the document: correct the YAML")
		}
		written, err := yaml.Marshal(asSOPSWrites(doc))
		if err != nil {
			return refusal(doc.Content[0].Line, "sops can't write the document: put its values in quotes")
		}
		after, err := kyaml.YAMLToJSON(written)
		if err != nil {
			return refusal(doc.Content[0].Line, "the tools of Kubernetes can't read what sops would give back: put the values in quotes")
		}
		if bytes.Equal(before, after) {
			continue
		}
		where, line := "", doc.Content[0].Line
		if keys := firstDifference(before, after); len(keys) > 0 {
			where, line = " of "+keyPath(keys), lineOf(doc, keys)
		}
		return refusal(line, "sops would give the value%s back as something else, as it reads dates, yes, no, on and off otherwise than Kubernetes: put it in quotes", where)
	}
	return nil
}

// asSOPSWrites is a document as SOPS gives it back.
func asSOPSWrites(n *yaml.Node) *yaml.Node {
	switch n.Kind {
	case yaml.DocumentNode:
		return &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{asSOPSWrites(n.Content[0])}}
	case yaml.AliasNode:
		return asSOPSWrites(n.Alias)
	case yaml.ScalarNode:
		again := &yaml.Node{}
		if again.Encode(scalarValue(n)) != nil {
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
		}
		return again
	}
	c := &yaml.Node{Kind: n.Kind}
	for _, child := range n.Content {
		c.Content = append(c.Content, asSOPSWrites(child))
	}
	return c
}

// firstDifference are the keys that lead to where two JSON texts differ.
func firstDifference(a, b []byte) []string {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return nil
	}
	return differing(x, y, nil)
}

func differing(x, y any, keys []string) []string {
	switch x := x.(type) {
	case map[string]any:
		y, ok := y.(map[string]any)
		if !ok {
			return keys
		}
		names := make([]string, 0, len(x))
		for name := range x {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			below := append(slices.Clone(keys), name)
			other, ok := y[name]
			if !ok {
				return below
			}
			if found := differing(x[name], other, below); found != nil {
				return found
			}
		}
		return nil
	case []any:
		y, ok := y.([]any)
		if !ok || len(x) != len(y) {
			return keys
		}
		for i := range x {
			if found := differing(x[i], y[i], append(slices.Clone(keys), strconv.Itoa(i))); found != nil {
				return found
			}
		}
		return nil
	}
	if fmt.Sprintf("%T %v", x, x) != fmt.Sprintf("%T %v", y, y) {
		return keys
	}
	return nil
}

// lineOf is the line of the node that keys lead to, as far as they do.
func lineOf(n *yaml.Node, keys []string) int {
	if n.Kind == yaml.DocumentNode {
		n = n.Content[0]
	}
	for _, key := range keys {
		next := (*yaml.Node)(nil)
		for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
			if n.Content[i].Value == key {
				next = n.Content[i+1]
			}
		}
		if i, err := strconv.Atoi(key); err == nil && n.Kind == yaml.SequenceNode && i < len(n.Content) {
			next = n.Content[i]
		}
		if next == nil {
			break
		}
		n = next
	}
	return n.Line
}

// verify decrypts what was made and compares it with what was read.
func (s *sealer) verify(out []byte, format Format, before []*leaf) error {
	after, blocks, err := s.readBack(out, format)
	if err != nil {
		return fmt.Errorf("%w: %w", errChanged, err)
	}
	d := &decrypter{aead: s.aead}
	mac := newMAC(s.choice.macOnlyEncrypted)
	for _, l := range after {
		text, isText := l.value.(string)
		if l.isComment {
			if l.covered && text != "" {
				if _, err := d.value(text, []byte(additionalData(l.keys))); err != nil || !IsCiphertext(text) {
					return fmt.Errorf("%w: a comment of line %d", errChanged, l.line)
				}
			}
			continue
		}
		if l.covered && !l.empty() {
			if !isText || !IsCiphertext(text) {
				return fmt.Errorf("%w: line %d stayed clear", errChanged, l.line)
			}
			if l.value, err = d.value(text, []byte(additionalData(l.keys))); err != nil {
				return fmt.Errorf("%w: line %d", errChanged, l.line)
			}
		}
		if data, ok := macBytes(l.value); ok && (!s.choice.macOnlyEncrypted || l.covered) {
			mac.Write(data)
		}
	}
	same := func(a, b *leaf) bool {
		x, _ := macBytes(a.value)
		y, _ := macBytes(b.value)
		return slices.Equal(a.keys, b.keys) && a.covered == b.covered && typeName(a.value) == typeName(b.value) && bytes.Equal(x, y)
	}
	isComment := func(l *leaf) bool { return l.isComment }
	if !slices.EqualFunc(slices.DeleteFunc(slices.Clone(before), isComment), slices.DeleteFunc(after, isComment), same) {
		return errChanged
	}
	for _, block := range blocks {
		d.block = block
		written, err := d.writtenMAC()
		if err != nil || written != fmt.Sprintf("%X", mac.Sum(nil)) {
			return fmt.Errorf("%w: the MAC does not match", errChanged)
		}
	}
	return nil
}

// readBack reads what was made as SOPS will. The blocks are those of YAML and JSON.
func (s *sealer) readBack(out []byte, format Format) (leaves []*leaf, blocks []*yaml.Node, err error) {
	w := s.yamlWalk()
	var docs []*yaml.Node
	switch format {
	case YAML:
		docs, err = decodeNodes(out)
	case JSON:
		var doc *jsonDocument
		if doc, err = readJSON(out); err == nil {
			docs = []*yaml.Node{doc.root}
		}
	case Dotenv:
		leaves, err = readDotenv(out, s.choice, true)
		return leaves, nil, err
	default:
		leaves, err = readINI(out, s.choice, true)
		return leaves, nil, err
	}
	if err != nil {
		return nil, nil, err
	}
	w.encrypted = true
	for _, doc := range docs {
		block, err := blockOf(doc)
		if err != nil {
			return nil, nil, err
		}
		blocks = append(blocks, block)
		if err := w.document(doc); err != nil {
			return nil, nil, err
		}
	}
	return w.leaves, blocks, nil
}
