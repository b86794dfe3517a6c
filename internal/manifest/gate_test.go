package manifest

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"go.yaml.in/yaml/v3"
)

// bomb is a document of lists, each of ten aliases to the one before it.
func bomb(levels int, first string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "a0: &a0 %s\n", first)
	for i := 1; i <= levels; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9), i-1)
	}
	return b.String()
}

func utf16Text(s string, little bool) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune("\ufeff" + s)) {
		if little {
			b.WriteString(string([]byte{byte(u), byte(u >> 8)}))
		} else {
			b.WriteString(string([]byte{byte(u >> 8), byte(u)}))
		}
	}
	return b.String()
}

// hostile are texts that no parser may see. Parse refuses them as Check does.
var hostile = []struct {
	name, text string
	limits     Limits
	class      ProblemClass
	limit      string
	line       int
	says       string
}{
	{"size", "a: 12345678", Limits{FileSize: 10}, LimitSize, "file-size", 0, "larger than 10 bytes"},
	{"size in MiB", strings.Repeat("a", 2<<20+1), Limits{FileSize: 2 << 20}, LimitSize, "file-size", 0, "larger than 2 MiB"},
	{"size of decoded UTF-16", utf16Text(strings.Repeat("ऄ", 400), true), Limits{FileSize: 1000}, LimitSize, "file-size", 0, "larger"},
	{"NUL", "a: 1\nb: x\x00y\n", Limits{}, Encoding, "", 2, "NUL byte"},
	{"invalid UTF-8", "a: 1\nb: é\xffy\n", Limits{}, Encoding, "", 2, "no valid UTF-8"},
	{"overlong UTF-8", "a: \xc0\x80", Limits{}, Encoding, "", 1, "no valid UTF-8"},
	{"surrogate in UTF-8", "a: \xed\xa0\x80", Limits{}, Encoding, "", 1, "no valid UTF-8"},
	{"UTF-16LE without mark", "a\x00:\x00 \x001\x00", Limits{}, Encoding, "", 0, "UTF-16 without a byte order mark"},
	{"UTF-16BE without mark", "\x00a\x00:\x00 \x001", Limits{}, Encoding, "", 0, "UTF-16 without a byte order mark"},
	{"UTF-16 odd", "\xff\xfea\x00:", Limits{}, Encoding, "", 0, "ends within a character"},
	{"UTF-16 half pair", "\xff\xfe\x0a\x00\x00\xd8a\x00", Limits{}, Encoding, "", 2, "half a surrogate pair"},
	{"UTF-16 half pair at the end", "\xff\xfe\x00\xd8", Limits{}, Encoding, "", 1, "half a surrogate pair"},
	{"UTF-16 NUL", "\xff\xfea\x00\x00\x00", Limits{}, Encoding, "", 1, "NUL byte"},
	{"UTF-32LE", "\xff\xfe\x00\x00a\x00\x00\x00", Limits{}, Encoding, "", 0, "UTF-32"},
	{"UTF-32BE", "\x00\x00\xfe\xff\x00\x00\x00a", Limits{}, Encoding, "", 0, "UTF-32"},
	{"UTF-32LE without mark", "a\x00\x00\x00", Limits{}, Encoding, "", 0, "UTF-32 without a byte order mark"},
	{"flow lists", strings.Repeat("[", 300) + strings.Repeat("]", 300), Limits{}, LimitDepth, "depth", 1, "nested deeper than 200 levels"},
	{"flow mappings", strings.Repeat("{a: ", 300) + strings.Repeat("}", 300), Limits{}, LimitDepth, "depth", 1, "deeper"},
	{"pairs in flow lists", strings.Repeat("[a: ", 120) + "1" + strings.Repeat("]", 120), Limits{}, LimitDepth, "depth", 1, "deeper"},
	{"brackets hidden behind quoted ones", "a: " + strings.Repeat("[ \"]\", ", 300) + strings.Repeat("]", 300), Limits{}, LimitDepth, "depth", 1, "deeper"},
	{"brackets hidden behind those of a comment", "a:\n" + strings.Repeat("  [ # ]\n", 300) + strings.Repeat("]", 300), Limits{}, LimitDepth, "depth", 0, "deeper"},
	{"brackets hidden in tags", "a: " + strings.Repeat("[ !x] ", 300) + strings.Repeat("]", 300), Limits{}, LimitDepth, "depth", 1, "deeper"},
	{"JSON", strings.Repeat(`{"a":[`, 150) + strings.Repeat("]}", 150), Limits{}, LimitDepth, "depth", 1, "deeper"},
	{"lists in a line", strings.Repeat("- ", 300) + "a", Limits{}, LimitDepth, "depth", 1, "deeper"},
	{"keys in a line", strings.Repeat("? ", 300) + "a", Limits{}, LimitDepth, "depth", 1, "deeper"},
	{"indentation", indented(201), Limits{}, LimitDepth, "depth", 201, "deeper"},
	{"lists below their keys", "a:\n- b:\n  - c:\n    - d: 1\n", Limits{Depth: 6}, LimitDepth, "depth", 4, "nested deeper than 6 levels"},
	{"depth by aliases", "a: &a " + strings.Repeat("[", 150) + strings.Repeat("]", 150) + "\nb: " + strings.Repeat("[", 100) + "*a" + strings.Repeat("]", 100), Limits{}, LimitDepth, "depth", 2, "deeper"},
	{"depth after a line break of its own", "a: \"x\u2028[[[[\"\nb: [[[[]]]]\n", Limits{Depth: 4}, LimitDepth, "depth", 0, "deeper"},
	{"bomb", bomb(9, "[x,x,x,x,x,x,x,x,x,x]"), Limits{}, LimitAlias, "alias-nodes", 0, "aliases expand to more than 1000000 nodes"},
	{"bomb of 100 levels", bomb(100, "[x]"), Limits{}, LimitAlias, "alias-nodes", 0, "aliases expand"},
	{"bomb of one long value", bomb(4, strings.Repeat("x", 1<<10)), Limits{}, LimitAlias, "", 1, "10 times the bytes that are written"},
	{"bomb of a long key", bomb(4, "{"+strings.Repeat("x", 1<<10)+": 1}"), Limits{}, LimitAlias, "", 1, "10 times the bytes"},
	{"bomb of aliases as keys", "a: &a " + strings.Repeat("x", 1<<20) + "\nb:\n" + strings.Repeat("- {*a : 1}\n", 20), Limits{}, LimitAlias, "", 1, "10 times the bytes"},
	{"bomb of merge keys", "a0: &a0 {b: [1,2,3,4,5,6,7,8]}\n" + strings.Repeat("c:\n  <<: [*a0, *a0, *a0, *a0]\n", 40), Limits{AliasNodes: 1000}, LimitAlias, "alias-nodes", 0, "aliases expand to more than 1000 nodes"},
	{"bomb of documents", strings.Repeat("---\na: &a ["+strings.Repeat("x,", 30)+"]\nb: ["+strings.Repeat("*a,", 300)+"]\n", 200), Limits{}, LimitAlias, "alias-nodes", 0, "aliases expand"},
	{"cycle", "a: &a [*a]\n", Limits{}, AliasCycle, "", 1, "contains it"},
	{"cycle in a mapping", "a: &a\n  b:\n    c: *a\n", Limits{}, AliasCycle, "", 3, "contains it"},
	{"cycle by a merge", "a: &a\n  <<: *a\n", Limits{}, AliasCycle, "", 2, "contains it"},
	{"cycle by a list of merges", "a: &a {<<: [*a]}\n", Limits{}, AliasCycle, "", 1, "contains it"},
	{"cycle by a key", "&a {*a : 1}\n", Limits{}, AliasCycle, "", 1, "contains it"},
	{"cycle of the root", "&a [*a]\n", Limits{}, AliasCycle, "", 1, "contains it"},
	{"documents", strings.Repeat("---\na: 1\n", 4), Limits{Documents: 3}, LimitDocs, "documents", 7, "more than 3 documents"},
	{"empty documents", strings.Repeat("---\n", 20_001), Limits{}, LimitDocs, "documents", 20_001, "more than 20000 documents"},
	{"documents without separators", "a: 1\n...\nb: 2\n...\nc: 3\n...\n# no\n...\nd: 4\n", Limits{Documents: 3}, LimitDocs, "documents", 9, "more than 3 documents"},
	{"JSON documents", strings.Repeat("{}", 4), Limits{Documents: 3}, LimitDocs, "documents", 1, "more than 3 documents"},
	{"directives", strings.Repeat("%TAG !a! b\n", 101) + "--- a", Limits{}, LimitDocs, "", 0, "more than 100 directives"},
	{"nodes between odd line breaks", strings.Repeat("- a\r- b\u0085- c\u2028", 40_000), Limits{AliasNodes: 100_000}, LimitSize, "alias-nodes", 0, "can hold more than 100000 values"},
	{"nodes behind byte order marks", "a\ufeff\n" + strings.Repeat("x- a\n", 110_000), Limits{AliasNodes: 100_000}, LimitSize, "alias-nodes", 0, "can hold more than 100000 values"},
	{"directives between odd line breaks", strings.Repeat("%TAG !a! b\r", 101) + "--- a", Limits{}, LimitDocs, "", 0, "more than 100 directives"},
	{"documents between odd line breaks", strings.Repeat("---\ra\r", 4), Limits{Documents: 3}, LimitDocs, "documents", 7, "more than 3 documents"},
	{"comments", strings.Repeat("- a # c\n# d\n\n# e\n", 10_000), Limits{AliasNodes: 100_000}, LimitSize, "alias-nodes", 0, "can hold more than 100000 values"},
	{"nodes", "[" + strings.Repeat("1,", 60_000) + "]", Limits{AliasNodes: 100_000}, LimitSize, "alias-nodes", 0, "can hold more than 100000 values"},
}

