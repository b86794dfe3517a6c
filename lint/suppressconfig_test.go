package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func day(text string) time.Time {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return d
}

// dated is a suppressor on a day of the test's own.
func dated(text string) *Suppressor {
	s := NewSuppressor(suppressRules(), func(string) []byte { return []byte(text) })
	s.today = day("2027-02-01")
	return s
}

func TestConfigured(t *testing.T) {
	at := func(rule, kind, namespace, name, stable, file, unit, template string) Finding {
		return Finding{
			Rule: rule, Object: Ref{"v1", kind, namespace, name}, stable: stable, Units: []string{unit}, settled: true,
			Origin: manifest.Origin{Span: manifest.Span{File: file, Line: 1}}, object: &manifest.Object{Template: template},
		}
	}
	findings := func() []Finding {
		return []Finding{
			at("privileged-container", "DaemonSet", "kube-system", "node-agent", "spec.template.spec.containers[agent].image", "infra/agent/ds.yaml", "infra/agent", ""),
			at("privileged-container", "Deployment", "shop", "web", "spec.template.spec.initContainers[setup]", "charts/web/templates/a.yaml", "charts/web (shop/web in prod)", "web/charts/redis/templates/a.yaml"),
			at("image-tag-mutable", "Deployment", "shop", "web", "spec.template.spec.containers[web].image", "charts/web/values.yaml", "charts/web (shop/web in prod)", "web/templates/b.yaml"),
			{Rule: "schema", Origin: manifest.Origin{Span: manifest.Span{File: "charts/web/values.yaml", Line: 3}}, settled: true},
			at("private-key-in-repo", "Secret", "shop", "key", "data", "key.yaml", "apps", ""),
		}
	}
	for _, tt := range []struct {
		name  string
		entry Ignore
		want  []int // which are excused
		wrong string
	}{
		{"rule", Ignore{Rules: []string{"privileged-container"}}, []int{0, 1}, ""},
		{"globs of rules", Ignore{Rules: []string{"image-*", "sch?ma"}}, []int{2, 3}, ""},
		{"every rule but those that can't be", Ignore{Rules: []string{"*"}}, []int{0, 1, 2, 3}, ""},
		{"kind", Ignore{Rules: []string{"*"}, Kinds: []string{"DaemonSet"}}, []int{0}, ""},
		{"namespace", Ignore{Rules: []string{"*"}, Namespaces: []string{"kube-*"}}, []int{0}, ""},
		{"name", Ignore{Rules: []string{"*"}, Names: []string{"nod?-*", "db"}}, []int{0}, ""},
		{"container", Ignore{Rules: []string{"*"}, Containers: []string{"web", "agent"}}, []int{0, 2}, ""},
		{"init container", Ignore{Rules: []string{"*"}, Containers: []string{"setup"}}, []int{1}, ""},
		{"chart", Ignore{Rules: []string{"*"}, Charts: []string{"web"}}, []int{1, 2}, ""},
		{"subchart", Ignore{Rules: []string{"*"}, Charts: []string{"redis"}}, []int{1}, ""},
		{"path", Ignore{Rules: []string{"*"}, Paths: []string{"charts/**"}}, []int{1, 2, 3}, ""},
		{"path of a unit", Ignore{Rules: []string{"*"}, Paths: []string{"charts/web"}}, []int{1, 2}, ""},
		{"all must fit", Ignore{Rules: []string{"*"}, Paths: []string{"charts/**"}, Containers: []string{"agent"}}, nil, "ignore-unused: no finding fits this entry of ignore"},
		{"the last day", Ignore{Rules: []string{"schema"}, Until: day("2027-02-01")}, []int{3}, ""},
		{"run out", Ignore{Rules: []string{"schema"}, Until: day("2027-01-31")}, nil, "ignore-expired: the entry of ignore ran out on 2027-01-31"},
		{"no reason", Ignore{Rules: []string{"schema"}, Reason: "-"}, nil, "ignore-without-reason: the entry of ignore gives no reason"},
		{"unknown", Ignore{Rules: []string{"shema", "schema"}}, []int{3}, `ignore-unknown-rule: there is no rule "shema" to ignore: did you mean schema?`},
		{"unknown glob", Ignore{Rules: []string{"x-*"}}, nil, `ignore-unknown-rule: there is no rule "x-*" to ignore`},
		{"never", Ignore{Rules: []string{"private-key-in-repo"}}, nil, "ignore-unknown-rule: rule private-key-in-repo can't be ignored everywhere: the entry names no paths"},
		{"by path", Ignore{Rules: []string{"private-key-in-repo"}, Paths: []string{"key.*"}}, []int{4}, ""},
		{"by path and glob", Ignore{Rules: []string{"*"}, Paths: []string{"key.*"}}, []int{4}, ""},
		{"by every path", Ignore{Rules: []string{"private-key-in-repo"}, Paths: []string{"key.yaml", "**/*"}}, nil, "ignore-unknown-rule: rule private-key-in-repo can't be ignored everywhere: the entry names no paths"},
		{"an error of ours", Ignore{Rules: []string{"internal"}, Paths: []string{"key.yaml"}}, nil, "ignore-unknown-rule: rule internal can't be ignored"},
		{"key", Ignore{Rules: []string{"*"}, Keys: []string{"image"}}, []int{0, 2}, ""},
		{"key of an item", Ignore{Rules: []string{"*"}, Keys: []string{"setup"}}, []int{1}, ""},
		{"path of a key", Ignore{Rules: []string{"*"}, Keys: []string{"spec.*.image"}}, []int{0, 2}, ""},
		{"a rule that is off", Ignore{Rules: []string{"opt-in"}}, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.entry.Place = manifest.Span{File: ".scantling.yaml", Line: 7}
			switch tt.entry.Reason {
			case "":
				tt.entry.Reason = "why"
			case "-":
				tt.entry.Reason = ""
			}
			got := dated("").Configured(findings(), []Ignore{tt.entry})
			var excused []int
			for i, f := range got[:5] {
				if f.Suppressed == nil {
					continue
				}
				excused = append(excused, i)
				if s := f.Suppressed; s.Kind != "configuration" || s.Reason != "why" || s.Place.Line != 7 {
					t.Errorf("excused by %+v", s)
				}
			}
			if !slices.Equal(excused, tt.want) {
				t.Errorf("excused %v, want %v", excused, tt.want)
			}
			wrong := ""
			for _, f := range got[5:] {
				wrong += f.Rule + ": " + f.Message
				if f.Origin.Line != 7 || f.Fix == "" {
					t.Errorf("incomplete: %+v", f)
				}
			}
			if wrong != tt.wrong {
				t.Errorf("wrong is %q, want %q", wrong, tt.wrong)
			}
		})
	}
}

