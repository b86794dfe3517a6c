package render

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/store"
	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

// mapTree is a tree in memory.
type mapTree struct{ fstest.MapFS }

func (mapTree) Resolve(name string) (string, error) { return path.Clean(name), nil }

// expand makes the Applications of the ApplicationSet in set.yaml. The
// repository is git.example.org/org/repo, and the folder fetched is another.
func expand(t *testing.T, files map[string]string) *product {
	t.Helper()
	here := []string{"git.example.org/org/repo"}
	if strings.Contains(files["set.yaml"], "# not known where") {
		here = []string{"*"}
	}
	tree := mapTree{fstest.MapFS{}}
	for name, text := range files {
		tree.MapFS[name] = &fstest.MapFile{Data: []byte(text)}
	}
	b, err := (&settings{limits: limits.Default()}).builder()
	if err != nil {
		t.Fatal(err)
	}
	return b.build(newRecorder(tree, manifest.Limits{}), job{kind: ApplicationSet, path: "set.yaml", set: &applicationSet{
		object: files["set.yaml"], at: manifest.Span{File: "set.yaml", Line: 1, Column: 1}, clusters: files["clusters.yaml"],
		here:  here,
		roots: map[string]string{"git.example.org/fetched/repo@v2": "fetched"},
	}})
}

func values(t *testing.T, docs []*yaml.Node) []any {
	t.Helper()
	var list []any
	for _, doc := range docs {
		var v any
		if err := doc.Decode(&v); err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	return list
}

func asYAML(t *testing.T, list []any) string {
	t.Helper()
	var out strings.Builder
	for _, v := range list {
		text, err := yaml.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("---\n" + string(text))
	}
	return out.String()
}

// Each archive holds an ApplicationSet, the Applications that Argo CD would make
// of it, without what all have, and the problems.
func TestApplicationSet(t *testing.T) {
	names, err := filepath.Glob("testdata/applicationset/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no archives: ", err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string]string{}
			for _, f := range archive.Files {
				files[f.Name] = string(f.Data)
			}
			wantText, wantProblems := files["want.yaml"], strings.TrimSpace(files["problems"])
			delete(files, "want.yaml")
			delete(files, "problems")
			p := expand(t, files)
			wantDocs, errs := manifest.Parse([]byte(wantText))
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			got := values(t, p.docs)
			for _, doc := range got {
				m := doc.(map[string]any)
				if m["apiVersion"] != "argoproj.io/v1alpha1" || m["kind"] != "Application" {
					t.Errorf("it is no Application: %v", m)
				}
				delete(m, "apiVersion")
				delete(m, "kind")
			}
			if want := values(t, wantDocs); !reflect.DeepEqual(got, want) {
				t.Errorf("got\n%s\nwant\n%s", asYAML(t, got), asYAML(t, want))
			}
			compareProblems(t, p, wantProblems)
		})
	}
}

