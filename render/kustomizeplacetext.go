package render

import (
	"bytes"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// writtenFile is a file of YAML as a person wrote it: what stands at a place of
// it.
type writtenFile struct {
	data   []byte
	starts []int // of the lines

	limits manifest.Limits
	once   sync.Once
	nodes  map[[2]int][]*yaml.Node
	blocks map[int][]*yaml.Node
}

func newWrittenFile(data []byte, l manifest.Limits) *writtenFile {
	w := &writtenFile{data: data, limits: l, starts: []int{0}}
	for i, c := range data {
		if c == '\n' {
			w.starts = append(w.starts, i+1)
		}
	}
	return w
}

// line is the text of a line, without its end.
func (w *writtenFile) line(n int) []byte {
	if n < 1 || n > len(w.starts) {
		return nil
	}
	text := w.data[w.starts[n-1]:]
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	return bytes.TrimSuffix(text, []byte("\r"))
}

// rest is what stands in a line from a column on.
func (w *writtenFile) rest(line, column int) string {
	text := w.line(line)
	for ; column > 1 && len(text) > 0; column-- {
		_, size := utf8.DecodeRune(text)
		text = text[size:]
	}
	return string(text)
}

// indent is the width of the white space that a line begins with.
func (w *writtenFile) indent(line int) int {
	text := w.line(line)
	return len(text) - len(bytes.TrimLeft(text, " "))
}

// plainly says that a scalar's value stands at a place in a form that needs no
// parser to tell. Everything else is to be parsed.
func (w *writtenFile) plainly(line, column int, value string, key bool) bool {
	rest := w.rest(line, column)
	for _, quote := range [...]string{`"`, `'`} {
		after, ok := strings.CutPrefix(rest, quote+value+quote)
		if ok && !strings.ContainsAny(value, "\"'\\\n") {
			return !key || strings.HasPrefix(after, ":")
		}
	}
	after, ok := strings.CutPrefix(rest, value)
	if !ok || value == "" || strings.ContainsAny(value[:1], "\"'|>&*![{ ") {
		return false
	}
	if key {
		return after == ":" || strings.HasPrefix(after, ": ")
	}
	trimmed := strings.TrimLeft(after, " \t")
	return trimmed == "" || len(trimmed) < len(after) && trimmed[0] == '#'
}

// at are the nodes that begin at a place: a mapping begins where its first key
// does.
func (w *writtenFile) at(line, column int) []*yaml.Node {
	w.parse()
	return w.nodes[[2]int{line, column}]
}

// scalar is the scalar that begins at a place, or nil.
func (w *writtenFile) scalar(line, column int) *yaml.Node {
	for _, n := range w.at(line, column) {
		if n.Kind == yaml.ScalarNode {
			return n
		}
	}
	return nil
}

// block is the literal block scalar with some text that a line introduces, or
// nil.
func (w *writtenFile) block(line int, text string) *yaml.Node {
	w.parse()
	for _, n := range w.blocks[line] {
		if n.Value == text {
			return n
		}
	}
	return nil
}

// keyBefore is where a key stands whose value begins at a place: on the same line,
// or as the last thing before it that is not further in.
func (w *writtenFile) keyBefore(line, column int, key string) (keyLine, keyColumn int, ok bool) {
	for i := line; i > 0; i-- {
		text := string(w.line(i))
		if i == line {
			text = strings.TrimSuffix(text, w.rest(line, column))
		}
		entry := strings.TrimLeft(text, " -")
		before := utf8.RuneCountInString(text[:len(text)-len(entry)])
		if entry == "" || entry[0] == '#' {
			continue
		}
		if i < line && before >= column {
			return 0, 0, false
		}
		for _, quote := range [...]string{"", `"`, "'"} {
			after, found := strings.CutPrefix(entry, quote+key+quote+":")
			after = strings.TrimSpace(after)
			if found && (after == "" || strings.ContainsAny(after[:1], "#&!")) {
				return i, before + 1, true
			}
		}
		return 0, 0, false
	}
	return 0, 0, false
}

// literalText is the text of the literal block that a line introduces, also where
// the whole is itself the text of a block, and the column before its lines.
func (w *writtenFile) literalText(line int) (text string, column int, ok bool) {
	if !literalHeader().Match(w.line(line)) {
		return "", 0, false
	}
	column = -1
	var out strings.Builder
	for i := line + 1; i <= len(w.starts); i++ {
		content := w.line(i)
		blank := len(bytes.TrimSpace(content)) == 0
		if column < 0 && !blank {
			column = w.indent(i)
		}
		switch {
		case blank:
			content = nil
		case w.indent(i) < column || column == 0:
			return out.String(), column, out.Len() > 0
		default:
			content = content[column:]
		}
		out.Write(content)
		out.WriteByte('\n')
	}
	return out.String(), max(column, 0), column > 0
}

// literal says that a literal block with some text is introduced by a line, and
// which column is before its lines.
func (w *writtenFile) literal(line int, text string) (column int, ok bool) {
	found, column, ok := w.literalText(line)
	return column, ok && trimEnds(found) == trimEnds(text)
}

// trimEnds takes away what is at the ends of lines, and empty lines at the end of
// the text.
func trimEnds(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \t\r")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

var literalHeader = lazyRegexp(`\|[-+]?\s*(?:#.*)?$`)

func (w *writtenFile) parse() {
	w.once.Do(func() {
		w.nodes, w.blocks = map[[2]int][]*yaml.Node{}, map[int][]*yaml.Node{}
		docs, _ := w.limits.Parse(w.data)
		seen := map[*yaml.Node]bool{}
		var walk func(n *yaml.Node)
		walk = func(n *yaml.Node) {
			if seen[n] {
				return
			}
			seen[n] = true
			place := [2]int{n.Line, n.Column}
			w.nodes[place] = append(w.nodes[place], n)
			if n.Kind == yaml.ScalarNode && n.Style&yaml.LiteralStyle != 0 {
				w.blocks[n.Line] = append(w.blocks[n.Line], n)
			}
			for _, c := range n.Content {
				walk(c)
			}
		}
		for _, doc := range docs {
			walk(doc)
		}
	})
}
