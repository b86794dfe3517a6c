package render_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/render"
	"go.yaml.in/yaml/v3"
)

// kubeVersion is what both sides render charts for.
const kubeVersion = "1.34.0"

// tools builds the real programs, once, from the tools module.
var tools = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv("SCANTLING_TOOLS"); dir != "" {
		return dir, nil
	}
	dir, err := os.MkdirTemp("", "scantling-tools-")
	if err != nil {
		return "", err
	}
	for _, pkg := range []string{"sigs.k8s.io/kustomize/kustomize/v5", "helm.sh/helm/v3/cmd/helm"} {
		cmd := exec.Command("go", "build", "-modfile=../internal/tools/go.mod", "-o", dir+string(filepath.Separator), pkg)
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("building %s: %w\n%s", pkg, err, out)
		}
	}
	return dir, nil
})

// tool runs one of the real programs, offline.
func tool(t *testing.T, name string, args ...string) ([]byte, error) {
	t.Helper()
	dir, err := tools()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, name), args...)
	cmd.Env = append(os.Environ(), "PATH=/nonexistent", "HTTPS_PROXY=http://127.0.0.1:1", "HTTP_PROXY=http://127.0.0.1:1", "TZ=UTC")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, stderr.Bytes())
	}
	return stdout.Bytes(), nil
}

// canonical makes a comparable form of a set of objects: JSON by identity, each
// identity with all its objects, sorted.
func canonical(t *testing.T, nodes []*yaml.Node) map[string][]string {
	t.Helper()
	set := map[string][]string{}
	for _, n := range nodes {
		for _, o := range manifest.Objects(n, manifest.Origin{}, nil) {
			text, err := json.Marshal(plain(t, o.Node))
			if err != nil {
				t.Fatalf("%s: %v", o.ID(), err)
			}
			id := o.GVK.String() + " " + o.ID()
			set[id] = append(set[id], string(text))
		}
	}
	for id := range set {
		sort.Strings(set[id])
	}
	return set
}

// plain is a node as JSON values. The last of duplicate keys wins, as in the
// API machinery; the YAML package would refuse them.
func plain(t *testing.T, n *yaml.Node) any {
	t.Helper()
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(t, n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			list = append(list, plain(t, c))
		}
		return list
	}
	var v any
	if err := n.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func parsed(t *testing.T, out []byte) []*yaml.Node {
	t.Helper()
	docs, problems := manifest.Parse(out)
	for _, p := range problems {
		// Helm itself writes some keys twice.
		if p.Class != manifest.DuplicateKey {
			t.Fatalf("the program's output: %v", p)
		}
	}
	return docs
}

func nodes(objects []*manifest.Object) []*yaml.Node {
	var all []*yaml.Node
	for _, o := range objects {
		all = append(all, o.Node)
	}
	return all
}

// mask takes out the values that differ from one run of helm to the next, by
// what two runs do not agree on.
func mask(a, b, ours map[string][]string) {
	random := map[string]int{}
	for id := range a {
		if b[id] == nil {
			// A random name: the objects are matched by their kinds.
			kind, _, _ := strings.Cut(id, ", Kind=")
			random[kind]++
			delete(a, id)
		}
	}
	for id := range ours {
		kind, _, _ := strings.Cut(id, ", Kind=")
		if a[id] == nil && random[kind] > 0 && strings.Contains(id, "scant") {
			random[kind]--
			delete(ours, id)
		}
	}
	for id, texts := range a {
		if !reflect.DeepEqual(texts, b[id]) {
			a[id], ours[id] = []string{"differs from run to run"}, []string{"differs from run to run"}
		}
	}
}

// TestParity compares what scantling renders with what the kustomize and helm
// programs render, for every kustomization and chart of the repositories in
// testdata, and of those that SCANTLING_PARITY lists (folders, joined as in
// PATH). What a program can render, scantling must render, with the same
// objects.
func TestParity(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the real programs")
	}
	repos := []string{"../testdata/sample", "../testdata/parity"}
	if more := os.Getenv("SCANTLING_PARITY"); more != "" {
		repos = filepath.SplitList(more)
	}
	for _, repo := range repos {
		t.Run(filepath.Base(repo), func(t *testing.T) { parity(t, repo) })
	}
}

