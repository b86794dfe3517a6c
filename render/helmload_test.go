package render

import (
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
)

func bufferedFiles(texts ...string) (files []*loader.BufferedFile) {
	for i := 0; i < len(texts); i += 2 {
		files = append(files, &loader.BufferedFile{Name: texts[i], Data: []byte(texts[i+1])})
	}
	return files
}

// TestLoadOrder: of dependencies that are broken or have one name, always the
// same one comes first.
func TestLoadOrder(t *testing.T) {
	broken := []string{"Chart.yaml", "{apiVersion: v2, name: a, version: 1.0.0}"}
	twins := []string{"Chart.yaml", "{apiVersion: v2, name: a, version: 1.0.0}"}
	for _, folder := range []string{"d", "b", "e", "c"} {
		broken = append(broken, "charts/"+folder+"/Chart.yaml", "{apiVersion: v2, name: "+folder+"}")
		twins = append(twins, "charts/"+folder+"/Chart.yaml", "{apiVersion: v2, name: twin, version: 1.0.0, description: "+folder+"}")
	}
	for range 20 {
		_, err := loadFiles(bufferedFiles(broken...))
		if want := "error unpacking subchart b in a: validation: chart.metadata.version is required"; err == nil || err.Error() != want {
			t.Fatalf("got %v, want %s", err, want)
		}
		c, err := loadFiles(bufferedFiles(twins...))
		if err != nil {
			t.Fatal(err)
		}
		var order string
		for _, d := range c.Dependencies() {
			order += d.Metadata.Description
		}
		if order != "bcde" {
			t.Fatalf("the dependencies are in the order %s", order)
		}
	}
}

// TestLoadAsHelm: what helm refuses is refused with the same words, and what it
// loads has the same files.
func TestLoadAsHelm(t *testing.T) {
	chart := "{apiVersion: v2, name: a, version: 1.0.0}"
	for _, files := range [][]string{
		{"values.yaml", "a: b"},
		{"Chart.yaml", chart, "values.yaml", "a: [", "charts/b/Chart.yaml", chart},
		{"Chart.yaml", chart, "charts/README.md", "text"},
		{"Chart.yaml", chart, "charts/.hidden/file", "text", "charts/_x/Chart.yaml", "[", "charts/b.tgz.prov", "text"},
		{"Chart.yaml", chart, "charts/b/values.yaml", "a: b"},
		{"Chart.yaml", chart, "charts/b.tgz", "no archive"},
		{"Chart.yaml", chart, "charts/b.tgz/Chart.yaml", chart},
		{"Chart.yaml", chart, "charts/b/Chart.yaml", chart, "charts/b/charts/c/Chart.yaml", chart, "charts/b/charts/c/templates/x.yaml", "x", "templates/y.yaml", "y", "README.md", "z"},
		{"Chart.yaml", chart, "charts//Chart.yaml", chart},
	} {
		got, err := loadFiles(bufferedFiles(files...))
		want, wantErr := loader.LoadFiles(bufferedFiles(files...))
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Errorf("%q: got the error %v, helm's is %v", files, err, wantErr)
			continue
		}
		if err != nil {
			continue
		}
		if len(got.Raw) != len(want.Raw) || len(got.Templates) != len(want.Templates) || len(got.Files) != len(want.Files) || len(got.Dependencies()) != len(want.Dependencies()) {
			t.Errorf("%q: the chart is not as helm loads it", files)
		}
	}
}
