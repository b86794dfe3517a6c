package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Limits on what one YAML stream may cost. The largest of 30,000 files in
// public GitOps repositories nests 48 levels deep and expands its aliases by a
// factor of 2.1.
const (
	maxDepth    = 200
	maxExpanded = 1_000_000
)

// ProblemClass is why an input could not be read or rendered: the stable id of
// the reserved rule that reports it.
type ProblemClass string

// The classes of problems that a stream of YAML can have.
const (
	ParseError   ProblemClass = "parse-error"
	DuplicateKey ProblemClass = "duplicate-key"
	LimitDepth   ProblemClass = "limit-depth"
	LimitAlias   ProblemClass = "limit-alias"
	AliasCycle   ProblemClass = "alias-cycle"
)

// ReadError is a part of a stream that could not be read. It costs the document
// that it is in and no other.
type ReadError struct {
	Class        ProblemClass
	Line, Column int // from 1; 0 when unknown
	Message      string
}

func (e *ReadError) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Message)
}

// Parse takes a stream of YAML or JSON documents apart. It returns the root
// node of every document that could be read, aliases and merge keys resolved,
// positions those of the stream, and an error for each document that could not.
// Empty documents are left out.
func Parse(data []byte) ([]*yaml.Node, []*ReadError) {
	data = untab(data)
	docs, err := decodeAll(data, 0)
	var problems []*ReadError
	if err != nil {
		// The decoder can't go on behind an error: take the stream apart at
		// its separators, so that one bad document costs only itself.
		docs, problems = nil, nil
		for _, part := range splitStream(data) {
			nodes, err := decodeAll(part.text, part.line)
			docs = append(docs, nodes...)
			if err != nil {
				problems = append(problems, err)
			}
		}
	}
	sound := docs[:0]
	for _, n := range docs {
		r := resolver{sizes: map[*yaml.Node]int{}}
		if err := r.resolve(n, 0); err != nil {
			problems = append(problems, err)
			continue
		}
		sound = append(sound, n)
	}
	return sound, problems
}

// untab makes JSON that is indented with tabs readable to a YAML parser. Tabs
// inside JSON strings must be escaped, so every raw one is white space.
func untab(data []byte) []byte {
	start := bytes.TrimLeft(data, " \t\r\n\ufeff")
	if len(start) == 0 || (start[0] != '{' && start[0] != '[') || !bytes.ContainsRune(data, '\t') {
		return data
	}
	return bytes.ReplaceAll(data, []byte{'\t'}, []byte{' '})
}

