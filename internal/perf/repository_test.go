package perf

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scantling-dev/scantling/internal/check"
	"github.com/scantling-dev/scantling/internal/config"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/render"
)

// checkout is a copy of a repository that may be changed.
type checkout struct {
	name, dir, commit string
	files             []string // what git tracks
	units             []unit
	// runs is how often what takes long is run.
	runs int
}

// unit is one that the repository has.
type unit struct {
	id     string
	kind   render.Kind
	status render.Status
	// leads says that it leads to others.
	leads bool
	// paths are what a GitOps object names as the folders that it deploys.
	paths []string
	read  []string
	took  time.Duration
}

// copyOf copies a repository and looks at what it deploys. What is in no git
// repository is committed to one, because half of what is measured is about git.
func (b *bench) copyOf(t *testing.T, dir string) *checkout {
	t.Helper()
	c := &checkout{name: filepath.Base(dir), dir: filepath.Join(b.dir, "repositories", filepath.Base(dir))}
	if err := os.MkdirAll(filepath.Dir(c.dir), 0o700); err != nil {
		t.Fatal(err)
	}
	b.run(t, ".", "cp", "-a", dir, c.dir)
	if _, err := os.Stat(filepath.Join(c.dir, ".git")); err != nil {
		b.run(t, c.dir, "git", "init", "-q")
		b.run(t, c.dir, "git", "add", "-A")
		b.run(t, c.dir, "git", "-c", "user.name=bench", "-c", "user.email=bench@example.org", "commit", "-qm", "as it is")
	} else if out, err := b.command(c.dir, "git", "remote", "get-url", "origin").Output(); err == nil {
		c.name = repositoryName(strings.TrimSpace(string(out)), c.name)
		c.commit = strings.TrimSpace(b.run(t, c.dir, "git", "rev-parse", "--short", "HEAD"))
	}
	if out := b.run(t, c.dir, "git", "status", "--porcelain"); out != "" {
		t.Fatalf("%s has changes, which would be measured: commit them", dir)
	}
	c.files = strings.FieldsFunc(b.run(t, c.dir, "git", "ls-files", "-z"), func(r rune) bool { return r == 0 })
	c.units = rendered(t, c.dir, nil)
	return c
}

// repositoryName is the owner and the name in the URL of a repository on a host, or
// else the name of its folder.
func repositoryName(url, folder string) string {
	_, path, ok := strings.Cut(url, "://")
	if !ok || strings.HasPrefix(url, "file:") {
		return folder
	}
	parts := strings.Split(strings.TrimSuffix(path, ".git"), "/")
	if len(parts) < 3 {
		return folder
	}
	return strings.Join(parts[len(parts)-2:], "/")
}

func (c *checkout) about() string {
	kustomizations, charts := 0, 0
	for _, name := range c.files {
		switch filepath.Base(name) {
		case "kustomization.yaml", "kustomization.yml", "Kustomization":
			kustomizations++
		case "Chart.yaml":
			charts++
		}
	}
	of := ""
	if c.commit != "" {
		of = " at " + c.commit
	}
	lacking := 0
	for _, u := range c.units {
		if u.status == render.NotRendered {
			lacking++
		}
	}
	return fmt.Sprintf("Files%s: %d. Kustomizations: %d. Charts: %d. Units: %d, of which %d are not rendered: they need what was not fetched, or are broken.",
		of, len(c.files), kustomizations, charts, len(c.units), lacking)
}

