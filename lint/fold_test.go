package lint

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// seen is a finding about one container of a Deployment: "unit namespace/name
// container", with ~ before it where the place is only near.
func seen(line int, what string) Finding {
	near := strings.HasPrefix(what, "~")
	words := strings.Fields(strings.TrimPrefix(what, "~"))
	namespace, name, _ := strings.Cut(words[1], "/")
	f := finding("privileged-container", line)
	f.Origin.Exact = !near
	f.Object = Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: namespace, Name: name}
	f.Path = "spec.containers[0].x"
	f.stable = "spec.containers[" + words[2] + "].x"
	f.Message = fmt.Sprintf("container %q of %s is privileged", words[2], name)
	if words[0] != "-" {
		f.Units = []string{words[0]}
	}
	return f
}

func TestFold(t *testing.T) {
	other := func(f Finding, change func(*Finding)) Finding {
		change(&f)
		return f
	}
	for _, tt := range []struct {
		name string
		in   []Finding
		want []string // object, how many more of one unit, units
	}{
		{"overlays", []Finding{seen(3, "prod a/web c"), seen(3, "stage b/web c")}, []string{"Deployment a/web +0 prod stage"}},
		{"overlays with prefixes", []Finding{seen(3, "prod a/p-web c"), seen(3, "stage a/s-web c")}, []string{"Deployment a/p-web +0 prod stage"}},
		{"one line of a template for many objects", []Finding{seen(3, "u a/web c"), seen(3, "u a/api d"), seen(3, "u a/job e")}, []string{"Deployment a/api +2 u"}},
		{"many objects in many units", []Finding{seen(3, "u a/web c"), seen(3, "u a/api d"), seen(3, "v a/api d")}, []string{"Deployment a/api +1 u v"}},
		{"two containers of one object", []Finding{seen(3, "u a/web c"), seen(3, "u a/web d")}, []string{"Deployment a/web +0 u"}},
		{"near one line for many objects", []Finding{seen(3, "~u a/web c"), seen(3, "~u a/api c")}, []string{"Deployment a/api +0 u", "Deployment a/web +0 u"}},
		{"near one line for one object in each unit", []Finding{seen(3, "~u a/u-web c"), seen(3, "~v a/v-web c")}, []string{"Deployment a/u-web +0 u v"}},
		{"near one line for several objects in one of the units", []Finding{seen(3, "~u a/web c"), seen(3, "~v a/web c"), seen(3, "~v a/api c")}, []string{"Deployment a/api +0 v", "Deployment a/web +0 u v"}},
		{"near for different containers", []Finding{seen(3, "~u a/web c"), seen(3, "~v a/web d")}, []string{"Deployment a/web +0 u", "Deployment a/web +0 v"}},
		{"near and of no unit", []Finding{seen(3, "~- a/web c"), seen(3, "~- a/api c")}, []string{"Deployment a/api +0", "Deployment a/web +0"}},
		{
			"near and another fault", []Finding{seen(3, "~u a/web c"), other(seen(3, "~v a/web c"), func(f *Finding) { f.Message = "something else" })},
			[]string{"Deployment a/web +0 u", "Deployment a/web +0 v"},
		},
		{"near what another unit shows to be there", []Finding{seen(3, "~u a/x-web c"), seen(3, "v a/web c"), seen(3, "~u a/y-web c")}, []string{"Deployment a/web +1 u v"}},
		{"near another container's place", []Finding{seen(3, "~u a/web d"), seen(3, "v a/web c")}, []string{"Deployment a/web +0 v", "Deployment a/web +0 u"}},
		{"only the file is known", []Finding{seen(0, "~u a/web c"), seen(0, "~v a/api c")}, []string{"Deployment a/api +0 v", "Deployment a/web +0 u"}},
		{
			"two fields missing at one place", []Finding{seen(3, "u a/web c"), other(seen(3, "u a/web c"), func(f *Finding) { f.Path, f.stable = "spec.containers[0].y", "spec.containers[c].y" })},
			[]string{"Deployment a/web +0 u", "Deployment a/web +0 u"},
		},
		{"two lines", []Finding{seen(3, "u a/web c"), seen(4, "u a/api c")}, []string{"Deployment a/web +0 u", "Deployment a/api +0 u"}},
		{
			"problems by what they say", []Finding{finding("schema", 3), finding("schema", 3), other(finding("schema", 3), func(f *Finding) { f.Message = "n" })},
			[]string{" +0", " +0"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			var first []Finding
			for range 5 {
				r.Shuffle(len(tt.in), func(i, j int) { tt.in[i], tt.in[j] = tt.in[j], tt.in[i] })
				folded := Fold(slices.Clone(tt.in))
				var got []string
				prints := map[string]bool{}
				for _, f := range folded {
					got = append(got, strings.TrimSpace(fmt.Sprintf("%s +%d %s", f.Object, f.More(), strings.Join(f.Units, " "))))
					prints[f.Fingerprint] = true
				}
				want := slices.Clone(tt.want)
				for i := range want {
					want[i] = strings.TrimSpace(want[i])
				}
				if !slices.Equal(got, want) {
					t.Fatalf("got %q, want %q", got, want)
				}
				if len(prints) != len(folded) {
					t.Errorf("%d fingerprints for %d findings", len(prints), len(folded))
				}
				if first != nil && !reflect.DeepEqual(folded, first) {
					t.Error("the order of the findings changes what they fold to")
				}
				first = folded
			}
		})
	}
}

