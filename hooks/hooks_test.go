package hooks

import (
	"slices"
	"testing"
)

func TestPaths(t *testing.T) {
	files := []string{"apps/web/deploy.yaml", "README.md"}
	if got := Paths(files); !slices.Equal(got, files) {
		t.Errorf("Paths(%q) = %q", files, got)
	}
	if got := Paths(append(files, ".scantling.yaml")); got != nil {
		t.Errorf("a change of the configuration gives %q, want the whole repository", got)
	}
}
