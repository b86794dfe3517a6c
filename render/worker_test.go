package render_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/render"
	"go.yaml.in/yaml/v3"
)

// The test's program is its own worker.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == render.WorkerCommand {
		os.Exit(render.Work(os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

// rendering is everything that a run says, in an order of its own.
type rendering struct {
	objects, problems, units []string
}

func renderAll(t *testing.T, dir string, workers *render.Workers, parallel int) rendering {
	t.Helper()
	repo, err := source.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := render.New(repo.Worktree(), render.Options{Workers: workers, Parallel: parallel})
	if err != nil {
		t.Fatal(err)
	}
	want := func(u *render.Unit) bool { return u.Concerns(repo.Prefix()) }
	var mu sync.Mutex
	var all rendering
	_, err = r.Run(context.Background(), want, func(res *render.Result) {
		mu.Lock()
		defer mu.Unlock()
		u := res.Unit
		all.units = append(all.units, fmt.Sprint(u.Kind, u.ID(), u.Status, u.Reason, res.Read))
		for _, p := range res.Problems {
			all.problems = append(all.problems, fmt.Sprint(u.ID(), p))
		}
		for _, o := range res.Objects {
			text, err := yaml.Marshal(o.Node)
			if err != nil {
				t.Error(err)
			}
			all.objects = append(all.objects, fmt.Sprint(u.ID(), o.Origin, places(o), string(text)))
		}
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all.objects)
	slices.Sort(all.problems)
	slices.Sort(all.units)
	return all
}

// places are where a few fields of an object were written.
func places(o *manifest.Object) []manifest.Origin {
	var all []manifest.Origin
	if w, ok := o.Workload(); ok {
		for _, c := range w.Containers() {
			all = append(all, o.At(c.Path.Child("image")), o.At(c.Path.Child("securityContext", "privileged")))
		}
	}
	return all
}

// What a worker gives is what the same code gives in process, whatever the
// number of either.
func TestWorkersGiveTheSame(t *testing.T) {
	workers := render.NewWorkers(2, limits.Default())
	defer workers.Close()
	dirs := []string{"../testdata/sample", "../testdata/parity"}
	cases, err := filepath.Glob("testdata/graph/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal("no graph cases", err)
	}
	for _, name := range cases {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), filepath.Base(name))
		if err := txtar.Write(archive, dir); err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, dir)
	}
	for _, dir := range dirs {
		inProcess := renderAll(t, dir, nil, 1)
		if len(inProcess.units) < 2 {
			t.Fatalf("%s gives %d units", dir, len(inProcess.units))
		}
		for what, other := range map[string]rendering{
			"in process, in parallel": renderAll(t, dir, nil, 4),
			"by workers":              renderAll(t, dir, workers, 4),
			"by workers, again":       renderAll(t, dir, workers, 1),
		} {
			if !reflect.DeepEqual(inProcess, other) {
				t.Errorf("%s, %s: not the same\n%s", dir, what, firstDifference(inProcess, other))
			}
		}
	}
}

func firstDifference(a, b rendering) string {
	for _, lists := range [][2][]string{{a.units, b.units}, {a.problems, b.problems}, {a.objects, b.objects}} {
		for i := range max(len(lists[0]), len(lists[1])) {
			if i >= len(lists[0]) || i >= len(lists[1]) {
				return fmt.Sprintf("%d and %d", len(lists[0]), len(lists[1]))
			}
			if lists[0][i] != lists[1][i] {
				return lists[0][i] + "\n" + lists[1][i]
			}
		}
	}
	return ""
}

// writeFiles makes a folder that is no git repository.
func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const innocentChart = "apiVersion: v2\nname: %s\nversion: 1.0.0\n"

const innocentTemplate = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n"

