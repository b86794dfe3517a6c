package render

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/internal/limits"
	"helm.sh/helm/v3/pkg/chart"
)

// buildHelm renders a chart, and traces the named templates if there are any.
func buildHelm(tb testing.TB, tree files, j job) *product {
	tb.Helper()
	s := settings{kubeVersion: "1.34.0", limits: limits.Default()}
	b, err := s.builder()
	if err != nil {
		tb.Fatal(err)
	}
	j.kind, j.archives = Helm, s.limits.ArchivesSize
	return b.build(newRecorder(tree, s.limits.YAML), j)
}

// traceAll renders a chart and traces all that it gives.
func traceAll(tb testing.TB, tree files, j job) (plain, traced *product) {
	tb.Helper()
	plain = buildHelm(tb, tree, j)
	for _, t := range plain.texts {
		if t.template != "" {
			j.trace = append(j.trace, t.template)
		}
	}
	return plain, buildHelm(tb, tree, j)
}

// TestTrace traces the charts of testdata/trace/*.txtar. The file "want" has each
// line that the chart web gives, and behind it the pieces that wrote it: where
// each begins, in braces if it is an action with what that reads, and the calls
// that it is in. A line of "?" is a key that the template could write.
func TestTrace(t *testing.T) {
	golden(t, "trace", func(t *testing.T, archive *txtar.Archive) string {
		tree := treeOf(string(txtar.Format(archive)))
		if strings.HasPrefix(string(archive.Comment), "crlf") {
			for _, f := range tree.MapFS {
				f.Data = bytes.ReplaceAll(f.Data, []byte("\n"), []byte("\r\n"))
			}
		}
		plain, traced := traceAll(t, tree, job{path: "web"})
		if plain.status != Rendered || len(plain.texts) == 0 {
			t.Fatalf("%s: %+v", plain.status, plain.problems)
		}
		checkTrace(t, tree, plain, traced)
		return describeTrace(traced)
	})
}

// checkTrace asserts what holds for every trace: the texts are those of the plain
// job, each line has a piece, and what a piece of text wrote stands in the
// template.
func checkTrace(tb testing.TB, tree chartTree, plain, traced *product) {
	tb.Helper()
	var texts []text
	for _, t := range traced.texts {
		for i, line := range strings.Split(t.text, "\n") {
			if strings.Trim(line, blanks) != "" && pieceAt(t.runs, i+1, len([]rune(line))) < 0 {
				tb.Errorf("%s:%d has no piece", t.template, i+1)
			}
		}
		for i, r := range t.runs {
			p := traced.pieces[r.piece]
			if width := len([]rune(strings.Split(t.text, "\n")[r.line-1])); r.column > width+1 {
				tb.Errorf("%s:%d:%d is behind the end of the line", t.template, r.line, r.column)
				continue
			}
			if p.action || !p.written || strings.Trim(stretch(t.text, r.line, 1, run{}), blanks) == "" {
				// The last is a hook that was dropped.
				continue
			}
			to := run{line: r.line + 1, column: 1}
			if i+1 < len(t.runs) {
				to = t.runs[i+1]
			}
			wrote := strings.TrimRight(stretch(t.text, r.line, r.column, to), blanks)
			if stands := stretch(string(tree.MapFS[p.file].Data), p.line, p.column, run{line: p.line + 1, column: 1}); !strings.HasPrefix(stands, wrote) || wrote == "" {
				tb.Errorf("%s:%d:%d is %q, but %s:%d:%d %q", t.template, r.line, r.column, wrote, p.file, p.line, p.column, stands)
			}
		}
		t.runs = nil
		texts = append(texts, t)
	}
	var want []text
	for _, t := range plain.texts {
		if t.template != "" {
			want = append(want, t)
		}
	}
	if !reflect.DeepEqual(texts, want) {
		tb.Errorf("the texts differ:\n%+v\nwithout marks:\n%+v", texts, want)
	}
	if len(traced.problems) > 0 {
		tb.Errorf("%+v", traced.problems)
	}
}

// pieceAt is the piece that wrote what is at a place; -1 for none.
func pieceAt(runs []run, line, column int) int {
	piece := -1
	for _, r := range runs {
		if r.line > line || r.line == line && r.column > column {
			break
		}
		piece = r.piece
	}
	return piece
}

