package render

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
)

const chartWithHook = `
-- chart/Chart.yaml --
apiVersion: v2
name: web
version: 1.0.0
-- chart/crds/crd.yaml --
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
-- chart/templates/a.yaml --
apiVersion: v1
kind: Service
metadata:
  name: first
---
# The second.
apiVersion: v1
kind: Service
metadata:
  name: second
spec:
  type: NodePort
-- chart/templates/b.yaml --
apiVersion: v1
kind: Service
metadata:
  name: hook
  annotations:
    helm.sh/hook: pre-install
`

const addLabel = `
patches:
- target: {kind: Service}
  patch: |
    apiVersion: v1
    kind: Service
    metadata:
      name: any
      labels:
        patched: by-%s
`

func postRendered(t *testing.T, r release) (*product, *recorder) {
	t.Helper()
	tree := newRecorder(treeOf(chartWithHook), manifest.Limits{})
	return testBuilder(t).build(tree, testJob("chart", r)), tree
}

func TestPostRenderStrategies(t *testing.T) {
	for strategy, want := range map[string][]string{
		"":         {"first by-one", "hook by-one", "second by-one"},
		"combined": {"first by-one", "hook by-one", "second by-one"},
		"separate": {"first by-one", "hook by-one", "second by-one"},
		"nohooks":  {"first by-one", "hook ", "second by-one"},
	} {
		p, _ := postRendered(t, release{post: []string{fmt.Sprintf(addLabel, "one")}, strategy: strategy})
		var got []string
		for _, doc := range p.docs {
			meta := manifest.Get(doc, "metadata")
			label := ""
			if n := manifest.Get(manifest.Get(meta, "labels"), "patched"); n != nil {
				label = n.Value
			}
			got = append(got, manifest.Get(meta, "name").Value+" "+label)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) || len(p.problems) > 0 {
			t.Errorf("%q gives %q, %+v", strategy, got, p.problems)
		}
	}
}

func TestPostRenderLines(t *testing.T) {
	const patch = "patches:\n- patch: |\n    apiVersion: v1\n    kind: Service\n    metadata: {name: second}\n    spec:\n      clusterIP: by-%s\n"
	p, tree := postRendered(t, release{post: []string{fmt.Sprintf(patch, "one"), "images: []", fmt.Sprintf(patch, "two")}, strategy: "nohooks"})
	if len(p.problems) > 0 {
		t.Fatalf("%+v", p.problems)
	}
	var taken []bool
	for _, text := range p.texts {
		taken = append(taken, text.taken)
	}
	// The chart's crds are none of a post renderer's business.
	if !slices.Equal(taken, []bool{true, true, false}) {
		t.Errorf("of the texts, these are taken: %v", taken)
	}
	places := scalars(p, tree)
	for value, want := range map[string]string{
		"first":    "chart/templates/a.yaml:4",
		"Service":  "chart/templates/b.yaml:2",
		"NodePort": "chart/templates/a.yaml:12",
		"hook":     "chart/templates/b.yaml:4",
		"by-two":   "patch 0 of 2:5",
	} {
		if places[value] != want {
			t.Errorf("%s is at %s, not %s", value, places[value], want)
		}
	}
}

func TestPostRenderProblems(t *testing.T) {
	at := manifest.Span{File: "release.yaml", Line: 3}
	for name, c := range map[string]struct{ post, class, message string }{
		"no YAML":        {"a: b: c", "render-failed", "post renderer 1"},
		"a wrong type":   {"patches: FAKE-secret-0", "render-failed", "wrong type"},
		"no patch":       {"patches: [{patch: FAKE-secret-0}]", "render-failed", "post renderer"},
		"no such object": {"patches: [{patch: '{apiVersion: v1, kind: Secret, metadata: {name: nothing}, stringData: {a: FAKE-secret-0}}'}]", "render-failed", "post renderer"},
		"a bomb":         {"patches:\n- patch: |\n    " + strings.ReplaceAll(bomb(), "\n", "\n    "), "render-failed", "post renderer 1"},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := postRendered(t, release{post: []string{c.post}, at: at})
			if len(p.problems) != 1 || p.status != NotRendered || len(p.docs) > 0 {
				t.Fatalf("%+v", p)
			}
			if got := p.problems[0]; got.Class != c.class || !strings.Contains(got.Message, c.message) || got.At != at || strings.Contains(got.Message+p.reason, "FAKE") {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestPostRenderReadsNothing shows that a post renderer can name no file.
func TestPostRenderReadsNothing(t *testing.T) {
	p, tree := postRendered(t, release{post: []string{`
resources: [../secret.yaml]
components: [../x]
configMapGenerator: [{name: a, files: [/etc/passwd]}]
helmCharts: [{name: chart}]
patches: [{path: ../secret.yaml, patch: '{apiVersion: v1, kind: Service, metadata: {name: first, labels: {a: b}}}'}]
`}})
	if len(p.problems) > 0 || len(p.docs) != 3 {
		t.Errorf("%d objects, %+v", len(p.docs), p.problems)
	}
	for _, name := range tree.names() {
		if !strings.HasPrefix(name, "chart/") {
			t.Errorf("it read %s", name)
		}
	}
}
