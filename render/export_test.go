package render

import (
	"fmt"
	"os"
	"sync"

	"github.com/scantling-dev/scantling/internal/limits"
	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/resmap"
)

// Tests build and run the real programs, which takes the PATH that the fence
// empties. It is put back here; that the fence holds is tested with the program
// itself.
func init() {
	path, closed := os.Getenv("PATH"), fence
	fence = sync.OnceFunc(func() {
		closed()
		_ = os.Setenv("PATH", path)
	})
}

// BuildCharts builds a kustomization whose charts are rendered, and gives it as
// kustomize prints it.
func BuildCharts(tree files, kubeVersion, dir string) ([]byte, []Problem, error) {
	m, f, err := buildCharts(tree, kubeVersion, dir)
	if err != nil {
		return nil, nil, err
	}
	text, err := m.AsYaml()
	return text, f.problems, err
}

func buildCharts(tree files, kubeVersion, dir string) (resmap.ResMap, *kustomizeFS, error) {
	s := settings{kubeVersion: kubeVersion, limits: limits.Default()}
	b, err := s.builder()
	if err != nil {
		return nil, nil, err
	}
	warm(Kustomize)
	f := newKustomizeFS(newRecorder(tree, s.limits.YAML), s.limits)
	b.inflate(f, job{kind: Kustomize, path: dir, archives: s.limits.ArchivesSize})
	m, err := f.build(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("building %s: %w", dir, err)
	}
	return m, f, nil
}

// Setting is one value that is set over those of the files: as --set does, or as
// --set-string, --set-literal or, if it names a file, --set-file.
type Setting struct {
	Target, Value, File string
	Str, Literal        bool
}

// Release is a chart with what it is installed with.
type Release struct {
	Chart, Name, Namespace, KubeVersion string
	Files                               []string
	Set                                 []Setting
	NoCRDs, NoHooks, NoTests            bool
	Post                                []string
}

// RenderRelease renders a release to objects.
func RenderRelease(tree files, kubeVersion string, r Release) ([]*yaml.Node, []Problem, error) {
	s := settings{kubeVersion: kubeVersion, limits: limits.Default()}
	b, err := s.builder()
	if err != nil {
		return nil, nil, err
	}
	j := job{kind: Helm, path: r.Chart, archives: s.limits.ArchivesSize, release: release{
		name: r.Name, namespace: r.Namespace, kubeVersion: r.KubeVersion,
		skipCRDs: r.NoCRDs, skipHooks: r.NoHooks, skipTests: r.NoTests, post: r.Post,
	}}
	for _, file := range r.Files {
		j.release.layers = append(j.release.layers, layer{file: file})
	}
	for _, set := range r.Set {
		j.release.layers = append(j.release.layers, layer{text: set.Value, file: set.File, target: set.Target, str: set.Str, literal: set.Literal})
	}
	p := b.build(newRecorder(tree, s.limits.YAML), j)
	nodes := p.docs
	for _, t := range p.texts {
		if t.taken {
			continue
		}
		docs, _ := s.limits.YAML.Parse([]byte(t.text))
		nodes = append(nodes, docs...)
	}
	return nodes, p.problems, nil
}
