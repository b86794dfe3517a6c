package render

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/internal/store"
	"sigs.k8s.io/yaml"
)

// chartTree is a repository in memory.
type chartTree struct{ fstest.MapFS }

func (t chartTree) Resolve(name string) (string, error) {
	name = path.Clean(name)
	if name == ".." || strings.HasPrefix(name, "../") {
		return "", &fs.PathError{Op: "open", Path: name, Err: source.ErrOutside}
	}
	_, err := t.Stat(name)
	return name, err
}

func treeOf(text string) chartTree {
	tree := chartTree{fstest.MapFS{}}
	for _, f := range txtar.Parse([]byte(text)).Files {
		tree.MapFS[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return tree
}

// pack puts a folder of the tree into an archive, as helm package does.
func (t chartTree) pack(tb testing.TB, dir, archive string) {
	tb.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	w := tar.NewWriter(zipped)
	for _, name := range sortedKeys(t.MapFS) {
		rel, ok := strings.CutPrefix(name, dir+"/")
		if !ok {
			continue
		}
		data := t.MapFS[name].Data
		if err := w.WriteHeader(&tar.Header{Name: "packed/" + rel, Mode: 0o644, Size: int64(len(data)), Typeflag: tar.TypeReg}); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			tb.Fatal(err)
		}
		delete(t.MapFS, name)
	}
	if err := errors.Join(w.Close(), zipped.Close()); err != nil {
		tb.Fatal(err)
	}
	t.MapFS[archive] = &fstest.MapFile{Data: out.Bytes()}
}

func testBuilder(tb testing.TB) *builder {
	tb.Helper()
	s := settings{kubeVersion: "1.34.0", limits: limits.Default()}
	b, err := s.builder()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func testJob(chart string, r release) job {
	return job{kind: Helm, path: chart, archives: 1 << 20, release: r}
}

func TestValues(t *testing.T) {
	flux := func(text string) layer { return layer{text: text, flux: true} }
	at := func(target, text string) layer { return layer{target: target, text: text, flux: true} }
	own := func(text string) layer { return layer{text: text} }
	for name, c := range map[string]struct {
		layers []layer
		want   string
	}{
		"nothing":           {nil, `{}`},
		"later over":        {[]layer{own("a: {b: 1, c: [1, 2]}"), own("a: {c: [3]}"), own("{}"), own("")}, `a: {b: 1, c: [3]}`},
		"null stays":        {[]layer{own("a: {b: 1}"), own("a: null")}, `a: null`},
		"map over a scalar": {[]layer{own("a: 1"), own("a: {b: 2}"), own("a: {c: 3}")}, `a: {b: 2, c: 3}`},
		"optional file":     {[]layer{own("a: 1"), {file: "nothing.yaml", optional: true}}, `a: 1`},
		"file and target":   {[]layer{{file: "note.txt", target: "a.b"}}, `a: {b: "x,y={z}[0]\\\n"}`},

		"flux: own last":               {[]layer{flux("a: 1\nb: 1"), flux("b: 2"), own("b: 3")}, `{a: 1, b: 3}`},
		"flux: target":                 {[]layer{at("a.b.c", "value"), flux("x: 1")}, `{a: {b: {c: value}}, x: 1}`},
		"flux: target in a shared map": {[]layer{at("m.c[0]", "value"), flux("m: {c: [one, two]}"), own("m: {c: [list, item]}")}, `{m: {c: [value, item]}}`},
		"flux: target in a copied map": {[]layer{flux("m: {d: 1}"), at("m.c", "value"), own("m: {c: own}")}, `{m: {c: own, d: 1}}`},
		"flux: target at the top":      {[]layer{at("c", "value"), own("c: own")}, `{c: own}`},
		"flux: own before the target":  {[]layer{own("m: {c: own}"), at("m.d", "value")}, `{m: {c: own, d: value}}`},
		"flux: types":                  {[]layer{at("a", "1"), at("b", "true"), at("c", "null"), at("d", "007"), at("e", "{x,2}")}, `{a: 1, b: true, c: null, d: "007", e: [x, 2]}`},
		"flux: quoted":                 {[]layer{at("a", "'1'"), at("b", `"true"`), at("c", `"x`)}, `{a: "1", b: "true", c: '"x'}`},
		"flux: literal":                {[]layer{{target: `a\.b.c`, text: "x: [1, {y}]\n\\z=1\n", flux: true, literal: true}}, `a.b: {c: "x: [1, {y}]\n\\z=1\n"}`},
	} {
		t.Run(name, func(t *testing.T) {
			f := newChartFiles(newRecorder(treeOf("-- note.txt --\nx,y={z}[0]\\\n"), manifest.Limits{}), limits.Default())
			got, err := f.values(&release{layers: c.layers})
			if err != nil {
				t.Fatal(err)
			}
			var want map[string]any
			if err := yaml.Unmarshal([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			// Numbers that --set gives are integers.
			text, _ := yaml.Marshal(got)
			var again map[string]any
			if err := yaml.Unmarshal(text, &again); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(again, want) {
				t.Errorf("got %s\nwant %s", text, c.want)
			}
		})
	}
}

func TestValuesProblems(t *testing.T) {
	place := manifest.Span{File: "release.yaml", Line: 7}
	for name, c := range map[string]struct {
		layer   layer
		problem Problem
	}{
		"missing file":    {layer{file: "gone.yaml", at: place}, Problem{Class: "render-failed", Message: "there is no file gone.yaml", At: place}},
		"outside":         {layer{file: "../gone.yaml", at: place}, Problem{Class: "render-failed", Message: "gone.yaml", At: place}},
		"missing inside":  {layer{inChart: "gone.yaml", at: place}, Problem{Class: "render-failed", Message: "gone.yaml", At: place}},
		"no mapping":      {layer{text: "FAKE-secret-0", of: "a ConfigMap", at: place}, Problem{Class: "render-failed", Message: "the values of a ConfigMap: they are no mapping", At: place}},
		"no YAML":         {layer{text: "a: FAKE-secret-0: b", of: "a ConfigMap", at: place}, Problem{Class: "parse-error", Message: "the values of a ConfigMap", At: place}},
		"alias bomb":      {layer{text: bomb(), of: "a ConfigMap", at: place}, Problem{Class: "limit-alias", Message: "the values of a ConfigMap", At: place}},
		"no target":       {layer{target: "a[", text: "FAKE-secret-0", of: "a Secret", at: place}, Problem{Class: "render-failed", Message: "can't set the value a[ from a Secret", At: place}},
		"comma":           {layer{target: "a", text: "FAKE-secret-0,FAKE-secret-1", flux: true, of: "a Secret", at: place}, Problem{Class: "render-failed", Message: "can't set the value a from a Secret", At: place}},
		"large indexes":   {layer{target: "a", text: strings.Repeat("x,a[65536]=", 20), flux: true, of: "a Secret", at: place}, Problem{Class: "render-failed", Message: "too many items", At: place}},
		"escaped indexes": {layer{target: "a", text: strings.Repeat(`x,a[65\53\6]=`, 20), flux: true, of: "a Secret", at: place}, Problem{Class: "render-failed", Message: "too many items", At: place}},
		"nested indexes":  {layer{target: strings.Repeat("a[0].", 5000) + "b", text: "x", at: place}, Problem{Class: "render-failed", Message: "too many items", At: place}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newChartFiles(newRecorder(treeOf(""), manifest.Limits{}), limits.Default())
			_, err := f.values(&release{layers: []layer{c.layer}})
			var wrong *valuesError
			if !errors.As(err, &wrong) {
				t.Fatalf("the error is %v", err)
			}
			got := wrong.problem()
			if got.Class != c.problem.Class || !strings.Contains(got.Message, c.problem.Message) || got.At != c.problem.At {
				t.Errorf("got %+v\nwant %+v", got, c.problem)
			}
			if strings.Contains(got.Message, "FAKE") {
				t.Errorf("the message quotes the value: %s", got.Message)
			}
		})
	}
}

func bomb() string {
	text := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		text += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 10) + "]\n"
	}
	return text
}

const packedChart = `
-- chart/Chart.yaml --
apiVersion: v2
name: web
version: 1.0.0
-- chart/values.yaml --
who: chart
kept: chart
-- chart/values-prod.yaml --
who: prod
-- chart/templates/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data: {who: {{ .Values.who }}, kept: {{ .Values.kept | default "gone" }}}
{{- if .Values.break }}
{{ fail (printf "no %s" .Values.break) }}
{{- end }}
`

func TestArchive(t *testing.T) {
	mount := store.Request{Kind: store.Chart, URL: "https://charts.example.com", Name: "web", Version: "1.x"}.Mount() + "/" + store.ChartFile
	for name, c := range map[string]struct {
		release release
		want    string
	}{
		"own values":      {release{}, "{who: chart, kept: chart}"},
		"other defaults":  {release{defaults: []layer{{inChart: "values-prod.yaml"}}}, "{who: prod, kept: gone}"},
		"several":         {release{defaults: []layer{{inChart: "values.yaml"}, {inChart: "values-prod.yaml"}, {inChart: "none.yaml", optional: true}}}, "{who: prod, kept: chart}"},
		"a file inside":   {release{layers: []layer{{inChart: "values-prod.yaml"}}}, "{who: prod, kept: chart}"},
		"a setting above": {release{layers: []layer{{inChart: "values-prod.yaml"}, {target: "kept", text: "no"}}}, "{who: prod, kept: no}"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := treeOf(packedChart)
			tree.pack(t, "chart", mount)
			p := testBuilder(t).build(newRecorder(tree, manifest.Limits{}), testJob(mount, c.release))
			if len(p.problems) > 0 || len(p.texts) != 1 {
				t.Fatalf("%+v", p)
			}
			got := p.texts[0]
			if got.file != mount || got.written || !strings.Contains(got.text, "data: "+c.want) {
				t.Errorf("%+v", got)
			}
			if p.unpacked == 0 {
				t.Error("what the archive holds is not counted")
			}
		})
	}
}

