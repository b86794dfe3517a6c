package check

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"math/rand"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/scantling-dev/scantling/internal/config"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/render"
	"go.yaml.in/yaml/v3"
)

// The test's program is its own worker.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == render.WorkerCommand {
		os.Exit(render.Work(os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

// TestOrigins lints the repositories that SCANTLING_ORIGINS lists (folders,
// joined as in PATH), says for how many findings the place is exact, by what it is
// in, and checks that what is called exact stands there. It shows some of those
// that are only near: SCANTLING_ORIGINS_NEAR of them, 20 if it is not set.
func TestOrigins(t *testing.T) {
	dirs := filepath.SplitList(os.Getenv("SCANTLING_ORIGINS"))
	if len(dirs) == 0 {
		t.Skip("SCANTLING_ORIGINS lists no repository")
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) { measure(t, dir) })
	}
}

// measured is a finding with what is needed to judge its place.
type measured struct {
	lint.Finding
	kind  string
	wrong string
	value *yaml.Node // what the field is in the rendered object; nil if it is missing
}

func measure(t *testing.T, dir string) {
	repo, err := source.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	workers := render.NewWorkers(0, c.Limits)
	defer workers.Close()
	from := Source{Workers: workers, Remotes: repo.Remotes()}
	tree := repo.Worktree()
	var paths []string
	if repo.Prefix() != "." {
		paths = []string{repo.Prefix()}
	}
	outcome, err := Tree(context.Background(), tree, c, from, paths)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := renderedObjects(tree, c, from)
	if err != nil {
		t.Fatal(err)
	}
	files := newWrittenFiles(t, tree)
	var all []measured
	for _, f := range outcome.Findings {
		if f.Object.Kind == "" {
			continue // It is about a file.
		}
		m := measured{Finding: f, kind: files.kind(f.Origin.File)}
		for i, root := range objects.of(f) {
			// Its path is that in one of the units.
			parent, value := fieldOf(root, f.Path)
			wrong := files.wrong(f, parent, value)
			if i == 0 || wrong == "" {
				m.value, m.wrong = value, wrong
			}
			if wrong == "" {
				break
			}
		}
		if !f.Origin.Exact {
			m.wrong = ""
		}
		all = append(all, m)
	}
	if len(all) == 0 {
		t.Fatal("there is no finding")
	}
	summarize(t, all)
	for _, m := range all {
		if m.wrong != "" {
			t.Errorf("not exact: %s: %s%s", place(m.Finding), m.wrong, files.shown(m))
		}
	}
	showNear(t, all, files)
}