// stretch is what stands from a place to another one, on the same line.
func stretch(text string, line, column int, to run) string {
	lines := strings.Split(text, "\n")
	if line > len(lines) || column > len([]rune(lines[line-1])) {
		return ""
	}
	runes := []rune(lines[line-1])
	if to.line == line {
		return string(runes[column-1 : to.column-1])
	}
	return string(runes[column-1:])
}

func describeTrace(p *product) string {
	var b strings.Builder
	for _, t := range p.texts {
		fmt.Fprintf(&b, "# %s\n", t.template)
		next := 0
		for i, line := range strings.Split(strings.TrimSuffix(t.text, "\n"), "\n") {
			b.WriteString(strings.TrimRight(line, "\r"))
			for ; next < len(t.runs) && t.runs[next].line == i+1; next++ {
				fmt.Fprintf(&b, "  <%d %s>", t.runs[next].column, describePiece(p, t.runs[next].piece))
			}
			b.WriteString("\n")
		}
	}
	for _, o := range p.options {
		fmt.Fprintf(&b, "? %s  <%s>%s\n", o.key, describePiece(p, o.piece), describeRefs(o.refs))
	}
	return b.String()
}

func describePiece(p *product, n int) string {
	of := p.pieces[n]
	text := fmt.Sprintf("%s:%d:%d", strings.TrimPrefix(of.file, "web/"), of.line, of.column)
	if of.action {
		text = "{" + text + describeRefs(of.refs) + "}"
	}
	if of.caller >= 0 {
		text += " in " + of.template + " from " + describePiece(p, of.caller)
	}
	return text
}

func describeRefs(refs []ref) string {
	text := ""
	for _, r := range refs {
		text += " " + string(r.kind) + "." + strings.Join(r.path, ".")
		if r.whole {
			text += "..."
		}
	}
	return text
}

const tracedChart = `
-- web/Chart.yaml --
apiVersion: v2
name: web
version: 1.0.0
-- web/values.yaml --
name: a
-- web/templates/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Values.name }}}
-- web/templates/b.yaml --
apiVersion: v1
kind: Secret
metadata: {name: b}
-- web/templates/hook.yaml --
apiVersion: batch/v1
kind: Job
metadata:
  name: c
  annotations: {helm.sh/hook: test}
---
apiVersion: v1
kind: Pod
metadata: {name: c}
`

// TestTraceOnly shows that only what is asked for is rendered, and what a chart
// gives of which no trace can be made.
func TestTraceOnly(t *testing.T) {
	tree := treeOf(tracedChart)
	for name, c := range map[string]struct {
		trace []string
		files map[string]string
		want  []string
	}{
		"one":       {trace: []string{"web/templates/b.yaml"}, want: []string{"web/templates/b.yaml"}},
		"none such": {trace: []string{"web/templates/c.yaml", "db/templates/b.yaml"}},
		"a partial": {trace: []string{"web/templates/_x.tpl"}, files: map[string]string{"_x.tpl": "a: b"}},
		"another fails": {trace: []string{"web/templates/b.yaml"}, files: map[string]string{"c.yaml": `{{ fail "no" }}`},
			want: []string{"web/templates/b.yaml"}},
		"it fails":      {trace: []string{"web/templates/c.yaml"}, files: map[string]string{"c.yaml": `{{ fail "no" }}`}},
		"it has no end": {trace: []string{"web/templates/c.yaml"}, files: map[string]string{"c.yaml": `{{ define "x" }}{{ include "x" . }}{{ end }}{{ include "x" . }}`}},
		"no template":   {trace: []string{"web/templates/b.yaml"}, files: map[string]string{"c.yaml": `{{ define "x" }}{{ if }}`}},
		"it fails alone": {trace: []string{"web/templates/b.yaml"}, files: map[string]string{
			"b.yaml": `{{ if not .Values.hidden }}{{ fail "no" }}{{ end }}a: b`, "c.yaml": `{{ tpl "{{ $_ := set .Values \"hidden\" true }}" . }}`},
			want: []string{"web/templates/b.yaml"}},
		"a define by the name of a file": {trace: []string{"web/templates/b.yaml"},
			files: map[string]string{"_x.tpl": `{{ define "web/templates/b.yaml" }}other: text{{ end }}`}},
	} {
		t.Run(name, func(t *testing.T) {
			with := treeOf(tracedChart)
			for file, data := range c.files {
				with.MapFS["web/templates/"+file] = &fstest.MapFile{Data: []byte(data)}
			}
			p := buildHelm(t, with, job{path: "web", trace: c.trace})
			var got []string
			for _, text := range p.texts {
				if len(text.runs) == 0 {
					t.Errorf("%s has no runs", text.template)
				}
				got = append(got, text.template)
			}
			if !slices.Equal(got, c.want) || len(p.problems) > 0 {
				t.Errorf("%v, %+v", got, p.problems)
			}
		})
	}
	archive, err := txtar.ParseFile("testdata/trace/changes.txtar")
	if err != nil {
		t.Fatal(err)
	}
	changed := treeOf(string(txtar.Format(archive)))
	if p := buildHelm(t, changed, job{path: "web", trace: []string{"web/templates/pod.yaml"}}); len(p.texts) != 1 ||
		!strings.Contains(p.texts[0].text, "image: nginx:1\n  replicas: 3\n  seen: true\n  late: never") {
		t.Errorf("what others change is not seen: %+v", p.texts)
	}
	plain, traced := traceAll(t, tree, job{path: "web", release: release{skipTests: true}})
	checkTrace(t, tree, plain, traced)
	if len(plain.texts) != 3 || !strings.HasPrefix(plain.texts[2].text, "\n") {
		t.Errorf("the hook was kept: %+v", plain.texts)
	}
}

