package ruledocs_test

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/scantling-dev/scantling/internal/check"
	"github.com/scantling-dev/scantling/internal/ruledocs"
)

var update = flag.Bool("update", false, "write docs/rules")

// What docs/rules says is what the rules say: make docs writes it.
func TestPages(t *testing.T) {
	const dir = "../../docs/rules"
	pages := ruledocs.Pages(check.Rules())
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range pages {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if want, ok := pages[f.Name()]; ok && string(text) != want {
			t.Errorf("docs/rules/%s is stale: run make docs", f.Name())
		}
	}
	if want := slices.Sorted(maps.Keys(pages)); !slices.Equal(names, want) {
		t.Errorf("docs/rules has the pages %q, want %q: run make docs", names, want)
	}
}