func indented(levels int) string {
	var b strings.Builder
	for i := range levels {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestRefused(t *testing.T) {
	for _, tt := range hostile {
		_, checked := tt.limits.Check([]byte(tt.text))
		_, problems := tt.limits.Parse([]byte(tt.text))
		if len(problems) == 0 {
			t.Errorf("%s: Parse finds nothing", tt.name)
			continue
		}
		for from, e := range map[string]*ReadError{"Check": checked, "Parse": problems[0]} {
			switch {
			case e == nil:
				t.Errorf("%s: %s finds nothing", tt.name, from)
			case e.Class != tt.class || e.Limit != tt.limit || !strings.Contains(e.Message, tt.says):
				t.Errorf("%s: %s says %s (%s): %v", tt.name, from, e.Class, e.Limit, e)
			case tt.line > 0 && e.Line != tt.line:
				t.Errorf("%s: %s is at line %d, want %d", tt.name, from, e.Line, tt.line)
			}
		}
	}
}

// TestLetPass are texts that look like what is refused.
func TestLetPass(t *testing.T) {
	for name, text := range map[string]string{
		"empty":                "",
		"as deep as allowed":   strings.Repeat("[", 200) + strings.Repeat("]", 200),
		"as deep by lines":     indented(200),
		"as deep by aliases":   "a: &a " + strings.Repeat("[", 150) + strings.Repeat("]", 150) + "\nb: " + strings.Repeat("[", 49) + "*a" + strings.Repeat("]", 49),
		"brackets in text":     "a: |\n" + strings.Repeat("  [[[{{{\n", 1000),
		"brackets in comments": strings.Repeat("# [[[\n", 1000) + "a: 1",
		"aliases":              "a: &a {b: 1}\nc: [*a, *a, {<<: *a}]\n",
		"aliases in text":      "a: |\n  *b && *c & &d\n",
		"an anchor twice":      "a: &a 1\nb: &a [2]\nc: [*a, *a]\n",
		"syntax errors":        "a: [\n---\nb: *c\n---\n\t@\n",
		"duplicate keys":       "a: 1\na: 2\n",
		"as many documents":    strings.Repeat("---\na: 1\n", 20_000),
		"separators in text":   "# x\n---\na: |\n" + strings.Repeat("  ---\n ---\n", 30_000),
		"many comments":        strings.Repeat("# one\n# two\n", 500_000),
		"many values":          strings.Repeat("a: {b: [1, 2, 3]}\n---\n", 10_000),
	} {
		if _, err := (Limits{}).Check([]byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestScan(t *testing.T) {
	l := Limits{}.orDefault()
	for text, harmless := range map[string]bool{
		deployment:               true,
		"args: [\"*\", 'a&b']\n": true,
		"a: b && c\nd: '*'\ne: x*y\nf: https://x/?a=1&b=2\n":                     true,
		strings.Repeat("verbs: [get, list]\nemptyDir: {}\n", 1000):               true,
		strings.Repeat("---\nverbs: [\"get\", \"list\"]\nx: {\"a\": 1}\n", 1000): true,
		"a: &x 1\nb: *x\n":             false,
		"a: &x 1\nb: 2\n":              true,
		"a: 1\rb: 2\n":                 false,
		"a: 1\r\nb: 2\r\n":             true,
		"a: é\nb: \u00a0\nc: \u2022\n": true,
		"a: \u0085\n":                  false,
		"{\"a\": 1}":                   false,
		"%YAML 1.1\n--- a\n":           false,
	} {
		if got := l.survey([]byte(text)).harmless; got != harmless {
			t.Errorf("%.60q: harmless is %v", text, got)
		}
	}
}

func TestCheckedText(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"plain", "a: 1\r\nb: é\n", "a: 1\r\nb: é\n"},
		{"mark", "\ufeffa: 1\n", "a: 1\n"},
		{"marks before documents", "\ufeffa: 1\n\ufeff---\r\n\ufeffb: 2\n--- x\n\ufeffy\n", "a: 1\n---\r\nb: 2\n--- x\n\ufeffy\n"},
		{"a mark in text", "a: \ufeffb\n", "a: \ufeffb\n"},
		{"UTF-16LE", utf16Text("a: é😀\r\n", true), "a: é😀\r\n"},
		{"UTF-16BE", utf16Text("a: é😀\r\n", false), "a: é😀\r\n"},
		{"UTF-16 of nothing", "\xff\xfe", ""},
	} {
		got, err := Limits{}.Check([]byte(tt.text))
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
}

// TestRefusedFast: what is refused is refused in one look at each node, so a
// test that must never end says it.
func TestRefusedFast(t *testing.T) {
	var b strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d, *a%d]\n", i, i, max(i-1, 0), max(i-1, 0))
	}
	text := strings.Replace(b.String(), "[*a0, *a0]", "x", 1)
	if _, err := (Limits{}).Check([]byte(text)); err == nil {
		t.Error("2^20000 nodes pass")
	}
}

// TestOneNode: what an alias stands for is shared, so memory stays that of the
// source.
func TestOneNode(t *testing.T) {
	docs, problems := Parse([]byte("a: &a {b: 1}\nc: *a\nd: {<<: *a}\n"))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	a, c, d := Get(docs[0], "a"), Get(docs[0], "c"), Get(docs[0], "d")
	if a != c || Get(d, "b") != Get(a, "b") {
		t.Error("an alias is a copy")
	}
	var aliases func(n *yaml.Node) int
	aliases = func(n *yaml.Node) (count int) {
		if n.Kind == yaml.AliasNode {
			count++
		}
		for _, c := range n.Content {
			count += aliases(c)
		}
		return count
	}
	if n := aliases(docs[0]); n > 0 {
		t.Errorf("%d aliases are left", n)
	}
}

// realistic is a megabyte of manifests as people write them.
func realistic() []byte {
	one := "---\n" + deployment + `---
# Source: chart/templates/rbac.yaml
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: "reader", namespace: shop, labels: {app.kubernetes.io/name: "reader"}}
rules:
  - apiGroups: ["", "apps"]
    resources: ["pods", "deployments"]
    verbs: ["get", "list", "*"]
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: script
data:
  run.sh: |
    #!/bin/sh
    if [ -f "$HOME/x" ] && [ "$1" != 'y' ]; then echo "${A[@]}" & fi
    for f in *.txt; do cat "$f"; done # all of them
  description: The text of a custom resource's description goes on, and on, as
    generated ones do (see https://example.org/docs#anchor); it is "quoted" now
    and then, and doesn't mean anything.
`
	return []byte(strings.Repeat(one, 1<<20/len(one)))
}

func BenchmarkGate(b *testing.B) {
	text := realistic()
	l := Limits{}.orDefault()
	b.Run("scan", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if !l.survey(text).harmless {
				b.Fatal("the scan proves nothing")
			}
		}
	})
	b.Run("check", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if _, err := l.Check(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if _, problems := l.Parse(text); len(problems) > 0 {
				b.Fatal(problems[0])
			}
		}
	})
}