func TestArchiveProblems(t *testing.T) {
	for name, c := range map[string]struct {
		data    []byte
		release release
		class   string
	}{
		"no archive": {[]byte("PK\x03\x04"), release{}, "archive"},
		"a failure":  {nil, release{layers: []layer{{text: "break: FAKE-secret-0"}}}, "render-failed"},
		"a name":     {nil, release{name: "Not_A_Name"}, "render-failed"},
		"a version":  {nil, release{kubeVersion: "two"}, "render-failed"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := treeOf(packedChart)
			tree.pack(t, "chart", "charts/web.tgz")
			if c.data != nil {
				tree.MapFS["charts/web.tgz"].Data = c.data
			}
			p := testBuilder(t).build(newRecorder(tree, manifest.Limits{}), testJob("charts/web.tgz", c.release))
			if len(p.problems) != 1 || p.status != NotRendered {
				t.Fatalf("%+v", p)
			}
			got := p.problems[0]
			if got.Class != c.class || got.At.File != "charts/web.tgz" || strings.Contains(got.Message, "FAKE") {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestDependencies(t *testing.T) {
	const repository = "https://charts.example.com"
	fetched := store.Request{Kind: store.Chart, URL: repository, Name: "part", Version: "1.2.3"}
	for name, c := range map[string]struct {
		dependency string
		lock       string
		kept       bool
		want       *Problem // nil for none
	}{
		"of the lock":    {"{name: part, version: 1.x, repository: " + repository + "}", "1.2.3", true, nil},
		"exact":          {"{name: part, version: 1.2.3, repository: " + repository + "/}", "", true, nil},
		"under an alias": {"{name: part, version: 1.2.3, alias: other, repository: " + repository + "}", "", true, nil},
		"not kept":       {"{name: part, version: 1.2.3, repository: " + repository + "}", "", false, &Problem{Class: "not-fetched", Needs: fetched}},
		"of no lock":     {"{name: part, version: 1.x, repository: " + repository + "}", "", true, &Problem{Class: "not-fetched", Needs: store.Request{Kind: store.Chart, URL: repository, Name: "part", Version: "1.x"}}},
		"an old lock":    {"{name: part, version: 2.x, repository: " + repository + "}", "1.2.3", true, &Problem{Class: "not-fetched", Needs: store.Request{Kind: store.Chart, URL: repository, Name: "part", Version: "2.x"}}},
		"credentials":    {"{name: part, version: 1.2.3, repository: 'https://FAKE:FAKE@charts.example.com'}", "", true, nil},
		"a registry":     {"{name: part, version: 1.2.3, repository: oci://registry.example.com/charts}", "", false, &Problem{Class: "not-fetched", Needs: store.Request{Kind: store.Chart, URL: "oci://registry.example.com/charts", Name: "part", Version: "1.2.3"}}},
		"a local name":   {"{name: part, version: 1.2.3, repository: '@stable'}", "", true, &Problem{Class: "not-fetched"}},
		"an alias":       {"{name: part, version: 1.2.3, repository: 'alias:stable'}", "", true, &Problem{Class: "not-fetched"}},
		"something else": {"{name: other, version: 1.2.3, repository: " + repository + "}", "", true, &Problem{Class: "missing-dependency"}},
		"a path as name": {"{name: ../part, version: 1.2.3, repository: " + repository + "}", "", true, &Problem{Class: "missing-dependency"}},
	} {
		t.Run(name, func(t *testing.T) {
			repo := "-- chart/Chart.yaml --\napiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- " + c.dependency + `
-- chart/templates/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: parent}
-- part/Chart.yaml --
apiVersion: v2
name: part
version: 1.2.3
-- part/templates/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: part}
`
			if c.lock != "" {
				repo += "-- chart/Chart.lock --\ndependencies:\n- {name: part, version: " + c.lock + ", repository: " + repository + "}\n"
			}
			tree := treeOf(repo)
			kept := fetched
			if name == "something else" {
				kept.Name = "other"
			}
			tree.pack(t, "part", kept.Mount()+"/"+store.ChartFile)
			if !c.kept {
				delete(tree.MapFS, kept.Mount()+"/"+store.ChartFile)
			}
			p := testBuilder(t).build(newRecorder(tree, manifest.Limits{}), testJob("chart", release{}))
			if c.want == nil {
				if len(p.problems) > 0 || len(p.texts) != 2 || !slices.ContainsFunc(p.texts, func(t text) bool { return strings.Contains(t.text, "name: part") && !t.written }) {
					t.Fatalf("%+v", p)
				}
				return
			}
			if len(p.problems) != 1 || p.status != Partial || len(p.texts) != 1 {
				t.Fatalf("%+v", p)
			}
			if got := p.problems[0]; got.Class != c.want.Class || got.Needs != c.want.Needs || got.At.File != "chart/Chart.yaml" {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestHooks(t *testing.T) {
	const templates = `
-- chart/Chart.yaml --
apiVersion: v2
name: web
version: 1.0.0
-- chart/templates/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: plain}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: hook
  annotations: {"helm.sh/hook": "pre-install, Post-Install"}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: both
  annotations: {"helm.sh/hook": "test,pre-install"}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: unknown
  annotations: {"helm.sh/hook": "pre-install,crd-install"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: last}
-- chart/templates/b.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: test, annotations: {"helm.sh/hook": test}}
`
	for name, c := range map[string]struct {
		release release
		want    []string
	}{
		"all":     {release{}, []string{"plain", "hook", "both", "last", "test"}},
		"no test": {release{skipTests: true}, []string{"plain", "hook", "last"}},
		"no hook": {release{skipHooks: true}, []string{"plain", "last"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := testBuilder(t).build(newRecorder(treeOf(templates), manifest.Limits{}), testJob("chart", c.release))
			var names []string
			for _, text := range p.texts {
				docs, problems := manifest.Parse([]byte(text.text))
				if len(problems) > 0 {
					t.Fatal(problems)
				}
				for _, d := range docs {
					n := manifest.Get(manifest.Get(d, "metadata"), "name")
					names = append(names, n.Value)
					if n.Value == "last" && n.Line != 25 {
						t.Errorf("the last object is on line %d", n.Line)
					}
				}
			}
			if !slices.Equal(names, c.want) || len(p.problems) > 0 {
				t.Errorf("%v, %+v", names, p.problems)
			}
		})
	}
}

func TestReleaseCrossesThePipe(t *testing.T) {
	at := manifest.Span{File: "a.yaml", Line: 1, Column: 2, EndLine: 3, EndColumn: 4}
	want := testJob("chart", release{
		name: "a", namespace: "b", kubeVersion: "1.30", apiVersions: []string{"v1"},
		defaults: []layer{{inChart: "values.yaml", optional: true}},
		layers:   []layer{{file: "a", text: "b", target: "c", str: true, literal: true, flux: true, of: "d", at: at}},
		skipCRDs: true, skipHooks: true, skipTests: true, post: []string{"patches: []"}, strategy: "separate", at: at,
	})
	var e encoder
	e.job(want)
	d := newDecoder(e.Buf)
	if got := d.job(); d.Err != nil || !reflect.DeepEqual(got.release, want.release) {
		t.Errorf("%v\ngot  %+v\nwant %+v", d.Err, got.release, want.release)
	}
	product := &product{status: Rendered, texts: []text{{file: "a", written: true, text: "b", taken: true, at: at}}}
	e = encoder{}
	e.product(product)
	d = newDecoder(e.Buf)
	if got := d.product(); d.Err != nil || !reflect.DeepEqual(got.texts, product.texts) {
		t.Errorf("%v\ngot  %+v\nwant %+v", d.Err, got.texts, product.texts)
	}
}
