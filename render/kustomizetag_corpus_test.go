package render

import (
	"fmt"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
	"go.yaml.in/yaml/v3"
)

// TestTagsOfRepositories builds every kustomization of the repositories that
// SCANTLING_TAGS names, separated by ":", and counts what kind of place the
// scalars have. A padded line must lead to the key or value that is there.
func TestTagsOfRepositories(t *testing.T) {
	names := os.Getenv("SCANTLING_TAGS")
	if names == "" {
		t.Skip("SCANTLING_TAGS is not set")
	}
	for name := range strings.SplitSeq(names, ":") {
		t.Run(path.Base(name), func(t *testing.T) {
			repo, err := source.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			countPlaces(t, repo.Worktree())
		})
	}
}

func countPlaces(t *testing.T, tree source.Tree) {
	all, err := tree.Files()
	if err != nil {
		t.Fatal(err)
	}
	s := settings{kubeVersion: "1.34.0", limits: limits.Default()}
	b, err := s.builder()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	inline, zeros, wrong, tagged := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	for _, f := range all.Files {
		if !isKustomization(f.Name) || f.Symlink {
			continue
		}
		r := newRecorder(tree, s.limits.YAML)
		p := b.build(r, job{kind: Kustomize, path: path.Dir(f.Name), archives: s.limits.ArchivesSize})
		if p.status == NotRendered {
			counts["failed"]++
			continue
		}
		counts["builds"]++
		where, stands := newKustomizeOrigins(r, p.pads), &written{tree: r, files: map[string]map[[2]int]string{}}
		for _, doc := range p.docs {
			var walk func(n *yaml.Node, at string)
			walk = func(n *yaml.Node, at string) {
				switch {
				case n.Kind != yaml.ScalarNode:
				case n.Line < 0:
					counts["tag"]++
					tagged[p.tags[-n.Line-1].kind]++
				case n.Line == 0:
					counts["zero"]++
					zeros[at]++
				case n.Line < firstPad:
					counts["inline"]++
					inline[f.Name+" "+at[:min(60, len(at))]]++
				default:
					counts["line"]++
					if !stands.stands(where, n) {
						counts["differs"]++
						if len(wrong) < 25 {
							o, _ := where.locate(manifest.Query{Node: n})
							wrong[fmt.Sprintf("%s:%d:%d %q %s", o.File, o.Line, o.Column, n.Value[:min(40, len(n.Value))], f.Name)]++
						}
					}
				}
				for i, c := range n.Content {
					below := at + "[]"
					if n.Kind == yaml.MappingNode {
						below = at + "." + n.Content[i/2*2].Value
					}
					walk(c, below)
				}
			}
			kind := ""
			if k := manifest.Get(doc, "kind"); k != nil {
				kind = k.Value
			}
			walk(doc, kind)
		}
	}
	total := counts["line"] + counts["tag"] + counts["zero"] + counts["inline"]
	if total == 0 {
		t.Fatalf("nothing was built: %v", counts)
	}
	share := func(key string) float64 { return 100 * float64(counts[key]) / float64(total) }
	t.Logf("%v: of %d scalars %.2f%% line, %.2f%% inline, %.2f%% tag, %.2f%% zero", counts, total, share("line"), share("inline"), share("tag"), share("zero"))
	t.Logf("tags: %v", tagged)
	for at, n := range zeros {
		if n > 20 {
			t.Logf("zero: %d %s", n, at)
		}
	}
	for at, n := range inline {
		if n > 600 {
			t.Logf("inline: %d %s", n, at)
		}
	}
	for at := range wrong {
		t.Logf("differs: %s", at)
	}
}

// written finds the scalars of files by their places.
type written struct {
	tree  *recorder
	files map[string]map[[2]int]string
}

// stands says that a scalar was written at its place, perhaps with a shorter name
// or with variables.
func (w *written) stands(where *kustomizeOrigins, n *yaml.Node) bool {
	o, ok := where.locate(manifest.Query{Node: n})
	if !ok {
		return false
	}
	if strings.HasPrefix(o.File, textPad(0)[:1]) {
		return true // what a chart gave
	}
	scalars, ok := w.files[o.File]
	if !ok {
		scalars = map[[2]int]string{}
		w.files[o.File] = scalars
		docs, _ := w.tree.limits.Parse(w.tree.source(o.File))
		for _, d := range docs {
			walkScalars(d, func(n *yaml.Node) { scalars[[2]int{n.Line, n.Column}] = n.Value })
		}
	}
	value, ok := scalars[[2]int{o.Line, o.Column}]
	return ok && (strings.TrimSpace(value) == strings.TrimSpace(n.Value) || strings.Contains(n.Value, value) || strings.Contains(value, "$("))
}
