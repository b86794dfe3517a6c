package render

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/internal/store"
)

func TestParseRemote(t *testing.T) {
	git := func(url, version, path string) remote {
		return remote{store.Request{Kind: store.Git, URL: url, Version: version}, path}
	}
	file := func(url string) remote { return remote{request: store.Request{Kind: store.File, URL: url}} }
	for ref, want := range map[string]remote{
		"https://github.com/org/repo//deploy/base?ref=v1.2.3":                         git("https://github.com/org/repo", "v1.2.3", "deploy/base"),
		"https://github.com/org/repo/deploy/base?ref=v1&timeout=90s&submodules=false": git("https://github.com/org/repo", "v1", "deploy/base"),
		"https://github.com/org/repo?version=main":                                    git("https://github.com/org/repo", "main", "."),
		"https://github.com/org/repo?ref=a&version=b":                                 git("https://github.com/org/repo", "a", "."),
		"https://github.com/org/repo.git/path?ref=v1":                                 git("https://github.com/org/repo.git", "v1", "path"),
		"github.com/org/repo/path?ref=v1":                                             git("https://github.com/org/repo", "v1", "path"),
		"github.com:org/repo":                                                         git("https://github.com/org/repo", "", "."),
		"GitHub.com/org/repo":                                                         git("https://github.com/org/repo", "", "."),
		"git@github.com:org/repo.git//path?ref=v1":                                    git("https://github.com/org/repo.git", "v1", "path"),
		"ssh://git@github.com/org/repo//path":                                         git("https://github.com/org/repo", "", "path"),
		"git::https://github.com/org/repo//path":                                      git("https://github.com/org/repo", "", "path"),
		"gh:org/repo/path":                                                            git("https://github.com/org/repo", "", "path"),
		"git@git.example.com:team/repo//path?ref=v1":                                  git("ssh://git@git.example.com/team/repo", "v1", "path"),
		"ssh://me@git.example.com:2222/team/repo.git/path":                            git("ssh://git@git.example.com:2222/team/repo.git", "", "path"),
		"https://dev.azure.com/org/project/_git/repo/path/to":                         git("https://dev.azure.com/org/project/_git/repo", "", "path/to"),
		"https://git.example.com/group/sub/repo//path":                                git("https://git.example.com/group/sub/repo", "", "path"),
		"https://user:FAKE-TOKEN-0123@git.example.com/group/repo.git":                 git("https://git.example.com/group/repo.git", "", "."),
		"https://me:FAKE@TOKEN-0123@git.example.com/group/repo//p?token=FAKE-0123":    git("https://git.example.com/group/repo", "", "p"),
		"https://raw.githubusercontent.com/org/repo/main/.github/all.yaml":            file("https://raw.githubusercontent.com/org/repo/main/.github/all.yaml"),
		"https://github.com/org/repo/releases/download/v1/install.yaml":               file("https://github.com/org/repo/releases/download/v1/install.yaml"),
		"https://example.com/crds?format=yaml/raw":                                    {},
		"https://user:FAKE-TOKEN-0123@example.com/a/b.yaml?ref=v1&token=FAKE-TOKEN#x": file("https://example.com/a/b.yaml?ref=v1"),
		"https://gitlab.com/org/repo/-/raw/main/manifest":                             file("https://gitlab.com/org/repo/-/raw/main/manifest"),
		"https://github.com/org/repo//../../etc":                                      {},
		"https://github.com/org":                                                      {},
		"file:///srv/repo":                                                            {},
		"base":                                                                        {},
		"../base":                                                                     {},
	} {
		got, ok := parseRemote(ref)
		if got != want || ok != (want != remote{}) {
			t.Errorf("parseRemote(%q) = %+v, %v, want %+v", ref, got, ok, want)
		}
	}
}

