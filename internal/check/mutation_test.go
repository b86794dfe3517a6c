package check

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/internal/config"
	"github.com/scantling-dev/scantling/lint"
)

var showEdits = flag.Bool("edits", false, "log every edit of TestMutations")

// remedies are what a person would write, by rule. A rule that is not here can
// not be in a repository of TestMutations.
var remedies = map[string]remedy{
	"allow-privilege-escalation":      {value: "false"},
	"apparmor-unconfined":             {value: "runtime/default"},
	"automount-service-account-token": {value: "false"},
	"capabilities-not-dropped-all":    {value: "[ALL]"},
	"configmap-contains-secret":       {scalar: reference},
	"container-runtime-socket-mount":  {value: "/srv/data", leaves: "host-path-volume"},
	"cpu-limit-missing":               {value: `"1"`},
	"cpu-request-missing":             {value: "100m"},
	"dangerous-capability-added":      {value: "CHOWN"},
	"env-var-plaintext-secret":        {scalar: reference},
	"host-ipc":                        {value: "false"},
	"host-network":                    {value: "false"},
	"host-pid":                        {value: "false"},
	"host-port":                       {value: "0"},
	"image-latest-tag":                {scalar: tagged},
	"memory-limit-missing":            {value: "64Mi"},
	"memory-request-missing":          {value: "64Mi"},
	"namespace-pss-invalid-label":     {value: "restricted"},
	"privileged-container":            {value: "false"},
	"rbac-escalate-or-bind":           {value: "list"},
	"rbac-wildcard-all":               {value: `{apiGroups: [""], resources: [configmaps], verbs: [get]}`},
	"read-only-root-filesystem":       {value: "true"},
	"run-as-non-root":                 {value: "true"},
	"run-as-user-zero":                {value: "1000"},
	"seccomp-profile-missing":         {value: "{type: RuntimeDefault}"},
	"secret-plaintext":                {scalar: reference},
	"service-external-ips":            {value: "[]"},
}

// notMended are the rules whose findings no edit at their place alone mends.
var notMended = map[string]string{
	"host-path-volume": "the volume has to be of another kind, which is written above its path",
}

// reference puts a variable in the place of a secret, in a line of its own as
// well as in one that names it.
func reference(old string) string {
	if name, _, ok := strings.Cut(old, "="); ok {
		return name + "=${SECRET}"
	}
	return `"${SECRET}"`
}

// tagged gives an image, or what stands for its tag, a tag that is not latest.
func tagged(old string) string {
	name, tag, _ := strings.Cut(old, ":")
	switch {
	case !strings.Contains(name, "/"):
		return "1.4.2"
	case tag == "" || tag == "latest" || strings.HasPrefix(tag, "${"):
		return name + ":1.4.2"
	}
	return old
}

// floors are the least shares of findings, by the kind of origin, whose place
// must be exact; all of them of other kinds.
var floors = map[string]float64{
	"helm-tpl":      0.6,  // A value that is a template of its own.
	"helm-with":     0.85, // A flag whose block lacks the field.
	"helm-vendored": 0.5,  // What only the chart sets that nobody here edits.
}

// tally counts the findings of a kind of origin.
type tally struct{ findings, exact, gone int }

// TestMutations changes what the findings on small repositories point at, as
// their remedies say, one after another, and checks again: a finding whose place
// is said to be exact must be gone.
//
// The comment of a repository lists, behind "place:", a file and the rules that
// must report there.
func TestMutations(t *testing.T) {
	files, err := filepath.Glob("testdata/mutation/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no repositories", err)
	}
	var mu sync.Mutex
	kinds := map[string]tally{}
	t.Run("origins", func(t *testing.T) {
		for _, name := range files {
			kind := strings.TrimSuffix(filepath.Base(name), ".txtar")
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				count := mutate(t, name)
				mu.Lock()
				defer mu.Unlock()
				kinds[kind] = count
			})
		}
	})
	report(t, kinds)
}

// report writes the table, and holds it against what is asked for.
func report(t *testing.T, kinds map[string]tally) {
	var out strings.Builder
	var all tally
	line := func(kind string, c tally) {
		fmt.Fprintf(&out, "%-26s %9d %6d %6d\n", kind, c.findings, c.exact, c.gone)
	}
	fmt.Fprintf(&out, "\n%-26s %9s %6s %6s\n", "origin", "findings", "exact", "gone")
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		c := kinds[kind]
		line(kind, c)
		all = tally{all.findings + c.findings, all.exact + c.exact, all.gone + c.gone}
		if c.findings == 0 {
			t.Errorf("%s: there is no finding", kind)
		}
		floor, ok := floors[kind]
		if !ok {
			floor = 1
		}
		if float64(c.exact) < floor*float64(c.findings) {
			t.Errorf("%s: %d of %d findings are exact, fewer than %.0f%%", kind, c.exact, c.findings, 100*floor)
		}
	}
	line("all", all)
	t.Log(out.String())
	if float64(all.gone) < 0.95*float64(all.exact) {
		t.Errorf("of %d findings that say exact, %d are gone once they are mended", all.exact, all.gone)
	}
}

