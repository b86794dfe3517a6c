package sops

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// yaml encrypts the values of YAML in their places, and puts a sops block at the end of
// each document.
func (s *sealer) yaml(data []byte) ([]byte, error) {
	text, marked := bytes.CutPrefix(data, []byte("\ufeff"))
	docs, err := readForEncryption(text)
	if err != nil {
		return nil, err
	}
	w := s.yamlWalk()
	for _, doc := range docs {
		if err := w.document(doc); err != nil {
			return nil, err
		}
	}
	ends := documentEnds(text, docs)
	if err := keepsMeaning(text, docs, ends); err != nil {
		return nil, err
	}
	y := &yamlEdits{sealer: s, text: newYAMLText(text), flow: map[*yaml.Node]bool{}, at: map[*yaml.Node]textRange{}}
	for _, doc := range docs {
		y.locate(doc, -1, false)
	}
	if y.err != nil {
		return nil, y.err
	}
	slices.SortFunc(y.scalars, func(a, b textRange) int { return cmp.Compare(a.start, b.start) })
	if err := y.values(w); err != nil {
		return nil, err
	}
	if err := y.blocks(docs, ends); err != nil {
		return nil, err
	}
	out, err := y.finish(w.leaves)
	if err != nil {
		return nil, err
	}
	if err := s.verify(out, YAML, w.leaves); err != nil {
		return nil, err
	}
	if marked {
		out = slices.Concat([]byte("\ufeff"), out)
	}
	return out, nil
}

func (s *sealer) yamlWalk() *treeWalk {
	return &treeWalk{choice: s.choice, read: scalarValue, same: sameYAML}
}

// readForEncryption parses YAML as SOPS does, aliases and merge keys as written.
func readForEncryption(text []byte) ([]*yaml.Node, error) {
	if err := validText(text); err != nil {
		return nil, err
	}
	if line := oddBreak(text); line > 0 {
		return nil, refusal(line, "the line holds a character that ends lines in YAML alone, or none that is seen: remove it, or write it escaped in double quotes")
	}
	if len(text) > 0 && (text[0] == 0xff || text[0] == 0xfe) {
		return nil, errors.New("it is not UTF-8: save it as UTF-8")
	}
	_, problems := manifest.Parse(text)
	if len(problems) > 0 {
		p := problems[0]
		if p.Class == manifest.ParseError && bytes.Contains(text, []byte("{{")) {
			return nil, errors.New("it is a template, not YAML, which sops does not encrypt: move the secret values into a file without templates")
		}
		return nil, p
	}
	docs, err := decodeNodes(text)
	if err != nil {
		return nil, err
	}
	if len(docs) == 0 {
		return nil, errors.New("it is empty: there is nothing to encrypt")
	}
	return docs, nil
}

func decodeNodes(text []byte) (docs []*yaml.Node, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("it can't be read as YAML")
		}
	}()
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		doc := &yaml.Node{}
		err := d.Decode(doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			// The parser's words may quote a value.
			return nil, errors.New("it can't be read as YAML")
		}
		docs = append(docs, doc)
	}
}

// sameYAML says that SOPS would write the value again as it is written.
func sameYAML(n *yaml.Node, value any) bool {
	if _, ok := value.(bool); ok {
		return true
	}
	var again yaml.Node
	return again.Encode(value) == nil && again.Value == n.Value
}

// yamlEdits are the edits that encrypt a stream.
type yamlEdits struct {
	*sealer
	text    *yamlText
	at      map[*yaml.Node]textRange
	flow    map[*yaml.Node]bool
	scalars []textRange
	edits   []edit
	err     error
}

// locate finds the scalars of a document in the text.
func (y *yamlEdits) locate(n *yaml.Node, indent int, flow bool) {
	if y.err != nil {
		return
	}
	flow = flow || n.Style&yaml.FlowStyle != 0
	switch n.Kind {
	case yaml.ScalarNode:
		r, ok := y.text.scalar(n, indent)
		if !ok {
			y.err = refusal(n.Line, "it can't be told where the value ends: write it in double quotes")
			return
		}
		y.at[n], y.flow[n] = r, flow
		y.scalars = append(y.scalars, r)
	case yaml.MappingNode:
		if len(n.Content) > 0 && !flow {
			indent = n.Content[0].Column - 1
		}
	case yaml.SequenceNode:
		if !flow {
			indent = n.Column - 1
		}
	}
	for _, c := range n.Content {
		y.locate(c, indent, flow)
	}
}