// compareProblems compares problems with lines of text, in which a star at the
// end stands for anything.
func compareProblems(t *testing.T, p *product, want string) {
	t.Helper()
	var got []string
	for _, problem := range p.problems {
		line := fmt.Sprintf("%s:%d %s", problem.At.File, problem.At.Line, problem.Class)
		if problem.Minor {
			line += " note"
		}
		if line += " " + problem.Message; problem.Needs != (store.Request{}) {
			line += " (needs " + problem.Needs.String() + ")"
		}
		got = append(got, line)
	}
	lines := strings.FieldsFunc(want, func(r rune) bool { return r == '\n' })
	if !slices.EqualFunc(got, lines, func(g, w string) bool {
		if begin, ok := strings.CutSuffix(w, "*"); ok {
			return strings.HasPrefix(g, begin)
		}
		return g == w
	}) {
		t.Errorf("got problems\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

// What an Application says is found in the template.
func TestApplicationSetPlaces(t *testing.T) {
	text := `# first
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: a}
spec:
  generators: [{list: {elements: [{name: web}]}}]
  template:
    metadata:
      name: '{{name}}'
    spec:
      project: default
      source:
        path: apps/{{name}}
`
	tree := newRecorder(mapTree{fstest.MapFS{"set.yaml": {Data: []byte(text)}}}, manifest.Limits{})
	b, err := (&settings{limits: limits.Default()}).builder()
	if err != nil {
		t.Fatal(err)
	}
	docs, _ := manifest.Parse([]byte(text))
	object, err := yaml.Marshal(docs[0])
	if err != nil {
		t.Fatal(err)
	}
	// The program sends the object, not its file.
	p := b.build(tree, job{kind: ApplicationSet, set: &applicationSet{object: string(object), at: manifest.Span{File: "set.yaml", Line: 2}}})
	where := newKustomizeOrigins(tree, p.pads)
	spec := val{p.docs[0]}.at("spec")
	for _, tt := range []struct {
		n     *yaml.Node
		line  int
		exact bool
	}{
		{val{p.docs[0]}.at("metadata", "name").n, 9, true},
		{spec.at("project").n, 11, true},
		{spec.at("source", "path").n, 13, true},
	} {
		if at, ok := where.locate(manifest.Query{Node: tt.n}); !ok || at.File != "set.yaml" || at.Line != tt.line || at.Exact != tt.exact {
			t.Errorf("%s: got %v %v, want line %d %v", tt.n.Value, at, ok, tt.line, tt.exact)
		}
	}
}

// What a stranger's ApplicationSet could make without end is one problem.
func TestApplicationSetLimits(t *testing.T) {
	const head = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: big}\nspec:\n  goTemplate: true\n  generators:\n"
	elements := func(key string, n int) string {
		var out strings.Builder
		for i := range n {
			fmt.Fprintf(&out, "{%s: '%d'},", key, i)
		}
		return "list: {elements: [" + out.String() + "]}"
	}
	matrix := func(a, b string) string { return "matrix: {generators: [{" + a + "}, {" + b + "}]}" }
	template := "  template: {metadata: {name: 'x{{.a}}-{{.b}}'}, spec: {}}\n"
	for name, tt := range map[string]struct {
		spec, want string
	}{
		"Applications":       {"    - " + matrix(elements("a", 101), elements("b", 100)) + "\n" + template, "more than 10000 Applications"},
		"sets of parameters": {"    - " + matrix(elements("a", 1000), elements("b", 1000)) + "\n      selector: {matchLabels: {a: none}}\n" + template, "more than 100000 sets"},
		"nested":             {"    - " + matrix(elements("a", 100), matrix(elements("b", 100), elements("c", 100))) + "\n" + template, "more than 100000 sets"},
		"text":               {"    - " + elements("a", 100) + "\n  template: {metadata: {name: 'x{{.a}}'}, spec: {x: '{{repeat 1000000 .a}}'}}\n", "larger than 64 MiB"},
		"range":              {"    - " + elements("a", 1) + "\n  template: {metadata: {name: 'x{{.a}}'}, spec: {x: '{{range until 100000}}{{repeat 10000 $.a}}{{end}}'}}\n", "larger than 64 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			p := expand(t, map[string]string{"set.yaml": head + tt.spec})
			if len(p.docs) != 0 || p.status != NotRendered || len(p.problems) != 1 ||
				p.problems[0].Class != "limit-size" || !strings.Contains(p.problems[0].Message, tt.want) || p.problems[0].At.File != "set.yaml" {
				t.Errorf("got %s, %d Applications, %v", p.status, len(p.docs), p.problems)
			}
		})
	}
}

// Whatever an ApplicationSet is, making its Applications ends without a panic.
func FuzzApplicationSet(f *testing.F) {
	names, _ := filepath.Glob("testdata/applicationset/*.txtar")
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if file.Name == "set.yaml" {
				f.Add(string(file.Data))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := expand(t, map[string]string{"set.yaml": text, "apps/web/config.yaml": "name: a\nlist: [1, {b: c}]\n"})
		for _, problem := range p.problems {
			if strings.Contains(problem.Message, "panic") {
				t.Error(problem.Message)
			}
		}
	})
}

// gitProgram is looked up before a build takes the search path away.
var gitProgram, _ = exec.LookPath("git")

