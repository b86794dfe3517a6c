//go:build unix

package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCacheAnswersTheSame: whatever was edited, and whatever the cache holds of
// other states, options and trees, lint says what it says without a cache.
func TestCacheAnswersTheSame(t *testing.T) {
	f := newFleet(t, 1)
	dir := filepath.Join(t.TempDir(), "cache")
	cached := []string{"SCANTLING_CACHE=" + dir}
	for i := range steps(t, 12) {
		f.change(f.IntN(4))
		options := f.options()
		if i > 0 && f.IntN(3) == 0 {
			options = slices.Concat(options, pick(f.Rand, [][]string{
				{"--staged"}, {"--base", pick(f.Rand, f.commits)}, {"--staged", "--base", "HEAD"}, {"--no-worker"}, {pick(f.Rand, f.folders())},
			}))
			f.note("and with %q", options)
		}
		// Where it is rendered makes no difference either.
		want := f.lint(f.dir, nil, slices.Concat(options, []string{"--no-cache"}, pick(f.Rand, [][]string{nil, {"--no-worker"}}))...)
		f.same("the first run with a cache", f.lint(f.dir, cached, options...), want)
		f.same("the second run with a cache", f.lint(f.dir, cached, options...), want)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) == 0 {
		t.Errorf("nothing was kept in the cache: %v", err)
	}
}

// TestCacheOfManyProcesses: processes that use one cache at once say what each says
// on its own.
func TestCacheOfManyProcesses(t *testing.T) {
	f := newFleet(t, 2)
	cached := []string{"SCANTLING_CACHE=" + filepath.Join(t.TempDir(), "cache")}
	for range steps(t, 3) {
		f.change(3)
		f.git("add", "-u")
		runs := [][]string{f.options(), {"--staged"}, {"--profile", "all"}, {"--base", pick(f.Rand, f.commits)}}
		var wants []answer
		for _, options := range runs {
			wants = append(wants, f.lint(f.dir, nil, append(options, "--no-cache")...))
		}
		var ends []func() answer
		for _, options := range runs {
			ends = append(ends, f.start(f.dir, cached, "lint", options...))
		}
		for i, end := range ends {
			f.same(fmt.Sprintf("one of four at once, %q", runs[i]), end(), wants[i])
		}
	}
}

// TestStagedIsCheckout: what lint says of the index, it says of a checkout of the
// index.
func TestStagedIsCheckout(t *testing.T) {
	f := newFleet(t, 3)
	for range steps(t, 8) {
		f.change(1 + f.IntN(6))
		options := f.options()
		// A tree holds what a commit would: not what is only meant to be added.
		dir := f.checkout(f.git("write-tree"))
		f.same("the index", f.lint(f.dir, nil, append(options, "--no-cache", "--staged")...), f.lint(dir, nil, append(options, "--no-cache")...))
	}
}

// TestBaseIsTwoRuns: a comparison says of head what lint says of it, of the base
// nothing that lint does not say of it, and nothing is new that was there.
func TestBaseIsTwoRuns(t *testing.T) {
	f := newFleet(t, 4)
	for range steps(t, 6) {
		f.change(1 + f.IntN(6))
		options, rev := append(f.options(), "--no-cache"), pick(f.Rand, f.commits)
		dir := f.checkout(rev)
		got := f.lint(f.dir, nil, append(options, "--base", rev)...)
		tree := f.lint(f.dir, nil, append(options, "--base-tree", dir)...)
		head := f.lint(f.dir, nil, options...)
		if head.code == 2 {
			// Nothing was compared, for the same reason.
			f.same("a comparison that fails", got, head)
			continue
		}
		f.sameFindings("a revision and its checkout", findings(t, got, "secret-in-history"), findings(t, tree, "secret-in-history"))
		if !slices.Contains(options, "--no-config") {
			// Both trees are judged by the configuration of head.
			config := filepath.Join(t.TempDir(), "none.yaml")
			if data, err := os.ReadFile(f.path(".scantling.yaml")); err == nil {
				check(t, os.WriteFile(config, data, 0o644))
				options = append(options, "--config", config)
			} else {
				options = append(options, "--no-config")
			}
		}
		f.compared(got, head, f.lint(dir, nil, options...))
	}
}

// withBase are the rules that look at a base themselves.
var withBase = []string{"suppression-added", "secret-in-history", "secret-decrypted-in-change", "sops-edited-without-sops", "sops-plugin-recipient"}