// values encrypts the values that the walk found.
func (y *yamlEdits) values(w *treeWalk) error {
	for n, l := range w.nodes {
		l.at = y.at[n]
		if y.flow[n] {
			l.quote = true
		}
	}
	for _, l := range w.leaves {
		if err := y.take(l); err != nil {
			return err
		}
		if !l.covered || l.isComment || l.empty() {
			continue
		}
		if len(l.keys) == 1 && (l.keys[0] == "apiVersion" || l.keys[0] == "kind") {
			y.structure = true
		}
		if l.at.none() {
			return refusal(l.line, "it can't be told where the value is written: write it in double quotes")
		}
		text, err := y.sealLeaf(l)
		if err != nil {
			return err
		}
		if l.quote {
			text = strconv.Quote(text)
		}
		y.remember(y.text.text[l.at.start:l.at.end])
		if l.at.bodyEnd > l.at.bodyStart {
			y.clear = y.clear[:len(y.clear)-1]
			y.remember(y.text.text[l.at.bodyStart:l.at.bodyEnd])
		}
		y.edits = append(y.edits, l.at.replaceWith(text)...)
	}
	return nil
}

// finish makes the edits, and encrypts the comments: of which collection SOPS takes one
// to be is seen in the text that it will read.
func (y *yamlEdits) finish(leaves []*leaf) ([]byte, error) {
	comments := y.text.comments(y.scalars)
	if len(comments) == 0 {
		return applyEdits(y.text.text, y.edits)
	}
	const mark = " scantling comment "
	write := func(text func(i int) string) ([]byte, error) {
		edits := slices.Clone(y.edits)
		for i, c := range comments {
			edits = append(edits, edit{c.start, c.end, text(i)})
		}
		return applyEdits(y.text.text, edits)
	}
	original := func(i int) string { return string(y.text.text[comments[i].start:comments[i].end]) }
	marked, err := write(func(i int) string { return mark + strconv.Itoa(i) })
	if err != nil {
		return nil, err
	}
	docs, err := decodeNodes(marked)
	if err != nil {
		return nil, err
	}
	w := y.yamlWalk()
	w.encrypted = true
	number := func(text string) (int, bool) {
		digits, ok := strings.CutPrefix(text, mark)
		i, err := strconv.Atoi(digits)
		return i, ok && err == nil && i < len(comments)
	}
	w.comment = func(text string) string {
		if i, ok := number(text); ok {
			return original(i)
		}
		return text
	}
	for _, doc := range docs {
		if err := w.document(doc); err != nil {
			return nil, err
		}
	}
	sealed := make([]string, len(comments))
	seen := make([]bool, len(comments))
	for _, l := range w.leaves {
		text, _ := l.value.(string)
		i, ok := number(text)
		if !l.isComment || !ok {
			continue
		}
		seen[i], sealed[i] = true, original(i)
		if l.value = original(i); l.covered && !l.empty() {
			if sealed[i], err = y.sealComment(l); err != nil {
				return nil, err
			}
		}
	}
	near := neighbours(leaves)
	for i := range comments {
		if seen[i] {
			continue
		}
		// SOPS does not see it, and would drop it. Beside an encrypted value it must
		// not stay clear all the same.
		l := near(comments[i].start)
		sealed[i] = original(i)
		if l != nil && sealed[i] != "" {
			if sealed[i], err = y.sealComment(&leaf{keys: l.keys, value: sealed[i], isComment: true}); err != nil {
				return nil, err
			}
		}
	}
	return write(func(i int) string { return sealed[i] })
}

// sealComment is the ciphertext of a comment.
func (s *sealer) sealComment(l *leaf) (string, error) {
	text, err := s.sealLeaf(l)
	if err == nil && s.choice.field == "unencrypted_comment_regex" && s.choice.re.MatchString(text) {
		return "", errors.New("the unencrypted_comment_regex of the rule matches encrypted comments, too: make it narrower")
	}
	return text, err
}

// neighbours gives the encrypted value right before or behind a place, or nil.
func neighbours(leaves []*leaf) func(at int) *leaf {
	written := slices.DeleteFunc(slices.Clone(leaves), func(l *leaf) bool { return l.isComment || l.at.none() })
	slices.SortFunc(written, func(a, b *leaf) int { return cmp.Compare(a.at.start, b.at.start) })
	return func(at int) *leaf {
		i, _ := slices.BinarySearchFunc(written, at, func(l *leaf, at int) int { return cmp.Compare(l.at.start, at) })
		for _, l := range written[max(i-1, 0):min(i+1, len(written))] {
			if l.covered {
				return l
			}
		}
		return nil
	}
}