// TestTraceForged shows that what looks like a mark is none, whoever writes it.
func TestTraceForged(t *testing.T) {
	for _, forged := range []string{"\ue000999\ue001", "\ue000", "\ue001", "\ue000\ue001", "\ue000-1\ue001", "\ue0000\ue001", "\ue000a.0\ue001", "\ue0020"} {
		for name, data := range map[string]string{
			"text":    "a: " + forged + "\nb: c\n",
			"action":  "a: {{ " + strconv.QuoteToASCII(forged) + " }}\nb: c\n",
			"value":   "a: {{ .Values.name }}\nb: c\n",
			"include": "{{ define \"x\" }}\n  a: {{ .Values.name }}" + forged + "\n{{ end }}b:\n{{ include \"x\" . | trim | indent 2 }}\nc: d\n",
			"file":    "a: {{ .Files.Get \"file\" }}\nb: c\n",
		} {
			t.Run(name+strconv.QuoteToASCII(forged), func(t *testing.T) {
				tree := treeOf(tracedChart)
				tree.MapFS["web/file"] = &fstest.MapFile{Data: []byte(forged)}
				tree.MapFS["web/templates/c.yaml"] = &fstest.MapFile{Data: []byte(data)}
				j := job{path: "web"}
				j.release.layers = []layer{{text: forged, target: "name"}}
				plain, traced := traceAll(t, tree, j)
				if plain.status != Rendered || len(traced.texts) != 4 {
					t.Fatalf("%s: %+v", plain.status, traced.texts)
				}
				checkTrace(t, tree, plain, traced)
			})
		}
	}
}

// TestTraceOfKustomization traces a chart of helmCharts by what the build of the
// kustomization tells of it.
func TestTraceOfKustomization(t *testing.T) {
	tree := treeOf(tracedChart + `
-- app/kustomization.yaml --
helmGlobals: {chartHome: ..}
helmCharts:
- {name: web, releaseName: one, valuesInline: {name: first}}
- {name: web, releaseName: two, valuesInline: {name: second}}
`)
	s := settings{kubeVersion: "1.34.0", limits: limits.Default()}
	b, err := s.builder()
	if err != nil {
		t.Fatal(err)
	}
	p := b.build(newRecorder(tree, s.limits.YAML), job{kind: Kustomize, path: "app", archives: s.limits.ArchivesSize})
	if len(p.charts) != 2 || len(p.texts) != 6 {
		t.Fatalf("%d charts, %d texts, %+v", len(p.charts), len(p.texts), p.problems)
	}
	for _, text := range p.texts {
		of := p.charts[text.chart-1]
		traced := buildHelm(t, tree, job{path: of.path, release: of.release, trace: []string{text.template}})
		if len(traced.texts) != 1 || traced.texts[0].text != text.text {
			t.Errorf("%s of %s: %+v", text.template, of.release.name, traced.texts)
		}
	}
}

