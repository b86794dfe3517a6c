package render

import (
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// tracedText is a text with what wrote each part of it.
type tracedText struct {
	name    string // of the template, as helm has it
	lines   []string
	runs    []run
	pieces  []piece
	options []option

	mu sync.Mutex
	// printed is what actions printed, read by itself: the keys that lead to the
	// nodes, by their lines and columns.
	printed map[int]map[[2]int]*keyPath
	same    map[int][]int        // the runs of each piece
	named   map[string][]*option // the options by their keys
}

// runAt is the index of the run that a place of the text is in; -1 for none.
func (t *tracedText) runAt(line, column int) int {
	return sort.Search(len(t.runs), func(i int) bool {
		r := t.runs[i]
		return r.line > line || r.line == line && r.column > column
	}) - 1
}

// piece is the piece of a run; ok is false if it is not known.
func (t *tracedText) piece(run int) (p *piece, ok bool) {
	if run < 0 || run >= len(t.runs) {
		return nil, false
	}
	i := t.runs[run].piece
	if i < 0 || i >= len(t.pieces) {
		return nil, false
	}
	return &t.pieces[i], true
}

// segment is the part of a line that one run wrote.
type segment struct {
	run    int
	column int
	text   string
}

// parts are the runs from a column of a line up to another.
func (t *tracedText) parts(line, from, to int) []segment {
	if line < 1 || line > len(t.lines) {
		return nil
	}
	runes := []rune(t.lines[line-1])
	to = min(to, len(runes)+1)
	var list []segment
	for i := t.runAt(line, from); i >= 0 && i < len(t.runs); i++ {
		start, end := from, to
		if r := t.runs[i]; r.line == line {
			if r.column >= to && len(list) > 0 {
				break
			}
			start = max(from, r.column)
		} else if r.line > line {
			break
		}
		if i+1 < len(t.runs) && t.runs[i+1].line == line {
			end = min(to, t.runs[i+1].column)
		}
		if start < end {
			list = append(list, segment{i, start, string(runes[start-1 : end-1])})
		}
	}
	return list
}

// stretch is all that a run wrote, with white space before it, so that the
// columns are those of the text.
func (t *tracedText) stretch(run int) string {
	r := t.runs[run]
	end, column := len(t.lines), 0
	if run+1 < len(t.runs) {
		end, column = t.runs[run+1].line, t.runs[run+1].column
	}
	var b strings.Builder
	for line := r.line; line <= min(end, len(t.lines)); line++ {
		runes := []rune(t.lines[line-1])
		if line == end && column > 0 {
			runes = runes[:min(column-1, len(runes))]
		}
		if line == r.line {
			from := min(r.column-1, len(runes))
			b.WriteString(strings.Repeat(" ", from))
			runes = runes[from:]
		}
		b.WriteString(string(runes))
		b.WriteByte('\n')
	}
	return b.String()
}

// keyPath is a way of keys and indexes.
type keyPath struct {
	up  *keyPath
	key string
}

func (k *keyPath) keys() []string {
	var list []string
	for ; k != nil && k.up != nil; k = k.up {
		list = append(list, k.key)
	}
	slices.Reverse(list)
	return list
}

// keysAt are the keys that lead, in what a run wrote, to the scalar or the entry
// of a mapping at a place of the text. ok is false if what it wrote can't be read
// by itself, or no such node is at that place.
func (t *tracedText) keysAt(run, line, column int, l manifest.Limits) ([]string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	places, ok := t.printed[run]
	if !ok {
		places = map[[2]int]*keyPath{}
		if docs, problems := l.Parse([]byte(t.stretch(run))); len(problems) == 0 && len(docs) == 1 {
			keyPaths(docs[0], &keyPath{}, places)
		}
		if t.printed == nil {
			t.printed = map[int]map[[2]int]*keyPath{}
		}
		t.printed[run] = places
	}
	path, ok := places[[2]int{line - t.runs[run].line + 1, column}]
	return path.keys(), ok
}

func keyPaths(n *yaml.Node, path *keyPath, places map[[2]int]*keyPath) {
	add := func(n *yaml.Node, path *keyPath) {
		if at := [2]int{n.Line, n.Column}; places[at] == nil {
			places[at] = path
		}
	}
	switch {
	case n.Kind == yaml.MappingNode && len(n.Content) > 0:
		for i := 0; i+1 < len(n.Content); i += 2 {
			below := &keyPath{path, n.Content[i].Value}
			add(n.Content[i], below)
			keyPaths(n.Content[i+1], below, places)
		}
	case n.Kind == yaml.SequenceNode && len(n.Content) > 0:
		for i, item := range n.Content {
			keyPaths(item, &keyPath{path, strconv.Itoa(i)}, places)
		}
	default:
		add(n, path)
	}
}

// rank says how many runs of the same piece there are, and how many of them come
// before this one.
func (t *tracedText) rank(run int) (before, count int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.same == nil {
		t.same = map[int][]int{}
		for i, r := range t.runs {
			t.same[r.piece] = append(t.same[r.piece], i)
		}
	}
	all := t.same[t.runs[run].piece]
	return sort.SearchInts(all, run), len(all)
}

// optionsOf are the options with a key.
func (t *tracedText) optionsOf(key string) []*option {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.named == nil {
		t.named = map[string][]*option{}
		for i := range t.options {
			o := &t.options[i]
			t.named[o.key] = append(t.named[o.key], o)
		}
	}
	return t.named[key]
}
