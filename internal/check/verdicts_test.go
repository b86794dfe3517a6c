package check

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/scantling-dev/scantling/internal/cache"
	"github.com/scantling-dev/scantling/internal/config"
	"github.com/scantling-dev/scantling/lint"
)

// fileFindings are what the rules on files say of a tree, with what is known of its
// files.
func fileFindings(t *testing.T, files map[string]string, known *verdicts) []string {
	t.Helper()
	linter, err := lint.NewLinter(Rules(), lint.Selection{Profiles: []lint.Profile{lint.All}})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := filesOf(newMapTree(files), config.Default(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{linter: linter, memory: &Memory{files: known}}
	r.memory.loadFiles.Do(func() {})
	var all []string
	for _, f := range r.files(context.Background(), tree) {
		all = append(all, fmt.Sprintf("%s:%d %s: %s", f.Origin.File, f.Origin.Line, f.Rule, f.Message))
	}
	return all
}

// What is known of a file is of use wherever the file stands, and says nothing of
// what is around it.
func TestVerdicts(t *testing.T) {
	files := map[string]string{
		"app/settings.yaml": "database: {password: hunter2-pw}\n",
		"app/notes.yaml":    "# nothing is wrong here\ncolour: blue\n",
		"app/secret.yaml":   "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: hunter2-pw}\n",
		"app/values.yaml":   "colour: blue\n",
	}
	known := &verdicts{known: map[cache.Key]*verdict{}}
	judge := func(what string, named bool) {
		t.Helper()
		want := fileFindings(t, files, nil)
		before := len(known.known)
		for range 2 {
			if got := fileFindings(t, files, known); !slices.Equal(got, want) {
				t.Errorf("%s: %q, without verdicts %q", what, got, want)
			}
		}
		if !slices.ContainsFunc(want, func(f string) bool {
			return f == `app/secret.yaml:4 secret-plaintext: Secret key "password" holds a literal value`
		}) {
			t.Errorf("%s: the Secret is not among %q", what, want)
		}
		if found := slices.ContainsFunc(want, func(f string) bool { return f[:len("app/settings.yaml")] == "app/settings.yaml" }); found != named {
			t.Errorf("%s: the settings are judged as values: %v, among %q", what, found, want)
		}
		known = &verdicts{known: decodeVerdicts(known.encode())}
		if len(known.known) < max(before, len(files)) {
			t.Errorf("%s: %d verdicts are kept", what, len(known.known))
		}
	}
	judge("alone", false)
	files["app.yaml"] = `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: app}
spec:
  source: {path: app, helm: {valueFiles: [settings.yaml]}}
`
	judge("named as values", true)
	delete(files, "app.yaml")
	judge("no longer named", false)
	files[".sops.yaml"] = "creation_rules: [{path_regex: other, age: age1xyz}]\n"
	judge("with creation rules", false)
	files["app/notes.yaml"], files["app/secret.yaml"] = files["app/secret.yaml"], files["app/notes.yaml"]
	files["app/secret.yaml"] = files["app/notes.yaml"]
	judge("copied", false)
}

func TestVerdictsSpareRules(t *testing.T) {
	known := &verdicts{known: map[cache.Key]*verdict{}}
	fileFindings(t, map[string]string{"notes.md": "nothing\n"}, known)
	for _, v := range known.known {
		if len(v.Again) > 0 {
			t.Errorf("%v look again at a text with nothing in it", v.Again)
		}
	}
	if len(known.known) != 1 {
		t.Errorf("%d verdicts", len(known.known))
	}
}

func TestDamagedVerdicts(t *testing.T) {
	known := &verdicts{known: map[cache.Key]*verdict{}}
	fileFindings(t, map[string]string{"notes.md": "nothing\n", "values.yaml": "colour: blue\n"}, known)
	data := known.encode()
	if got := decodeVerdicts(data); len(got) != 2 {
		t.Fatalf("%d verdicts are read", len(got))
	}
	for n := range data {
		if got := decodeVerdicts(data[:n]); len(got) != 0 {
			t.Fatalf("%d verdicts are read of %d bytes", len(got), n)
		}
	}
}
