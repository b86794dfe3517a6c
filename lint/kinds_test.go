package lint

import (
	"slices"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A rule that joins sees all objects of a cluster and reports on those that are to
// be judged.
func TestJudged(t *testing.T) {
	docs, _ := manifest.Parse([]byte(`{apiVersion: v1, kind: Service, metadata: {name: a}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
---
{apiVersion: v1, kind: Service, metadata: {name: c}}
---
{apiVersion: v1, kind: Secret, metadata: {name: d}}
`))
	var objects []*manifest.Object
	for _, d := range docs {
		objects = append(objects, manifest.Objects(d, manifest.Origin{}, nil)...)
	}
	service, configMap := schema.GroupKind{Kind: "Service"}, schema.GroupKind{Kind: "ConfigMap"}
	names := func(list []*manifest.Object) string {
		var all []string
		for _, o := range list {
			all = append(all, o.Name)
		}
		return strings.Join(all, " ")
	}
	for _, test := range []struct {
		judges      func(*manifest.Object) bool
		own, config string
		all, found  string
	}{
		{nil, "a c", "b", "a b c d", "a b c d"},
		{func(o *manifest.Object) bool { return o.Name > "a" }, "c", "b", "b c d", "b c d"},
		{func(*manifest.Object) bool { return false }, "", "", "", ""},
	} {
		rule := &Rule{ID: "rule", Title: "t", Why: "w", Fix: "f", Since: "0.1.0", Category: Network, Kinds: []schema.GroupKind{service}, CheckAll: func(p *Pass) {
			if got := names(p.Judged()); got != test.own {
				t.Errorf("judged are %q, not %q", got, test.own)
			}
			if got := names(p.Judged(configMap)); got != test.config {
				t.Errorf("judged are %q, not %q", got, test.config)
			}
			if got := names(p.Judged(Any...)); got != test.all {
				t.Errorf("judged are %q, not %q", got, test.all)
			}
			if got := names(p.Of(configMap, service, schema.GroupKind{Kind: "Pod"})); got != "a b c" {
				t.Errorf("of two kinds are %q", got)
			}
			for _, o := range p.Objects {
				p.ReportOn(o, Low, nil, "wrong")
			}
		}}
		l, err := NewLinter([]*Rule{rule}, Selection{})
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, f := range l.Cluster(&Cluster{Objects: objects, Judges: test.judges}) {
			found = append(found, f.Object.Name)
		}
		if got := strings.Join(found, " "); got != test.found {
			t.Errorf("findings on %q, not %q", got, test.found)
		}
	}
}

// A rule that fails on one cluster after the other fails once.
func TestFailuresFold(t *testing.T) {
	rule := &Rule{ID: "rule", Title: "t", Why: "w", Fix: "f", Since: "0.1.0", Category: Network, Kinds: Any, CheckAll: func(*Pass) { panic("broken") }}
	l, err := NewLinter([]*Rule{rule}, Selection{})
	if err != nil {
		t.Fatal(err)
	}
	findings := Fold(slices.Concat(l.Cluster(&Cluster{}), l.Cluster(&Cluster{})))
	if len(findings) != 1 || findings[0].Rule != "internal" {
		t.Errorf("%v", findings)
	}
}