// rendered renders the units of a repository for which want is true (nil: all) in
// this process, one after another. That is the rendering that a run cannot do
// without.
func rendered(t *testing.T, dir string, want func(id string) bool) []unit {
	t.Helper()
	repo, err := source.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	opts := check.RenderOptions(config.Default(), check.Source{Remotes: repo.Remotes()})
	opts.Parallel = 1
	renderer, err := render.New(repo.Worktree(), opts)
	if err != nil {
		t.Fatal(err)
	}
	var wanted func(*render.Unit) bool
	if want != nil {
		wanted = func(u *render.Unit) bool { return want(u.ID()) }
	}
	var mu sync.Mutex
	units := map[*render.Unit]*unit{}
	graph, err := renderer.Run(context.Background(), wanted, func(res *render.Result) {
		mu.Lock()
		defer mu.Unlock()
		u := units[res.Unit]
		if u == nil {
			u = &unit{}
			units[res.Unit] = u
		}
		u.read = append(u.read, res.Read...)
		u.took += res.Took
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	leads := map[*render.Unit]bool{}
	for _, u := range graph.Units {
		leads[u.Parent] = true
	}
	var list []unit
	for _, u := range graph.Units {
		made := units[u]
		made.id, made.kind, made.status, made.leads, made.paths = u.ID(), u.Kind, u.Status, leads[u], deployed(u.By())
		list = append(list, *made)
	}
	return list
}

// cold is the time of a run that knows nothing. It decides how often other long
// commands are run.
func (b *bench) cold(t *testing.T, c *checkout) float64 {
	t.Helper()
	c.runs = 1
	cold := b.time(t, b.lint(c, c.runs, "--no-cache"))
	if cold < 10 {
		c.runs = 3
		cold = b.time(t, b.lint(c, c.runs, "--no-cache"))
	}
	return cold
}

// warm measures a run after one that saw the same.
func (b *bench) warm(t *testing.T, c *checkout, cold float64) (float64, []row) {
	filling := b.lint(c, c.runs)
	filling.prepare = "rm -rf " + quote(b.cache())
	first := b.time(t, filling)
	warm := b.time(t, b.lint(c, 15))
	status := b.time(t, timed{dir: c.dir, args: []string{"git", "status"}, runs: 15, exits: []int{0}})
	return warm, []row{
		{What: "cold run that fills the cache", Of: first, Against: "cold run", To: cold},
		{What: "warm run, nothing changed", Of: warm, Against: "`git status`", To: status, AtMost: 3},
		{What: "warm run, nothing changed", Of: warm, Against: "cold run", To: cold, AtMost: 0.1},
	}
}

// changes measures what one changed file costs.
func (b *bench) changes(t *testing.T, c *checkout, cold, warm float64) []row {
	b.fill(t, c)
	var rows []row
	for _, change := range c.candidates() {
		rows = append(rows, b.change(t, c, change, warm)...)
	}
	shared := b.time(t, b.lint(c, c.runs, "--no-cache", "--base", "HEAD"))
	return append(rows, row{What: "cold run with `--base HEAD`, nothing changed", Of: shared, Against: "cold run", To: cold})
}

// candidate is a file to change, and the units that read it.
type candidate struct {
	file  string
	units []string
}

// candidates are a file that one unit of middling cost reads, and the one that most
// units read. What decides which other units there are is left out: of that it is
// not to be seen from outside which units a change touches.
func (c *checkout) candidates() []candidate {
	of := map[string][]unit{}
	for _, u := range c.units {
		slices.Sort(u.read)
		for _, name := range slices.Compact(u.read) {
			of[name] = append(of[name], u)
		}
	}
	var single []string
	most := ""
	for _, name := range c.files {
		units := of[name]
		unfit := func(u unit) bool { return u.leads || u.status == render.NotRendered || u.kind == render.Plain }
		if ext := filepath.Ext(name); ext != ".yaml" && ext != ".yml" || len(units) == 0 || slices.ContainsFunc(units, unfit) {
			continue
		}
		if len(units) == 1 {
			single = append(single, name)
		}
		if len(units) > max(1, len(of[most])) {
			most = name
		}
	}
	slices.SortStableFunc(single, func(a, b string) int { return int(of[a][0].took - of[b][0].took) })
	var list []candidate
	if len(single) > 0 {
		list = append(list, candidate{file: single[len(single)/2]})
	}
	if most != "" {
		list = append(list, candidate{file: most})
	}
	for i := range list {
		for _, u := range of[list[i].file] {
			list[i].units = append(list[i].units, u.id)
		}
	}
	return list
}

// change measures one changed file: staged, and against the commit.
func (b *bench) change(t *testing.T, c *checkout, of candidate, warm float64) []row {
	name := filepath.Join(c.dir, of.file)
	before, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	// A comment: what the file deploys stays the same, but nobody knows that before
	// it is rendered.
	if err := os.WriteFile(name, append(slices.Clone(before), "\n# changed\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	rendering := b.touched(t, c, of)
	units := "its unit"
	if len(of.units) > 1 {
		units = fmt.Sprintf("its %d units", len(of.units))
	}
	measure := func(how string, args ...string) row {
		run := b.lint(c, 7, args...)
		run.prepare = "rm -rf " + quote(b.cache()) + "\ncp -a " + quote(b.filled()) + " " + quote(b.cache()) + "\n"
		return row{What: how + ", one file changed", Of: b.time(t, run),
			Against: fmt.Sprintf("1.5 times %s (rendering %s), and a warm run", seconds(rendering), units), To: 1.5*rendering + warm, AtMost: 1}
	}
	rows := []row{measure("`--base HEAD`", "--base", "HEAD")}
	b.run(t, c.dir, "git", "add", "--", of.file)
	rows = append([]row{measure("`--staged`", "--staged")}, rows...)
	if err := os.WriteFile(name, before, 0o644); err != nil {
		t.Fatal(err)
	}
	b.run(t, c.dir, "git", "add", "--", of.file)
	b.run(t, c.dir, "git", "status")
	return rows
}

// touched is the time that rendering the units of a change takes on all cores, the
// median of three, each in a process that has rendered nothing before.
func (b *bench) touched(t *testing.T, c *checkout, of candidate) float64 {
	t.Helper()
	var times []float64
	for range 3 {
		cmd := b.command(c.dir, "perf", "-test.run=^TestTouched$", "-test.v")
		cmd.Env = append(slices.Clone(b.env), touchedUnits+"="+strings.Join(of.units, "\n"))
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("rendering %q: %v\n%s", of.units, err, out)
		}
		_, text, _ := strings.Cut(string(out), touchedTook)
		text, _, _ = strings.Cut(text, "\n")
		took, err := time.ParseDuration(text)
		if err != nil {
			t.Fatalf("rendering %q: %v\n%s", of.units, err, out)
		}
		times = append(times, took.Seconds())
	}
	slices.Sort(times)
	return times[1] / float64(min(runtime.NumCPU(), len(of.units)))
}

const (
	touchedUnits = "SCANTLING_BENCH_UNITS"
	touchedTook  = "rendering took "
)

// TestTouched renders the units that the environment lists, of the repository in
// the working folder, for TestReport.
func TestTouched(t *testing.T) {
	list := os.Getenv(touchedUnits)
	if list == "" {
		t.Skip(touchedUnits + " lists no unit")
	}
	ids := strings.Split(list, "\n")
	var took time.Duration
	for _, u := range rendered(t, ".", func(id string) bool { return slices.Contains(ids, id) }) {
		took += u.took
	}
	fmt.Printf("\n%s%v\n", touchedTook, took)
}

// filled is a copy of the cache as it is before a change.
func (b *bench) filled() string { return filepath.Join(b.dir, "filled") }

// fill fills the cache as somebody's is who ran all that is measured before the
// change.
func (b *bench) fill(t *testing.T, c *checkout) {
	t.Helper()
	for _, dir := range []string{b.cache(), b.filled()} {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{}, {"--staged"}, {"--base", "HEAD"}} {
		b.time(t, b.lint(c, 1, args...))
	}
	b.run(t, b.dir, "cp", "-a", b.cache(), b.filled())
}

func TestRepositoryName(t *testing.T) {
	for url, want := range map[string]string{
		"https://github.com/example/shop.git": "example/shop",
		"https://git.example.org/a/b/shop":    "b/shop",
		"/srv/repositories/shop":              "folder",
		"file:///srv/repositories/shop":       "folder",
		"https://git.example.org/shop":        "folder",
	} {
		if got := repositoryName(url, "folder"); got != want {
			t.Errorf("%s is called %s, want %s", url, got, want)
		}
	}
}
