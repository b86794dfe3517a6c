package manifest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// ProblemClass is why an input could not be read or rendered: the stable id of
// the reserved rule that reports it.
type ProblemClass string

// The classes of problems that a stream of YAML can have.
const (
	ParseError   ProblemClass = "parse-error"
	Encoding     ProblemClass = "encoding"
	DuplicateKey ProblemClass = "duplicate-key"
	LimitSize    ProblemClass = "limit-size"
	LimitDocs    ProblemClass = "limit-docs"
	LimitDepth   ProblemClass = "limit-depth"
	LimitAlias   ProblemClass = "limit-alias"
	AliasCycle   ProblemClass = "alias-cycle"
)

// ReadError is a part of a stream that could not be read. It costs the document
// that it is in and no other, or with a duplicate key nothing: the last of the
// entries holds. Its text never quotes the stream, which may be secret.
type ReadError struct {
	Class ProblemClass
	// Limit is the name of the limit that was met, such as "depth", by which
	// configuration and command line raise it; empty for a fault that no limit
	// makes.
	Limit        string
	Line, Column int // from 1; 0 when unknown
	Message      string
}

// Error is the message behind the line.
func (e *ReadError) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Message)
}

// Parse takes a stream apart within the default limits: see Limits.Parse.
func Parse(data []byte) ([]*yaml.Node, []*ReadError) { return Limits{}.Parse(data) }

// Parse takes a stream of YAML or JSON documents apart. It returns the root
// node of every document that could be read, aliases and merge keys resolved,
// positions those of the stream, and an error for each document that could not.
// Empty documents are left out. What an alias stands for is one node in several
// places.
//
// Values are those that the API server's reader (sigs.k8s.io/yaml) would see,
// but for YAML 1.1 booleans, which stay strings here; the typed view reads them.
// A stream beyond the limits on size and number of documents gives none.
func (l Limits) Parse(data []byte) ([]*yaml.Node, []*ReadError) {
	l = l.orDefault()
	text, refused := l.decode(data)
	if refused == nil {
		refused = l.refuse(l.survey(text))
	}
	if refused != nil {
		return nil, []*ReadError{refused}
	}
	return l.parse(text)
}

func (l Limits) parse(text []byte) ([]*yaml.Node, []*ReadError) {
	text = untab(text)
	docs, err := decodeAll(text, 0)
	var problems []*ReadError
	if err != nil {
		// The decoder can't go on behind an error: take the stream apart at
		// its separators, so that one bad document costs only itself.
		docs = nil
		parts, tooMany := l.splitJSON(text)
		if tooMany != nil {
			return nil, []*ReadError{tooMany}
		}
		if len(parts) == 0 {
			parts = splitStream(text)
		}
		for _, part := range parts {
			nodes, err := decodeAll(part.text, part.line)
			if part.column > 0 {
				for _, n := range nodes {
					shiftColumns(n, part.line+1, part.column)
				}
			}
			docs = append(docs, nodes...)
			if err != nil {
				problems = append(problems, err)
			}
		}
	}
	budget := budget{limits: l, nodes: l.AliasNodes, bytes: aliasBytesFactor*len(text) + aliasBytesFree}
	sound := docs[:0]
	for _, n := range docs {
		err := budget.spend(n)
		if err == nil {
			r := resolver{done: map[*yaml.Node]bool{}}
			r.resolve(n)
			err = r.err
		}
		if err != nil {
			problems = append(problems, err)
		}
		if err == nil || err.Class == DuplicateKey {
			sound = append(sound, n)
		}
	}
	slices.SortStableFunc(problems, func(a, b *ReadError) int { return cmp.Compare(a.Line, b.Line) })
	return sound, problems
}

// untab makes JSON that is indented with tabs readable to a YAML parser. Tabs
// inside JSON strings must be escaped, so every raw one is white space.
func untab(data []byte) []byte {
	start := bytes.TrimLeft(data, " \t\r\n")
	if len(start) == 0 || (start[0] != '{' && start[0] != '[') || bytes.IndexByte(data, '\t') < 0 {
		return data
	}
	return bytes.ReplaceAll(data, []byte{'\t'}, []byte{' '})
}