func TestRelative(t *testing.T) {
	for _, c := range [][3]string{
		{".", "a/b", "a/b"}, {"a", "a/b", "b"}, {"a/b", "a/c/d", "../c/d"}, {"a/b", "c", "../../c"}, {"a", "b/", "../b"},
	} {
		if got := relative(c[0], c[1]); got != c[2] {
			t.Errorf("relative(%q, %q) = %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

// fetchedCase is a repository with references to elsewhere, and in the folders
// @git and @file what was fetched for some of them.
const fetchedCase = `
-- app/kustomization.yaml --
resources:
  - own.yaml
  - https://github.com/org/repo//base?ref=v1
  - https://example.com/all.yaml
components:
  - github.com/org/repo/component?ref=v1
patches:
  - path: https://example.com/patch.yaml
configMapGenerator:
  - name: fetched
    files: [https://example.com/settings.json, other=https://example.com/settings.json]
generatorOptions: {disableNameSuffixHash: true}
-- app/own.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: own}
-- @git/base/kustomization.yaml --
resources:
  - ../shared
-- @git/shared/kustomization.yaml --
resources: [cm.yaml]
-- @git/shared/cm.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: shared}
-- @git/component/kustomization.yaml --
kind: Component
apiVersion: kustomize.config.k8s.io/v1alpha1
labels: [{pairs: {from: elsewhere}}]
-- @git/out/kustomization.yaml --
resources: [../../../app]
-- @git/more/kustomization.yaml --
resources:
  - ../shared
  - https://github.com/org/never?ref=v2
-- @file/all.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: all}
data: {a: "1"}
-- @file/patch.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: all}
data: {a: "2"}
-- @file/settings.json --
{}
-- out/kustomization.yaml --
resources:
  - ../app/own.yaml
  - https://github.com/org/repo//out?ref=v1
-- more/kustomization.yaml --
resources:
  - https://github.com/org/repo//more?ref=v1
-- missing/kustomization.yaml --
resources:
  - ../app/own.yaml
  - https://github.com/org/repo//nothing?ref=v1
-- never/kustomization.yaml --
resources:
  - ../app/own.yaml
  - https://user:FAKE-TOKEN-0123@git.example.com/org/repo.git//a?ref=v2
  - https://user:FAKE-TOKEN-0123@example.com/x.yaml?token=FAKE-TOKEN-0123
`

func fetchedTree(t *testing.T) string {
	t.Helper()
	archive := txtar.Parse([]byte(fetchedCase))
	for i, f := range archive.Files {
		if inside, ok := strings.CutPrefix(f.Name, "@git/"); ok {
			archive.Files[i].Name = join(store.Request{Kind: store.Git, URL: "https://github.com/org/repo", Version: "v1"}.Mount(), inside)
		}
		if name, ok := strings.CutPrefix(f.Name, "@file/"); ok {
			archive.Files[i].Name = join(store.Request{Kind: store.File, URL: "https://example.com/" + name}.Mount(), store.FileName)
		}
	}
	return unpack(t, archive)
}

func TestFetchedReferences(t *testing.T) {
	p, tree := builtFrom(t, fetchedTree(t), job{path: "app"})
	for _, problem := range p.problems {
		t.Errorf("%s: %s", problem.Class, problem.Message)
	}
	texts := asText(t, p.docs)
	var names []string
	for id := range maps.Keys(texts) {
		names = append(names, id[strings.LastIndexAny(id, "/ ")+1:])
		if !strings.Contains(texts[id], "from: elsewhere") {
			t.Errorf("the component did not change %s", id)
		}
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "all fetched own shared" {
		t.Errorf("built %s", got)
	}
	for id, text := range texts {
		if strings.HasSuffix(id, "/all") && !strings.Contains(text, `a: "2"`) {
			t.Errorf("not patched:\n%s", text)
		}
		if strings.HasSuffix(id, "fetched") && (!strings.Contains(text, "settings.json:") || !strings.Contains(text, "other:")) {
			t.Errorf("not the keys of the files:\n%s", text)
		}
	}
	if _, ok := tree.kustomizationFile("app"); !ok {
		t.Error("the kustomization was not read")
	}
}

func TestNotFetchedReferences(t *testing.T) {
	dir := fetchedTree(t)
	at := func(file string, line int) manifest.Span { return manifest.Span{File: file, Line: line} }
	for _, c := range []struct {
		path   string
		status Status
		want   []Problem
	}{
		{"out", Partial, []Problem{{Class: "outside-repo", At: at("out/kustomization.yaml", 3)}}},
		{"more", Partial, []Problem{{Class: "not-fetched", At: at("more/kustomization.yaml", 2), Needs: store.Request{Kind: store.Git, URL: "https://github.com/org/never", Version: "v2"}}}},
		{"missing", Partial, []Problem{{Class: "render-failed", At: at("missing/kustomization.yaml", 3)}}},
		{"never", Partial, []Problem{
			{Class: "not-fetched", At: at("never/kustomization.yaml", 3), Needs: store.Request{Kind: store.Git, URL: "https://git.example.com/org/repo.git", Version: "v2"}},
			{Class: "not-fetched", At: at("never/kustomization.yaml", 4), Needs: store.Request{Kind: store.File, URL: "https://example.com/x.yaml"}},
		}},
	} {
		p, _ := builtFrom(t, dir, job{path: c.path})
		if p.status != c.status {
			t.Errorf("%s is %s: %s", c.path, p.status, p.reason)
		}
		if len(p.problems) != len(c.want) {
			t.Errorf("%s: %+v", c.path, p.problems)
			continue
		}
		for i, got := range p.problems {
			want := c.want[i]
			if got.Class != want.Class || got.At.File != want.At.File || got.At.Line != want.At.Line || got.Needs != want.Needs {
				t.Errorf("%s: got %+v, want %+v", c.path, got, want)
			}
			if strings.Contains(got.Message+got.Fix, "FAKE-TOKEN") {
				t.Errorf("%s: a credential is shown", c.path)
			}
		}
	}
}

// linkTree is a tree with links.
type linkTree struct {
	dirTree
	links map[string]string
}

func (t linkTree) Resolve(name string) (string, error) {
	if to, ok := t.links[name]; ok {
		return to, nil
	}
	return t.dirTree.Resolve(name)
}

// TestFetchedLinks: what was fetched can't reach the repository through a link,
// nor the repository what it did not ask for.
func TestFetchedLinks(t *testing.T) {
	mount := store.Request{Kind: store.Git, URL: "https://github.com/org/repo", Version: "v1"}.Mount()
	tree := linkTree{dirTree{os.DirFS(fetchedTree(t))}, map[string]string{
		mount + "/link.yaml": "app/own.yaml", "app/link.yaml": mount + "/shared/cm.yaml", mount + "/inside.yaml": mount + "/shared/cm.yaml",
	}}
	files := newKustomizeFS(newRecorder(tree, manifest.Limits{}), limits.Default())
	for name, allowed := range map[string]bool{mount + "/link.yaml": false, "app/link.yaml": false, mount + "/inside.yaml": true} {
		if _, err := files.ReadFile(files.abs(name)); errors.Is(err, source.ErrOutside) == allowed {
			t.Errorf("reading %s: %v", name, err)
		}
	}
}
