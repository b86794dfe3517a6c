package render

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

const fluxCase = `
-- flux.yaml --
# The Kustomization stands further down.
apiVersion: v1
kind: ConfigMap
metadata: {name: before}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  path: ./apps
  patches:
    - patch: |
        apiVersion: v1
        kind: Pod
        metadata:
          name: web
          namespace: ${missing_namespace:-shop}
        spec:
          hostPID: true
      target: {kind: Pod}
  postBuild:
    substitute:
      image: registry.example.com/web:1.2.3
      privileged: "true"
      secret: FAKE-PASSWORD-0123
-- apps/a.yaml --
# A comment.
apiVersion: v1
kind: ConfigMap
metadata: {name: first}
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: ${missing_namespace:-shop}
spec:
  containers:
    - name: web
      image: ${image}
      securityContext:
        privileged: ${privileged}
-- apps/broken.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: broken
data:
  good: "${secret}"
  bad: "${secret} ${oops"
`

func fluxProduct(t *testing.T, text string, change func(*fluxBuild)) (*product, *recorder) {
	t.Helper()
	archive := txtar.Parse([]byte(text))
	docs, _ := manifest.Parse(archive.Files[0].Data)
	doc := docs[len(docs)-1]
	spec, err := yaml.Marshal(manifest.Get(doc, "spec"))
	if err != nil {
		t.Fatal(err)
	}
	flux := &fluxBuild{spec: string(spec), at: manifest.Span{File: "flux.yaml", Line: doc.Line}, vars: map[string]string{}, substitute: true}
	post := manifest.Get(manifest.Get(manifest.Get(doc, "spec"), "postBuild"), "substitute")
	for i := 0; post != nil && i+1 < len(post.Content); i += 2 {
		flux.vars[post.Content[i].Value] = post.Content[i+1].Value
	}
	if change != nil {
		change(flux)
	}
	return builtFrom(t, unpack(t, archive), job{path: "apps", flux: flux})
}

func builtObject(t *testing.T, p *product, name string) *yaml.Node {
	t.Helper()
	for _, doc := range p.docs {
		if manifest.Get(manifest.Get(doc, "metadata"), "name").Value == name {
			return doc
		}
	}
	t.Fatalf("no object is named %s", name)
	return nil
}

func nodeAt(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		if n != nil && n.Kind == yaml.SequenceNode {
			n = n.Content[0]
		}
		n = manifest.Get(n, key)
	}
	return n
}

// TestFluxPlaces: substitution and the patches of the spec keep the places where
// values were written.
func TestFluxPlaces(t *testing.T) {
	p, tree := fluxProduct(t, fluxCase, nil)
	origins := newKustomizeOrigins(tree, p.pads)
	pod := builtObject(t, p, "web")
	for _, c := range []struct {
		keys  []string
		value string
		file  string
		line  int
	}{
		{[]string{"spec", "containers", "name"}, "web", "apps/a.yaml", 13},
		{[]string{"spec", "containers", "image"}, "registry.example.com/web:1.2.3", "apps/a.yaml", 14},
		{[]string{"spec", "containers", "securityContext", "privileged"}, "true", "apps/a.yaml", 16},
		{[]string{"spec", "hostPID"}, "true", "flux.yaml", 19},
	} {
		n := nodeAt(pod, c.keys...)
		if n == nil || n.Value != c.value {
			t.Errorf("%v is %+v, want %s", c.keys, n, c.value)
			continue
		}
		at, ok := origins.locate(manifest.Query{Node: n})
		if !ok || at.File != c.file || at.Line != c.line {
			t.Errorf("%v stands at %s:%d (%v), want %s:%d", c.keys, at.File, at.Line, ok, c.file, c.line)
		}
		if c.file == "flux.yaml" && !at.Exact {
			t.Errorf("%v: the place is not exact", c.keys)
		}
	}
	if n := nodeAt(pod, "spec", "containers", "securityContext", "privileged"); n.ShortTag() != "!!bool" {
		t.Errorf("privileged is %s", n.ShortTag())
	}
}