// mutate tries the remedies of all findings on a repository.
func mutate(t *testing.T, name string) tally {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.Files {
		files[f.Name] = string(f.Data)
	}
	before := checked(t, files)
	wantedPlaces(t, string(archive.Comment), before)
	var count tally
	for _, f := range before {
		if problem(f) {
			t.Errorf("%s:%d: %s: %s", f.Origin.File, f.Origin.Line, f.Rule, f.Message)
			continue
		}
		r, ok := remedies[f.Rule]
		if why := notMended[f.Rule]; why != "" {
			continue
		}
		if !ok {
			t.Errorf("%s: say in remedies how it is mended, or in notMended why it can't be", f.Rule)
			continue
		}
		count.findings++
		if !f.Origin.Exact {
			t.Logf("near: %s", place(f))
			continue
		}
		count.exact++
		text, err := edit(files[f.Origin.File], f, r)
		if err != nil {
			t.Logf("not mended: %s: %v", place(f), err)
			continue
		}
		after := maps.Clone(files)
		after[f.Origin.File] = text
		if *showEdits {
			t.Logf("%s\n%s", place(f), changed(files[f.Origin.File], text))
		}
		if why := remains(f, r, before, checked(t, after)); why != "" {
			t.Logf("not mended: %s: %s\n%s", place(f), why, changed(files[f.Origin.File], text))
			continue
		}
		count.gone++
	}
	return count
}

// remains says why a finding is not mended; empty if it is.
func remains(f lint.Finding, r remedy, before, after []lint.Finding) string {
	for _, g := range after {
		if g.Rule == f.Rule && g.Object == f.Object && g.Path == f.Path {
			return "it is still found, at " + place(g)
		}
		if g.Object == f.Object && g.Path == f.Path && g.Rule != r.leaves && !slices.ContainsFunc(before, func(b lint.Finding) bool {
			return b.Rule == g.Rule && b.Object == g.Object && b.Path == g.Path
		}) {
			return "there is another fault now: " + place(g)
		}
		same := func(b lint.Finding) bool { return b.Rule == g.Rule && b.Message == g.Message }
		if problem(g) && !slices.ContainsFunc(before, same) {
			return "there is a new problem: " + g.Message
		}
	}
	return ""
}

// checked are the findings on a repository, of the rules that have a remedy here
// and of problems: what others say of it is not what this is about.
func checked(t *testing.T, files map[string]string) []lint.Finding {
	t.Helper()
	c := config.Default()
	for _, r := range Rules() {
		_, on := remedies[r.ID]
		on = on || notMended[r.ID] != "" || r.Category == lint.Problems
		c.Rules[r.ID] = lint.Setting{Enabled: &on}
	}
	outcome, err := Tree(context.Background(), newMapTree(files), c, Source{Remotes: []string{"https://git.example.org/org/repo"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return outcome.Findings
}

// problem says that a finding is about what could not be rendered or read.
func problem(f lint.Finding) bool {
	return slices.ContainsFunc(Rules(), func(r *lint.Rule) bool { return r.ID == f.Rule && r.Category == lint.Problems })
}

// wantedPlaces checks that the findings are where the comment of a repository
// says.
func wantedPlaces(t *testing.T, comment string, findings []lint.Finding) {
	for _, m := range regexp.MustCompile(`(?m)^place: (\S+) (.+)$`).FindAllStringSubmatch(comment, -1) {
		for _, rule := range strings.Fields(m[2]) {
			if !slices.ContainsFunc(findings, func(f lint.Finding) bool { return f.Rule == rule && f.Origin.File == m[1] }) {
				t.Errorf("%s does not report in %s", rule, m[1])
			}
		}
	}
}

func place(f lint.Finding) string {
	o := f.Origin
	text := fmt.Sprintf("%s:%d:%d %s of %s %s", o.File, o.Line, o.Column, f.Rule, f.Object, f.Path)
	if o.Missing != "" {
		text += ", missing " + o.Missing
	}
	if o.Key != "" {
		text += ", key " + o.Key
	}
	return text
}

// changed are the lines in which two texts differ.
func changed(before, after string) string {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return "- " + strings.Join(a, "\n- ") + "\n+ " + strings.Join(b, "\n+ ")
}
