package render

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/store"
	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
)

// TestChartGeneratorIsReplaced asserts that the pinned kustomize takes this
// generator for its own one that runs helm, and only for that.
func TestChartGeneratorIsReplaced(t *testing.T) {
	hookCharts()
	replaced := 0
	for _, factory := range generatorFactories {
		if _, ok := factory().(*chartGenerator); ok {
			replaced++
		}
	}
	if replaced != 1 || len(generatorFactories) < 3 {
		t.Errorf("%d of %d generators are replaced", replaced, len(generatorFactories))
	}
}

const oneChart = `
-- charts/web/Chart.yaml --
apiVersion: v2
name: web
version: 1.0.0
-- charts/web/values.yaml --
image: nginx
-- charts/web/templates/pod.yaml --
# A comment.
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}
spec:
  containers:
  - name: web
    image: {{ .Values.image }}
{{- if .Values.break }}
{{ fail (printf "no %s" .Values.break) }}
{{- end }}
`

// buildOne builds the kustomization in app of a repository.
func buildOne(t *testing.T, tree chartTree) (*product, *kustomizeFS) {
	t.Helper()
	m, f, err := buildCharts(tree, "1.34.0", "app")
	if err != nil {
		t.Fatal(err)
	}
	p := &product{status: Rendered, pads: f.pads, texts: f.charts.texts, problems: f.problems}
	for _, r := range m.Resources() {
		p.docs = append(p.docs, r.YNode())
	}
	return p, f
}

// scalars gives the places of the scalars of a tree, by their values.
func scalars(p *product, tree *recorder) map[string]string {
	locate := newTextLines(tree, p).locator(newKustomizeOrigins(tree, p.pads).locate, func(i, j, line int, _ manifest.Query) (manifest.Origin, bool) {
		return manifest.Origin{Span: manifest.Span{File: fmt.Sprintf("patch %d of %d", j, i), Line: line}}, true
	})
	places := map[string]string{}
	for _, doc := range p.docs {
		walkScalars(doc, func(n *yaml.Node) {
			if at, ok := locate(manifest.Query{Node: n}); ok {
				places[n.Value] = fmt.Sprintf("%s:%d", at.File, at.Line)
			}
		})
	}
	return places
}

func TestChartsLines(t *testing.T) {
	tree := treeOf(`-- app/kustomization.yaml --
namespace: shop
resources: [service.yaml]
helmGlobals: {chartHome: ../charts}
helmCharts:
- name: web
  releaseName: local
- name: web
  releaseName: fetched
  repo: https://charts.example.com
  version: 1.2.3
- name: web
  releaseName: twice
-- app/service.yaml --
apiVersion: v1
kind: Service
metadata:
  name: service
` + oneChart)
	fetched := treeOf(oneChart)
	mount := store.Request{Kind: store.Chart, URL: "https://charts.example.com", Name: "web", Version: "1.2.3"}.Mount() + "/" + store.ChartFile
	fetched.pack(t, "charts/web", mount)
	tree.MapFS[mount] = fetched.MapFS[mount]
	p, f := buildOne(t, tree)
	if len(p.problems) > 0 || len(p.docs) != 4 {
		t.Fatalf("%d objects, %+v", len(p.docs), p.problems)
	}
	places := scalars(p, f.tree)
	for value, want := range map[string]string{
		"service": "app/service.yaml:4",
		"local":   "charts/web/templates/pod.yaml:5",
		"twice":   "charts/web/templates/pod.yaml:5",
		"fetched": "app/kustomization.yaml:7",
	} {
		if places[value] != want {
			t.Errorf("%s is at %s, not %s", value, places[value], want)
		}
	}
	for i, text := range p.texts {
		if !text.taken || text.written == (text.at.File != "") {
			t.Errorf("text %d: %+v", i, text)
		}
	}
	if f.charts.budget.used() == 0 {
		t.Error("what the archive holds is not counted")
	}
}

