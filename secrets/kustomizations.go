package secrets

import (
	"bytes"
	"path"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
)

// kustomization is a document that tells Kustomize what to do: a kustomization, a
// component, or the configuration of a generator.
type kustomization struct {
	name string // the file's
	dir  string
	node *yaml.Node
}

type kustomizationsKey struct{}

// kustomizationsOf are the kustomizations of a tree that may bring Secrets, and
// the generators that they name, in order.
func kustomizationsOf(t *lint.Tree) []kustomization {
	return t.Shared(kustomizationsKey{}, func() any {
		var found []kustomization
		seen := map[string]bool{}
		read := func(name string) []kustomization {
			if seen[name] {
				return nil
			}
			seen[name] = true
			data, err := t.ReadFile(name)
			if err != nil || !mayBringSecrets(data) {
				return nil
			}
			docs, _ := manifest.Parse(data)
			from := len(found)
			for _, doc := range docs {
				found = append(found, kustomization{name, path.Dir(name), doc})
			}
			return found[from:]
		}
		for _, name := range t.Files {
			if !isKustomizationName(path.Base(name)) {
				continue
			}
			for _, k := range read(name) {
				for _, generator := range manifest.Items(k.node, "generators") {
					if source, ok := k.resolve(t, generator.Value); ok {
						read(source)
					} else if strings.Contains(generator.Value, "\n") {
						docs, _ := manifest.Parse([]byte(generator.Value))
						for _, doc := range docs {
							found = append(found, kustomization{k.name, k.dir, doc})
						}
					}
				}
			}
		}
		return found
	}).([]kustomization)
}

func isKustomizationName(base string) bool {
	switch base {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return true
	}
	return false
}

func mayBringSecrets(data []byte) bool {
	for _, word := range [...]string{"Secret", "secret", "generators", "ksops"} {
		if bytes.Contains(data, []byte(word)) {
			return true
		}
	}
	return false
}

// resolve is the file of the tree that a path in the kustomization means; ok is
// false for one that is elsewhere, or that git does not track.
func (k kustomization) resolve(t *lint.Tree, source string) (name string, ok bool) {
	if source == "" || strings.Contains(source, "://") || path.IsAbs(source) || strings.ContainsAny(source, "\n\r") {
		return "", false
	}
	name = path.Join(k.dir, source)
	return name, t.Has(name)
}
