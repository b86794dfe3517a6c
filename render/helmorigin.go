package render

import (
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
)

// templateLines says which line of a template a rendered line comes from, as
// far as the text tells: a line that stands in the template once, as it was
// rendered, is that one; other lines are put between their neighbours. It is
// never called exact.
type templateLines struct {
	file     string
	template []string
	rendered []string

	once  sync.Once
	lines []int // template line of each rendered line, from 1
}

func newTemplateLines(file string, template []byte, rendered string) *templateLines {
	return &templateLines{file: file, template: strings.Split(string(template), "\n"), rendered: strings.Split(rendered, "\n")}
}

func nowhere(manifest.Query) (manifest.Origin, bool) { return manifest.Origin{}, false }

func (t *templateLines) locate(q manifest.Query) (manifest.Origin, bool) {
	if q.Node.Line < 1 || q.Node.Line > len(t.rendered) {
		return manifest.Origin{}, false
	}
	return manifest.Origin{Span: t.near(q.Node.Line)}, true
}

// near is the template's line for a rendered line, as a span over its text.
func (t *templateLines) near(line int) manifest.Span {
	t.once.Do(t.align)
	span := manifest.Span{File: t.file}
	if line < 1 || line > len(t.lines) {
		return span
	}
	at := t.lines[line-1]
	text := strings.TrimRight(t.template[at-1], " \r")
	indent := len(text) - len(strings.TrimLeft(text, " -"))
	span.Line, span.Column = at, indent+1
	span.EndLine, span.EndColumn = at, len([]rune(text))+1
	return span
}

// align walks the rendered lines. A rendered line whose text, or whose key,
// stands in the template is there, the nearest behind the line before it
// winning; one that does not is where the line before it is.
func (t *templateLines) align() {
	byText, byKey := map[string][]int{}, map[string][]int{}
	for i, line := range t.template {
		text := strings.TrimSpace(line)
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		byText[text] = append(byText[text], i+1)
		if key := keyOf(text); key != "" {
			byKey[key] = append(byKey[key], i+1)
		}
	}
	t.lines = make([]int, len(t.rendered))
	last := 1
	for i, line := range t.rendered {
		text := strings.TrimSpace(line)
		candidates := byText[text]
		if len(candidates) == 0 {
			candidates = byKey[keyOf(text)]
		}
		if text != "" && len(candidates) > 0 {
			last = nearest(candidates, last)
		}
		t.lines[i] = last
	}
}

// nearest is the first candidate at or behind a line, else the last before it:
// a range in the template renders the same lines again.
func nearest(candidates []int, last int) int {
	for _, c := range candidates {
		if c >= last {
			return c
		}
	}
	return candidates[len(candidates)-1]
}

// keyOf is what stands before the colon of a line, with the dash of a list
// item.
func keyOf(text string) string {
	key, _, ok := strings.Cut(text, ":")
	if !ok || strings.ContainsAny(key, "{}") {
		return ""
	}
	return key + ":"
}