func decodeAll(data []byte, line int) (docs []*yaml.Node, problem *ReadError) {
	defer func() {
		// The parser panics on a few malformed inputs.
		if r := recover(); r != nil {
			problem = &ReadError{Class: ParseError, Line: line + 1, Message: "the YAML parser can't read this document"}
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return docs, readError(err, line)
		}
		if len(doc.Content) == 0 || isNull(doc.Content[0]) {
			continue
		}
		if line > 0 {
			shift(&doc, line)
		}
		docs = append(docs, doc.Content[0])
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

var yamlErrorLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

func readError(err error, offset int) *ReadError {
	text := err.Error()
	e := &ReadError{Class: ParseError, Line: offset + 1}
	if m := yamlErrorLine.FindStringSubmatch(text); m != nil {
		text = text[len(m[0]):]
		if n, err := strconv.Atoi(m[1]); err == nil {
			e.Line = offset + n
		}
	}
	if strings.HasPrefix(text, "unknown anchor") {
		// The parser quotes what stands there, which may be a secret that
		// begins with an asterisk.
		text = "unknown anchor referenced"
	}
	e.Message = "can't parse YAML: " + text
	return e
}

type streamPart struct {
	text []byte
	line int // lines before it
}

func splitStream(data []byte) []streamPart {
	var parts []streamPart
	start, line, startLine := 0, 0, 0
	for i := 0; i < len(data); {
		end := bytes.IndexByte(data[i:], '\n')
		if end < 0 {
			end = len(data)
		} else {
			end += i + 1
		}
		if i > start && bytes.HasPrefix(data[i:end], []byte("---")) && (end-i == 3 || strings.IndexByte(" \t\r\n", data[i+3]) >= 0) {
			parts = append(parts, streamPart{data[start:i], startLine})
			start, startLine = i, line
		}
		i = end
		line++
	}
	return append(parts, streamPart{data[start:], startLine})
}

func shift(n *yaml.Node, lines int) {
	n.Line += lines
	for _, c := range n.Content {
		shift(c, lines)
	}
}

// resolver replaces aliases by the nodes that they stand for and merge keys by
// the entries that they merge, and measures what that expands to before anyone
// walks it.
type resolver struct {
	sizes map[*yaml.Node]int // expanded nodes below; -1 while on the way
}

func (r *resolver) resolve(n *yaml.Node, depth int) *ReadError {
	if depth > maxDepth {
		return &ReadError{Class: LimitDepth, Line: n.Line, Column: n.Column,
			Message: fmt.Sprintf("nested deeper than %d levels", maxDepth)}
	}
	if size, ok := r.sizes[n]; ok {
		if size < 0 {
			return &ReadError{Class: AliasCycle, Line: n.Line, Column: n.Column, Message: "an alias refers to a node that contains it"}
		}
		return nil
	}
	if len(n.Content) == 0 {
		return nil
	}
	r.sizes[n] = -1
	size := 1
	merges := false
	for i, c := range n.Content {
		for c.Kind == yaml.AliasNode {
			c = c.Alias
			n.Content[i] = c
		}
		if err := r.resolve(c, depth+1); err != nil {
			return err
		}
		if s, ok := r.sizes[c]; ok {
			size += s
		} else {
			size++
		}
		if size > maxExpanded {
			return &ReadError{Class: LimitAlias, Line: n.Line, Column: n.Column,
				Message: fmt.Sprintf("aliases expand to more than %d nodes", maxExpanded)}
		}
		if n.Kind == yaml.MappingNode && i%2 == 0 && c.Tag == "!!merge" {
			merges = true
		}
	}
	if merges {
		merge(n)
	}
	r.sizes[n] = size
	return nil
}

// merge takes in the entries of `<<`, those that are written in the mapping
// itself winning, earlier merges over later ones (yaml.org/type/merge.html).
func merge(n *yaml.Node) {
	var own, merged []*yaml.Node
	has := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag != "!!merge" {
			own = append(own, n.Content[i], n.Content[i+1])
			has[n.Content[i].Value] = true
		}
	}
	take := func(m *yaml.Node) {
		if m.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(m.Content); i += 2 {
			if !has[m.Content[i].Value] {
				has[m.Content[i].Value] = true
				merged = append(merged, m.Content[i], m.Content[i+1])
			}
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag != "!!merge" {
			continue
		}
		if v := n.Content[i+1]; v.Kind == yaml.SequenceNode {
			for _, m := range v.Content {
				take(m)
			}
		} else {
			take(v)
		}
	}
	n.Content = append(own, merged...)
}

// Objects are the Kubernetes objects that a document holds: itself, the items
// of a list kind, or the elements of a top-level list. A document that is no
// Kubernetes object gives none.
func Objects(doc *yaml.Node, origin Origin, locate Locator) []*Object {
	return appendObjects(nil, doc, origin, locate, 0)
}

func appendObjects(objects []*Object, doc *yaml.Node, origin Origin, locate Locator, depth int) []*Object {
	if depth > maxDepth {
		return objects
	}
	if doc.Kind == yaml.SequenceNode {
		for _, item := range doc.Content {
			objects = appendObjects(objects, item, origin, locate, depth+1)
		}
		return objects
	}
	kind := scalar(doc, "kind")
	if kind == "" || scalar(doc, "apiVersion") == "" {
		return objects
	}
	items := Get(doc, "items")
	if !strings.HasSuffix(kind, "List") || items == nil || items.Kind != yaml.SequenceNode {
		return append(objects, New(doc, origin, locate))
	}
	for _, item := range items.Content {
		if item.Kind != yaml.MappingNode {
			continue
		}
		if sops := Get(doc, "sops"); sops != nil && Get(item, "sops") == nil {
			// One block holds for all items of an encrypted list.
			item.Content = append(item.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "sops"}, sops)
		}
		if itemKind := strings.TrimSuffix(kind, "List"); itemKind != "" {
			inherit(item, "kind", itemKind)
			inherit(item, "apiVersion", scalar(doc, "apiVersion"))
		}
		objects = appendObjects(objects, item, origin, locate, depth+1)
	}
	return objects
}

// inherit sets what an item of a typed list (a ConfigMapList, say) may leave
// out because the list says it.
func inherit(item *yaml.Node, key, value string) {
	if Get(item, key) == nil {
		item.Content = append(item.Content,
			&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key},
			&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value})
	}
}