func TestFoldTakesTheWorst(t *testing.T) {
	low := seen(3, "u a/api c")
	low.Severity = Low
	got := Fold([]Finding{low, seen(3, "u a/web c")})
	if len(got) != 1 || got[0].Severity != High || len(got[0].Objects()) != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestOccurrences(t *testing.T) {
	got := Fold([]Finding{seen(3, "prod a/web c"), seen(3, "stage b/web c"), seen(3, "stage a/web c")})
	var pairs []string
	for _, o := range got[0].Occurrences() {
		pairs = append(pairs, strings.Split(o.Key, "\x00")[3]+" in "+o.Unit)
	}
	if want := []string{"a in prod", "a in stage", "b in stage"}; !slices.Equal(pairs, want) {
		t.Errorf("got %q, want %q", pairs, want)
	}
	if n := len(got[0].Keys()); n != 2 {
		t.Errorf("%d keys", n)
	}
}

const written = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  containers:
    - name: app
      image: x
    - image: y
      name: side
      resources: {}
---
kind: Deployment
metadata: {name: other}
spec:
  containers:
  - name: app
    image: x
`

// TestFingerprint: it stays when the file grows, and when more units and objects
// have the same cause.
func TestFingerprint(t *testing.T) {
	print := func(text string, in ...Finding) []string {
		Situate(in, func(string) []byte { return []byte(text) })
		var prints []string
		for _, f := range Fold(in) {
			prints = append(prints, f.Fingerprint)
		}
		return prints
	}
	want := print(written, seen(8, "prod p/web app"), seen(9, "prod p/web side"), seen(18, "prod p/other app"))
	if len(slices.Compact(slices.Sorted(slices.Values(want)))) != 3 {
		t.Fatalf("not three: %q", want)
	}
	grown := "# head\n" + strings.Replace(written, "  containers:\n    - name: app", "  replicas: 2\n  containers:\n    # first\n    - name: new\n      image: x\n    - name: app", 1)
	for name, got := range map[string][]string{
		"more units": print(written, seen(8, "dev a/a-web app"), seen(8, "prod p/web app"), seen(9, "dev a/a-web side"), seen(9, "prod p/web side"), seen(18, "prod p/other app")),
		"grown":      print(grown, seen(13, "prod p/web app"), seen(14, "prod p/web side"), seen(23, "prod p/other app")),
		"one gone":   append(want[:1:1], print(written, seen(9, "prod p/web side"), seen(18, "prod p/other app"))...),
	} {
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestCrumbs(t *testing.T) {
	o := newOutline(written + "---\n{{- range .Values.all }}\nkind: Pod\nmetadata:\n  name: {{ .name }}\n  {{- with .labels }}\n  labels: {a: b}\n  {{- end }}\n")
	for line, want := range map[int]string{
		1:  "kind: Deployment name: web|apiVersion",
		8:  "kind: Deployment name: web|image|[app]|name|containers|spec",
		9:  "kind: Deployment name: web|[side]|image|containers|spec",
		11: "kind: Deployment name: web|resources|[side]|image|containers|spec",
		18: "kind: Deployment |image|[app]|name|containers|spec",
		25: "kind: Pod name: {{ .name }}|labels|metadata",
		99: "",
	} {
		if got := strings.ReplaceAll(o.crumbs(line), "\x00", "|"); got != want {
			t.Errorf("line %d: %q, want %q", line, got, want)
		}
	}
}

// TestSettle: where a field is written is asked for late, and once.
func TestSettle(t *testing.T) {
	o := object(t, "kind: Pod\nspec:\n  hostPID: true\n")
	asked := 0
	o = manifest.New(o.Node, manifest.Origin{Span: manifest.Span{File: "a.yaml", Line: 1}, Via: []manifest.Step{{What: "unit"}}}, func(q manifest.Query) (manifest.Origin, bool) {
		asked++
		return manifest.Origin{Span: manifest.Span{File: "values.yaml", Line: q.Node.Line}, Exact: true, Via: []manifest.Step{{What: "template"}}}, true
	})
	rule := &Rule{ID: "schema"}
	var findings []Finding
	p := &Pass{Rule: rule, Object: o, report: func(f Finding) { findings = append(findings, f) }}
	p.Report(field.NewPath("spec", "hostPID"), "m")
	if asked != 0 || len(Unsettled(findings)) != 1 {
		t.Errorf("asked %d times before it was settled, %d to settle", asked, len(Unsettled(findings)))
	}
	Settle(findings)
	Settle(findings)
	if f := findings[0]; asked != 1 || f.Origin.Line != 3 || f.own != 1 || len(f.Origin.Via) != 2 || len(Unsettled(findings)) != 0 {
		t.Errorf("asked %d times: %+v", asked, f)
	}
}