// What was excused before keeps its own reason.
func TestConfiguredIsLast(t *testing.T) {
	f := finding("schema", 1)
	f.Suppressed = &Suppression{Kind: "comment", Reason: "nearer"}
	got := dated("").Configured([]Finding{f}, []Ignore{{Rules: []string{"schema"}, Reason: "farther"}})
	if len(got) != 1 || got[0].Suppressed.Reason != "nearer" {
		t.Errorf("got %+v", got)
	}
}

func TestUntil(t *testing.T) {
	for _, tt := range []struct{ reason, want string }{
		{"why; until=2027-02-01", "excused: why"},
		{"why, until=2027-03-01", "excused: why"},
		{"why until=2027-03-01", "excused: why"},
		{"why; until=2027-01-31", "ignore-expired: what ignores schema ran out on 2027-01-31"},
		{"until=2027-03-01", "ignore-without-reason: schema is ignored without a reason"},
		{"why; until=2027-13-01", `ignore-unknown-rule: "2027-13-01" is no date: write until=YYYY-MM-DD`},
		{"why; until=soon", `ignore-unknown-rule: "soon" is no date: write until=YYYY-MM-DD`},
		{"we wait until=the end of it", "excused: we wait until=the end of it"},
		{"rununtil=2027-01-31", "excused: rununtil=2027-01-31"},
	} {
		for how, got := range map[string][]Finding{
			"comment": dated("a: 1 # scantling:ignore schema -- "+tt.reason+"\n").Comments([]Finding{finding("schema", 1)}, nil),
			"annotation": dated("").Annotations([]Finding{onObject("schema", object(t, fmt.Sprintf(
				"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations: {scantling.dev/ignore.schema: %q}\n", tt.reason)), "u")}, nil, nil),
		} {
			said := ""
			if s := got[0].Suppressed; s != nil {
				said = "excused: " + s.Reason
			}
			for _, f := range got[1:] {
				said += f.Rule + ": " + f.Message
			}
			if said != tt.want {
				t.Errorf("%s %q: got %q, want %q", how, tt.reason, said, tt.want)
			}
		}
	}
}