func decodeAll(text []byte, line int) (docs []*yaml.Node, problem *ReadError) {
	defer func() {
		// The parser panics on a few malformed inputs.
		if r := recover(); r != nil {
			problem = &ReadError{Class: ParseError, Line: line + 1, Message: "can't parse YAML: the parser can't read this document"}
		}
	}()
	if problem = invalidText(text, line); problem != nil {
		return nil, problem
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return docs, readError(err, text, line)
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

func readError(err error, text []byte, lines int) *ReadError {
	e := &ReadError{Class: ParseError, Line: lines + 1}
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(message, "line "); ok {
		if number, rest, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(number); err == nil {
				e.Line, message = lines+n, rest
			}
		}
	}
	switch {
	case strings.HasPrefix(message, "unknown anchor '"):
		// The parser quotes what stands there, which may be a secret that
		// begins with an asterisk, and does not say where.
		name := strings.TrimSuffix(strings.TrimPrefix(message, "unknown anchor '"), "' referenced")
		if at := bytes.Index(text, []byte("*"+name)); at >= 0 {
			e.place(text, at, lines)
		}
		message = "unknown anchor referenced: put a value that begins with * in quotes"
	case message == "control characters are not allowed":
		// The parser does not say where.
		if at := bytes.IndexFunc(text, control); at >= 0 {
			e.place(text, at, lines)
		}
	case strings.HasPrefix(message, "exceeded max depth"):
		// Before the nesting could be counted.
		e.Class, e.Limit, e.Message = LimitDepth, limitDepth, "nested deeper than 10000 levels, which no option allows"
		return e
	case message == "found incompatible YAML document":
		message = "the %YAML directive asks for a version other than 1.1: remove it"
	case strings.HasPrefix(message, "found character that cannot start any token"):
		message += ", such as a tab in the indentation, @ or %"
	}
	e.Message = "can't parse YAML: " + message
	return e
}

// place sets the error's place to that of a byte of the text, which stands
// behind so many lines of the stream.
func (e *ReadError) place(text []byte, at, lines int) {
	start := bytes.LastIndexByte(text[:at], '\n') + 1
	e.Line = lines + 1 + bytes.Count(text[:start], []byte{'\n'})
	e.Column = 1 + utf8.RuneCount(text[start:at])
}

// control says that YAML allows a character nowhere.
func control(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7f && r < 0xa0 && r != 0x85 || r == 0xfffe || r == 0xffff
}

type streamPart struct {
	text         []byte
	line, column int // lines, and runes of its first line, before it
}

// splitJSON takes a stream of JSON objects apart, which for YAML must have
// separators and for the API machinery need not, and rewrites what JSON may
// escape and YAML not. It gives nothing for a text that is no such stream.
func (l Limits) splitJSON(text []byte) ([]streamPart, *ReadError) {
	if !startsJSON(text) {
		return nil, nil
	}
	var parts []streamPart
	d := json.NewDecoder(bytes.NewReader(text))
	end, line, column := 0, 0, 0
	pass := func(to int) {
		passed := text[end:to]
		if i := bytes.LastIndexByte(passed, '\n'); i >= 0 {
			line += bytes.Count(passed, []byte{'\n'})
			passed, column = passed[i+1:], 0
		}
		column += utf8.RuneCount(passed)
		end = to
	}
	for {
		var object json.RawMessage
		err := d.Decode(&object)
		if errors.Is(err, io.EOF) {
			return parts, nil
		}
		if err != nil {
			return nil, nil
		}
		after := int(d.InputOffset())
		pass(after - len(object))
		if len(parts) == l.Documents {
			return nil, &ReadError{Class: LimitDocs, Limit: limitDocuments, Line: line + 1,
				Message: fmt.Sprintf("more than %d documents", l.Documents)}
		}
		parts = append(parts, streamPart{unescape(object), line, column})
		pass(after)
	}
}

// unescape writes the characters that a YAML parser can't read escaped in JSON
// as themselves: slashes and pairs of surrogates. Spaces behind the string keep
// what follows in its column.
func unescape(object []byte) []byte {
	if !bytes.Contains(object, []byte(`\/`)) && !bytes.Contains(object, []byte(`\u`)) {
		return object
	}
	text := make([]byte, 0, len(object))
	quoted, saved := false, 0
	for i := 0; i < len(object); i++ {
		c := object[i]
		if !quoted || c != '\\' {
			text = append(text, c)
			if c == '"' {
				if quoted {
					text = append(text, bytes.Repeat([]byte{' '}, saved)...)
				}
				quoted, saved = !quoted, 0
			}
			continue
		}
		i++
		high, pair := surrogate(object[i-1:]), rune(utf8.RuneError)
		if high != 0 {
			pair = utf16.DecodeRune(high, surrogate(object[min(i+5, len(object)):]))
		}
		switch {
		case object[i] == '/':
			text = append(text, '/')
			saved++
		case high == 0:
			text = append(text, '\\', object[i])
		case pair == utf8.RuneError:
			// Half a pair: no character, and read as this one.
			text = append(text, `\ufffd`...)
			i += 4
		default:
			text = utf8.AppendRune(text, pair)
			i += 10
			saved += 11
		}
	}
	return text
}

// surrogate is the half of a pair that begins the text escaped, or 0.
func surrogate(text []byte) rune {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil || !utf16.IsSurrogate(rune(n)) {
		return 0
	}
	return rune(n)
}

func shiftColumns(n *yaml.Node, line, columns int) {
	if n.Line == line {
		n.Column += columns
	}
	for _, c := range n.Content {
		shiftColumns(c, line, columns)
	}
}

// splitStream cuts a stream before each document. Directives and comments above
// a separator go with the document below it.
func splitStream(text []byte) []streamPart {
	var parts []streamPart
	start, startLine, pos, line := 0, 0, 0, 0
	content := false // the part holds a document
	cut := func() {
		if content {
			parts = append(parts, streamPart{text: text[start:pos], line: startLine})
			start, startLine, content = pos, line, false
		}
	}
	for l := range bytes.Lines(text) {
		switch separator(l) {
		case '-':
			cut()
			content = true
			pos += len(l)
			line++
		case '.':
			pos += len(l)
			line++
			if cut(); start < pos {
				// It ends nothing, and the parser wants a document there.
				start, startLine = pos, line
			}
		default:
			if t := bytes.TrimSpace(l); len(t) > 0 && t[0] != '#' && l[0] != '%' {
				content = true
			}
			pos += len(l)
			line++
		}
	}
	return append(parts, streamPart{text: text[start:], line: startLine})
}

func shift(n *yaml.Node, lines int) {
	n.Line += lines
	for _, c := range n.Content {
		shift(c, lines)
	}
}

// budget is what the documents of a stream may still expand to.
type budget struct {
	limits       Limits
	nodes, bytes int // that all aliases of the stream may add

	anchored           map[*yaml.Node]expansion
	ownNodes, ownBytes int // of the document, aliases not followed
}

// expansion is what a node comes to when its aliases are followed.
type expansion struct {
	nodes, bytes int
	height       int  // collections inside each other
	open         bool // not measured to its end: it holds what is being measured
}

// spend measures a document, each of its nodes looked at once, and says why it
// may not be read.
func (b *budget) spend(root *yaml.Node) *ReadError {
	b.anchored, b.ownNodes, b.ownBytes = map[*yaml.Node]expansion{}, 0, 0
	e, err := b.measure(root, 0)
	if err != nil {
		return err
	}
	addedNodes, addedBytes := e.nodes-b.ownNodes, e.bytes-b.ownBytes
	if e.bytes > aliasBytesFactor*b.ownBytes+aliasBytesFree || addedBytes > b.bytes {
		return &ReadError{Class: LimitAlias, Line: root.Line, Column: root.Column,
			Message: fmt.Sprintf("aliases expand to more than %d times the bytes that are written, and 1 MiB", aliasBytesFactor)}
	}
	if addedNodes > b.nodes {
		return b.tooMany(root)
	}
	b.nodes -= addedNodes
	b.bytes -= addedBytes
	return nil
}

func (b *budget) tooMany(n *yaml.Node) *ReadError {
	return &ReadError{Class: LimitAlias, Limit: limitAliasNodes, Line: n.Line, Column: n.Column,
		Message: fmt.Sprintf("aliases expand to more than %d nodes", b.limits.AliasNodes)}
}

// measure is told how many collections n is in.
func (b *budget) measure(n *yaml.Node, depth int) (expansion, *ReadError) {
	if n.Kind == yaml.AliasNode {
		e := b.anchored[n.Alias]
		switch {
		case e.open:
			return e, &ReadError{Class: AliasCycle, Line: n.Line, Column: n.Column, Message: "an alias refers to a node that contains it"}
		case depth+e.height > b.limits.Depth:
			return e, b.tooDeep(n)
		}
		b.ownNodes++
		b.ownBytes++
		return e, nil
	}
	e := expansion{nodes: 1, bytes: len(n.Value) + 1}
	b.ownNodes++
	b.ownBytes += e.bytes
	if n.Kind != yaml.ScalarNode {
		if depth == b.limits.Depth {
			return e, b.tooDeep(n)
		}
		if n.Anchor != "" {
			b.anchored[n] = expansion{open: true}
		}
		for _, c := range n.Content {
			below, err := b.measure(c, depth+1)
			if err != nil {
				return e, err
			}
			e.nodes += below.nodes
			e.bytes += below.bytes
			e.height = max(e.height, below.height)
			if e.nodes > b.limits.AliasNodes {
				return e, b.tooMany(c)
			}
		}
		e.height++
	}
	if n.Anchor != "" {
		b.anchored[n] = e
	}
	return e, nil
}

func (b *budget) tooDeep(n *yaml.Node) *ReadError {
	return &ReadError{Class: LimitDepth, Limit: limitDepth, Line: n.Line, Column: n.Column,
		Message: fmt.Sprintf("nested deeper than %d levels", b.limits.Depth)}
}

// resolver replaces aliases by the nodes that they stand for and merge keys by
// the entries that they merge, in a document that was measured. Its error is
// the first fault of a mapping, one that costs the document before others.
type resolver struct {
	done map[*yaml.Node]bool // those with an anchor
	err  *ReadError
}

func (r *resolver) resolve(n *yaml.Node) {
	if len(n.Content) == 0 || r.done[n] {
		return
	}
	if n.Anchor != "" {
		r.done[n] = true
	}
	for i, c := range n.Content {
		if c.Kind == yaml.AliasNode {
			// Anchored before, so resolved already.
			n.Content[i] = c.Alias
			continue
		}
		r.resolve(c)
	}
	if n.Kind == yaml.MappingNode {
		r.mapping(n)
	}
}

// smallMapping is how many keys are faster compared with each other than put
// into a map.
const smallMapping = 16

func (r *resolver) mapping(n *yaml.Node) {
	var seen map[string]bool
	if len(n.Content) > 2*smallMapping {
		seen = make(map[string]bool, len(n.Content)/2)
	}
	merges := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			continue
		}
		if isMerge(key) {
			merges = true
			continue
		}
		again := seen[key.Value]
		if seen != nil {
			seen[key.Value] = true
		} else {
			for j := 0; j < i && !again; j += 2 {
				k := n.Content[j]
				again = k.Value == key.Value && k.Kind == yaml.ScalarNode && !isMerge(k)
			}
		}
		if again {
			r.fail(key, DuplicateKey, "the key is written twice in the same mapping: the last one holds")
		}
	}
	if merges {
		r.merge(n)
	}
}

