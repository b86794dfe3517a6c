package render

import (
	"cmp"
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/internal/source"
)

var update = flag.Bool("update", false, "write what the cases of testdata give as what they want")

// golden describes each case of a folder of testdata, which gets its files
// without the file "want", and compares the description with that file.
func golden(t *testing.T, folder string, describe func(t *testing.T, archive *txtar.Archive) string) {
	t.Helper()
	cases, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
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
			archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool {
				if f.Name == "want" {
					want = string(f.Data)
				}
				return f.Name == "want"
			})
			got := describe(t, archive)
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
		})
	}
}

// rendered are the results of a repository, in the order of the units.
func rendered(t *testing.T, dir string, opts Options) (*Renderer, []*Result) {
	t.Helper()
	repo, err := source.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(repo.Worktree(), opts)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var results []*Result
	if _, err := r.Run(context.Background(), nil, func(res *Result) {
		mu.Lock()
		defer mu.Unlock()
		results = append(results, res)
	}, nil); err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(results, func(a, b *Result) int {
		return cmp.Or(cmp.Compare(a.Unit.ID(), b.Unit.ID()), cmp.Compare(a.Unit.Kind, b.Unit.Kind))
	})
	return r, results
}
