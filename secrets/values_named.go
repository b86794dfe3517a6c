package secrets

import (
	"bytes"
	"path"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
)

type namedValuesKey struct{}

// namedValues are the files of a tree that something in it names as values of a
// chart. The chart itself may be somewhere else, so that no unit reads them.
func namedValues(t *lint.Tree) map[string]bool {
	return t.Shared(namedValuesKey{}, func() any {
		named := map[string]bool{}
		for _, name := range t.Files {
			switch path.Ext(name) {
			case ".yaml", ".yml":
			default:
				continue
			}
			data, err := t.ReadFile(name)
			if err != nil || !mayNameValues(name, data) {
				continue
			}
			docs, _ := manifest.Parse(data)
			for _, doc := range docs {
				walkFrom(doc, nil, func(w *walker, n *yaml.Node) {
					for _, file := range valuesNamedAt(w, n, name) {
						if t.Has(file) {
							named[file] = true
						}
					}
				})
			}
		}
		return named
	}).(map[string]bool)
}

func mayNameValues(name string, data []byte) bool {
	return carrierFile(name) == "helmfile" || bytes.Contains(data, []byte("alueFiles")) || bytes.Contains(data, []byte("aluesFile"))
}

// valuesNamedAt are the files that a scalar may name as values, by where it stands:
// beside the file that it is in, below an Argo CD source's path, or from the root.
func valuesNamedAt(w *walker, n *yaml.Node, file string) []string {
	switch w.name() {
	case "valueFiles", "valuesFile", "valuesFiles", "additionalValuesFiles":
	case "values":
		if carrierFile(file) != "helmfile" {
			return nil
		}
	default:
		return nil
	}
	value := strings.TrimPrefix(n.Value, "secrets://")
	if value == "" || strings.ContainsAny(value, "\n{") || strings.Contains(value, "://") {
		return nil
	}
	if strings.HasPrefix(value, "$") {
		// $values/apps/web.yaml: of the source that is called so.
		_, value, _ = strings.Cut(value, "/")
		return []string{path.Clean(value)}
	}
	if strings.HasPrefix(value, "/") {
		return []string{path.Clean(value[1:])}
	}
	files := []string{path.Join(path.Dir(file), value), path.Clean(value)}
	for _, s := range w.steps {
		if s.key == "helm" || s.key == "valuesFiles" {
			for _, key := range [...]string{"path", "chart"} {
				if dir := manifest.Text(s.in, key); dir != "" {
					files = append(files, path.Join(dir, value))
				}
			}
		}
	}
	return files
}
