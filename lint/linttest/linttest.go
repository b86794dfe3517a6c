// Package linttest runs a rule over its own examples.
package linttest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var want = regexp.MustCompile(`# want(?:: (.*))?$`)

// Run checks every rule against its examples: each "bad" file must give exactly
// the findings that its "# want" comments mark, each "good" file none, and a
// rule must have at least one of both.
func Run(t *testing.T, rules []*lint.Rule) {
	t.Helper()
	if err := lint.Validate(rules); err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			archive := txtar.Parse([]byte(r.Examples))
			bad, good := 0, 0
			for _, f := range archive.Files {
				switch {
				case strings.HasPrefix(f.Name, "bad"):
					bad++
				case strings.HasPrefix(f.Name, "good"):
					good++
				default:
					t.Errorf("example %s: a name begins with bad or good", f.Name)
				}
				check(t, r, f)
			}
			if bad == 0 || good == 0 {
				t.Errorf("rule %s has %d bad and %d good examples; it needs one of each", r.ID, bad, good)
			}
		})
	}
}

func check(t *testing.T, r *lint.Rule, f txtar.File) {
	t.Helper()
	expected := map[int]string{}
	for i, line := range strings.Split(string(f.Data), "\n") {
		if m := want.FindStringSubmatch(strings.TrimRight(line, " \r")); m != nil {
			expected[i+1] = m[1]
		}
	}
	if strings.HasPrefix(f.Name, "bad") && len(expected) == 0 {
		t.Errorf("%s marks no line with # want", f.Name)
	}
	if strings.HasPrefix(f.Name, "good") && len(expected) != 0 {
		t.Errorf("%s marks a line with # want", f.Name)
	}
	on := true
	l, err := lint.NewLinter([]*lint.Rule{r}, map[string]lint.Setting{r.ID: {Enabled: &on}})
	if err != nil {
		t.Fatal(err)
	}
	docs, problems := manifest.Parse(f.Data)
	for _, p := range problems {
		t.Errorf("%s: %v", f.Name, p)
	}
	var findings []lint.Finding
	var objects []*manifest.Object
	for _, d := range docs {
		objects = append(objects, manifest.Objects(d, manifest.Origin{Span: manifest.Span{File: f.Name}}, nil)...)
	}
	if len(objects) == 0 {
		t.Errorf("%s holds no object", f.Name)
	}
	for _, o := range objects {
		findings = append(findings, l.Object(o, "example")...)
		for _, e := range o.SchemaErrors() {
			if !strings.Contains(f.Name, "malformed") {
				t.Errorf("%s: %s: %v: %s", f.Name, o.ID(), e.Path, e.Message)
			}
		}
	}
	// As in a run: of what a rule does not name it sees nothing.
	objects = slices.DeleteFunc(objects, func(o *manifest.Object) bool { return !l.Joins(o.GroupKind()) })
	findings = append(findings, l.Cluster(objects, func(*manifest.Object) string { return "example" })...)
	seen := map[int]bool{}
	for _, got := range lint.Fold(findings) {
		text, ok := expected[got.Origin.Line]
		place := fmt.Sprintf("%s:%d:%d", f.Name, got.Origin.Line, got.Origin.Column)
		if !ok {
			t.Errorf("%s: unexpected: %s (%s)", place, got.Message, got.Path)
			continue
		}
		if !strings.Contains(got.Message, text) {
			t.Errorf("%s: message %q lacks %q", place, got.Message, text)
		}
		seen[got.Origin.Line] = true
	}
	for line := range expected {
		if !seen[line] {
			t.Errorf("%s:%d: expected a finding of %s, got none", f.Name, line, r.ID)
		}
	}
}
