package diff

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

func finding(rule, name, file string, line int, message string, units ...string) lint.Finding {
	f := lint.Finding{Rule: rule, Severity: lint.High, Message: message, Units: units}
	if name != "" {
		f.Object = lint.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: name}
	}
	f.Origin = manifest.Origin{Span: manifest.Span{File: file, Line: line, Column: 3}, Exact: true}
	return f
}

func suppressed(f lint.Finding) lint.Finding {
	f.Suppressed = &lint.Suppression{Kind: "comment", Reason: "known"}
	return f
}

func set(paths ...string) map[string]bool {
	m := map[string]bool{}
	for _, p := range paths {
		m[p] = true
	}
	return m
}

// brief is a result as "state rule name file:line", in the result's order.
func brief(findings []lint.Finding) []string {
	var out []string
	for _, f := range findings {
		name := f.Object.Name
		if name == "" {
			name = "-"
		}
		out = append(out, fmt.Sprintf("%s %s %s %s:%d", f.State, f.Rule, name, f.Origin.File, f.Origin.Line))
	}
	return out
}

func TestCompare(t *testing.T) {
	problem := func(rule string) bool { return rule == "render-failed" || rule == "parse-error" }
	type list = []lint.Finding
	for _, c := range []struct {
		name       string
		head, base list
		o          Options
		want       []string
	}{
		{name: "nothing"},
		{
			name: "moved line",
			head: list{finding("a", "web", "w.yaml", 9, "m", "u")},
			base: list{finding("a", "web", "w.yaml", 3, "m", "u")},
			want: []string{"unchanged a web w.yaml:9"},
		},
		{
			name: "moved file and unit",
			head: list{finding("a", "web", "new/w.yaml", 9, "m", "new")},
			base: list{finding("a", "web", "old/w.yaml", 3, "m", "old")},
			want: []string{"unchanged a web new/w.yaml:9"},
		},
		{
			name: "new and fixed",
			head: list{finding("a", "web", "w.yaml", 9, "m", "u")},
			base: list{finding("b", "web", "w.yaml", 3, "m", "u")},
			want: []string{"new a web w.yaml:9", "fixed b web w.yaml:3"},
		},
		{
			name: "changed message",
			head: list{finding("a", "web", "w.yaml", 9, "image x", "u")},
			base: list{finding("a", "web", "w.yaml", 9, "image y", "u")},
			want: []string{"unchanged a web w.yaml:9"},
		},
		{
			name: "one more with the same key",
			head: list{finding("a", "web", "w.yaml", 3, "m", "u"), finding("a", "web", "w.yaml", 5, "other", "u"), finding("a", "web", "w.yaml", 7, "n", "u")},
			base: list{finding("a", "web", "w.yaml", 3, "m", "u"), finding("a", "web", "w.yaml", 5, "n", "u")},
			want: []string{"unchanged a web w.yaml:3", "new a web w.yaml:5", "unchanged a web w.yaml:7"},
		},
		{
			name: "one less with the same key",
			head: list{finding("a", "web", "w.yaml", 3, "n", "u")},
			base: list{finding("a", "web", "w.yaml", 3, "m", "u"), finding("a", "web", "w.yaml", 5, "n", "u")},
			want: []string{"unchanged a web w.yaml:3", "fixed a web w.yaml:3"},
		},
		{
			name: "two lines become one",
			head: list{finding("a", "web", "base.yaml", 3, "m", "prod"), finding("a", "web", "base.yaml", 3, "m", "stage")},
			base: list{finding("a", "web", "p.yaml", 3, "m", "prod"), finding("a", "web", "s.yaml", 5, "m", "stage")},
			want: []string{"unchanged a web base.yaml:3"},
		},
		{
			name: "one line becomes two",
			head: list{finding("a", "web", "p.yaml", 3, "m", "prod"), finding("a", "web", "s.yaml", 5, "m", "stage")},
			base: list{finding("a", "web", "base.yaml", 3, "m", "prod"), finding("a", "web", "base.yaml", 3, "m", "stage")},
			want: []string{"unchanged a web p.yaml:3", "unchanged a web s.yaml:5"},
		},
		{
			name: "two objects become one line",
			head: list{finding("a", "web", "t.yaml", 3, "m", "u"), finding("a", "api", "t.yaml", 3, "m", "u")},
			base: list{finding("a", "web", "w.yaml", 3, "m", "u"), finding("a", "api", "x.yaml", 5, "m", "u")},
			want: []string{"unchanged a api t.yaml:3"},
		},
		{
			name: "a wide one does not take what a narrow one needs",
			head: list{finding("a", "web", "t.yaml", 3, "m", "u"), finding("a", "api", "t.yaml", 3, "m", "u"), finding("a", "web", "v.yaml", 4, "m", "u")},
			base: list{finding("a", "web", "w.yaml", 3, "m", "u"), finding("a", "api", "x.yaml", 5, "m", "u")},
			want: []string{"unchanged a api t.yaml:3", "unchanged a web v.yaml:4"},
		},
		{
			name: "one more unit with its own line",
			head: list{finding("a", "web", "p.yaml", 3, "m", "prod"), finding("a", "web", "s.yaml", 5, "m", "stage")},
			base: list{finding("a", "web", "s.yaml", 5, "m", "stage")},
			want: []string{"new a web p.yaml:3", "unchanged a web s.yaml:5"},
		},
		{
			name: "one more overlay with the same line",
			head: list{finding("a", "web", "base.yaml", 3, "m", "prod"), finding("a", "a-web", "base.yaml", 3, "m", "dev")},
			base: list{finding("a", "web", "base.yaml", 3, "m", "prod")},
			want: []string{"unchanged a a-web base.yaml:3"},
		},
		{
			name: "what is in each unit is told apart",
			head: list{finding("a", "web", "t.yaml", 3, "m", "u"), finding("a", "api", "t.yaml", 3, "m", "v")},
			base: list{finding("a", "web", "x.yaml", 3, "m", "u"), finding("a", "api", "y.yaml", 3, "m", "v"), finding("a", "api", "z.yaml", 3, "m", "u")},
			want: []string{"unchanged a api t.yaml:3", "fixed a api z.yaml:3"},
		},
		{
			name: "suppressed in base and gone",
			base: list{suppressed(finding("a", "web", "w.yaml", 3, "m", "u"))},
		},
		{
			name: "suppressed in head",
			head: list{suppressed(finding("a", "web", "w.yaml", 3, "m", "u"))},
			base: list{finding("a", "web", "w.yaml", 3, "m", "u")},
			want: []string{"unchanged a web w.yaml:3"},
		},
		{
			name: "head failed",
			head: list{finding("render-failed", "", "k.yaml", 1, "m", "u")},
			base: list{finding("a", "web", "w.yaml", 3, "m", "u"), finding("b", "web", "w.yaml", 4, "m", "u", "v")},
			o:    Options{HeadFailed: set("u"), Problem: problem},
			want: []string{"new render-failed - k.yaml:1", "fixed b web w.yaml:4"},
		},
		{
			name: "base failed",
			head: list{finding("a", "web", "w.yaml", 3, "m", "u"), finding("b", "web", "w.yaml", 4, "m", "u", "v"), finding("parse-error", "", "x.yaml", 1, "m", "u")},
			base: list{finding("render-failed", "", "k.yaml", 1, "m", "u")},
			o:    Options{BaseFailed: set("u"), Problem: problem},
			want: []string{"unchanged a web w.yaml:3", "new b web w.yaml:4", "new parse-error - x.yaml:1", "fixed render-failed - k.yaml:1"},
		},
		{
			name: "a problem of no unit is not of a failed one",
			head: list{finding("a", "", "w.yaml", 3, "m")},
			o:    Options{BaseFailed: set("u"), Problem: problem},
			want: []string{"new a - w.yaml:3"},
		},
		{
			name: "problems by rule, file and message",
			head: list{finding("parse-error", "", "x.yaml", 4, "b"), finding("parse-error", "", "y.yaml", 4, "b"), finding("parse-error", "", "x.yaml", 2, "a")},
			base: list{finding("parse-error", "", "x.yaml", 1, "b"), finding("parse-error", "", "z.yaml", 1, "b")},
			o:    Options{Problem: problem},
			want: []string{"new parse-error - x.yaml:2", "unchanged parse-error - x.yaml:4", "new parse-error - y.yaml:4", "fixed parse-error - z.yaml:1"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := brief(Compare(lint.Fold(c.head), lint.Fold(c.base), c.o))
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n\t%q\nwant\n\t%q", got, c.want)
			}
		})
	}
}

