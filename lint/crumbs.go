package lint

import (
	"cmp"
	"slices"
	"strings"
)

// maxCrumbs is how many keys above a place are looked at. No real file nests as
// deep.
const maxCrumbs = 100

// Situate notes of settled findings what stands around their places: the object
// in the file and the keys that lead to the line, read from the text, which may be
// a template. That is what fingerprints know a place by. source gives nil for a
// file that can't be read.
func Situate(findings []Finding, source func(file string) []byte) {
	order := make([]int, 0, len(findings))
	for i := range findings {
		if f := &findings[i]; f.Object.Kind != "" && f.Origin.File != "" && f.Origin.Line > 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(i, j int) int {
		a, b := &findings[i].Origin, &findings[j].Origin
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(i, j))
	})
	var text *outline
	file, line, crumbs := "", 0, ""
	for _, i := range order {
		f := &findings[i]
		if text == nil || f.Origin.File != file {
			file, line = f.Origin.File, 0
			text = newOutline(string(source(file)))
		}
		if f.Origin.Line != line {
			line, crumbs = f.Origin.Line, text.crumbs(f.Origin.Line)
		}
		f.crumbs = crumbs
	}
}

// outline is a file as its indentation tells what it holds.
type outline struct {
	lines []string
	// parents is the line, from 0, of the key or item that each line is in; -1
	// for none.
	parents []int
	// starts is the first line of the document that each line is in.
	starts []int
	names  map[int]string // by documents' and items' first lines
}

func newOutline(text string) *outline {
	o := &outline{lines: strings.Split(text, "\n"), names: map[int]string{}}
	o.parents, o.starts = make([]int, len(o.lines)), make([]int, len(o.lines))
	var open []int
	start := 0
	for i, line := range o.lines {
		if strings.HasPrefix(line, "---") {
			start, open = i, open[:0]
		}
		o.parents[i], o.starts[i] = -1, start
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' || strings.HasPrefix(text, "---") || strings.HasPrefix(text, "{{") {
			// What is written under an action belongs to the key above it.
			if len(open) > 0 {
				o.parents[i] = open[len(open)-1]
			}
			continue
		}
		indent, item := indentOf(line), isItem(text)
		for n := len(open) - 1; n >= 0; n-- {
			above := o.lines[open[n]]
			in := indentOf(above)
			// The items of a list may stand as far left as its key.
			if in < indent || in == indent && item && !isItem(strings.TrimSpace(above)) {
				break
			}
			open = open[:n]
		}
		if len(open) > 0 {
			o.parents[i] = open[len(open)-1]
		}
		open = append(open, i)
	}
	return o
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

func isItem(text string) bool { return text == "-" || strings.HasPrefix(text, "- ") }

// crumbs are the name of the document that a line, from 1, is in, and the keys
// that lead to it. They hold no values but names.
func (o *outline) crumbs(line int) string {
	i := line - 1
	if i < 0 || i >= len(o.lines) {
		return ""
	}
	keys := []string{o.document(o.starts[i])}
	for n := 0; i >= 0 && n < maxCrumbs; n++ {
		text := strings.TrimSpace(o.lines[i])
		if isItem(text) {
			keys = append(keys, "["+o.item(i)+"]")
		}
		keys = append(keys, keyOf(text))
		i = o.parents[i]
	}
	return strings.Join(keys, "\x00")
}

// keyOf is the key of a line.
func keyOf(text string) string {
	key, _, ok := strings.Cut(strings.TrimLeft(text, "- "), ":")
	if !ok || strings.ContainsAny(key, "{}") {
		return ""
	}
	return key
}

// document is the kind and name of a document, as they are written.
func (o *outline) document(start int) string {
	if name, ok := o.names[-1-start]; ok {
		return name
	}
	kind, name, within := "", "", false
	for i := start; i < len(o.lines); i++ {
		line := o.lines[i]
		if i > start && strings.HasPrefix(line, "---") {
			break
		}
		switch text := strings.TrimSpace(line); {
		case strings.HasPrefix(line, "kind:"):
			kind = text
		case strings.HasPrefix(line, "metadata:"):
			within = true
		case indentOf(line) == 0 && text != "" && text[0] != '#' && text[0] != '{':
			within = false
		case within && name == "" && strings.HasPrefix(text, "name:"):
			name = text
		}
	}
	o.names[-1-start] = kind + " " + name
	return kind + " " + name
}

// item is what the list item that begins at a line is called.
func (o *outline) item(start int) string {
	if name, ok := o.names[start]; ok {
		return name
	}
	first := strings.TrimLeft(o.lines[start], " \t-")
	column := len(o.lines[start]) - len(first)
	name := ""
	for i := start; i < len(o.lines) && i < start+500; i++ {
		text := first
		if i > start {
			text = strings.TrimSpace(o.lines[i])
			if text != "" && indentOf(o.lines[i]) < column {
				break
			}
			if indentOf(o.lines[i]) != column {
				continue
			}
		}
		if value, ok := strings.CutPrefix(text, "name:"); ok {
			name = strings.TrimSpace(value)
			break
		}
	}
	o.names[start] = name
	return name
}
