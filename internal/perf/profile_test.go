package perf

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scantling-dev/scantling/internal/cli"
)

// rendering measures what of a cold run is not rendering, by a profile of a run in
// one process, and how much longer a run takes than rendering alone.
func (b *bench) rendering(t *testing.T, c *checkout, cold float64) []row {
	s := b.profile(t, c)
	t.Logf("%s: rendering %v, origins %v, the rest %v, runtime %v", c.name, s.rendering, s.origins, s.rest, s.runtime)
	alone := b.time(t, timed{dir: c.dir, args: []string{"scantling", "units", "--no-config", "--no-cache"}, runs: c.runs, exits: []int{0}})
	return []row{
		{What: "cold run, what is neither rendering nor the search for origins", Of: s.rest.Seconds(), Against: "what is rendering", To: s.rendering.Seconds(), AtMost: 0.15},
		{What: "cold run, the search for origins", Of: s.origins.Seconds(), Against: "what is rendering", To: s.rendering.Seconds()},
		{What: "cold run", Of: cold, Against: "`scantling units`, which renders only", To: alone},
	}
}

// shares are the processor times of a run.
type shares struct {
	rendering, origins, rest time.Duration
	// runtime is that of the garbage collector and of what can't be told.
	runtime time.Duration
}

// profile is where a run of lint spends its time, without a cache and in one
// process. Small repositories are linted several times, so that there are enough
// samples.
func (b *bench) profile(t *testing.T, c *checkout) shares {
	t.Helper()
	name := filepath.Join(b.dir, "cpu.prof")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(c.dir)
	if err := pprof.StartCPUProfile(f); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); ; {
		code := cli.Main([]string{"scantling", "lint", "--no-config", "--no-cache", "--no-worker"}, io.Discard, io.Discard)
		if code == 2 {
			t.Fatal("lint can't do its work")
		}
		if time.Since(start) > 5*time.Second {
			break
		}
	}
	pprof.StopCPUProfile()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := b.command(c.dir, "go", "tool", "pprof", "-traces", name)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s, err := sharesOf(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("go tool pprof: %v", err)
	}
	return s
}

// sharesOf reads what go tool pprof -traces prints: samples between lines of dashes,
// each a time and the functions on the stack, the innermost first.
func sharesOf(traces io.Reader) (shares, error) {
	var s shares
	var stack []string
	var took time.Duration
	lines := bufio.NewScanner(traces)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "-----------+") {
			s.add(took, stack)
			took, stack = 0, nil
			continue
		}
		first, rest, _ := strings.Cut(line, " ")
		if took == 0 {
			d, err := time.ParseDuration(first)
			if err != nil {
				continue // what stands before the samples
			}
			took, line = d, strings.TrimSpace(rest)
		}
		stack = append(stack, strings.TrimSuffix(strings.TrimSuffix(line, " (inline)"), " (partial-inline)"))
	}
	if err := lines.Err(); err != nil {
		return shares{}, fmt.Errorf("reading the profile: %w", err)
	}
	s.add(took, stack)
	known := s.rendering + s.origins + s.rest
	if s.rendering == 0 {
		return shares{}, fmt.Errorf("the profile of %v has no rendering", known+s.runtime)
	}
	// The garbage collector works for all alike.
	all := float64(known+s.runtime) / float64(known)
	for _, d := range []*time.Duration{&s.rendering, &s.origins, &s.rest} {
		*d = time.Duration(float64(*d) * all)
	}
	return s, nil
}

const ours = "github.com/scantling-dev/scantling/"

// add adds a sample to what it is a part of. Of deep stacks a profile has only the
// innermost functions.
func (s *shares) add(took time.Duration, stack []string) {
	calls := func(names ...string) bool {
		return slices.ContainsFunc(stack, func(f string) bool {
			return slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(f, name) })
		})
	}
	switch {
	case calls(ours+"render.(*Renderer).Trace", ours+"lint.Settle", ours+"lint.Locate", ours+"lint.Situate", ours+"internal/manifest.(*Object).At"):
		s.origins += took
	case calls(ours+"render.(*Renderer).Render", ours+"render.(*builder)", ours+"render.(*tagger)", "sigs.k8s.io/kustomize/", "helm.sh/helm/"):
		s.rendering += took
	case calls(ours):
		s.rest += took
	default:
		s.runtime += took
	}
}

func TestShares(t *testing.T) {
	const traces = `File: perf.test
Type: cpu
Duration: 2s, Total samples = 1.20s (60%)
-----------+-------------------------------------------------------
     600ms   runtime.mallocgc
             sigs.k8s.io/kustomize/api/krusty.(*Kustomizer).Run
             github.com/scantling-dev/scantling/render.(*builder).build
-----------+-------------------------------------------------------
     200ms   helm.sh/helm/v3/pkg/engine.Engine.Render
             github.com/scantling-dev/scantling/render.(*Renderer).Trace
             github.com/scantling-dev/scantling/internal/check.(*run).judge
-----------+-------------------------------------------------------
      0.2s   github.com/scantling-dev/scantling/lint.(*Linter).Object (inline)
             github.com/scantling-dev/scantling/internal/check.(*run).judge
-----------+-------------------------------------------------------
     200ms   runtime.gcDrain
             runtime.gcBgMarkWorker
-----------+-------------------------------------------------------
`
	got, err := sharesOf(strings.NewReader(traces))
	if err != nil {
		t.Fatal(err)
	}
	want := shares{rendering: 720 * time.Millisecond, origins: 240 * time.Millisecond, rest: 240 * time.Millisecond, runtime: 200 * time.Millisecond}
	if got != want {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
	if _, err := sharesOf(strings.NewReader("nothing\n")); err == nil {
		t.Error("a profile without samples is taken")
	}
}
