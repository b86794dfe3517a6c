package perf

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// root is a folder that somebody would render by hand.
type root struct {
	dir   string // from the root of the repository
	chart bool
}

// roots are the kustomizations that no other one takes in or that a GitOps object
// deploys, which deployed are, and the charts that are not part of another.
func roots(dir string, files, deployed []string) []root {
	charts, used := map[string]bool{}, map[string]bool{}
	var kustomizations []string
	for _, name := range files {
		folder := path.Dir(name)
		switch path.Base(name) {
		case "Chart.yaml":
			charts[folder] = true
		case "kustomization.yaml", "kustomization.yml", "Kustomization":
			kustomizations = append(kustomizations, folder)
			for _, below := range takenIn(filepath.Join(dir, name)) {
				used[path.Join(folder, below)] = true
			}
		}
	}
	var list []root
	for _, k := range kustomizations {
		if !used[k] || slices.Contains(deployed, k) {
			list = append(list, root{dir: k})
		}
	}
	for c := range charts {
		if parent, _, nested := strings.Cut(c, "/charts/"); !nested || !charts[parent] {
			list = append(list, root{dir: c, chart: true})
		}
	}
	slices.SortFunc(list, func(a, b root) int { return strings.Compare(a.dir, b.dir) })
	return list
}

// deployed are the folders that a GitOps object names.
func deployed(o *manifest.Object) []string {
	if o == nil {
		return nil
	}
	spec := manifest.Get(o.Node, "spec")
	paths := []string{manifest.Text(spec, "path"), manifest.Text(manifest.Get(spec, "source"), "path")}
	for _, s := range manifest.Items(spec, "sources") {
		paths = append(paths, manifest.Text(s, "path"))
	}
	var list []string
	for _, p := range paths {
		if p != "" {
			list = append(list, path.Clean(strings.TrimPrefix(p, "/")))
		}
	}
	return list
}

// takenIn are what a kustomization takes in: nothing if it can't be read, which is
// for kustomize to say.
func takenIn(name string) []string {
	var k struct {
		Resources, Bases, Components []string
		Kind                         string
	}
	data, err := os.ReadFile(name)
	if err != nil || yaml.Unmarshal(data, &k) != nil {
		return nil
	}
	if k.Kind == "Component" {
		// It is nothing by itself.
		k.Resources = append(k.Resources, ".")
	}
	return slices.Concat(k.Resources, k.Bases, k.Components)
}

// args are those that render a root.
func (r root) args() []string {
	if r.chart {
		return []string{"helm", "template", "release-name", r.dir}
	}
	return []string{"kustomize", "build", "--load-restrictor", "LoadRestrictionsNone", r.dir}
}

// buildable are the roots that can be rendered without what is elsewhere. Neither
// git nor a proxy is there, so that the others fail at once.
func (b *bench) buildable(t *testing.T, c *checkout, all []root) []root {
	t.Helper()
	good := make([]bool, len(all))
	var wg sync.WaitGroup
	gate := make(chan bool, runtime.NumCPU())
	for i, r := range all {
		wg.Go(func() {
			gate <- true
			defer func() { <-gate }()
			args := r.args()
			cmd := b.command(c.dir, args[0], args[1:]...)
			cmd.Env = append(slices.Clone(b.env), "PATH=")
			good[i] = cmd.Run() == nil
		})
	}
	wg.Wait()
	var list []root
	for i, r := range all {
		if good[i] {
			list = append(list, r)
		}
	}
	return list
}