// merge takes in the entries of merge keys as the API server's reader does: an
// entry wins over those above it, whether it is written in the mapping or
// merged, and of a list of merged mappings the first wins. A merge that wins
// over a written entry is reported, for by the YAML specification, and for
// kustomize, it is the written one that holds.
func (r *resolver) merge(n *yaml.Node) {
	type place struct {
		index  int
		merged bool
	}
	last := make(map[string]place, len(n.Content)/2)
	var content []*yaml.Node
	// put adds an entry; by is the merge key that brings it, if any.
	put := func(key, value, by *yaml.Node) {
		p, replaces := last[key.Value]
		replaces = replaces && key.Kind == yaml.ScalarNode && (by != nil || p.merged)
		if replaces && !p.merged {
			r.fail(by, DuplicateKey, "the merge brings a key that is written above it, and which of the two holds differs between programs: put the merge first")
		}
		if replaces {
			content[p.index], content[p.index+1] = key, value
		} else {
			p.index = len(content)
			content = append(content, key, value)
		}
		if key.Kind == yaml.ScalarNode {
			last[key.Value] = place{p.index, by != nil}
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !isMerge(key) {
			put(key, value, nil)
			continue
		}
		sources := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			sources = value.Content
		}
		for _, m := range slices.Backward(sources) {
			if m.Kind != yaml.MappingNode {
				r.fail(m, ParseError, "can't parse YAML: the merge key << needs a mapping or a list of mappings")
				continue
			}
			for j := 0; j+1 < len(m.Content); j += 2 {
				put(m.Content[j], m.Content[j+1], key)
			}
		}
	}
	n.Content = content
}

