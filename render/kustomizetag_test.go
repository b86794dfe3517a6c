package render

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/scantling-dev/scantling/internal/limits"
	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/ifc"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
)

// TestPluginsAreTagged asserts that the pinned kustomize takes its plugins from
// the tables that are hooked, and that KustTarget begins as kustTarget does.
func TestPluginsAreTagged(t *testing.T) {
	hookCharts()
	for _, factory := range transformerFactories {
		if _, ok := factory().(*taggedTransformer); !ok {
			t.Errorf("%T is not tagged", factory())
		}
	}
	for _, factory := range generatorFactories {
		switch factory().(type) {
		case *taggedGenerator, *chartGenerator:
		default:
			t.Errorf("%T is not tagged", factory())
		}
	}
	var target *kustTarget
	seen := 0
	for number, factory := range transformerFactories {
		tagged, _ := factory().(*taggedTransformer)
		if tagged == nil || tagged.step.kind != lastTransformer {
			continue
		}
		inner := transformerConfigurators[number]
		transformerConfigurators[number] = func(kt *kustTarget, kind int, f func() resmap.TransformerPlugin, config *opaque) ([]resmap.Transformer, error) {
			if target == nil {
				target = &kustTarget{kustomization: kt.kustomization, loader: kt.loader}
			}
			seen++
			return inner(kt, kind, f, config)
		}
		defer func() { transformerConfigurators[number] = inner }()
	}
	tagsOf(t, "namePrefix: my-\nresources: [pod.yaml]\n", "")
	if seen != 1 || target.kustomization.NamePrefix != "my-" {
		t.Fatalf("the hook ran %d times, for %+v", seen, target)
	}
	var _ ifc.Loader = target.loader
	if root := target.loader.Root(); root != mount+"/app" {
		t.Errorf("the loader's root is %q", root)
	}
	var _ *types.Kustomization = target.kustomization
}

const tagsTree = `-- app/pod.yaml --
# The object that all cases change.
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    note: written
    other: too
  labels: {app: web}
spec:
  replicas: 2
  serviceAccountName: web
  containers:
  - name: first
    image: nginx:1.0
    args: [a, b, c]
  - name: second
    image: redis:7
    command: ["run"]
`

// tagsOf builds the kustomization in app, and says of each scalar value where it
// is from.
func tagsOf(t *testing.T, kustomization, more string) []string {
	t.Helper()
	tree := treeOf(tagsTree + "-- app/kustomization.yaml --\n" + kustomization + more)
	m, f, err := buildCharts(tree, "1.34.0", "app")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, r := range m.Resources() {
		places(&list, f, r.YNode(), "")
	}
	return list
}

func places(list *[]string, f *kustomizeFS, n *yaml.Node, at string) {
	for i, c := range n.Content {
		switch n.Kind {
		case yaml.SequenceNode:
			places(list, f, c, fmt.Sprintf("%s/%d", at, i))
		case yaml.MappingNode:
			if i%2 == 1 {
				places(list, f, c, at+"/"+n.Content[i-1].Value)
			}
		}
	}
	if n.Kind != yaml.ScalarNode {
		return
	}
	place := "nowhere"
	switch {
	case n.Line < 0:
		tag := f.tagger.tags[-n.Line-1]
		place = tag.kind + " of " + tag.dir
	case n.Line > firstPad:
		for _, p := range f.pads {
			if n.Line > p.start && n.Line-p.start <= p.lines {
				place = fmt.Sprintf("%s:%d", p.file, n.Line-p.start)
			}
		}
	case n.Line > 0:
		place = fmt.Sprintf("inline:%d", n.Line)
	}
	*list = append(*list, fmt.Sprintf("%s=%s %s", at, strings.TrimSpace(n.Value), place))
}