// summarize writes the shares by the kinds of places.
func summarize(t *testing.T, all []measured) {
	type share struct{ findings, exact, wrong int }
	shares := map[string]share{}
	for _, m := range all {
		for _, kind := range []string{m.kind, "~all"} {
			s := shares[kind]
			s.findings++
			if m.Origin.Exact {
				s.exact++
			}
			if m.wrong != "" {
				s.wrong++
			}
			shares[kind] = s
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "\n%-16s %9s %7s %6s %6s\n", "place", "findings", "exact", "", "wrong")
	for _, kind := range slices.Sorted(maps.Keys(shares)) {
		s := shares[kind]
		fmt.Fprintf(&out, "%-16s %9d %7d %5.1f%% %6d\n", strings.TrimPrefix(kind, "~"), s.findings, s.exact, 100*float64(s.exact)/float64(s.findings), s.wrong)
	}
	t.Log(out.String())
}

// showNear shows some places that are only near, and how many there are by file.
func showNear(t *testing.T, all []measured, files *writtenFiles) {
	var near []measured
	count := map[string]int{}
	for _, m := range all {
		if !m.Origin.Exact {
			near = append(near, m)
			count[m.Origin.File]++
		}
	}
	most := slices.SortedFunc(maps.Keys(count), func(a, b string) int { return cmp.Or(count[b]-count[a], strings.Compare(a, b)) })
	for _, name := range most[:min(len(most), 15)] {
		t.Logf("%5d near in %s", count[name], name)
	}
	n, err := strconv.Atoi(os.Getenv("SCANTLING_ORIGINS_NEAR"))
	if err != nil {
		n = 20
	}
	rand.New(rand.NewSource(1)).Shuffle(len(near), func(i, j int) { near[i], near[j] = near[j], near[i] })
	for _, m := range near[:min(n, len(near))] {
		t.Logf("near: %s%s", place(m.Finding), files.shown(m))
	}
}

// rendered are the objects of all units, by unit and object; those that no unit
// deploys by their file.
type rendered map[string][]*yaml.Node

func renderedObjects(tree source.Tree, c *config.Config, from Source) (rendered, error) {
	r, err := render.New(tree, RenderOptions(c, from))
	if err != nil {
		return nil, err
	}
	all := rendered{}
	var mu sync.Mutex
	put := func(unit string, o *manifest.Object) {
		mu.Lock()
		defer mu.Unlock()
		key := objectKey(unit, o.Origin.File, lint.Ref{APIVersion: o.GVK.GroupVersion().String(), Kind: o.GVK.Kind, Namespace: o.Namespace, Name: o.Name})
		all[key] = append(all[key], o.Node)
	}
	_, err = r.Run(context.Background(), nil, func(res *render.Result) {
		for _, o := range res.Objects {
			put(res.Unit.ID(), o)
		}
	}, func(o *manifest.Object) { put("", o) })
	return all, err
}

func objectKey(unit, file string, r lint.Ref) string {
	if unit == "" {
		unit = "\x00" + file
	}
	return unit + "\x00" + r.APIVersion + "\x00" + r.String()
}

// of are the objects that a finding may be about: one for each of its units.
func (all rendered) of(f lint.Finding) []*yaml.Node {
	var roots []*yaml.Node
	for _, unit := range append(slices.Clone(f.Units), "") {
		roots = append(roots, all[objectKey(unit, f.Origin.File, f.Object)]...)
	}
	return roots
}

// fieldOf is the value of a field, and the mapping or the list that holds it or
// lacks it; nil for what there is not.
func fieldOf(n *yaml.Node, path string) (parent, value *yaml.Node) {
	for _, element := range manifest.SplitPath(path) {
		parent = n
		if n.Kind == yaml.SequenceNode {
			i, err := strconv.Atoi(element)
			if err != nil || i >= len(n.Content) {
				return parent, nil
			}
			n = n.Content[i]
			continue
		}
		if n = manifest.Get(n, element); n == nil {
			return parent, nil
		}
	}
	return parent, n
}

// writtenFiles reads the files of a repository as a person does.
type writtenFiles struct {
	tree    source.Tree
	lines   map[string][]string
	charts  map[string]bool // folders
	patches map[string]bool
	gitops  map[string]bool
}

func newWrittenFiles(t *testing.T, tree source.Tree) *writtenFiles {
	t.Helper()
	w := &writtenFiles{tree: tree, lines: map[string][]string{}, charts: map[string]bool{}, patches: map[string]bool{}, gitops: map[string]bool{}}
	listing, err := tree.Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range listing.Files {
		switch base := path.Base(f.Name); {
		case base == "Chart.yaml":
			w.charts[path.Dir(f.Name)] = true
		case isKustomization(base):
			data, _ := tree.ReadFile(f.Name)
			var k struct {
				Patches, PatchesJSON6902 []struct{ Path string }
				PatchesStrategicMerge    []string `yaml:"patchesStrategicMerge"`
			}
			if yaml.Unmarshal(data, &k) != nil {
				continue
			}
			for _, p := range append(k.Patches, k.PatchesJSON6902...) {
				w.patches[path.Join(path.Dir(f.Name), p.Path)] = true
			}
			for _, p := range k.PatchesStrategicMerge {
				w.patches[path.Join(path.Dir(f.Name), p)] = true
			}
		case path.Ext(base) == ".yaml" || path.Ext(base) == ".yml":
			data, _ := tree.ReadFile(f.Name)
			for _, group := range []string{".toolkit.fluxcd.io/", "argoproj.io/v1alpha1"} {
				w.gitops[f.Name] = w.gitops[f.Name] || strings.Contains(string(data), group)
			}
		}
	}
	return w
}

func isKustomization(base string) bool {
	return base == "kustomization.yaml" || base == "kustomization.yml" || base == "Kustomization"
}

// kind is what a file is, in few words.
func (w *writtenFiles) kind(name string) string {
	switch {
	case isKustomization(path.Base(name)):
		return "kustomization"
	case w.patches[name]:
		return "patch"
	case w.gitops[name]:
		return "GitOps object"
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if !w.charts[dir] {
			continue
		}
		switch rel := strings.TrimPrefix(name, dir+"/"); {
		case strings.HasPrefix(rel, "templates/"):
			return "template"
		case rel == "Chart.yaml":
			return "chart file"
		case strings.HasPrefix(rel, "crds/"):
			return "CRD"
		case strings.HasSuffix(rel, ".yaml"):
			return "values file"
		}
		return "other"
	}
	if ext := path.Ext(name); ext == ".yaml" || ext == ".yml" || ext == ".json" {
		return "base or plain"
	}
	return "other"
}

func (w *writtenFiles) line(name string, n int) string {
	lines, ok := w.lines[name]
	if !ok {
		data, _ := w.tree.ReadFile(name)
		lines = strings.Split(string(data), "\n")
		w.lines[name] = lines
	}
	if n < 1 || n > len(lines) {
		return ""
	}
	return strings.TrimRight(lines[n-1], "\r")
}

// shown is the text at a place and what was rendered, for a person. The values
// that rules on secrets report are left out.
func (w *writtenFiles) shown(m measured) string {
	if secretRule(m.Rule) {
		return ""
	}
	value := "nothing"
	if m.value != nil && m.value.Kind == yaml.ScalarNode {
		value = strconv.Quote(m.value.Value)
	} else if m.value != nil {
		value = "a mapping or a list"
	}
	return fmt.Sprintf("\n\tthere: %s\n\trendered: %s", w.line(m.Origin.File, m.Origin.Line), value)
}

// wrong says why a place is not exact, as far as the text there and what
// was rendered tell; empty for one that is.
func (w *writtenFiles) wrong(f lint.Finding, parent, value *yaml.Node) string {
	line := []rune(w.line(f.Origin.File, f.Origin.Line))
	if f.Origin.Column < 1 || f.Origin.Column > len(line) {
		return "there is no text"
	}
	rest := string(line[f.Origin.Column-1:])
	key, written := keyAndScalar(rest)
	if ofValues(f, string(line), value) {
		return ""
	}
	path := manifest.SplitPath(f.Path)
	if missing := manifest.SplitPath(f.Origin.Missing); f.Origin.Missing != "" {
		above := path[:max(0, len(path)-len(missing))]
		if len(above) > 0 && above[len(above)-1] == key || strings.HasPrefix(rest, "{") || hasKey(parent, key) || hasKey(parent, lineKey(string(line))) {
			return ""
		}
		if len(above) == 0 || isIndex(above[len(above)-1]) {
			if key != "" {
				return "" // Of the object, or of an item.
			}
		}
		return "what stands there is not the key that it is missing from"
	}
	if name, _, named := strings.Cut(written, "="); named && len(path) > 0 && strings.TrimSpace(name) == path[len(path)-1] || len(path) > 0 && filepath.Base(written) == path[len(path)-1] {
		return "" // What a generator reads: a literal, a line, the name of a file.
	}
	switch {
	case value == nil:
		return "the field is not rendered, but is not called missing"
	case len(path) > 0 && key == path[len(path)-1]:
		return ""
	case value.Kind == yaml.ScalarNode && (written == value.Value || written != "" && strings.Contains(value.Value, written) || value.Value != "" && strings.Contains(rest, value.Value)):
		return ""
	case value.Kind == yaml.ScalarNode && (strings.Contains(rest, "${") || strings.Contains(rest, "$(")):
		return ""
	case value.Kind == yaml.ScalarNode && strings.ContainsAny(rest[:1], "|>"):
		if text := strings.TrimSpace(w.line(f.Origin.File, f.Origin.Line+1)); text != "" && strings.HasPrefix(strings.TrimSpace(value.Value), text) {
			return ""
		}
	case hasKey(value, key), value.Kind == yaml.MappingNode && strings.HasPrefix(rest, "{"):
		return ""
	case value.Kind == yaml.SequenceNode && len(value.Content) > 0 && (value.Content[0].Value == written || hasKey(value.Content[0], key)):
		return ""
	}
	return "what stands there is neither the key nor the value"
}

// ofValues says that a line holds the key of the values that sets a field, or the
// one below which the field is missing, and with it what was rendered: all of it, a
// part of it, or whether there is such a field.
func ofValues(f lint.Finding, line string, value *yaml.Node) bool {
	key := manifest.SplitPath(f.Origin.Key)
	if len(key) == 0 || key[len(key)-1] != lineKey(line) {
		missing := len(manifest.SplitPath(f.Origin.Missing))
		return missing > 0 && missing < len(key) && key[len(key)-missing-1] == lineKey(line)
	}
	_, after, _ := strings.Cut(uncommented(line), ":")
	_, written := keyAndScalar(strings.TrimSpace(after))
	switch {
	case value == nil || value.Kind != yaml.ScalarNode, written == "" || written == "true" || written == "false" || written == "null":
		return true
	case strings.HasPrefix(written, "|") || strings.HasPrefix(written, ">") || strings.HasPrefix(written, "&") || strings.Contains(written, "{{"):
		return true
	case f.Object.Kind == "Secret":
		decoded, err := base64.StdEncoding.DecodeString(value.Value)
		return strings.Contains(value.Value, written) || err == nil && strings.Contains(string(decoded), written)
	}
	return strings.Contains(value.Value, written)
}

func secretRule(id string) bool {
	return slices.ContainsFunc(Rules(), func(r *lint.Rule) bool { return r.ID == id && r.Category == lint.Secrets })
}

func isIndex(element string) bool { return strings.Trim(element, "0123456789") == "" }

func hasKey(n *yaml.Node, key string) bool { return key != "" && manifest.Get(n, key) != nil }

// keyAndScalar is the key that a text begins with, or else the scalar.
func keyAndScalar(text string) (key, scalar string) {
	if m := keyAt().FindStringSubmatch(text); m != nil {
		return strings.Trim(m[1], `"'`), ""
	}
	for _, candidate := range []string{text, uncommented(text), text[:flowEnd(text)]} {
		var n yaml.Node
		if yaml.Unmarshal([]byte(candidate), &n) == nil && len(n.Content) == 1 && n.Content[0].Kind == yaml.ScalarNode {
			return "", n.Content[0].Value
		}
	}
	return "", text
}

// lineKey is the key of a line of a mapping in block style.
func lineKey(line string) string {
	key, _ := keyAndScalar(strings.TrimLeft(line, " -"))
	return key
}