func TestChartsProblems(t *testing.T) {
	const remote = "https://charts.example.com"
	for name, c := range map[string]struct {
		entry   string
		class   string
		message string
		needs   store.Request
	}{
		"not fetched":         {"{name: x, repo: " + remote + ", version: 1.x}", "not-fetched", "x", store.Request{Kind: store.Chart, URL: remote, Name: "x", Version: "1.x"}},
		"not in the registry": {"{name: x, repo: oci://registry.example.com/charts/}", "not-fetched", "x", store.Request{Kind: store.Chart, URL: "oci://registry.example.com/charts", Name: "x"}},
		"pre-releases":        {"{name: x, repo: " + remote + ", devel: true}", "not-fetched", "x", store.Request{Kind: store.Chart, URL: remote, Name: "x", Version: ">0.0.0-0"}},
		"credentials":         {"{name: x, repo: 'https://FAKE:FAKE@charts.example.com'}", "not-fetched", "x", store.Request{Kind: store.Chart, URL: remote, Name: "x"}},
		"no repo":             {"{name: x}", "missing-dependency", "charts/x", store.Request{}},
		"no name":             {"{repo: " + remote + "}", "render-failed", "no name", store.Request{}},
		"an option":           {"{name: web, releaseName: --post-renderer=x}", "render-failed", "option", store.Request{}},
		"outside":             {"{name: ../../../x, repo: " + remote + "}", "outside-repo", "outside", store.Request{}},
		"values outside":      {"{name: web, valuesFile: ../../x.yaml}", "outside-repo", "../../x.yaml", store.Request{}},
		"absolute values":     {"{name: web, valuesFile: /etc/passwd}", "outside-repo", "/etc/passwd", store.Request{}},
		"more values outside": {"{name: web, additionalValuesFiles: [../../x.yaml]}", "outside-repo", "../../x.yaml", store.Request{}},
		"remote values":       {"{name: web, valuesFile: '" + remote + "/v.yaml'}", "not-fetched", "v.yaml", store.Request{Kind: store.File, URL: remote + "/v.yaml"}},
		"missing values":      {"{name: web, valuesFile: none.yaml}", "render-failed", "app/none.yaml", store.Request{}},
		"a wrong merge":       {"{name: web, valuesMerge: both, valuesInline: {a: b}}", "render-failed", "valuesMerge", store.Request{}},
		"two names":           {"{name: web, releaseName: a, nameTemplate: b}", "render-failed", "nameTemplate", store.Request{}},
		"a wrong template":    {"{name: web, nameTemplate: '{{ '}", "render-failed", "nameTemplate", store.Request{}},
		"a wrong version":     {"{name: web, kubeVersion: two}", "render-failed", "two", store.Request{}},
		"a failure":           {"{name: web, valuesInline: {break: FAKE-secret-0}}", "render-failed", "templates/pod.yaml", store.Request{}},
	} {
		t.Run(name, func(t *testing.T) {
			tree := treeOf("-- app/kustomization.yaml --\nresources: [a.yaml]\nhelmGlobals: {chartHome: ../charts}\nhelmCharts:\n- " + c.entry + `
-- app/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
` + oneChart)
			p, _ := buildOne(t, tree)
			if len(p.docs) != 1 || len(p.problems) != 1 {
				t.Fatalf("%d objects, %+v", len(p.docs), p.problems)
			}
			got := p.problems[0]
			if got.Class != c.class || !strings.Contains(got.Message, c.message) || got.Needs != c.needs || strings.Contains(got.Message, "FAKE") {
				t.Errorf("%+v", got)
			}
			at := "app/kustomization.yaml:4"
			if name == "a failure" {
				at = "charts/web/templates/pod.yaml:11"
			}
			if place := fmt.Sprintf("%s:%d", got.At.File, got.At.Line); place != at {
				t.Errorf("it is at %s, not %s", place, at)
			}
		})
	}
}

// TestChartsNameTemplate shows that a template of a name does not see the
// environment.
func TestChartsNameTemplate(t *testing.T) {
	t.Setenv("FAKE_SECRET", "fake-value")
	for text, want := range map[string]string{
		`{{ "A" | lower }}-b`:                       "a-b",
		`x{{ env "FAKE_SECRET" }}`:                  "x",
		`x{{ expandenv "$FAKE_SECRET" }}`:           "x",
		`x{{ getHostByName "charts.example.com" }}`: "x",
	} {
		stillHelm()
		if got, err := templateName(text); err != nil || got != want {
			t.Errorf("%s gives %q, %v", text, got, err)
		}
	}
}

func TestChartsWhere(t *testing.T) {
	c := &inflation{}
	note := func(dir, entry string, line int) {
		docs, _ := manifest.Parse([]byte(entry))
		c.note(dir, docs[0], manifest.Span{Line: line})
	}
	note("a", "{name: x, releaseName: one}", 1)
	note("a", "{name: x, releaseName: two}", 2)
	note("b", "{name: x, releaseName: one}", 3)
	note("a", "{chartName: old, chartVersion: 1.0.0}", 4)
	for want, chart := range map[int]types.HelmChart{
		1: {Name: "x", ReleaseName: "one"}, 2: {Name: "x", ReleaseName: "two"}, 4: {Name: "old", Version: "1.0.0"}, 9: {Name: "other"},
	} {
		if got := c.where("a", &chart, manifest.Span{Line: 9}); got.Line != want {
			t.Errorf("%+v is on line %d, not %d", chart, got.Line, want)
		}
	}
}