func TestTags(t *testing.T) {
	tests := []struct {
		name, kustomization, files string
		want                       []string
	}{
		{"resources alone", "resources: [pod.yaml]\n", "", []string{
			"/apiVersion=v1 app/pod.yaml:2",
			"/kind=Pod app/pod.yaml:3",
			"/metadata/annotations/note=written app/pod.yaml:7",
			"/metadata/annotations/other=too app/pod.yaml:8",
			"/metadata/labels/app=web app/pod.yaml:9",
			"/spec/containers/0/args/2=c app/pod.yaml:16",
		}},
		{"image", "resources: [pod.yaml]\nimages:\n- {name: nginx, newTag: '2.0'}\n- {name: redis, newTag: '7'}\n", "", []string{
			"/spec/containers/0/image=nginx:2.0 ImageTagTransformer of app",
			"/spec/containers/1/image=redis:7 ImageTagTransformer of app",
			"/spec/containers/0/name=first app/pod.yaml:14",
		}},
		{"namespace", "resources: [pod.yaml]\nnamespace: shop\n", "", []string{
			"/metadata/namespace=shop NamespaceTransformer of app",
			"/metadata/name=web app/pod.yaml:5",
			"/metadata/annotations/note=written app/pod.yaml:7",
		}},
		{"name", "resources: [pod.yaml, account.yaml]\nnamePrefix: my-\n", "-- app/account.yaml --\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: web\n", []string{
			"/metadata/name=my-web app/pod.yaml:5",
			"/spec/serviceAccountName=my-web app/pod.yaml:12",
			"/metadata/name=my-web app/account.yaml:4",
		}},
		{"labels", "resources: [pod.yaml]\nlabels:\n- pairs: {team: red, app: web}\n", "", []string{
			"/metadata/labels/team=red LabelTransformer of app",
			"/metadata/labels/app=web LabelTransformer of app",
		}},
		{"annotations", "resources: [pod.yaml]\ncommonAnnotations: {note: other}\n", "", []string{
			"/metadata/annotations/note=other AnnotationsTransformer of app",
			"/metadata/annotations/other=too app/pod.yaml:8",
		}},
		{"JSON patch", `resources: [pod.yaml]
patches:
- target: {kind: Pod}
  patch: |
    - {op: replace, path: /spec/containers/0/image, value: caddy}
    - {op: remove, path: /spec/containers/0/args/1}
    - {op: add, path: /spec/containers/0, value: {name: zero, image: "redis:7"}}
    - {op: replace, path: /spec/replicas, value: 2}
    - {op: add, path: /metadata/labels/x, value: new}
`, "", []string{
			"/metadata/name=web app/pod.yaml:5",
			"/metadata/annotations/note=written app/pod.yaml:7",
			"/metadata/labels/app=web app/pod.yaml:9",
			"/metadata/labels/x=new PatchTransformer of app",
			"/spec/replicas=2 PatchTransformer of app",
			"/spec/containers/0/name=zero PatchTransformer of app",
			"/spec/containers/0/image=redis:7 PatchTransformer of app",
			"/spec/containers/1/name=first app/pod.yaml:14",
			"/spec/containers/1/image=caddy PatchTransformer of app",
			"/spec/containers/1/args/0=a app/pod.yaml:16",
			"/spec/containers/1/args/1=c app/pod.yaml:16",
			"/spec/containers/2/command/0=run app/pod.yaml:19",
		}},
		{"old JSON patch", "resources: [pod.yaml]\npatchesJson6902:\n- target: {version: v1, kind: Pod, name: web}\n  path: patch.json\n",
			"-- app/patch.json --\n[{\"op\": \"replace\", \"path\": \"/spec/replicas\", \"value\": 5}]\n", []string{
				"/spec/replicas=5 PatchJson6902Transformer of app",
				"/spec/containers/1/image=redis:7 app/pod.yaml:18",
			}},
		{"strategic merge", "resources: [pod.yaml]\npatches:\n- path: patch.yaml\n",
			"-- app/patch.yaml --\napiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  labels:\n    app: other\nspec:\n  containers:\n  - name: second\n    image: redis:8\n", []string{
				"/apiVersion=v1 app/pod.yaml:2",
				"/kind=Pod app/pod.yaml:3",
				"/metadata/name=web app/pod.yaml:5",
				"/metadata/labels/app=other app/patch.yaml:6",
				"/spec/containers/0/image=redis:8 app/patch.yaml:10",
				"/spec/containers/1/image=nginx:1.0 app/pod.yaml:15",
			}},
		{"strategic merge with a target", "resources: [pod.yaml]\npatches:\n- {path: patch.yaml, target: {kind: Pod}}\n",
			"-- app/patch.yaml --\napiVersion: v1\nkind: Pod\nmetadata:\n  name: any\n  labels:\n    app: web\n  annotations:\n    note: patched\n", []string{
				"/metadata/name=web app/pod.yaml:5",
				"/metadata/labels/app=web app/patch.yaml:6",
				"/metadata/annotations/note=patched app/patch.yaml:8",
				"/metadata/annotations/other=too app/pod.yaml:8",
			}},
		{"replacement", `resources: [pod.yaml]
replacements:
- source: {kind: Pod, fieldPath: metadata.annotations.note}
  targets:
  - select: {kind: Pod}
    fieldPaths: ["spec.containers.0.args.0"]
`, "", []string{
			"/spec/containers/0/args/0=written ReplacementTransformer of app",
			"/spec/containers/0/args/1=b app/pod.yaml:16",
		}},
		{"variable", "resources: [pod.yaml, uses.yaml]\nvars:\n- {name: NOTE, objref: {apiVersion: v1, kind: Pod, name: web}}\n",
			"-- app/uses.yaml --\napiVersion: v1\nkind: Pod\nmetadata:\n  name: uses\nspec:\n  containers:\n  - name: it\n    args: [$(NOTE)]\n", []string{
				"/spec/containers/0/args/0=web app/uses.yaml:8",
			}},
		{"generator", "resources: [../base]\nconfigMapGenerator:\n- {name: env, behavior: merge, literals: [b=3]}\n",
			"-- base/kustomization.yaml --\nconfigMapGenerator:\n- {name: env, literals: [a=1, b=2], options: {labels: {l: m}}}\n", []string{
				"/data/a=1 ConfigMapGenerator of base",
				"/data/b=3 ConfigMapGenerator of app",
				"/metadata/labels/l=m ConfigMapGenerator of base",
			}},
		{"component", "resources: [pod.yaml]\ncomponents: [../part]\n",
			"-- part/kustomization.yaml --\napiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamespace: part\n", []string{
				"/metadata/namespace=part NamespaceTransformer of part",
			}},
		{"overlay of an overlay", "resources: [../middle]\nimages:\n- {name: nginx, newTag: '3'}\n",
			"-- middle/kustomization.yaml --\nnamespace: shop\nresources: [../app/pod.yaml]\npatches:\n- target: {kind: Pod}\n  patch: '- {op: add, path: /spec/x, value: new}'\n", []string{
				"/metadata/namespace=shop NamespaceTransformer of middle",
				"/spec/x=new PatchTransformer of middle",
				"/spec/containers/0/image=nginx:3 ImageTagTransformer of app",
				"/spec/containers/1/image=redis:7 app/pod.yaml:18",
			}},
		{"transformer file", "resources: [pod.yaml]\ntransformers: [t.yaml]\n",
			"-- app/t.yaml --\napiVersion: builtin\nkind: AnnotationsTransformer\nmetadata: {name: t}\nannotations: {by: file}\nfieldSpecs:\n- {path: metadata/annotations, create: true}\n", []string{
				"/metadata/annotations/by=file AnnotationsTransformer of app",
				"/metadata/annotations/note=written app/pod.yaml:7",
			}},
		{"metadata of the build", "resources: [pod.yaml]\nbuildMetadata: [originAnnotations, managedByLabel]\n", "", []string{
			"/metadata/annotations/config.kubernetes.io/origin=path: pod.yaml BuildMetadata of app",
			"/metadata/labels/app.kubernetes.io/managed-by=kustomize-v5.8.2 BuildMetadata of app",
			"/metadata/annotations/note=written app/pod.yaml:7",
		}},
		{"separators", "resources: [many.yaml]\n",
			"-- app/many.yaml --\n---\n---\napiVersion: v1\nkind: A\nmetadata: {name: a}\n---\n---\n# A comment.\napiVersion: v1\nkind: B\nmetadata: {name: b}\n---\n---\n---\napiVersion: v1\nkind: C\nmetadata: {name: c}\n", []string{
				"/metadata/name=a app/many.yaml:5",
				"/metadata/name=b app/many.yaml:11",
				"/metadata/name=c app/many.yaml:17",
			}},
		{"list", "resources: [list.yaml]\n",
			"-- app/list.yaml --\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: one\n  data: {a: b}\n", []string{
				"/kind=ConfigMap app/list.yaml:5",
				"/data/a=b app/list.yaml:8",
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tagsOf(t, tt.kustomization, tt.files)
			for _, want := range tt.want {
				if !slices.Contains(got, want) {
					t.Errorf("no %q in\n%s", want, strings.Join(got, "\n"))
				}
			}
		})
	}
}