// TestAliasesHaveTheirFiles shows that a template of an alias is that of its own
// chart, even if another one has a file of the same name.
func TestAliasesHaveTheirFiles(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/trace/subcharts.txtar")
	if err != nil {
		t.Fatal(err)
	}
	p := buildHelm(t, treeOf(string(txtar.Format(archive))), job{path: "web"})
	for _, text := range p.texts {
		if text.template == "web/charts/other/templates/db.yaml" && text.file == "web/charts/db/templates/db.yaml" && text.written {
			return
		}
	}
	t.Errorf("%+v", p.texts)
}

func TestAlignRuns(t *testing.T) {
	for name, c := range map[string]struct {
		plain, traced string
		runs, want    []run
	}{
		"the same": {"a\nb\n", "a\nb\n", []run{{1, 1, 0}, {2, 1, 1}}, []run{{1, 1, 0}, {2, 1, 1}}},
		"one line differs": {"a\nx\n  c: d\n", "a\nb\n  c: d\n", []run{{1, 1, 0}, {2, 1, 1}, {3, 3, 2}, {3, 6, 3}},
			[]run{{1, 1, 0}, {2, 1, -1}, {3, 3, 2}, {3, 6, 3}}},
		"in a piece of several lines": {"a:\n  x\n  c\n", "a:\n  b\n  c\n", []run{{1, 1, 0}, {1, 3, 1}}, []run{{1, 1, 0}, {1, 3, 1}, {2, 1, -1}, {3, 1, 1}}},
		"a line more": {"a\nnew\nb\nb\nc", "a\nb\nb\nc", []run{{1, 1, 0}, {2, 1, 1}, {3, 1, 2}, {4, 1, 3}},
			[]run{{1, 1, 0}, {2, 1, -1}, {3, 1, 1}, {4, 1, 2}, {5, 1, 3}}},
		"a line less": {"a\nc", "a\nb\nc", []run{{1, 1, 0}, {2, 1, 1}, {3, 1, 2}}, []run{{1, 1, 0}, {2, 1, 2}}},
		"around what both have once": {"x\ny\nb\nonce\nb\nz", "b\nonce\nb\nq", []run{{1, 1, 0}, {2, 1, 1}, {3, 1, 2}, {4, 1, 3}},
			[]run{{1, 1, -1}, {2, 1, -1}, {3, 1, 0}, {4, 1, 1}, {5, 1, 2}, {6, 1, -1}}},
		"another order": {"x\none\ntwo\nthree", "three\none\ntwo", []run{{1, 1, 0}, {2, 1, 1}, {3, 1, 2}}, []run{{1, 1, -1}, {2, 1, 1}, {3, 1, 2}, {4, 1, -1}}},
		"nothing":       {"x\ny", "z", []run{{1, 1, 0}}, []run{{1, 1, -1}, {2, 1, -1}}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := alignRuns(c.plain, c.traced, c.runs); !slices.Equal(got, c.want) {
				t.Errorf("%v, not %v", got, c.want)
			}
		})
	}
}

// FuzzTrace traces a template, with named ones, that somebody wrote. If helm
// renders it, the marks change nothing.
func FuzzTrace(f *testing.F) {
	cases, _ := filepath.Glob("testdata/trace/*.txtar")
	for _, name := range cases {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		var file, defines []byte
		for _, t := range archive.Files {
			if strings.HasPrefix(filepath.Base(t.Name), "_") {
				defines = t.Data
			} else if strings.Contains(t.Name, "templates/") {
				file = t.Data
			}
		}
		f.Add(file, defines)
	}
	f.Add([]byte("{ {{- /* c */}}{ a{{ \"{\" }}"), []byte(`{{ define "x" }}{{end}}`))
	f.Fuzz(func(t *testing.T, file, defines []byte) {
		for _, data := range [][]byte{file, defines} {
			// What a template changes of the values, or asks of the names, it
			// does to itself; and nothing may take long.
			if len(data) > 1000 {
				t.Skip()
			}
		}
		tree := treeOf("-- web/Chart.yaml --\napiVersion: v2\nname: web\nversion: 1.0.0\n-- web/values.yaml --\na: {b: c, d: [e, f]}\n")
		tree.MapFS["web/templates/a.yaml"] = &fstest.MapFile{Data: file}
		tree.MapFS["web/templates/_b.tpl"] = &fstest.MapFile{Data: defines}
		plain, traced := traceAll(t, tree, job{path: "web"})
		if plain.status != Rendered || len(plain.texts) == 0 {
			return
		}
		checkTrace(t, tree, plain, traced)
	})
}

