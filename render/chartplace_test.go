package render

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// TestPlaces renders whole repositories, testdata/places/*.txtar, and compares
// where fields of their objects are said to be written with the file "want". The
// lines of the comment that begin with "?" ask: "? KIND NAME PATH". A line of
// "pack: FOLDER ARCHIVE" packs a chart.
func TestPlaces(t *testing.T) {
	cases, err := filepath.Glob("testdata/places/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			if i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" }); i >= 0 {
				want = string(archive.Files[i].Data)
				archive.Files = slices.Delete(archive.Files, i, i+1)
			}
			dir := placesTree(t, archive)
			got := describePlaces(t, dir, string(archive.Comment), true)
			if *update {
				archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got:\n%swant:\n%s", got, want)
			}
			if again := describePlaces(t, dir, string(archive.Comment), false); again != got {
				t.Errorf("what is traced when it is asked for has other places:\n%s", again)
			}
		})
	}
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
	dir := t.TempDir()
	for name, f := range tree.MapFS {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func describePlaces(t *testing.T, dir, questions string, prepared bool) string {
	repo, err := source.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	opts := graphOptions(t, questions)
	r, err := New(repo.Worktree(), opts)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var results []*Result
	_, err = r.Run(context.Background(), nil, func(res *Result) {
		mu.Lock()
		defer mu.Unlock()
		results = append(results, res)
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(results, func(a, b *Result) int { return strings.Compare(a.Unit.ID(), b.Unit.ID()) })
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