// byHand compares with kustomize, helm and kube-linter in a script.
func (b *bench) byHand(t *testing.T, c *checkout, cold float64) []row {
	if !b.has("kube-linter") {
		t.Log("there is no kube-linter on the PATH: nothing is compared with it")
		return nil
	}
	var named []string
	for _, u := range c.units {
		named = append(named, u.paths...)
	}
	all := roots(c.dir, c.files, named)
	list := b.buildable(t, c, all)
	if len(list) == 0 {
		return nil
	}
	of := fmt.Sprintf("%d of %d roots", len(list), len(all))
	time := func(script string) float64 {
		name := filepath.Join(b.dir, "byhand.sh")
		if err := os.WriteFile(name, []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		return b.time(t, timed{dir: c.dir, args: []string{"sh", name}, runs: 1})
	}
	after := ""
	if b.has("trivy") {
		after = "trivy config --quiet --skip-check-update .\n"
		of += ", and trivy"
	}
	piped := time(pipedScript(list) + after)
	best := time(gatheredScript(list, filepath.Join(b.dir, "gathered"), runtime.NumCPU()) + after)
	return []row{
		{What: "by hand, " + of + ", each piped into kube-linter", Of: piped, Against: "cold run", To: cold, AtLeast: 5},
		{What: "by hand, the same on all cores, kube-linter once for all", Of: best, Against: "cold run", To: cold},
	}
}

// pipedScript renders roots one after another and pipes each into kube-linter.
func pipedScript(list []root) string {
	var s strings.Builder
	for _, r := range list {
		fmt.Fprintf(&s, "%s | kube-linter lint -\n", shell(r.args()))
	}
	return s.String()
}

// gatheredScript renders several roots at a time into a folder and runs kube-linter
// on it once.
func gatheredScript(list []root, folder string, parallel int) string {
	var s strings.Builder
	fmt.Fprintf(&s, "rm -rf %[1]s\nmkdir %[1]s\nxargs -P %[2]d -I{} sh -c {} <<'END'\n", quote(folder), parallel)
	for i, r := range list {
		// xargs takes off one layer of quotes.
		fmt.Fprintf(&s, "%s\n", xargsQuote(shell(r.args())+" >"+quote(filepath.Join(folder, fmt.Sprintf("%d.yaml", i)))))
	}
	fmt.Fprintf(&s, "END\nkube-linter lint %s\n", quote(folder))
	return s.String()
}

func shell(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = quote(a)
	}
	return strings.Join(quoted, " ")
}

// xargsQuote writes a line as one argument for xargs.
func xargsQuote(line string) string { return `"` + strings.ReplaceAll(line, `"`, `"\""`) + `"` }

func TestRoots(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for name, text := range map[string]string{
		"base/kustomization.yaml":          "resources: [web.yaml]\n",
		"prod/kustomization.yaml":          "resources: [../base]\ncomponents: [../debug]\n",
		"test/kustomization.yml":           "bases: [../base/]\n",
		"debug/kustomization.yaml":         "kind: Component\n",
		"unused/kustomization.yaml":        "kind: Component\n",
		"broken/Kustomization":             "resources: {\n",
		"chart/Chart.yaml":                 "name: shop\n",
		"chart/charts/database/Chart.yaml": "name: database\n",
		"charts/web/Chart.yaml":            "name: web\n",
		"shared/kustomization.yaml":        "resources: [web.yaml]\n",
		"all/kustomization.yaml":           "resources: [../shared]\n",
	} {
		if err := os.MkdirAll(filepath.Join(dir, path.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	want := []root{{"all", false}, {"broken", false}, {"chart", true}, {"charts/web", true}, {"prod", false}, {"shared", false}, {"test", false}}
	if got := roots(dir, files, []string{"shared", "elsewhere"}); !slices.Equal(got, want) {
		t.Errorf("%v\nwant\n%v", got, want)
	}
}

func TestDeployed(t *testing.T) {
	for text, want := range map[string][]string{
		"{kind: Application, spec: {source: {path: apps/web}}}":                     {"apps/web"},
		"{kind: Application, spec: {sources: [{path: ./apps/web/}, {chart: web}]}}": {"apps/web"},
		"{kind: Kustomization, spec: {path: /clusters/prod}}":                       {"clusters/prod"},
		"{kind: HelmRelease, spec: {}}":                                             nil,
	} {
		docs, _ := manifest.Parse([]byte(text))
		if got := deployed(&manifest.Object{Node: docs[0]}); !slices.Equal(got, want) {
			t.Errorf("%s deploys %q, want %q", text, got, want)
		}
	}
	if got := deployed(nil); got != nil {
		t.Errorf("nothing deploys %q", got)
	}
}
