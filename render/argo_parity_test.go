package render

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
	sigsyaml "sigs.k8s.io/yaml"
)

var buildEnv = map[string]string{"ARGOCD_APP_NAME": "web", "ARGOCD_APP_REVISION": "abc1234"}

// argoRuns edits a folder with the kustomize program as Argo CD does, and builds
// it.
func argoRuns(t *testing.T, dir string, spec argoSpec) ([]byte, error) {
	var failed error
	edit := func(args ...string) {
		if failed == nil {
			_, failed = oracle(t, dir, "kustomize", append([]string{"edit"}, args...)...)
		}
	}
	env := func(text string) string {
		return os.Expand(text, func(name string) string {
			if name == "$" {
				return "$"
			}
			return buildEnv[name]
		})
	}
	pairs := func(args []string, m map[string]string, env func(string) string) []string {
		for _, k := range sortedKeys(m) {
			args = append(args, k+":"+env(m[k]))
		}
		return args
	}
	if spec.NamePrefix != "" {
		edit("set", "nameprefix", "--", spec.NamePrefix)
	}
	if spec.NameSuffix != "" {
		edit("set", "namesuffix", "--", spec.NameSuffix)
	}
	if len(spec.Images) > 0 {
		args := []string{"set", "image"}
		for _, i := range spec.Images {
			args = append(args, env(i))
		}
		edit(args...)
	}
	if len(spec.Replicas) > 0 {
		args := []string{"set", "replicas"}
		for _, r := range spec.Replicas {
			args = append(args, r.Name+"="+strconv.Itoa(r.Count.IntValue()))
		}
		edit(args...)
	}
	if len(spec.CommonLabels) > 0 {
		args := []string{"add", "label"}
		for flag, set := range map[string]bool{"--force": spec.ForceCommonLabels, "--without-selector": spec.LabelWithoutSelector, "--include-templates": spec.LabelIncludeTemplates} {
			if set {
				args = append(args, flag)
			}
		}
		edit(pairs(args, spec.CommonLabels, env)...)
	}
	if len(spec.CommonAnnotations) > 0 {
		args := []string{"add", "annotation"}
		if spec.ForceCommonAnnotations {
			args = append(args, "--force")
		}
		if !spec.CommonAnnotationsEnvsubst {
			env = func(text string) string { return text }
		}
		edit(pairs(args, spec.CommonAnnotations, env)...)
	}
	if spec.Namespace != "" {
		edit("set", "namespace", "--", spec.Namespace)
	}
	if len(spec.Patches) > 0 && failed == nil {
		appendPatches(t, filepath.Join(dir, "kustomization.yaml"), spec.Patches)
	}
	components := slices.DeleteFunc(slices.Clone(spec.Components), func(c string) bool {
		return spec.IgnoreMissingComponents && !exists(filepath.Join(dir, c))
	})
	if len(components) > 0 {
		edit(append([]string{"add", "component"}, components...)...)
	}
	if failed != nil {
		return nil, failed
	}
	return oracle(t, dir, "kustomize", "build", "--load-restrictor", "LoadRestrictionsNone", ".")
}

func appendPatches(t *testing.T, name string, patches []types.Patch) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	k := map[string]any{}
	if err := sigsyaml.Unmarshal(data, &k); err != nil {
		t.Fatal(err)
	}
	list, _ := k["patches"].([]any)
	for _, p := range patches {
		list = append(list, p)
	}
	k["patches"] = list
	if data, err = sigsyaml.Marshal(k); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestArgoParity compares what is built for Applications with what kustomize
// builds after the edits that Argo CD makes with it.
func TestArgoParity(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs kustomize")
	}
	cases, err := filepath.Glob("testdata/argo/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			dir := unpack(t, archive)
			data, err := os.ReadFile(filepath.Join(dir, "app.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			docs, _ := manifest.Parse(data)
			source := manifest.Get(manifest.Get(docs[0], "spec"), "source")
			text, err := yaml.Marshal(manifest.Get(source, "kustomize"))
			if err != nil {
				t.Fatal(err)
			}
			folder := manifest.Get(source, "path").Value
			p, _ := builtFrom(t, dir, job{path: folder, argo: &argoBuild{spec: string(text), at: manifest.Span{File: "app.yaml", Line: 1}, env: buildEnv}})

			var spec argoSpec
			if err := sigsyaml.Unmarshal(text, &spec); err != nil {
				t.Fatal(err)
			}
			theirs, failed := argoRuns(t, filepath.Join(dir, folder), spec)
			if strings.Contains(string(archive.Comment), "Argo CD fails") != (failed != nil) {
				t.Errorf("the program: %v", failed)
			}
			if failed != nil && errors.Is(failed, os.ErrNotExist) {
				t.Fatal(failed)
			}
			compareBuild(t, p, theirs, failed)
		})
	}
}