// BenchmarkTrace renders a chart of thirty templates, and traces one of them, or
// all.
func BenchmarkTrace(b *testing.B) {
	var text strings.Builder
	archive, err := txtar.ParseFile("testdata/trace/includes.txtar")
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range archive.Files {
		if f.Name == "web/templates/pod.yaml" {
			pod, _, _ := bytes.Cut(f.Data, []byte("    deep:"))
			for i := range 30 {
				fmt.Fprintf(&text, "-- web/templates/pod%d.yaml --\n%s", i, bytes.Repeat(pod, 5))
			}
		} else if f.Name != "want" {
			fmt.Fprintf(&text, "-- %s --\n%s", f.Name, f.Data)
		}
	}
	tree := treeOf(text.String())
	plain, _ := traceAll(b, tree, job{path: "web"})
	all := job{path: "web"}
	for _, t := range plain.texts {
		all.trace = append(all.trace, t.template)
	}
	for name, j := range map[string]job{"plain": {path: "web"}, "one": {path: "web", trace: all.trace[1:2]}, "all": all} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if p := buildHelm(b, tree, j); len(p.texts) == 0 {
					b.Fatalf("%+v", p.problems)
				}
			}
		})
	}
}

// TestChanging finds the templates that change what others see.
func TestChanging(t *testing.T) {
	const named = `{{ define "changes" }}{{ $_ := set .Values "a" "b" }}{{ end }}{{ define "calls" }}{{ template "changes" . }}{{ end }}` +
		`{{ define "own" }}{{ $d := dict }}{{ $_ := set $d "a" "b" }}{{ include "own" . }}{{ end }}`
	for source, want := range map[string]bool{
		`{{ $_ := set .Values "a" "b" }}`:                                                          true,
		`{{ with .Values.a }}{{ else }}{{ $_ := unset $ "b" }}{{ end }}`:                           true,
		`{{ if (mergeOverwrite .Values (dict "a" "b")) }}{{ end }}`:                                true,
		`{{ $v := .Values }}{{ $_ := set $v "a" "b" }}`:                                            true,
		`{{ $v := dict }}{{ if .Values.a }}{{ $v = .Values }}{{ end }}{{ $_ := set $v "a" "b" }}`:  true,
		`{{ range $k, $v := .Values }}{{ $_ := set $v "a" "b" }}{{ end }}`:                         true,
		`{{ $v := merge (dict) .Values.a .Values.b }}`:                                             true,
		`{{ $v := .Values | set (omit .Values "a") "b" | merge .Values.c }}`:                       true,
		`{{ include "calls" . }}`:                                                                  true,
		`{{ include (print "ch" "anges") . }}`:                                                     true,
		`{{ template "changes" . }}`:                                                               true,
		`{{ $v := merge (dict) .Values.a }}`:                                                       false,
		`{{ $v := deepCopy .Values }}{{ $_ := set $v "a" "b" }}{{ $_ = mustMerge $v .Values }}`:    false,
		`{{ $v := dict "a" .Values }}{{ $_ := set $v "b" "c" }}{{ $_ := set (dict) "a" .Values }}`: false,
		`{{ include "own" . }}{{ include "none" . }}`:                                              false,
		`set: {{ .Values.merge }}`:                                                                 false,
	} {
		c := &chart.Chart{Metadata: &chart.Metadata{Name: "web"}}
		for name, data := range map[string]string{"b.yaml": source, "a.yaml": "traced", "0.yaml": `{{ $_ := set .Values "late" true }}`, "_c.tpl": named} {
			c.Templates = append(c.Templates, &chart.File{Name: "templates/" + name, Data: []byte(data)})
		}
		templates, err := parseTemplates(c)
		if err != nil {
			t.Fatal(err)
		}
		if got := templates.changing([]string{"web/templates/a.yaml"}, false); slices.Contains(got, "web/templates/b.yaml") != want || slices.Contains(got, "web/templates/0.yaml") {
			t.Errorf("%s: %v", source, got)
		}
	}
}