// A unit that ends its worker, or that would never end, is one problem, and the
// units beside it are rendered.
func TestHostileUnits(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector's own memory is beyond a worker's limit")
	}
	var ring strings.Builder
	for i := range 600 {
		fmt.Fprintf(&ring, "{{ define \"r%d\" }}{{ include \"r%d\" . }}{{ end }}\n", i, (i+1)%600)
	}
	for name, c := range map[string]struct{ template, classes string }{
		"spins":          {"{{ range 1000000000000 }}{{ end }}", "limit-time"},
		"tpl recursion":  {`{{ define "a" }}{{ tpl "{{ include \"a\" . }}" . }}{{ end }}{{ include "a" . }}`, "template-recursion limit-time limit-memory"},
		"include ring":   {ring.String() + `{{ include "r0" . }}`, "template-recursion"},
		"cyclic dict":    {`{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ printf "%v" $d }}`, "template-recursion"},
		"huge list":      {`{{ len (until 1000000000) }}`, "limit-memory limit-time"},
		"growing string": {`{{ $s := "0123456789" }}{{ range 40 }}{{ $s = printf "%s%s" $s $s }}{{ end }}{{ $s }}`, "limit-memory limit-time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := writeFiles(t, map[string]string{
				"bad/Chart.yaml":          fmt.Sprintf(innocentChart, "bad"),
				"bad/templates/a.yaml":    c.template,
				"before/Chart.yaml":       fmt.Sprintf(innocentChart, "before"),
				"before/templates/a.yaml": innocentTemplate,
				"k/kustomization.yaml":    "resources: [a.yaml]\n",
				"k/a.yaml":                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: k\n",
			})
			l := limits.Default()
			l.RenderTimeout = time.Second
			workers := render.NewWorkers(2, l)
			defer workers.Close()
			all := renderAll(t, dir, workers, 2)
			if len(all.objects) != 2 {
				t.Errorf("%d objects, want the neighbours' 2", len(all.objects))
			}
			// Which limit is met first depends on the machine, and whether the
			// template is known on the limit.
			met := slices.ContainsFunc(strings.Fields(c.classes), func(class string) bool {
				return len(all.problems) == 1 && strings.HasPrefix(all.problems[0], "bad{"+class+" ")
			})
			if !met || !strings.Contains(all.problems[0], "{bad/") {
				t.Errorf("problems %q, want one of %s in bad", all.problems, c.classes)
			}
		})
	}
}

// Units that never end share a budget.
func TestManyHostileUnits(t *testing.T) {
	files := map[string]string{
		"zz/Chart.yaml":       fmt.Sprintf(innocentChart, "zz"),
		"zz/templates/a.yaml": innocentTemplate,
	}
	const n = 20
	for i := range n {
		dir := fmt.Sprintf("c%02d/", i)
		files[dir+"Chart.yaml"] = fmt.Sprintf(innocentChart, "c")
		files[dir+"templates/a.yaml"] = "{{ range 1000000000000 }}{{ end }}"
	}
	l := limits.Default()
	l.RenderTimeout = 2 * time.Second
	workers := render.NewWorkers(2, l)
	defer workers.Close()
	all := renderAll(t, writeFiles(t, files), workers, 2)
	if len(all.problems) != n || len(all.objects) != 1 {
		t.Errorf("%d problems and %d objects, want %d and 1", len(all.problems), len(all.objects), n)
	}
	early := 0
	for _, p := range all.problems {
		if strings.Contains(p, "used up the time") {
			early++
		}
	}
	if early < n/2 {
		t.Errorf("%d of %d units were stopped early", early, n)
	}
}

// The end of the run ends a unit that would not end.
func TestRunIsEnded(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"c/Chart.yaml":       fmt.Sprintf(innocentChart, "c"),
		"c/templates/a.yaml": "{{ range 1000000000000 }}{{ end }}",
	})
	repo, err := source.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	l := limits.Default()
	l.RenderTimeout = time.Hour
	workers := render.NewWorkers(1, l)
	defer workers.Close()
	r, err := render.New(repo.Worktree(), render.Options{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(300*time.Millisecond, cancel)
	if _, err := r.Run(ctx, nil, func(*render.Result) {}, nil); err == nil {
		t.Error("the run does not say that it was ended")
	}
}