func TestFluxProblems(t *testing.T) {
	p, _ := fluxProduct(t, fluxCase, nil)
	if p.status != Partial || len(p.problems) != 1 {
		t.Fatalf("%s: %+v", p.status, p.problems)
	}
	problem := p.problems[0]
	if problem.Class != "render-failed" || problem.At.File != "apps/broken.yaml" || problem.At.Line != 7 ||
		!strings.Contains(problem.Message, "ConfigMap broken") || !strings.Contains(problem.Message, "variable oops") {
		t.Errorf("%+v", problem)
	}
	if strings.Contains(problem.Message, "FAKE-PASSWORD") {
		t.Error("a value is shown")
	}
	// What could not be replaced stays as it was.
	if v := nodeAt(builtObject(t, p, "broken"), "data", "good"); v.Value != "${secret}" {
		t.Errorf("good is %q", v.Value)
	}
}

func TestFluxUnknownVariables(t *testing.T) {
	text := `
-- flux.yaml --
spec: {path: ./apps, postBuild: {substitute: {known: "1"}}}
-- apps/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data:
  a: ${known} ${cluster}
  b: ${cluster:-default}
  c: ${other:-${cluster}}
  d: ${cluster^^}
`
	p, _ := fluxProduct(t, text, func(f *fluxBuild) { f.unknown = true })
	data := nodeAt(builtObject(t, p, "a"), "data")
	for key, want := range map[string]string{
		"a": "1 " + placeholder("cluster"), "b": "default", "c": placeholder("cluster"), "d": strings.ToUpper(placeholder("cluster")),
	} {
		if got := nodeAt(data, key).Value; got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	p, _ = fluxProduct(t, text, nil)
	if got := nodeAt(builtObject(t, p, "a"), "data", "a").Value; strings.TrimSpace(got) != "1" {
		t.Errorf("without unknown variables a is %q", got)
	}
}

func TestFluxRefusals(t *testing.T) {
	app := "\n-- apps/a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: \"${a}\"}\n"
	for _, c := range []struct {
		name, spec, value, files string // value is that of the variable a
		status                   Status
		class, message           string
	}{
		{"a spec of other types", "targetNamespace: [a]", "", "", NotRendered, "render-failed", "can't read the spec of the Flux Kustomization"},
		{"an alias bomb in the spec", "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: [*e, *e, *e, *e, *e, *e, *e, *e, *e]", "", "", NotRendered, "limit-alias", "alias"},
		{"a remote component", "components: ['https://user:FAKE-TOKEN-0123@example.com/a/b']", "", "", Partial, "render-failed", "must be local and relative"},
		{"a component outside", "components: [../../x]", "", "", Partial, "outside-repo", "leads out of the repository"},
		{"a file that is no manifest", "prune: true", "", "-- apps/values.yaml --\npassword: FAKE-PASSWORD-0123\n", Partial, "render-failed", "apps/values.yaml is no manifest: an object has no"},
		{"a file that can't be parsed", "prune: true", "", "-- apps/b.yaml --\na: [\n", Partial, "parse-error", ""},
		{"a kustomization of another type", "prune: true", "", "-- apps/kustomization.yaml --\nresources: a.yaml\n", NotRendered, "render-failed", "cannot unmarshal"},
		{"a variable that grows", "", strings.Repeat("x", 1<<20), "-- apps/b.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {a: \"" + strings.Repeat("${a}", 300) + "\"}\n", Partial, "limit-size", "ConfigMap b"},
		{"an offset that overflows", "", "abc", "-- apps/b.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {a: \"${a:1:9223372036854775807}\"}\n", Partial, "render-failed", "ConfigMap b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, _ := fluxProduct(t, "-- flux.yaml --\nspec: {}"+app+c.files, func(f *fluxBuild) { f.spec, f.vars = c.spec, map[string]string{"a": c.value} })
			if p.status != c.status {
				t.Errorf("it is %s: %s", p.status, p.reason)
			}
			if len(p.problems) == 0 || p.problems[0].Class != c.class || !strings.Contains(p.problems[0].Message, c.message) {
				t.Errorf("%+v", p.problems)
			}
			for _, problem := range p.problems {
				if strings.Contains(problem.Message, "FAKE-") || len(problem.Message) > 1000 {
					t.Errorf("the message shows what it should not: %s", problem.Message)
				}
			}
			if c.status == Partial && builtObject(t, p, "a") == nil {
				t.Error("the rest was not built")
			}
		})
	}
}