// random makes findings that often share rule, object, place and units.
func random(r *rand.Rand) []lint.Finding {
	var list []lint.Finding
	for range r.IntN(30) {
		pick := func(words ...string) string { return words[r.IntN(len(words))] }
		f := finding(pick("a", "b"), pick("web", "api", ""), pick("x.yaml", "y.yaml"), 1+r.IntN(4), pick("m", "n"))
		if r.IntN(4) > 0 {
			f.Units = []string{pick("prod", "stage", "dev")}
		}
		if r.IntN(5) == 0 {
			f = suppressed(f)
		}
		list = append(list, f)
	}
	return lint.Fold(list)
}

func TestProperties(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		head, base := random(r), random(r)
		for _, f := range Compare(head, head, Options{}) {
			if f.Suppressed == nil && f.State != lint.Unchanged {
				t.Fatalf("seed %d: compared with itself: %s %s", seed, f.State, f.Rule)
			}
		}
		want := Compare(head, base, Options{})
		if n := len(want); n < len(head) || n > len(head)+len(base) {
			t.Fatalf("seed %d: %d findings of %d and %d", seed, n, len(head), len(base))
		}
		for range 3 {
			h, b := slices.Clone(head), slices.Clone(base)
			r.Shuffle(len(h), func(i, j int) { h[i], h[j] = h[j], h[i] })
			r.Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] })
			if got := Compare(h, b, Options{}); !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d: the order of the input changes the result:\n%q\n%q", seed, brief(got), brief(want))
			}
		}
		// Nothing of head can be new when base holds all of it and more, and
		// nothing can be fixed the other way round, as long as nothing folds.
		for _, f := range Compare(nil, base, Options{}) {
			if f.State != lint.Fixed || f.Suppressed != nil {
				t.Fatalf("seed %d: %s without a head", seed, f.State)
			}
		}
		for _, f := range Compare(head, nil, Options{}) {
			if f.State != lint.New {
				t.Fatalf("seed %d: %s without a base", seed, f.State)
			}
		}
	}
}
