package cli

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/report"
	"go.yaml.in/yaml/v3"
)

// originColumn is where the origins begin, unless all lines of an object are
// shorter. Longer lines are followed by theirs.
const originColumn = 72

// placesOf are the origins of an object's fields, by their paths.
func placesOf(o *manifest.Object) map[string]manifest.Origin {
	places := map[string]manifest.Origin{}
	for path, at := range o.Places() {
		places[strings.Join(path, "\x00")] = at
	}
	return places
}

// annotate writes a document of YAML with a comment behind each line that says
// where it is written. Text in a block scalar can have no comment: it is written
// where its key is.
func annotate(out *bytes.Buffer, text string, places map[string]manifest.Origin, color bool) error {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return fmt.Errorf("finding its lines: %w", err)
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	origins := make([]string, len(lines))
	manifest.Walk(doc.Content[0], func(path []string, hits []manifest.Hit) bool {
		h := hits[len(hits)-1]
		line := h.Value.Line
		if h.Key != nil {
			line = h.Key.Line
		} else if h.Value.Kind != yaml.ScalarNode && len(h.Value.Content) > 0 {
			// The line is that of what the item begins with.
			return true
		}
		if at, ok := places[strings.Join(path, "\x00")]; ok && line >= 1 && line <= len(lines) && origins[line-1] == "" {
			origins[line-1] = origin(at)
		}
		return true
	})
	column := 0
	for i, line := range lines {
		if origins[i] != "" {
			column = max(column, utf8.RuneCountInString(line))
		}
	}
	column = min(column, originColumn)
	for i, line := range lines {
		out.WriteString(line)
		if origins[i] != "" {
			note := "# " + origins[i]
			if color {
				note = "\x1b[2m" + note + "\x1b[0m"
			}
			out.WriteString(strings.Repeat(" ", max(column-utf8.RuneCountInString(line), 0)+2) + note)
		}
		out.WriteByte('\n')
	}
	return nil
}

// origin is a place for a person, and the key of the values that is written there
// or would set it.
func origin(at manifest.Origin) string {
	text := place(at.Span)
	if !at.Exact {
		text = "~" + text
	}
	if at.Key != "" {
		text += " " + report.Line(at.Key)
	}
	return text
}
