package render

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

func rootOf(t *testing.T, text string) *yaml.Node {
	t.Helper()
	docs, problems := manifest.Limits{}.Parse([]byte(text))
	if len(docs) != 1 || len(problems) > 0 {
		t.Fatalf("%q is no document: %v", text, problems)
	}
	return docs[0]
}

func TestValuesLookup(t *testing.T) {
	view := &valuesView{sources: []*valuesSource{
		{target: []string{"image", "tag"}, text: "set", file: "parameter"},
		{root: rootOf(t, "image: {tag: release}\nlist: [{name: r}]\ngone: null\ndb: {host: release}\n"), file: "release"},
		{root: rootOf(t, "image: {tag: chart, name: chart}\nlist: [{name: a}, {name: b}]\ngone: {a: 1}\nmap: {y: 1, x: 2}\ndb: {port: 1}\nglobal: {zone: chart}\n"), file: "chart"},
		{scope: []string{"db"}, root: rootOf(t, "host: sub\nport: 2\nuser: sub\nglobal: {zone: sub, area: sub}\n"), file: "sub"},
	}}
	for keys, want := range map[string]string{
		"image.tag":     "parameter",
		"image.name":    "chart",
		"image.tag.x":   "",
		"list.0.name":   "release",
		"list.1.name":   "",
		"gone.a":        "",
		"gone":          "release",
		"db.host":       "release",
		"db.port":       "chart",
		"db.user":       "sub",
		"global.zone":   "chart",
		"global.area":   "sub",
		"nothing.there": "",
	} {
		got := ""
		if s, ok := view.lookup(strings.Split(keys, ".")); ok {
			got = s.source.file
		}
		if got != want {
			t.Errorf("%s is set by %q, not %q", keys, got, want)
		}
	}
	for keys, want := range map[string][]string{
		"list.*.name": {"list.0.name"},
		"map.*":       {"map.x", "map.y"},
		"image.*":     {"image.name", "image.tag"},
		"gone.*":      nil,
		"image.tag":   {"image.tag"},
	} {
		var got []string
		for _, p := range view.expand(strings.Split(keys, ".")) {
			got = append(got, strings.Join(p, "."))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s stands for %v, not %v", keys, got, want)
		}
	}
}

func TestSetKey(t *testing.T) {
	for key, elements := range map[string][]string{
		`a.b`:          {"a", "b"},
		`a[0].b`:       {"a", "0", "b"},
		`a.b\.c/d`:     {"a", "b.c/d"},
		`a\,b.c\=d[3]`: {"a,b", "c=d", "3"},
	} {
		if got := setKey(elements); got != key {
			t.Errorf("%v is %s, not %s", elements, got, key)
		}
		if got := setPath(key); !reflect.DeepEqual(got, elements) {
			t.Errorf("%s is %q, not %q", key, got, elements)
		}
	}
	if got := setKey([]string{"a", anyItem, "b"}); got != "a" {
		t.Errorf("of an item that is not known: %s", got)
	}
}

func TestAccounts(t *testing.T) {
	for _, c := range []struct {
		value, shown string
		want         grade
	}{
		{"80", "80", wholeMatch},
		{"80", "8080", noMatch},
		{"1.0", "registry.example.com/web:1.0", partMatch},
		{"web", "registry.example.com/website:1.0", noMatch},
		{`"1.0"`, `"1.0"`, wholeMatch},
		{"1e3", "1000", wholeMatch},
		{"0x10", "16", wholeMatch},
		{"http", "HTTP", wholeMatch},
		{"plain text", "cGxhaW4gdGV4dA==", wholeMatch},
		{`""`, "a", noMatch},
	} {
		if got, _ := accounts(rootOf(t, c.value), c.shown); got != c.want {
			t.Errorf("%s accounts for %q: %d, not %d", c.value, c.shown, got, c.want)
		}
	}
}

func TestTracedText(t *testing.T) {
	traced := &tracedText{
		lines: []string{"a:", "  b: 1", "  c: [x, y]", "d: é1-2"},
		runs:  []run{{1, 1, 0}, {2, 3, 1}, {4, 1, 0}, {4, 5, 2}, {4, 6, 3}, {4, 7, 2}},
		pieces: []piece{
			{file: "t", written: true, line: 1, column: 1, caller: -1}, {action: true, caller: -1}, {action: true, caller: -1},
		},
	}
	var got []string
	for _, s := range traced.parts(4, 4, 8) {
		got = append(got, s.text)
	}
	if want := []string{"é", "1", "-", "2"}; !slices.Equal(got, want) {
		t.Errorf("the parts are %q, not %q", got, want)
	}
	if keys, ok := traced.keysAt(1, 3, 10, manifest.Limits{}); !ok || !slices.Equal(keys, []string{"c", "1"}) {
		t.Errorf("%v, %v", keys, ok)
	}
	if _, ok := traced.keysAt(1, 4, 1, manifest.Limits{}); ok {
		t.Error("a place of another run is found in this one")
	}
	if before, count := traced.rank(5); before != 1 || count != 2 {
		t.Errorf("%d of %d", before, count)
	}
	if _, ok := traced.piece(4); ok {
		t.Error("a run of a piece that is not there has one")
	}
	if traced.runAt(0, 1) != -1 || len(traced.parts(9, 1, 2)) > 0 {
		t.Error("there are runs outside of the text")
	}
}