// TestTagsOfBuildsAtOnce asserts that builds in parallel keep their tags apart, and
// leave nothing behind.
func TestTagsOfBuildsAtOnce(t *testing.T) {
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			prefix := fmt.Sprintf("n%d", i)
			got := tagsOf(t, "resources: [pod.yaml]\nnamespace: "+prefix+"\n", "")
			if want := "/metadata/namespace=" + prefix + " NamespaceTransformer of app"; !slices.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, strings.Join(got, "\n"))
			}
		})
	}
	wg.Wait()
	taggers.Range(func(key, _ any) bool {
		t.Errorf("the tagger %v is left", key)
		return true
	})
}

// TestTagsOfPostRenderers asserts that what post renderers set is tagged, too.
func TestTagsOfPostRenderers(t *testing.T) {
	tree := treeOf(oneChart)
	s := settings{kubeVersion: "1.34.0", limits: limits.Default()}
	b, err := s.builder()
	if err != nil {
		t.Fatal(err)
	}
	p := b.build(newRecorder(tree, s.limits.YAML), job{kind: Helm, path: "charts/web", archives: s.limits.ArchivesSize,
		release: release{name: "it", post: []string{"images: [{name: nginx, newTag: '9'}]"}}})
	image := val{p.docs[0]}.at("spec", "containers").items()[0].at("image")
	if image.str() != "nginx:9" || image.n.Line != -1 || len(p.tags) != 1 || p.tags[0].kind != "ImageTagTransformer" || p.tags[0].dir != "/0" {
		t.Errorf("image %q has the line %d among the tags %+v", image.str(), image.n.Line, p.tags)
	}
}
