package render

import (
	"fmt"
	"sort"
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// textPad is the file of the pad of a product's text, postPad that of a patch:
// of those of a post renderer of a release, by their numbers. No file of a tree
// has such a name.
func textPad(text int) string        { return fmt.Sprintf("\x00text/%d", text) }
func postPad(post, patch int) string { return fmt.Sprintf("\x00post/%d/%d", post, patch) }

// padding gives texts their own lines among all texts of a build.
type padding struct {
	pads []pad
	next int
	left int // bytes of empty lines that may still be written
}

// maxPadding is how many bytes of empty lines are spent on places. A chart of
// some hundred large documents takes a tenth of it.
const maxPadding = 64 << 20

func newPadding() *padding { return &padding{next: firstPad, left: maxPadding} }

// reserve gives a text its lines.
func (p *padding) reserve(file, text string) (start int) {
	start = p.next
	lines := strings.Count(text, "\n") + 1
	p.pads = append(p.pads, pad{start, lines, file})
	p.next += lines + 1
	return start
}

// afford says that so many more empty lines may be written.
func (p *padding) afford(lines int) bool {
	if lines > p.left {
		return false
	}
	p.left -= lines
	return true
}

// line is the number of lines before a document, of the text of its number.
func (p *padding) line(d renderedDoc) int { return p.pads[d.text].start + d.line }

// pad puts a text of one document behind the lines before it.
func (p *padding) pad(file string, data []byte) []byte {
	start := p.reserve(file, string(data))
	if !p.afford(start) {
		return data
	}
	return append([]byte(strings.Repeat("\n", start)), data...)
}

// textLines finds where in the templates of charts the nodes of a product were
// written that a kustomization was built with.
type textLines struct {
	tree  *recorder
	pads  []pad
	texts []text
	// places finds what wrote the texts; nil for what the texts alone tell.
	places *chartPlaces

	mu    sync.Mutex
	lines map[int]*templateLines
}

func newTextLines(tree *recorder, p *product) *textLines {
	return &textLines{tree: tree, pads: p.pads, texts: p.texts, lines: map[int]*templateLines{}}
}

// locator finds the nodes of what charts gave. Those of a release's patches are
// found by post, which may be nil and is told the number of the post renderer,
// that of its patch and the line in it; all others by rest.
func (t *textLines) locator(rest manifest.Locator, post func(renderer, patch, line int, q manifest.Query) (manifest.Origin, bool)) manifest.Locator {
	return func(q manifest.Query) (manifest.Origin, bool) {
		at, ok := t.padOf(q.Node.Line)
		if !ok {
			return rest(q)
		}
		var i, j int
		if _, err := fmt.Sscanf(at.file, "\x00text/%d", &i); err == nil {
			return t.at(i, q.Node.Line-at.start, q)
		}
		if _, err := fmt.Sscanf(at.file, "\x00post/%d/%d", &i, &j); err == nil {
			if post == nil {
				return manifest.Origin{}, false
			}
			return post(i, j, q.Node.Line-at.start, q)
		}
		return rest(q)
	}
}

// textOf is the number of the text that an object was read from, by the first of
// its nodes that still has a line of one.
func (t *textLines) textOf(n *yaml.Node) (int, bool) {
	if at, ok := t.padOf(n.Line); ok {
		var i int
		if _, err := fmt.Sscanf(at.file, "\x00text/%d", &i); err == nil {
			return i, true
		}
	}
	for _, child := range n.Content {
		if i, ok := t.textOf(child); ok {
			return i, true
		}
	}
	return 0, false
}

// padOf is the pad that a line is in.
func (t *textLines) padOf(line int) (pad, bool) {
	i := sort.Search(len(t.pads), func(i int) bool { return t.pads[i].start >= line }) - 1
	if i < 0 || line-t.pads[i].start > t.pads[i].lines {
		return pad{}, false
	}
	return t.pads[i], true
}

// at is the place of a node that stands at a line of a text.
func (t *textLines) at(i, line int, q manifest.Query) (manifest.Origin, bool) {
	if i < 0 || i >= len(t.texts) {
		return manifest.Origin{}, false
	}
	if t.places != nil {
		return t.places.locate(i, line, q)
	}
	from := &t.texts[i]
	if !from.written {
		return manifest.Origin{Span: from.at}, from.at.File != ""
	}
	t.mu.Lock()
	lines := t.lines[i]
	if lines == nil {
		lines = newTemplateLines(from.file, t.tree.source(from.file), from.text)
		t.lines[i] = lines
	}
	t.mu.Unlock()
	return manifest.Origin{Span: lines.near(line)}, true
}