// An annotation is unused when it excuses nothing in any of the units that what
// is written there reaches.
func TestUnusedAnnotations(t *testing.T) {
	text := "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations:\n    scantling.dev/ignore.schema: why\n    scantling.dev/ignore.opt-in: why\n"
	one, two := object(t, text), object(t, text)
	carriers := []*manifest.Object{one, two}
	traced := 0
	trace := func(f []Finding) { traced += len(f) }
	if got := dated("").Annotations([]Finding{onObject("schema", one, "u")}, carriers, trace); len(got) != 1 || got[0].Suppressed == nil {
		t.Errorf("used in one unit: got %+v", got)
	}
	got := Fold(dated("").Annotations(nil, carriers, trace))
	if len(got) != 1 || got[0].Rule != ignoreUnused || got[0].Origin.Line != 6 || got[0].Message != "no schema finding on Pod a to ignore" {
		t.Errorf("used nowhere: got %+v", got)
	}
	if traced != 3 {
		t.Errorf("%d findings were traced, want 3", traced)
	}
	if Annotated(object(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {scantling.dev/ignored: x}}\n")) || !Annotated(one) {
		t.Error("the wrong objects carry annotations")
	}
}

// TestAllowedValues: what is written at the finding's place may be allowed by its
// text, and nothing of it is in what is said about the entry.
func TestAllowedValues(t *testing.T) {
	for _, tt := range []struct {
		name, text, value string
		column, end       int
		want              bool
	}{
		{"whole", "token: pk_test_1234\n", "pk_test_1234", 8, 0, true},
		{"glob", "token: pk_test_1234\n", "pk_test_*", 8, 0, true},
		{"anchored in front", "token: pk_test_1234\n", "test_*", 8, 0, false},
		{"anchored behind", "token: pk_test_1234\n", "pk_test_", 8, 0, false},
		{"another value", "token: sk_live_1234\n", "pk_test_*", 8, 0, false},
		{"quotes", `token: "pk_test_1234"`, "pk_test_*", 8, 0, true},
		{"comment", "token: pk_test_1234 # public\n", "pk_test_????", 8, 0, true},
		{"JSON", `"token": "pk_test_1234",`, "pk_test_????", 10, 0, true},
		{"slash", "url: https://u:p@h/a/b\n", "https://u:p@h/*", 6, 0, true},
		{"span", "see pk_test_1234, please\n", "pk_test_1234", 5, 17, true},
		{"no column", "TOKEN=pk_test_1234\n", "pk_test_*", 0, 0, true},
		{"base64", "token: cGtfdGVzdF8xMjM0\n", "pk_test_1234", 8, 0, true},
		{"not the key", "token: sk_live_1234\n", "token", 1, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := finding("edited", 1)
			f.Origin.Column, f.Origin.EndColumn = tt.column, tt.end
			if tt.end > 0 {
				f.Origin.EndLine = 1
			}
			got := dated(tt.text).Configured([]Finding{f}, []Ignore{{Rules: []string{"edited"}, Values: []string{tt.value}, Reason: "public", Allow: true}})
			if excused := got[0].Suppressed != nil; excused != tt.want {
				t.Errorf("excused: %v, want %v", excused, tt.want)
			}
			for _, wrong := range got[1:] {
				if said := wrong.Message + wrong.Fix + wrong.stable; strings.Contains(said, tt.value) {
					t.Errorf("says %q", said)
				}
			}
			if len(got) == 1 != tt.want {
				t.Errorf("%d findings about the entry", len(got)-1)
			}
		})
	}
}

// TestAllowedFieldValues: of an object, the value is the field's, however it is
// written.
func TestAllowedFieldValues(t *testing.T) {
	o := object(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n  token: >-\n    cGtf\n")
	f := onObject("edited", o, "u")
	f.field = field.NewPath("data").Child("token")
	got := dated("").Configured([]Finding{f}, []Ignore{{Rules: []string{"edited"}, Values: []string{"pk_"}, Reason: "public", Allow: true}})
	if got[0].Suppressed == nil {
		t.Error("not excused")
	}
}

// TestNotUnusedAlone: without a base, a rule that compares has nothing to say, and
// what excuses its findings may be needed with one.
func TestNotUnusedAlone(t *testing.T) {
	entry := []Ignore{{Rules: []string{"edited"}, Reason: "why"}}
	text := "a: 1 # scantling:ignore edited -- why\n"
	if got := dated(text).Alone().Comments(dated(text).Alone().Configured(nil, entry), []string{"a.yaml"}); len(got) != 0 {
		t.Errorf("alone: %+v", got)
	}
	if got := dated(text).Comments(dated(text).Configured(nil, entry), []string{"a.yaml"}); len(got) != 2 {
		t.Errorf("with a base: %+v", got)
	}
}
