package render_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/render"
)

// chartsHere are the kustomizations of testdata/helmcharts that kustomize is
// asked to build; the others are theirs.
var chartsHere = map[string][]string{
	"values":     {"override", "merge", "replace", "files"},
	"release":    {"names", "inherited", "overlay"},
	"generators": {"file", "inline", "older", "pulled"},
}

// TestChartsParity compares what the charts of kustomizations give with what
// kustomize gives when it runs the helm program, to the byte.
func TestChartsParity(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the real programs")
	}
	programs, err := tools()
	if err != nil {
		t.Fatal(err)
	}
	for name, dirs := range chartsHere {
		root := unpackCase(t, filepath.Join("testdata", "helmcharts", name+".txtar"))
		repo, err := source.Open(root)
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range dirs {
			t.Run(name+"/"+dir, func(t *testing.T) {
				want, err := tool(t, "kustomize", "build", "--enable-helm", "--helm-command", filepath.Join(programs, "helm"),
					"--load-restrictor", "LoadRestrictionsNone", filepath.Join(root, dir))
				if err != nil {
					t.Fatal(err)
				}
				got, problems, err := render.BuildCharts(repo.Worktree(), kubeVersion, dir)
				if err != nil || len(problems) > 0 {
					t.Fatal(err, problems)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("kustomize gives\n%s\nscantling gives\n%s", want, got)
				}
			})
		}
	}
}

// unpackCase writes the files of a txtar archive to a folder of its own.
func unpackCase(t *testing.T, name string) string {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := txtar.Write(archive, root); err != nil {
		t.Fatal(err)
	}
	return root
}
