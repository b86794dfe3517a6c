package render

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// TestPlaces renders whole repositories, testdata/places/*.txtar, and compares
// where fields of their objects are said to be written with the file "want". The
// lines of the comment that begin with "?" ask: "? KIND NAME PATH". A line of
// "pack: FOLDER ARCHIVE" packs a chart.
func TestPlaces(t *testing.T) {
	golden(t, "places", func(t *testing.T, archive *txtar.Archive) string {
		dir := placesTree(t, archive)
		got := describePlaces(t, dir, string(archive.Comment), true)
		if again := describePlaces(t, dir, string(archive.Comment), false); again != got {
			t.Errorf("what is traced when it is asked for has other places:\n%s", again)
		}
		return got
	})
}

// placesTree writes the files of a case.
func placesTree(t *testing.T, archive *txtar.Archive) string {
	t.Helper()
	tree := treeOf(string(txtar.Format(&txtar.Archive{Files: archive.Files})))
	for line := range strings.Lines(string(archive.Comment)) {
		if words := strings.Fields(line); len(words) == 3 && words[0] == "pack:" {
			tree.pack(t, words[1], words[2])
		}
	}
	files := &txtar.Archive{}
	for name, f := range tree.MapFS {
		files.Files = append(files.Files, txtar.File{Name: name, Data: f.Data})
	}
	return unpack(t, files)
}

func describePlaces(t *testing.T, dir, questions string, prepared bool) string {
	r, results := rendered(t, dir, graphOptions(t, questions))
	var out strings.Builder
	for _, res := range results {
		for _, p := range res.Problems {
			t.Errorf("%s:%d: %s", p.At.File, p.At.Line, p.Message)
		}
		if prepared {
			r.Trace(context.Background(), res, res.Objects)
		}
	}
	for line := range strings.Lines(questions) {
		words := strings.Fields(line)
		if len(words) != 4 || words[0] != "?" {
			continue
		}
		asked := false
		for _, res := range results {
			for _, o := range res.Objects {
				if o.GVK.Kind == words[1] && o.Name == words[2] {
					asked = true
					fmt.Fprintf(&out, "%s %s\n", o.ID(), words[3])
					writePlace(&out, dir, o.At(field.NewPath(words[3])))
				}
			}
		}
		if !asked {
			t.Errorf("no unit gives a %s %s", words[1], words[2])
		}
	}
	return out.String()
}

func writePlace(out *strings.Builder, dir string, at manifest.Origin) {
	fmt.Fprintf(out, "  %s", spanText(at.Span))
	if at.Exact {
		out.WriteString(" exact")
	}
	if at.Key != "" {
		fmt.Fprintf(out, " key %s", at.Key)
	}
	if at.Missing != "" {
		fmt.Fprintf(out, " missing %s", at.Missing)
	}
	if data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(at.File))); err == nil && at.Line > 0 && !isArchive(at.File) {
		fmt.Fprintf(out, " | %s", strings.TrimSpace(strings.Split(string(data), "\n")[at.Line-1]))
	}
	out.WriteByte('\n')
	for _, step := range at.Via {
		fmt.Fprintf(out, "    %s %s\n", step.What, spanText(step.Span))
	}
}

func spanText(s manifest.Span) string {
	if s.Line == 0 {
		return s.File
	}
	return fmt.Sprintf("%s:%d:%d", s.File, s.Line, s.Column)
}
