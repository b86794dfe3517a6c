package sops

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// readDotenv reads lines of NAME=value. Unlike SOPS it takes the lines as they
// are on Windows, too.
func (f *File) readDotenv(data []byte) {
	d := &Document{Start: manifest.Span{File: f.Name, Line: 1, Column: 1}}
	var block []flatEntry
	var comments []string
	number := 0
	for line := range bytes.Lines(data) {
		number++
		text := strings.TrimSuffix(string(line), "\n")
		if number == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if cut, ok := strings.CutSuffix(text, "\r"); ok {
			text, f.CRLF = cut, true
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		if comment, ok := strings.CutPrefix(text, "#"); ok {
			comments = append(comments, comment)
			continue
		}
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			f.damaged = true
			continue
		}
		value = strings.ReplaceAll(value, `\n`, "\n")
		at := f.lineSpan(number, text, name+"=")
		if own, ok := strings.CutPrefix(name, "sops_"); ok {
			block = append(block, flatEntry{own, value, at})
			continue
		}
		d.Leaves = append(d.Leaves, lineLeaf([]string{name}, value, at, comments))
		comments = nil
	}
	f.addLines(d, block)
}

// readINI reads sections of names and values.
func (f *File) readINI(data []byte) {
	d := &Document{Start: manifest.Span{File: f.Name, Line: 1, Column: 1}}
	var block []flatEntry
	section, number := "DEFAULT", 0
	var header manifest.Span
	for line := range bytes.Lines(data) {
		number++
		raw := strings.TrimRight(string(line), "\r\n")
		text := strings.TrimSpace(strings.TrimPrefix(raw, "\ufeff"))
		if text == "" || text[0] == '#' || text[0] == ';' {
			continue
		}
		if text[0] == '[' {
			if end := strings.LastIndexByte(text, ']'); end > 0 {
				section = strings.TrimSpace(text[1:end])
			}
			if section == "sops" && header.Line == 0 {
				header = f.lineSpan(number, text, "")
			}
			continue
		}
		i := strings.IndexAny(raw, "=:")
		if i < 0 {
			// The rest of a value of several lines.
			continue
		}
		name, value := strings.TrimSpace(raw[:i]), strings.TrimSpace(raw[i+1:])
		at := f.lineSpan(number, raw, raw[:len(raw)-len(strings.TrimLeft(raw[i+1:], " \t"))])
		value = unquoteINI(value)
		if section == "sops" {
			block = append(block, flatEntry{name, strings.ReplaceAll(value, `\n`, "\n"), at})
			continue
		}
		d.Leaves = append(d.Leaves, lineLeaf([]string{section, name}, value, at, nil))
	}
	f.addLines(d, block)
	if d.Metadata != nil {
		d.Block = header
	}
}

func unquoteINI(v string) string {
	for _, quote := range [...]string{`"""`, `"`, "`", "'"} {
		if inner, ok := strings.CutPrefix(v, quote); ok && len(v) > 2*len(quote)-1 {
			return strings.TrimSuffix(inner, quote)
		}
	}
	return v
}

// lineSpan is the place of what follows the beginning of a line.
func (f *File) lineSpan(number int, line, beginning string) manifest.Span {
	return manifest.Span{
		File: f.Name, Line: number, Column: utf8.RuneCountInString(beginning) + 1,
		EndLine: number, EndColumn: utf8.RuneCountInString(line) + 1,
	}
}

func lineLeaf(keys []string, value string, at manifest.Span, comments []string) Leaf {
	path := ""
	for _, k := range keys {
		path = joinPath(path, k)
	}
	return Leaf{Keys: keys, Path: path, Value: value, Tag: "!!str", At: at, Encrypted: IsCiphertext(value), comments: comments}
}

// addLines adds the one document of a file of lines.
func (f *File) addLines(d *Document, block []flatEntry) {
	if len(block) > 0 {
		d.Block = block[0].at
		d.Block.Column = 1
		d.Metadata = readBlock(unflatten(block))
		d.Fields = map[string]manifest.Span{}
		for _, e := range block {
			name, _, _ := strings.Cut(e.name, "__")
			if _, ok := d.Fields[name]; !ok {
				d.Fields[name] = e.at
			}
		}
	}
	if len(d.Leaves) == 0 && d.Metadata == nil {
		return
	}
	d.decide()
	if d.byComments() {
		c := newCommentRule(d.Metadata.Selector)
		for i := range d.Leaves {
			l := &d.Leaves[i]
			// How the comments of INI files belong to values is not known here.
			l.Due = f.Format == Dotenv && !l.Empty() && c.covers(c.matches(l.comments...))
		}
	}
	f.Documents = append(f.Documents, d)
}

// flatEntry is one entry of a sops block in a format that has no nesting.
type flatEntry struct {
	name, value string
	at          manifest.Span
}

// flatNode is a part of such a block.
type flatNode struct {
	value string
	keys  []string
	parts map[string]*flatNode
	list  bool
}

// maxFlat is how deep a flat name may lead. The deepest that SOPS writes is
// key_groups__list_0__map_kms__list_0__map_context__map_name.
const maxFlat = 8

// unflatten makes nested nodes of names such as age__list_0__map_recipient.
func unflatten(entries []flatEntry) *yaml.Node {
	root := &flatNode{}
	for _, e := range entries {
		n := root
		for i, part := range splitFlat(e.name) {
			key, list := part, false
			if i > 0 {
				key, list = strings.CutPrefix(part, "list_")
				if !list {
					key = strings.TrimPrefix(part, "map_")
				}
			}
			n = n.part(key, list)
		}
		n.value = e.value
	}
	return root.node()
}

// splitFlat takes a flat name apart in front of each __map_ and __list_.
func splitFlat(name string) []string {
	var parts []string
	for len(parts) < maxFlat {
		end := len(name)
		for _, separator := range [...]string{"__map_", "__list_"} {
			if i := strings.Index(name, separator); i >= 0 {
				end = min(end, i)
			}
		}
		parts = append(parts, name[:end])
		if end == len(name) {
			break
		}
		name = name[end+2:]
	}
	return parts
}

func (n *flatNode) part(key string, list bool) *flatNode {
	if n.parts == nil {
		n.parts = map[string]*flatNode{}
	}
	p, ok := n.parts[key]
	if !ok {
		p = &flatNode{}
		n.parts[key] = p
		n.keys = append(n.keys, key)
		n.list = list
	}
	return p
}

func (n *flatNode) node() *yaml.Node {
	if n.parts == nil {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: n.value}
	}
	if n.list {
		// SOPS writes the tenth entry in front of the second.
		slices.SortStableFunc(n.keys, func(a, b string) int {
			i, _ := strconv.Atoi(a)
			j, _ := strconv.Atoi(b)
			return i - j
		})
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, key := range n.keys {
			list.Content = append(list.Content, n.parts[key].node())
		}
		return list
	}
	mapping := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, key := range n.keys {
		mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, n.parts[key].node())
	}
	return mapping
}
