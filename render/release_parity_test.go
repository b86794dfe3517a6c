package render_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/render"
)

// shopReleases are releases of the chart in testdata/releases, and what the helm
// program is told for them.
var shopReleases = map[string]struct {
	release render.Release
	args    []string
}{
	"defaults": {},
	"names":    {render.Release{Name: "my-shop", Namespace: "prod"}, []string{"--namespace", "prod"}},
	"files":    {render.Release{Files: []string{"shop/ci.yaml", "shop/empty.yaml", "shop/more.yaml"}}, []string{"-f", "shop/ci.yaml", "-f", "shop/empty.yaml", "-f", "shop/more.yaml"}},
	"settings": {render.Release{Files: []string{"shop/ci.yaml"}, Set: []render.Setting{
		{Target: "image.tag", Value: "2"}, {Target: "keep.b", Value: "null"}, {Target: "list[1].value", Value: "true"},
		{Target: "new", Value: "{a,b,1}"}, {Target: "cache.size", Value: "007", Str: true}, {Target: `dotted\.key`, Value: "1", Str: true},
		{Target: "note", File: "shop/note.txt"}, {Target: "literal.text", Value: "a,b={c}[0]", Literal: true},
	}}, []string{"-f", "shop/ci.yaml", "--set", "image.tag=2", "--set", "keep.b=null", "--set", "list[1].value=true", "--set", "new={a,b,1}",
		"--set-string", "cache.size=007", "--set-string", `dotted\.key=1`, "--set-file", "note=shop/note.txt", "--set-literal", "literal.text=a,b={c}[0]"}},
	"condition":   {render.Release{Set: []render.Setting{{Target: "cache.enabled", Value: "false"}}}, []string{"--set", "cache.enabled=false"}},
	"kubeVersion": {render.Release{KubeVersion: "v1.29.1"}, []string{"--kube-version", "v1.29.1"}},
	"less":        {render.Release{NoCRDs: true, NoHooks: true}, []string{"--no-hooks"}},
	"no tests":    {render.Release{NoTests: true}, []string{"--skip-tests"}},
}

// TestReleaseParity compares releases of a chart, as a folder and packaged, with
// what the helm program gives.
func TestReleaseParity(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the real programs")
	}
	root := unpackCase(t, filepath.Join("testdata", "releases", "shop.txtar"))
	if _, err := tool(t, "helm", "package", filepath.Join(root, "shop"), "-d", root); err != nil {
		t.Fatal(err)
	}
	repo, err := source.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range shopReleases {
		for _, chart := range []string{"shop", "shop-1.0.0.tgz"} {
			t.Run(name+"/"+chart, func(t *testing.T) {
				c.release.Chart = chart
				if c.release.Name == "" {
					c.release.Name = "a-release"
				}
				args := append([]string{"template", c.release.Name, chart}, c.args...)
				if c.release.KubeVersion == "" {
					args = append(args, "--kube-version", kubeVersion)
				}
				if !c.release.NoCRDs {
					args = append(args, "--include-crds")
				}
				t.Chdir(root)
				out, err := tool(t, "helm", args...)
				if err != nil {
					t.Fatal(err)
				}
				nodes, problems, err := render.RenderRelease(repo.Worktree(), kubeVersion, c.release)
				if err != nil || len(problems) > 0 {
					t.Fatal(err, problems)
				}
				want, got := canonical(t, parsed(t, out)), canonical(t, nodes)
				if !reflect.DeepEqual(want, got) {
					t.Errorf("helm gives\n%v\nscantling gives\n%v", want, got)
				}
			})
		}
	}
}

// postRenderers are applied one after the other.
var postRenderers = []string{`
patches:
- target: {kind: Deployment}
  patch: |
    - {op: replace, path: /spec/replicas, value: 3}
- patch: |
    apiVersion: v1
    kind: Service
    metadata:
      name: a-release
      labels: {patched: "yes"}
- target: {kind: ServiceAccount}
  patch: |
    $patch: delete
    apiVersion: v1
    kind: ServiceAccount
    metadata: {name: any}
images: [{name: nginx, newName: registry.example.com/nginx, newTag: "9"}]
resources: [../outside.yaml]
`, `
patchesStrategicMerge:
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: a-release}, spec: {template: {spec: {hostNetwork: true}}}}
patchesJson6902:
- target: {version: v1, kind: Service, name: a-release}
  patch: [{op: add, path: /metadata/labels/again, value: "yes"}]
`}

// theirRenderers are the same as the kustomize program takes them.
var theirRenderers = []string{`
resources: [chart.yaml]
patches:
- target: {kind: Deployment}
  patch: |
    - {op: replace, path: /spec/replicas, value: 3}
- patch: |
    apiVersion: v1
    kind: Service
    metadata:
      name: a-release
      labels: {patched: "yes"}
- target: {kind: ServiceAccount}
  patch: |
    $patch: delete
    apiVersion: v1
    kind: ServiceAccount
    metadata: {name: any}
images: [{name: nginx, newName: registry.example.com/nginx, newTag: "9"}]
`, `
resources: [chart.yaml]
patches:
- patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: a-release}
    spec: {template: {spec: {hostNetwork: true}}}
- target: {version: v1, kind: Service, name: a-release}
  patch: |
    - {op: add, path: /metadata/labels/again, value: "yes"}
`}

// TestPostRenderParity compares a release with post renderers with what the
// kustomize program makes of what the helm program gives.
func TestPostRenderParity(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the real programs")
	}
	root := unpackCase(t, filepath.Join("testdata", "releases", "shop.txtar"))
	repo, err := source.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	out, err := tool(t, "helm", "template", "a-release", filepath.Join(root, "shop"), "--kube-version", kubeVersion)
	if err != nil {
		t.Fatal(err)
	}
	for _, renderer := range theirRenderers {
		dir := t.TempDir()
		for name, data := range map[string][]byte{"chart.yaml": out, "kustomization.yaml": []byte(renderer)} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if out, err = tool(t, "kustomize", "build", dir); err != nil {
			t.Fatal(err)
		}
	}
	nodes, problems, err := render.RenderRelease(repo.Worktree(), kubeVersion, render.Release{Chart: "shop", Name: "a-release", NoCRDs: true, Post: postRenderers})
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	if want, got := canonical(t, parsed(t, out)), canonical(t, nodes); !reflect.DeepEqual(want, got) {
		t.Errorf("the programs give\n%v\nscantling gives\n%v", want, got)
	}
}