// blocks puts the sops block at the end of each document.
func (y *yamlEdits) blocks(docs []*yaml.Node, ends []documentEnd) error {
	block, err := y.metadata()
	if err != nil {
		return err
	}
	nl := "\n"
	if bytes.Contains(y.text.text, []byte("\r\n")) {
		nl = "\r\n"
	}
	for i, doc := range docs {
		root := doc.Content[0]
		if root.Style&yaml.FlowStyle != 0 {
			if err := y.flowBlock(root, ends[i], block); err != nil {
				return err
			}
			continue
		}
		written, err := yamlBlock(block, indentOf(root), nl)
		if err != nil {
			return err
		}
		at, text := ends[i].block, y.text.text
		if at > 0 && text[at-1] != '\n' {
			if l := y.lastScalar(at); l != nil && l.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
				return refusal(l.Line, "a line break behind the value would become part of it: end the file with one")
			}
			written = nl + strings.TrimSuffix(written, nl)
		}
		y.edits = append(y.edits, edit{at, at, written})
	}
	return nil
}

// lastScalar is the scalar that ends last before a place.
func (y *yamlEdits) lastScalar(before int) *yaml.Node {
	var last *yaml.Node
	for n, r := range y.at {
		if r.start < before && (last == nil || r.start > y.at[last].start) {
			last = n
		}
	}
	return last
}

// flowBlock puts the sops block before the brace that ends a document in flow style.
func (y *yamlEdits) flowBlock(root *yaml.Node, end documentEnd, block map[string]any) error {
	i, _ := slices.BinarySearchFunc(y.scalars, end.end, func(r textRange, at int) int { return cmp.Compare(r.start, at) })
	last := end.start
	if i > 0 {
		last = max(last, y.scalars[i-1].end)
	}
	// Behind the last value there are marks and comments only.
	text, at, before := y.text.text[:end.end], -1, last
	for i := last; i < len(text); i++ {
		switch c := text[i]; {
		case c == '#':
			i = y.text.lineEnd(i)
		case c == '}':
			if at >= 0 {
				before = at + 1
			}
			at = i
		case c == ',' || c == ']':
			before = i + 1
		}
	}
	if at < 0 {
		return refusal(root.Line, "it can't be told where the document ends: write it in block style")
	}
	written, err := jsonBlock(block, "", "", "")
	if err != nil {
		return err
	}
	comma := ", "
	if before > 0 && text[before-1] == ',' && before > last {
		comma = " "
	}
	y.edits = append(y.edits, edit{at, at, comma + `"sops": ` + written})
	return nil
}

// documentEnd is where a document stands: from the line of its content to the marker
// behind it, or to the end of the stream. The block is behind its last line that is not
// empty.
type documentEnd struct{ start, end, block int }

// documentEnds finds the documents. No value holds a line that is a marker.
func documentEnds(text []byte, docs []*yaml.Node) []documentEnd {
	t := newYAMLText(text)
	ends := make([]documentEnd, 0, len(docs))
	line := 1
	for _, doc := range docs {
		first := doc.Content[0].Line
		// The marker may stand in the line of the content.
		for line = max(line, first); line < len(t.lines) && !isMarker(text[t.lines[line]:]); line++ {
		}
		end := len(text)
		if line < len(t.lines) {
			end = t.lines[line]
		}
		block := len(bytes.TrimRight(text[:end], " \t\r\n"))
		if next := bytes.IndexByte(text[block:end], '\n'); next >= 0 {
			block += next + 1
		}
		if keepsBreaks(doc) {
			block = end
		}
		ends = append(ends, documentEnd{t.lines[first-1], end, block})
		line++
	}
	return ends
}

// isMarker says that a line begins or ends a document.
func isMarker(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("---")) && !bytes.HasPrefix(line, []byte("...")) {
		return false
	}
	return len(line) == 3 || isBlank(line[3])
}

// keepsBreaks says that empty lines may be part of a value.
func keepsBreaks(n *yaml.Node) bool {
	if n.Kind == yaml.ScalarNode && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 && (strings.HasSuffix(n.Value, "\n\n") || n.Value == "\n") {
		return true
	}
	return slices.ContainsFunc(n.Content, keepsBreaks)
}

// indentation is how a document is indented.
type indentation struct{ root, step int }

// indentOf finds it, by default as SOPS does it.
func indentOf(root *yaml.Node) indentation {
	in := indentation{step: 4}
	if len(root.Content) > 0 {
		in.root = root.Content[0].Column - 1
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		value := root.Content[i+1]
		if value.Kind != yaml.MappingNode || value.Style&yaml.FlowStyle != 0 || len(value.Content) == 0 {
			continue
		}
		if step := value.Content[0].Column - root.Content[i].Column; step >= 2 && step <= 8 {
			in.step = step
			break
		}
	}
	return in
}

func yamlBlock(block map[string]any, in indentation, nl string) (string, error) {
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(in.step)
	if err := e.Encode(map[string]any{"sops": block}); err != nil {
		return "", fmt.Errorf("writing the sops block: %w", err)
	}
	var text strings.Builder
	for line := range strings.Lines(out.String()) {
		text.WriteString(strings.Repeat(" ", in.root))
		text.WriteString(strings.TrimSuffix(line, "\n"))
		text.WriteString(nl)
	}
	return text.String(), nil
}