func parity(t *testing.T, dir string) {
	repo, err := source.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	tree := repo.Worktree()
	prefix := repo.Prefix()
	renderer, err := render.New(tree, render.Options{KubeVersion: kubeVersion})
	if err != nil {
		t.Fatal(err)
	}
	listing, err := tree.Files()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, f := range listing.Files {
		if prefix != "." && !strings.HasPrefix(f.Name, prefix+"/") || f.Symlink {
			continue
		}
		folder, base := filepath.Dir(f.Name), filepath.Base(f.Name)
		switch base {
		case "kustomization.yaml", "kustomization.yml", "Kustomization":
			theirs, err := tool(t, "kustomize", "build", "--load-restrictor", "LoadRestrictionsNone", filepath.Join(repo.Root(), folder))
			unit, uerr := renderer.PathUnit(f.Name)
			if uerr != nil || unit.Kind != render.Kustomize {
				if err == nil {
					t.Errorf("%s: kustomize builds it, scantling does not take it for a kustomization", folder)
				}
				continue
			}
			compareUnit(t, counts, renderer, unit, theirs, theirs, err)
		case "Chart.yaml":
			args := []string{"template", filepath.Join(repo.Root(), folder), "--include-crds", "--skip-schema-validation", "--kube-version", kubeVersion}
			for _, v := range render.ServedVersions(kubeVersion) {
				args = append(args, "--api-versions", v)
			}
			unit, uerr := renderer.PathUnit(f.Name)
			if uerr != nil {
				t.Fatal(uerr)
			}
			first, err := tool(t, "helm", args...)
			second, err2 := tool(t, "helm", args...)
			if err == nil {
				err = err2
			}
			compareUnit(t, counts, renderer, unit, first, second, err)
		}
	}
	t.Logf("%s: %v", dir, counts)
	if counts["same"] == 0 {
		t.Errorf("%s: nothing was compared", dir)
	}
}

func compareUnit(t *testing.T, counts map[string]int, r *render.Renderer, unit *render.Unit, first, second []byte, err error) {
	t.Helper()
	kind := string(unit.Kind)
	res, failed := r.Render(context.Background(), unit)
	if failed != nil {
		t.Fatal(failed)
	}
	if err != nil {
		counts[kind+" only the program fails"]++
		if unit.Status == render.NotRendered {
			counts[kind+" only the program fails"]--
			counts[kind+" neither"]++
		}
		return
	}
	counts[kind]++
	if unit.Status == render.NotRendered {
		t.Errorf("%s %s: the program renders it, scantling does not: %s", unit.Kind, unit.Path, unit.Reason)
		return
	}
	theirs, again, ours := canonical(t, parsed(t, first)), canonical(t, parsed(t, second)), canonical(t, nodes(res.Objects))
	mask(theirs, again, ours)
	if reflect.DeepEqual(theirs, ours) {
		counts["same"]++
		return
	}
	for id, texts := range theirs {
		if !reflect.DeepEqual(texts, ours[id]) {
			t.Errorf("%s %s: %s differs\nprogram:   %.600s\nscantling: %.600s", unit.Kind, unit.Path, id, texts, ours[id])
		}
	}
	for id := range ours {
		if theirs[id] == nil {
			t.Errorf("%s %s: %s is not in the program's output", unit.Kind, unit.Path, id)
		}
	}
}

// TestTwoRendersAreEqual renders the sample's units twice, in parallel, and
// compares.
func TestTwoRendersAreEqual(t *testing.T) {
	var outputs []map[string][]string
	for range 2 {
		repo, err := source.Open("../testdata/sample")
		if err != nil {
			t.Fatal(err)
		}
		r, err := render.New(repo.Worktree(), render.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var all []*manifest.Object
		want := func(u *render.Unit) bool { return u.Concerns(repo.Prefix()) }
		if _, err := r.Run(context.Background(), want, func(res *render.Result) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, res.Objects...)
		}, nil); err != nil {
			t.Fatal(err)
		}
		if len(all) == 0 {
			t.Fatal("the sample gives no object")
		}
		outputs = append(outputs, canonical(t, nodes(all)))
	}
	if !reflect.DeepEqual(outputs[0], outputs[1]) {
		t.Error("two renders of the sample differ")
	}
}
