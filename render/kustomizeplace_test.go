package render

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// TestOrigins renders small repositories, testdata/origins/*.txtar, and compares
// the place of each scalar of each object with the file "want". Lines of
// "missing: OBJECT PATH" in a case's comment ask for a field that is not written.
func TestOrigins(t *testing.T) {
	golden(t, "origins", func(t *testing.T, archive *txtar.Archive) string {
		return describeOrigins(t, unpack(t, archive), string(archive.Comment))
	})
}

func describeOrigins(t *testing.T, dir, comment string) string {
	_, results := rendered(t, dir, graphOptions(t, comment))
	var out strings.Builder
	show := func(o *manifest.Object, path []string) {
		at := o.At(elementPath(path))
		exact := "near"
		if at.Exact {
			exact = "exact"
		}
		if at.Missing != "" {
			exact += " missing " + at.Missing
		}
		fmt.Fprintf(&out, "  %s -> %s %s", manifest.JoinPath(path), placeText(at.Span), exact)
		fmt.Fprintf(&out, " <%s>", standing(t, dir, at.Span))
		for _, step := range at.Via {
			fmt.Fprintf(&out, " | %s %s", placeText(step.Span), step.What)
		}
		out.WriteByte('\n')
	}
	for _, res := range results {
		fmt.Fprintf(&out, "%s %s %s\n", res.Unit.Kind, res.Unit.Status, res.Unit.ID())
		for _, p := range res.Problems {
			fmt.Fprintf(&out, "! %s %s\n", placeText(p.At), p.Message)
		}
		for _, o := range res.Objects {
			fmt.Fprintf(&out, "%s %s\n", o.ID(), placeText(o.Origin.Span))
			eachScalar(o.Node, nil, func(path []string, _ *yaml.Node) { show(o, path) })
			for line := range strings.Lines(comment) {
				if asked, ok := strings.CutPrefix(strings.TrimSpace(line), "missing: "+o.ID()+" "); ok {
					show(o, manifest.SplitPath(asked))
				}
			}
		}
	}
	return out.String()
}

func placeText(s manifest.Span) string { return fmt.Sprintf("%s:%d:%d", s.File, s.Line, s.Column) }

// standing is what stands at a place, to the end of the line.
func standing(t *testing.T, dir string, s manifest.Span) string {
	if s.Line == 0 {
		return ""
	}
	data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(s.File)))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	if s.Line > len(lines) {
		t.Errorf("%s is behind the end", placeText(s))
		return ""
	}
	line := []rune(lines[s.Line-1])
	return strings.TrimSpace(string(line[min(max(s.Column-1, 0), len(line)):]))
}

// eachScalar visits the scalars below a node, but for what names the object's
// type.
func eachScalar(n *yaml.Node, path []string, visit func(path []string, n *yaml.Node)) {
	switch n.Kind {
	case yaml.ScalarNode:
		if len(path) > 1 || path[0] != "apiVersion" && path[0] != "kind" {
			visit(path, n)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			eachScalar(n.Content[i+1], append(path[:len(path):len(path)], n.Content[i].Value), visit)
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			eachScalar(c, append(path[:len(path):len(path)], fmt.Sprint(i)), visit)
		}
	}
}
