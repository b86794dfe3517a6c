package manifest

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// oddTexts are what the tables of this package found to be difficult, and what
// fuzzing found.
var oddTexts = []string{
	deployment,
	"a: &a [*a]\n---\n- <<: {b: 1}\n",
	"a: &a {b: 1}\nc: {<<: [*a, *a], b: 2}\n? *a\n: x\n",
	"[[[[[[[[]]]]]]]]", "{a: {a: {a: {a: {a: 1}}}}}", "[a: [a: [a: [a: 1]]]]", "- - - - - - a: b\n", "? ? ? ? a\n",
	"a: [\"]\", [\"]\", [\"]\", [\"]\", [\"]\"]]]]]\n", "[ !a]] [ !b]] [ !c]] [\n",
	"%YAML 1.1\n---\na: 1\n...\n%TAG ! x\n--- !y {b: 2}\n",
	"\ufeffa: 1\r\n---\r\n\ufeffb: 2\r\n", "\xff\xfea\x00:\x00 \x001\x00", "\xfe\xff\x00a", "a\x00:\x00",
	"a: \"\u2028  b: [\"\u0085c: d\rd: e\n",
	"{\n\t\"a\": 1\n}\n{\"b\": 2}", "a: |\n  [{[{\n---\nb: [\n---\nc: 3\n",
	"a: *unknown\n", "a: 1\na: 2\n", "<<: 3\n", "\"a\": {b: c,\n d: e}\nf: [# [\n]\n",
	"\xe2", "a: \xc2", "?", "? a\n? - b\n",
}

func addSeeds(f *testing.F) {
	for _, text := range oddTexts {
		f.Add([]byte(text))
	}
	err := filepath.WalkDir("../../testdata", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.Type().IsRegular() || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)) {
			return nil
		}
		data, err := os.ReadFile(name)
		if len(data) < 8<<10 {
			f.Add(data)
		}
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
}

// small limits let the fuzzer reach them.
var fuzzLimits = []Limits{{}, {Depth: 6, AliasNodes: 60, Documents: 3}}

func FuzzCheck(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, l := range fuzzLimits {
			l = l.orDefault()
			text, refused := l.Check(data)
			if refused != nil {
				checkReadError(t, refused)
				if refused.Class == ParseError || refused.Class == DuplicateKey {
					t.Errorf("the gate reports %v", refused)
				}
				continue
			}
			if !utf8.Valid(text) {
				t.Error("the text is no UTF-8")
			}
			if again, refused := l.Check(text); refused != nil || string(again) != string(text) {
				t.Errorf("what passed the gate does not pass it again: %v", refused)
			}
			// Whether or not the scan was enough.
			docs, problems := l.parse(text)
			for _, p := range problems {
				if p.Class != ParseError && p.Class != DuplicateKey {
					t.Errorf("the gate let pass %v", p)
				}
			}
			nodes := 0
			for _, d := range docs {
				nodes += len(written(d, map[*yaml.Node]bool{}))
			}
			if s := l.survey(text); s.harmless && nodes > s.nodes {
				t.Errorf("%d nodes where the scan says %d at most", nodes, s.nodes)
			}
		}
	})
}

// written are the nodes of a document, each once.
func written(n *yaml.Node, seen map[*yaml.Node]bool) map[*yaml.Node]bool {
	if !seen[n] {
		seen[n] = true
		for _, c := range n.Content {
			written(c, seen)
		}
	}
	return seen
}

func FuzzParse(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, l := range fuzzLimits {
			l = l.orDefault()
			docs, problems := l.Parse(data)
			again, problemsAgain := l.Parse(data)
			if !reflect.DeepEqual(docs, again) || !reflect.DeepEqual(problems, problemsAgain) {
				t.Error("parsed twice, it is not the same")
			}
			for _, p := range problems {
				checkReadError(t, p)
			}
			for _, d := range docs {
				w := walker{limits: l}
				w.walk(t, d, 1)
				if w.nodes > l.AliasNodes {
					t.Errorf("%d nodes with aliases expanded", w.nodes)
				}
				if most := aliasBytesFactor*len(data) + aliasBytesFree; w.bytes > most {
					t.Errorf("%d bytes with aliases expanded, %d are allowed", w.bytes, most)
				}
				for _, o := range Objects(d, Origin{}, nil) {
					o.SchemaErrors()
					if w, ok := o.Workload(); ok {
						for _, c := range w.Containers() {
							c.Privileged()
						}
					}
					o.At(field.NewPath("spec", "containers").Index(0))
					o.StablePath(field.NewPath("spec", "containers").Index(0).Child("name"))
				}
			}
		}
	})
}

type walker struct {
	limits       Limits
	nodes, bytes int
}

func (w *walker) walk(t *testing.T, n *yaml.Node, depth int) {
	w.nodes++
	w.bytes += len(n.Value) + 1
	switch {
	case n.Kind == yaml.AliasNode:
		t.Fatal("an alias is left")
	case len(n.Content) > 0 && depth > w.limits.Depth:
		t.Fatalf("%d levels deep", depth)
	case n.Line < 1:
		t.Fatal("a node without a place")
	}
	for _, c := range n.Content {
		w.walk(t, c, depth+1)
	}
}

func checkReadError(t *testing.T, e *ReadError) {
	switch {
	case e.Class == "" || e.Message == "" || strings.ToValidUTF8(e.Message, "") != e.Message || len(e.Message) > 200:
		t.Errorf("a bad message: %q, %q", e.Class, e.Message)
	case e.Line < 0 || e.Column < 0:
		t.Errorf("%v is at %d:%d", e, e.Line, e.Column)
	}
}