func (r *resolver) fail(n *yaml.Node, class ProblemClass, message string) {
	if r.err == nil || r.err.Class == DuplicateKey && class != DuplicateKey {
		r.err = &ReadError{Class: class, Line: n.Line, Column: n.Column, Message: message}
	}
}

func isMerge(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "<<" && n.ShortTag() == "!!merge"
}

// Objects are the Kubernetes objects that a document holds: itself, the items
// of a list kind, or the elements of a top-level list. A document that is no
// Kubernetes object gives none.
func Objects(doc *yaml.Node, origin Origin, locate Locator) []*Object {
	return appendObjects(nil, doc, origin, locate)
}

func appendObjects(objects []*Object, doc *yaml.Node, origin Origin, locate Locator) []*Object {
	if doc.Kind == yaml.SequenceNode {
		for _, item := range doc.Content {
			objects = appendObjects(objects, item, origin, locate)
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
	sops := Get(doc, "sops")
	for _, item := range items.Content {
		if item.Kind != yaml.MappingNode {
			continue
		}
		if sops != nil && Get(item, "sops") == nil {
			// One block holds for all items of an encrypted list.
			item.Content = append(item.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "sops"}, sops)
		}
		if itemKind := strings.TrimSuffix(kind, "List"); itemKind != "" {
			inherit(item, "kind", itemKind)
			inherit(item, "apiVersion", scalar(doc, "apiVersion"))
		}
		objects = appendObjects(objects, item, origin, locate)
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