// compared judges a comparison by what lint says of each tree.
func (f *fleet) compared(got, head, base answer) {
	f.t.Helper()
	var now, gone []finding
	for _, g := range findings(f.t, got, withBase...) {
		if g.state == "fixed" {
			gone = append(gone, g)
		} else {
			now = append(now, g)
		}
	}
	f.sameFindings("the head of a comparison and lint", bare(now), bare(findings(f.t, head, withBase...)))

	then := findings(f.t, base)
	left := map[string]int{}
	for _, b := range then {
		left[b.all]++
	}
	for _, g := range gone {
		// The configuration itself was read from elsewhere.
		if left[g.all]--; left[g.all] < 0 && g.file != ".scantling.yaml" {
			f.t.Fatalf("fixed, and was not in the base: %s\n%s", g.all, f.story())
		}
	}
	here, there := count(now), count(then)
	failed := map[string]bool{}
	for _, a := range []answer{head, base} {
		for _, u := range parse(f.t, a).Units {
			failed[u.ID] = failed[u.ID] || u.Status == "not-rendered"
		}
	}
	for _, g := range slices.Concat(now, gone) {
		n, b := here[g.identity], there[g.identity]
		// What is left of a unit that fails has other names.
		if n.suppressed+b.suppressed > 0 || slices.ContainsFunc(g.units, func(u string) bool { return failed[u] }) {
			continue
		}
		if g.state == "new" && n.n <= b.n {
			f.t.Fatalf("new, and was in the base: %s\n%s", g.all, f.story())
		}
		if g.state == "fixed" && n.n >= b.n {
			f.t.Fatalf("fixed, and is still there: %s\n%s", g.all, f.story())
		}
	}
}

// finding is one of a JSON report: all of it but the state, and what tells that it
// is the same in another tree.
type finding struct {
	state, file, all, identity string
	units                      []string
	suppressed                 bool
}

// jsonReport is what the tests read of a JSON report.
type jsonReport struct {
	Findings []map[string]any
	Units    []struct{ ID, Status string }
}

func parse(t *testing.T, a answer) (report jsonReport) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.json), &report); err != nil {
		t.Fatalf("%v: %s%s", err, a.json, a.stderr)
	}
	return report
}

func findings(t *testing.T, a answer, without ...string) (list []finding) {
	t.Helper()
	for _, f := range parse(t, a).Findings {
		if slices.Contains(without, f["rule"].(string)) {
			continue
		}
		state, _ := f["state"].(string)
		delete(f, "state")
		all, err := json.Marshal(f)
		check(t, err)
		var units []string
		for _, u := range f["units"].([]any) {
			units = append(units, u.(string))
		}
		list = append(list, finding{
			units: units, state: state, file: f["file"].(string), all: string(all), suppressed: f["suppressed"] != nil,
			identity: fmt.Sprint(f["rule"], f["fingerprint"], f["units"], f["message"]),
		})
	}
	return list
}

// bare leaves the states out.
func bare(list []finding) []finding {
	list = slices.Clone(list)
	for i := range list {
		list[i].state = ""
	}
	return list
}

type counted struct{ n, suppressed int }

func count(list []finding) map[string]counted {
	of := map[string]counted{}
	for _, f := range list {
		c := of[f.identity]
		c.n++
		if f.suppressed {
			c.suppressed++
		}
		of[f.identity] = c
	}
	return of
}

func (f *fleet) sameFindings(what string, got, want []finding) {
	f.t.Helper()
	lines := func(list []finding) string {
		var b strings.Builder
		for _, g := range list {
			fmt.Fprintln(&b, g.state, g.all)
		}
		return b.String()
	}
	if g, w := lines(got), lines(want); g != w {
		f.t.Fatalf("%s: the findings differ:\n%s\n%s", what, firstDifference(g, w), f.story())
	}
}

// TestShardsAreOneRun: the reports of the parts of a run, merged, are those of one
// run.
func TestShardsAreOneRun(t *testing.T) {
	f := newFleet(t, 5)
	for range steps(t, 4) {
		f.change(1 + f.IntN(6))
		options := append(f.options(), "--no-cache")
		if f.IntN(3) == 0 {
			options = append(options, pick(f.Rand, [][]string{{"--staged"}, {"--base", pick(f.Rand, f.commits)}, {"--base-tree", f.checkout(pick(f.Rand, f.commits))}})...)
		}
		n, reports, parts := 2+f.IntN(3), t.TempDir(), []string(nil)
		want := f.lint(f.dir, nil, options...)
		for i := range n {
			name := filepath.Join(reports, fmt.Sprint(i, ".json"))
			_, stderr, code := program(t, f.dir, f.env, slices.Concat([]string{"lint", "--shard", fmt.Sprintf("%d/%d", i+1, n), "--report", "json=" + name}, options)...)
			if want.code == 2 {
				if code != 2 || string(stderr) != want.stderr {
					t.Fatalf("part %d ends with %d: %s, the whole with 2: %s\n%s", i+1, code, stderr, want.stderr, f.story())
				}
				continue
			}
			if code != 0 {
				t.Fatalf("part %d of %d ends with %d: %s\n%s", i+1, n, code, stderr, f.story())
			}
			parts = append(parts, name)
		}
		if want.code != 2 {
			f.Shuffle(n, func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			f.same(fmt.Sprintf("%d parts, %q", n, options), f.start(f.dir, nil, "merge", slices.Concat(options, parts)...)(), want)
		}
	}
}

// options are some that change the answer.
func (f *fleet) options() []string {
	options := pick(f.Rand, [][]string{
		nil, nil, {"--profile", "all"}, {"--kube-version", "1.30"}, {"--no-config"}, {"--limit", "depth=6"}, {"--profile", "recommended", "--strict"},
	})
	f.note("with %q", options)
	return slices.Clip(options)
}
