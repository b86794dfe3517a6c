// Package linttest runs a rule over its own examples.
//
// An example is a stream of manifests. Comments in it that stand alone on a line
// say under which conditions it holds:
//
//	# options: max=3 labels=app,owner     the rule's options
//	# kubernetes: 1.24                    the version that it is judged for
//	# unit: bare                          the objects come from a chart that nobody installs
//	# unit: reconciled                    Flux or Argo CD deploys them
//	# incomplete                          not all that the repository deploys is known
//
// A line at which the rule must report ends with "# want", "# want: text", text
// being part of the message, or "# want high: text" with the severity.
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
	"k8s.io/apimachinery/pkg/util/version"
)

var (
	want      = regexp.MustCompile(`# want(?: (\w+))?(?:: (.*))?$`)
	condition = regexp.MustCompile(`^# (options|kubernetes|unit|incomplete)(?:: (.*))?$`)
)

// Run checks every rule against its examples: each "bad" file must give exactly
// the findings that its "# want" comments mark, each "good" file none, and a
// rule must have at least one of both. A rule that reports nothing must fail its
// examples, and so must one that is called for no object.
func Run(t *testing.T, rules []*lint.Rule) {
	t.Helper()
	if err := lint.Validate(rules); err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			for _, fault := range faults(r) {
				t.Error(fault)
			}
			emptied := *r
			if r.Check != nil {
				emptied.Check = func(*lint.Pass) {}
			}
			if r.CheckAll != nil {
				emptied.CheckAll = func(*lint.Pass) {}
			}
			if len(faults(&emptied)) == 0 {
				t.Error("the examples hold although the rule reports nothing")
			}
		})
	}
}

// faults are what the examples of a rule show to be wrong with it.
func faults(r *lint.Rule) []string {
	var all []string
	bad, good := 0, 0
	for _, f := range txtar.Parse([]byte(r.Examples)).Files {
		switch {
		case strings.HasPrefix(f.Name, "bad"):
			bad++
		case strings.HasPrefix(f.Name, "good"):
			good++
		default:
			all = append(all, fmt.Sprintf("example %s: a name begins with bad or good", f.Name))
		}
		all = append(all, faultsIn(r, f)...)
	}
	if bad == 0 || good == 0 {
		all = append(all, fmt.Sprintf("rule %s has %d bad and %d good examples; it needs one of each", r.ID, bad, good))
	}
	return all
}

// mark is what a "# want" comment asks for.
type mark struct{ severity, text string }

func faultsIn(r *lint.Rule, f txtar.File) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	expected := map[int]mark{}
	for i, line := range strings.Split(string(f.Data), "\n") {
		if m := want.FindStringSubmatch(strings.TrimRight(line, " \r")); m != nil {
			expected[i+1] = mark{m[1], m[2]}
		}
	}
	if strings.HasPrefix(f.Name, "bad") && len(expected) == 0 {
		fault("%s marks no line with # want", f.Name)
	}
	if strings.HasPrefix(f.Name, "good") && len(expected) != 0 {
		fault("%s marks a line with # want", f.Name)
	}
	findings, wrong := Findings(r, f)
	faults = append(faults, wrong...)
	seen := map[int]bool{}
	for _, got := range findings {
		m, ok := expected[got.Origin.Line]
		place := fmt.Sprintf("%s:%d:%d", f.Name, got.Origin.Line, got.Origin.Column)
		if !ok {
			fault("%s: unexpected: %s (%s)", place, got.Message, got.Path)
			continue
		}
		if !strings.Contains(got.Message, m.text) {
			fault("%s: message %q lacks %q", place, got.Message, m.text)
		}
		if m.severity != "" && m.severity != got.Severity.String() {
			fault("%s: severity %s, not %s", place, got.Severity, m.severity)
		}
		seen[got.Origin.Line] = true
	}
	for line := range expected {
		if !seen[line] {
			fault("%s:%d: expected a finding of %s, got none", f.Name, line, r.ID)
		}
	}
	return faults
}

// Findings are those of a rule on one example, under the conditions that it
// states, and what is wrong with the example itself.
func Findings(r *lint.Rule, f txtar.File) (findings []lint.Finding, faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	on := true
	setting := lint.Setting{Enabled: &on, Options: map[string][]string{}}
	unit := lint.Unit{ID: "example"}
	complete := true
	for line := range strings.Lines(string(f.Data)) {
		m := condition.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		switch m[1] {
		case "options":
			for _, o := range strings.Fields(m[2]) {
				name, values, _ := strings.Cut(o, "=")
				set, err := option(r, name, values)
				if err != nil {
					fault("%s: option %s: %v", f.Name, name, err)
				}
				setting.Options[name] = set
			}
		case "kubernetes":
			v, err := version.ParseGeneric(m[2])
			if err != nil {
				fault("%s: %v", f.Name, err)
			}
			unit.Kube = v
		case "unit":
			unit.Bare, unit.Reconciled = m[2] == "bare", m[2] == "reconciled"
			if !unit.Bare && !unit.Reconciled {
				fault("%s: unit is bare or reconciled, not %q", f.Name, m[2])
			}
		case "incomplete":
			complete = false
		}
	}
	l, err := lint.NewLinter([]*lint.Rule{r}, lint.Selection{Rules: map[string]lint.Setting{r.ID: setting}})
	if err != nil {
		return nil, append(faults, err.Error())
	}
	docs, problems := manifest.Parse(f.Data)
	for _, p := range problems {
		fault("%s: %v", f.Name, p)
	}
	var objects []*manifest.Object
	for _, d := range docs {
		objects = append(objects, manifest.Objects(d, manifest.Origin{Span: manifest.Span{File: f.Name}}, nil)...)
	}
	if len(objects) == 0 {
		fault("%s holds no object", f.Name)
	}
	for _, o := range objects {
		findings = append(findings, l.Object(o, unit)...)
		for _, e := range o.SchemaErrors() {
			if !strings.Contains(f.Name, "malformed") {
				fault("%s: %s: %v: %s", f.Name, o.ID(), e.Path, e.Message)
			}
		}
	}
	// As in a run: of what a rule does not name it sees nothing.
	objects = slices.DeleteFunc(objects, func(o *manifest.Object) bool { return !l.Joins(o.GroupKind()) })
	findings = append(findings, l.Cluster(&lint.Cluster{
		Objects:  objects,
		Unit:     func(*manifest.Object) lint.Unit { return unit },
		Complete: func(string) bool { return complete },
	})...)
	return lint.Fold(findings), faults
}

// option is the value of one of a rule's options.
func option(r *lint.Rule, name, values string) ([]string, error) {
	i := slices.IndexFunc(r.Options, func(o lint.Option) bool { return o.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("the rule has none of this name")
	}
	list := strings.Split(values, ",")
	for _, v := range list {
		if valid := r.Options[i].Valid; valid != nil {
			if err := valid(v); err != nil {
				return nil, fmt.Errorf("%q: %w", v, err)
			}
		}
	}
	return list, nil
}
