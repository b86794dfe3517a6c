package render

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
)

// dirTree is a folder of the disk as a tree without links.
type dirTree struct{ fs.FS }

func (t dirTree) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(t.FS, name) }
func (t dirTree) ReadFile(name string) ([]byte, error)       { return fs.ReadFile(t.FS, name) }
func (t dirTree) Stat(name string) (fs.FileInfo, error)      { return fs.Stat(t.FS, name) }
func (t dirTree) Resolve(name string) (string, error) {
	_, err := t.Stat(name)
	return path.Clean(name), err
}

// unpack writes the files of an archive to a new folder.
func unpack(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	dir := t.TempDir()
	if err := txtar.Write(a, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// builtFrom builds a job on a folder.
func builtFrom(t *testing.T, dir string, j job) (*product, *recorder) {
	t.Helper()
	b, err := (&settings{kubeVersion: "1.34.0", limits: limits.Default()}).builder()
	if err != nil {
		t.Fatal(err)
	}
	tree := newRecorder(dirTree{os.DirFS(dir)}, b.limits.YAML)
	j.kind = Kustomize
	return b.build(tree, j), tree
}

// oracles builds, once, the programs that tests compare with.
var oracles = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "scantling-oracles-")
	if err != nil {
		return "", err
	}
	for _, pkg := range []string{"./fluxbuild", "sigs.k8s.io/kustomize/kustomize/v5"} {
		name := path.Base(strings.TrimSuffix(pkg, "/v5"))
		if have := filepath.Join(os.Getenv("SCANTLING_TOOLS"), name); exists(have) {
			if err := os.Symlink(have, filepath.Join(dir, name)); err != nil {
				return "", err
			}
			continue
		}
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, name), pkg)
		cmd.Dir = "../internal/tools"
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("building %s: %w\n%s", pkg, err, out)
		}
	}
	return dir, nil
})

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func oracle(t *testing.T, dir, name string, args ...string) ([]byte, error) {
	t.Helper()
	tools, err := oracles()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(tools, name), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH=/nonexistent", "HTTPS_PROXY=http://127.0.0.1:1", "HTTP_PROXY=http://127.0.0.1:1", "TZ=UTC")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, stderr.Bytes())
	}
	return out, nil
}

// fluxJob is what a Flux Kustomization in a file asks for. Its annotations say
// what is not in its spec: what the source leaves out, and that variables are
// replaced although there are none.
func fluxJob(t *testing.T, data []byte) job {
	t.Helper()
	var object struct {
		Metadata struct{ Annotations map[string]string }
		Spec     struct {
			Path      string
			PostBuild *struct{ Substitute map[string]string }
		}
	}
	if err := sigsyaml.Unmarshal(data, &object); err != nil {
		t.Fatal(err)
	}
	docs, _ := manifest.Parse(data)
	spec, err := yaml.Marshal(manifest.Get(docs[0], "spec"))
	if err != nil {
		t.Fatal(err)
	}
	flux := &fluxBuild{spec: string(spec), at: manifest.Span{File: "flux.yaml", Line: 1}, ignore: object.Metadata.Annotations["ignore"]}
	if object.Spec.PostBuild != nil {
		flux.vars = object.Spec.PostBuild.Substitute
		flux.substitute = len(flux.vars) > 0 || object.Metadata.Annotations["always"] != ""
	}
	return job{path: path.Clean(object.Spec.Path), flux: flux}
}

// asText is objects by identity, each as YAML with sorted keys.
func asText(t *testing.T, docs []*yaml.Node) map[string]string {
	t.Helper()
	objects := map[string]string{}
	for _, doc := range docs {
		var value map[string]any
		if err := doc.Decode(&value); err != nil {
			t.Fatal(err)
		}
		text, err := sigsyaml.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		o := manifest.New(doc, manifest.Origin{}, nil)
		id := o.GVK.String() + " " + o.ID()
		if objects[id] != "" {
			t.Errorf("%s is there twice", id)
		}
		objects[id] = string(text)
	}
	return objects
}

func compareTexts(t *testing.T, theirs, ours map[string]string) {
	t.Helper()
	ids := slices.Sorted(maps.Keys(theirs))
	for id := range ours {
		if theirs[id] == "" {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		if theirs[id] != ours[id] {
			t.Errorf("%s differs\nthe program:\n%s\nscantling:\n%s", id, theirs[id], ours[id])
		}
	}
}

func compareBuild(t *testing.T, p *product, theirs []byte, failed error) {
	t.Helper()
	if failed != nil {
		if len(p.problems) == 0 {
			t.Errorf("the program fails and scantling reports nothing: %v", failed)
		}
		return
	}
	for _, problem := range p.problems {
		t.Errorf("%s: %s", problem.Class, problem.Message)
	}
	docs, problems := manifest.Parse(theirs)
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	compareTexts(t, asText(t, docs), asText(t, p.docs))
}

// TestFluxParity compares what is built for Flux Kustomizations with what Flux's
// own libraries build.
func TestFluxParity(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs Flux's libraries")
	}
	cases, err := filepath.Glob("testdata/flux/*.txtar")
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
			data, err := os.ReadFile(filepath.Join(dir, "flux.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			p, _ := builtFrom(t, dir, fluxJob(t, data))

			// The program changes the folder.
			object := filepath.Join(t.TempDir(), "flux.yaml")
			if err := os.Rename(filepath.Join(dir, "flux.yaml"), object); err != nil {
				t.Fatal(err)
			}
			theirs, failed := oracle(t, dir, "fluxbuild", dir, object)
			if strings.Contains(string(archive.Comment), "Flux builds nothing") != (failed != nil) {
				t.Errorf("the program: %v", failed)
			}
			compareBuild(t, p, theirs, failed)
		})
	}
}
