package lint

import (
	"fmt"
	"slices"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
)

// excusedBy is a folded finding about a file, excused by what is written in a line
// of it.
func excusedBy(rule, file, key, kind, reason string, line int) Finding {
	f := finding(rule, line+1)
	f.Origin.File, f.stable, f.Path = file, key, key
	if kind != "" {
		f.Suppressed = &Suppression{Kind: kind, Reason: reason, Place: manifest.Span{File: file, Line: line, Column: 1}}
	}
	return f
}

func TestAdded(t *testing.T) {
	const pod = "privileged-container"
	comment := func(rule, file, key, reason string, line int) Finding {
		return excusedBy(rule, file, key, "comment", reason, line)
	}
	entry := func(reason string, rules ...string) Ignore {
		return Ignore{Rules: rules, Reason: reason, Place: manifest.Span{File: ".scantling.yaml", Line: 3, Column: 5}}
	}
	for _, tt := range []struct {
		name        string
		head, base  []Finding
		now, before Excuses
		want        []string
	}{
		{name: "nothing"},
		{name: "comment", head: []Finding{comment(pod, "a.yaml", "x", "why", 4)},
			want: []string{"info a.yaml:4 this comment excuses privileged-container: why"}},
		{name: "on a secret", head: []Finding{comment("edited", "a.yaml", "x", "why", 4)},
			want: []string{"low a.yaml:4 this comment excuses edited: why"}},
		{name: "annotation", head: []Finding{excusedBy(pod, "a.yaml", "x", "annotation", "why", 4)},
			want: []string{"info a.yaml:4 this annotation excuses privileged-container: why"}},
		{name: "several rules at one place", head: []Finding{comment(pod, "a.yaml", "x", "why", 4), comment("edited", "a.yaml", "y", "why", 4), comment(pod, "a.yaml", "z", "why", 4)},
			want: []string{"low a.yaml:4 this comment excuses edited, privileged-container: why"}},
		{name: "what was open before", head: []Finding{comment(pod, "a.yaml", "x", "why", 4)}, base: []Finding{excusedBy(pod, "a.yaml", "x", "", "", 4)},
			want: []string{"info a.yaml:4 this comment excuses privileged-container: why"}},
		{name: "not excused", head: []Finding{excusedBy(pod, "a.yaml", "x", "", "", 4)}},
		{name: "there before", head: []Finding{comment(pod, "a.yaml", "x", "why", 9)}, base: []Finding{comment(pod, "a.yaml", "x", "why", 4)}},
		{name: "another reason", head: []Finding{comment(pod, "a.yaml", "x", "why not", 4)}, base: []Finding{comment(pod, "a.yaml", "x", "why", 4)}},
		{name: "moved to another file", head: []Finding{comment(pod, "b.yaml", "x", "why", 9)}, base: []Finding{comment(pod, "a.yaml", "x", "why", 4)}},
		{name: "copied", head: []Finding{comment(pod, "a.yaml", "x", "why", 4), comment(pod, "b.yaml", "x", "why", 9)}, base: []Finding{comment(pod, "a.yaml", "x", "why", 4)},
			want: []string{"info b.yaml:9 this comment excuses privileged-container: why"}},
		{name: "taken away", base: []Finding{comment(pod, "a.yaml", "x", "why", 4)}},
		{name: "a new finding under an old comment of the file", head: []Finding{comment(pod, "a.yaml", "x", "why", 4), comment(pod, "a.yaml", "y", "why", 4)}, base: []Finding{comment(pod, "a.yaml", "x", "why", 4)}},
		{name: "entry", now: Excuses{Ignore: []Ignore{entry("why", pod)}},
			want: []string{"info .scantling.yaml:3 this entry of ignore excuses findings of privileged-container: why"}},
		{name: "entry on secrets", now: Excuses{Ignore: []Ignore{entry("why", "e?ited")}},
			want: []string{"low .scantling.yaml:3 this entry of ignore excuses findings of e?ited: why"}},
		{name: "entry of the allow list", now: Excuses{Ignore: []Ignore{{Allow: true, Rules: []string{"edited"}, Values: []string{"hunter2"}, Reason: "why", Place: manifest.Span{File: ".scantling.yaml", Line: 3}}}},
			want: []string{"low .scantling.yaml:3 this entry of secrets.allow excuses secrets in clear: why"}},
		{name: "entry that holds longer", now: Excuses{Ignore: []Ignore{{Rules: []string{pod}, Reason: "why", Until: day("2027-03-01")}}}, before: Excuses{Ignore: []Ignore{entry("why", pod)}}},
		{name: "entry that was widened", now: Excuses{Ignore: []Ignore{entry("why", pod, "schema")}}, before: Excuses{Ignore: []Ignore{entry("why", pod)}},
			want: []string{"info .scantling.yaml:3 this entry of ignore excuses findings of privileged-container, schema: why"}},
		{name: "entry without effect", now: Excuses{Ignore: []Ignore{entry("", pod)}}},
		{name: "excused by the configuration", head: []Finding{excusedBy(pod, "a.yaml", "x", "configuration", "why", 4)}},
		{name: "exclude", now: Excuses{File: "c", Exclude: []string{"a/**", "b/**"}}, before: Excuses{Exclude: []string{"a/**"}},
			want: []string{"low c:0 the configuration leaves out b/**"}},
		{name: "off", now: Excuses{File: "c", Off: []string{pod, "edited", "schema"}}, before: Excuses{Off: []string{"schema"}},
			want: []string{"low c:0 the configuration turns off rule edited", "info c:0 the configuration turns off rule privileged-container"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rules := append(suppressRules(), &Rule{ID: SuppressionAdded, Fix: "agree", Category: Problems})
			var got []string
			for _, f := range NewSuppressor(rules, nil).Added(tt.head, tt.base, tt.now, tt.before) {
				got = append(got, fmt.Sprintf("%v %s:%d %s", f.Severity, f.Origin.File, f.Origin.Line, f.Message))
				if f.State != New || f.Fingerprint == "" || f.Fix == "" || f.Rule != SuppressionAdded {
					t.Errorf("incomplete: %+v", f)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
	rules := append(suppressRules(), &Rule{ID: SuppressionAdded, Category: Problems})
	no := false
	off := Selection{Rules: map[string]Setting{SuppressionAdded: {Enabled: &no}}}
	if got := NewSuppressor(rules, nil).With(off).Added([]Finding{comment(pod, "a.yaml", "x", "why", 4)}, nil, Excuses{}, Excuses{}); len(got) != 0 {
		t.Errorf("the rule is off, and says %+v", got)
	}
}