// Patterns match the files that git finds with them.
func TestPathspec(t *testing.T) {
	files := []string{"a.yaml", "dir/a.yaml", "dir/b.json", "dir/sub/a.yaml", "dir/sub/.hidden", "dir2/x[1].yaml", "dir2/x1.yaml", "dir2/x-.yaml", "dir2/xa.yaml", "dir2/X.yaml", "d*r/a.yaml", "back\\slash"}
	dir := t.TempDir()
	git := func(args ...string) string {
		cmd := exec.Command(gitProgram, args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		return string(out)
	}
	git("init", "-q")
	hash := strings.TrimSpace(git("hash-object", "-w", "-t", "blob", "--stdin"))
	for _, name := range files {
		git("update-index", "--add", "--cacheinfo", "100644,"+hash+","+name)
	}
	for _, pattern := range []string{
		"a.yaml", "./a.yaml", ".", "dir", "dir/", "dir/sub/..", "*", "*.yaml", "dir/*.yaml", "dir/**/a.yaml", "**/a.yaml", "dir/*/a.yaml", "di?/a.yaml", "dir?a.yaml",
		"dir*", "dir2/x[0-9].yaml", "dir2/x[!0-9].yaml", "dir2/x[^a-z]*", "dir2/x[[:alpha:]].yaml", "dir2/x[1].yaml", `dir2/x\[1\].yaml`, "dir2/x[a-].yaml",
		"dir2/x[]a].yaml", "dir2/x[", "dir2/x[a", `d\*r/*`, "d*r/a.yaml", `back\\slash`, "*a*a*a*", "dir//a.yaml", "none/*", "dir/a.yaml/", "[[:nope:]]*", "dir2/[[:upper:]]*",
		`dir2/x[\1-\3].yaml`, "*/", "dir/sub*", "dir2/x[3-1].yaml",
	} {
		want := strings.FieldsFunc(git("ls-files", "-z", "--full-name", "--", pattern), func(r rune) bool { return r == 0 })
		spec, err := newPathspec(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		var got []string
		for _, name := range files {
			if spec.matches(name) {
				got = append(got, name)
				if !within(name, spec.dir) {
					t.Errorf("%s matches %s outside of %s", pattern, name, spec.dir)
				}
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", pattern, got, want)
		}
	}
}

// oracleApplication is what the patch of an Application depends on.
type oracleApplication struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        metav1.ObjectMeta `json:"metadata"`
	Spec            struct {
		Project string `json:"project,omitempty"`
		Source  *struct {
			Path string `json:"path,omitempty"`
			Helm *struct {
				ValueFiles   []string              `json:"valueFiles,omitempty"`
				Parameters   []map[string]string   `json:"parameters,omitempty"`
				Values       string                `json:"values,omitempty" patchStrategy:"replace"`
				ValuesObject *runtime.RawExtension `json:"valuesObject,omitempty"`
			} `json:"helm,omitempty"`
		} `json:"source,omitempty"`
		SyncPolicy *struct {
			Automated *struct {
				Prune    bool `json:"prune,omitempty"`
				SelfHeal bool `json:"selfHeal,omitempty"`
			} `json:"automated,omitempty"`
			SyncOptions []string `json:"syncOptions,omitempty"`
		} `json:"syncPolicy,omitempty"`
	} `json:"spec"`
}

// A patch changes an Application as the strategic merge does that Argo CD uses.
func TestTemplatePatchLikeStrategicMerge(t *testing.T) {
	const app = `{"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
		"metadata": {"name": "a", "labels": {"x": "1", "y": "2"}, "finalizers": ["f", "g"]},
		"spec": {"project": "p", "source": {"path": "q", "helm": {"valueFiles": ["a"], "values": "v", "valuesObject": {"l": [1], "m": {"x": 1}, "s": 1}, "parameters": [{"name": "x", "value": "1"}]}},
			"syncPolicy": {"automated": {"prune": true, "selfHeal": true}, "syncOptions": ["A=true"]}}}`
	for _, patch := range []string{
		``, `{}`, `null`, `{"metadata": {"labels": {"x": null, "z": "3"}}}`, `{"metadata": {"finalizers": ["h", "f"]}}`, `{"metadata": {"finalizers": ["h"]}}`, `{"metadata": {"finalizers": ["g", "h"]}}`, `{"metadata": {"finalizers": null}}`,
		`{"metadata": {"labels": null, "annotations": {"n": null, "m": "1"}}}`,
		`{"spec": {"source": {"helm": {"valueFiles": ["b", "c"], "parameters": [{"name": "y", "value": "2"}], "values": "w"}}}}`,
		`{"spec": {"source": {"$patch": "replace", "path": "r"}}}`, `{"spec": {"source": {"helm": {"$patch": "delete"}}}}`,
		`{"spec": {"syncPolicy": {"automated": null, "syncOptions": []}}}`, `{"spec": {"syncPolicy": {"automated": {"prune": false}}}}`,
		`{"spec": {"source": {"helm": {"valuesObject": {"a": {"b": 1, "c": null}, "s": 2, "n": null, "m": 3, "l": null}}}}}`,
		`{"spec": {"source": {"helm": {"valuesObject": {"m": {"y": 1}}}}}}`, `{"spec": {"source": {"helm": {"valuesObject": {"l": [2]}}}}}`,
	} {
		want, wantErr := []byte(app), error(nil)
		if patch != "" {
			want, wantErr = strategicpatch.StrategicMergePatch([]byte(app), []byte(patch), oracleApplication{})
		}
		docs, _ := manifest.Parse([]byte(app))
		tt, err := newTemplates(manifest.Limits{}, 1<<20, true, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = tt.patch(docs[0], stringNode(patch), params{})
		if (err == nil) != (wantErr == nil) {
			t.Errorf("%s: got %v, want %v", patch, err, wantErr)
		}
		if err != nil {
			continue
		}
		got, err := json.Marshal(plainValue(docs[0]))
		if err != nil {
			t.Fatal(err)
		}
		if g, w := typed(t, got), typed(t, want); g != w {
			t.Errorf("%s\ngot  %s\nwant %s", patch, g, w)
		}
	}
}

// typed is an Application without what its type leaves out.
func typed(t *testing.T, text []byte) string {
	t.Helper()
	var a oracleApplication
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
