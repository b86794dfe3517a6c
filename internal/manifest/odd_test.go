package manifest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	sigs "sigs.k8s.io/yaml"
)

// TestScalarsAsTheAPIServer puts each scalar where a boolean, a text, a number
// and a number or text belongs, and holds our decoding against that of the API
// server's reader: it must find the same value, or both must find fault.
func TestScalarsAsTheAPIServer(t *testing.T) {
	scalars := []string{
		"yes", "Yes", "YES", "yEs", "no", "No", "on", "On", "off", "OFF", "y", "Y", "n", "N", "true", "True", "TRUE", "tRUE", "false",
		"!!bool yes", "!!bool true", "!!str yes", "'yes'", "\"no\"", "'y'",
		"~", "null", "Null", "NULL", "nUll", "''", "'null'",
		"0", "-0", "+1", "17", "017", "0o17", "0o8", "08", "0x1F", "0b11", "1_000", "1__0", "_1", "0_1", "1e3", "1.0", "1.", ".5", "1.5", "190:20:30", "12345678901234567890", "2147483648", "'1'", "!!str 1", "!!int '3'", "!!float 1",
		"2001-01-01", "2001-12-14t21:59:43.10-05:00", "=", "<<", "a", "a b", "a\tb", "\"a\\tb\"", "!custom x",
	}
	for _, s := range scalars {
		text := fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata:\n  labels:\n    a: %s\nspec:\n  hostNetwork: %[1]s\n  priority: %[1]s\n  containers:\n    - readinessProbe: {httpGet: {port: %[1]s}}\n", s)
		docs, problems := Parse([]byte(text))
		if len(problems) > 0 || len(docs) != 1 {
			t.Errorf("%s: %v", s, problems)
			continue
		}
		o := New(docs[0], Origin{}, nil)
		ours := o.Typed().(*corev1.Pod)
		faults := map[string]bool{}
		for _, e := range o.SchemaErrors() {
			faults[e.Path.String()] = true
		}
		for _, f := range []struct {
			path, text string
			value      func(p *corev1.Pod) any
		}{
			{"metadata.labels[a]", "metadata:\n  labels:\n    a: %s\n", func(p *corev1.Pod) any { return p.Labels["a"] }},
			{"spec.hostNetwork", "spec:\n  hostNetwork: %s\n", func(p *corev1.Pod) any { return p.Spec.HostNetwork }},
			{"spec.priority", "spec:\n  priority: %s\n", func(p *corev1.Pod) any {
				if p.Spec.Priority == nil {
					return nil
				}
				return *p.Spec.Priority
			}},
			{"spec.containers[0].readinessProbe.httpGet.port", "spec:\n  containers:\n    - readinessProbe: {httpGet: {port: %s}}\n", func(p *corev1.Pod) any { return p.Spec.Containers[0].ReadinessProbe.HTTPGet.Port }},
		} {
			var theirs corev1.Pod
			// As clients do it: the JSON is made without knowing the type.
			text, err := sigs.YAMLToJSON(fmt.Appendf(nil, f.text, s))
			if err == nil {
				err = json.Unmarshal(text, &theirs)
			}
			switch {
			case err == nil && faults[f.path]:
				t.Errorf("%s: %s is a fault to us, and %v to the API server", f.path, s, f.value(&theirs))
			case err == nil && f.value(ours) != f.value(&theirs):
				t.Errorf("%s: %s is %v to us, and %v to the API server", f.path, s, f.value(ours), f.value(&theirs))
			case err != nil && !faults[f.path] && f.path != "spec.containers[0].readinessProbe.httpGet.port":
				t.Errorf("%s: %s is fine to us; the API server says %v", f.path, s, err)
			}
		}
	}
}

// TestMergeAsTheAPIServer holds merged mappings against the API server's reader.
func TestMergeAsTheAPIServer(t *testing.T) {
	for _, text := range []string{
		"<<: {a: 1}\na: 2\n", "a: 1\n<<: {a: 2}\n", "<<: [{a: 1, b: 1}, {a: 2, c: 2}]\n", "<<: {a: 1}\nb: 2\n<<: {a: 3}\n",
		"x: &x {a: 1}\ny: &y {<<: *x, b: 2}\nz: {<<: [*y, *x], a: 3}\n", "x: &x {a: 1}\ny: {b: {<<: *x}, <<: *x}\n",
		"'<<': {a: 1}\n", "!!str <<: {a: 1}\n", "!!merge <<: {a: 1}\n", "<<: 5\n", "<<: [1]\n", "<<:\n", "<<: {}\n", "a: <<\n",
		"a: 1\na: 2\n", "a: 1\n'a': 2\na: 3\n", "a: 1\n<<: {a: 2}\na: 3\n", "<<: &x {a: 1}\nb: {<<: *x}\n",
	} {
		want, err := sigs.YAMLToJSON([]byte(text))
		docs, problems := Parse([]byte(text))
		if err != nil {
			if len(docs) > 0 || len(problems) != 1 || problems[0].Class != ParseError {
				t.Errorf("%q: the API server says %v, we %v", text, err, problems)
			}
			continue
		}
		if len(docs) != 1 {
			t.Errorf("%q: %v", text, problems)
			continue
		}
		// Written anew, without merge keys and with the last of the same keys.
		again, err := yaml.Marshal(lastKeys(docs[0]))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := sigs.YAMLToJSON(again); err != nil || string(got) != string(want) {
			t.Errorf("%q: the API server reads %s, we %s (%v)", text, want, got, err)
		}
	}
}

func lastKeys(n *yaml.Node) *yaml.Node {
	c := *n
	c.Anchor, c.Content = "", nil
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode {
			if i%2 == 1 || Get(n, child.Value) != n.Content[i+1] {
				continue
			}
			c.Content = append(c.Content, lastKeys(child), lastKeys(n.Content[i+1]))
			continue
		}
		c.Content = append(c.Content, lastKeys(child))
	}
	return &c
}

// TestOddStreams: each text gives these documents, written as line:column of
// the root and its entries, and these problems.
func TestOddStreams(t *testing.T) {
	for _, tt := range []struct{ name, text, docs, problems string }{
		{"CRLF", "a: 1\r\n---\r\nb: 2\r\n...\r\n---\r\nc: 'x\r\n  y'\r\n", "1:1 a=1, 3:1 b=2, 6:1 c=x y", ""},
		{"CRLF in a block scalar", "a: |\r\n  x\r\n  y\r\nb: 1\r\n", "1:1 a=x\ny\n b=1", ""},
		{"lone CR", "a: 1\rb: 2\r", "1:1 a=1 b=2", ""},
		{"mark", "\ufeffa: 1\n---\nb: 2\n", "1:1 a=1, 3:1 b=2", ""},
		{"marks on later documents", "a: 1\n\ufeff---\n\ufeffb: 2\n", "1:1 a=1, 3:1 b=2", ""},
		{"UTF-16", utf16Text("a: é\nb: 2\n", true), "1:1 a=é b=2", ""},
		{"mark before JSON", "\ufeff{\"a\":\t1}", "1:1 a=1", ""},
		{"tab before a value", "a:\t1\nb: 2\t# c\n", "1:1 a=1 b=2", ""},
		{"tab in the indentation", "a:\n\tb: 1\n---\nc: 1\n", "4:1 c=1", "parse-error 2"},
		{"tabs in JSON", "{\n\t\"a\":\t1,\n\t\"b\": \"\\t\"\n}\n", "1:1 a=1 b=\t", ""},
		{"duplicate keys", "a: 1\nb: 2\na: 3\n", "1:1 a=1 b=2 a=3", "duplicate-key 3"},
		{"duplicate keys below", "a:\n  b: 1\n  \"b\": 2\n---\nc: 1\n", "1:1 a=, 5:1 c=1", "duplicate-key 3"},
		{"duplicate keys of a large mapping", indentedKeys(40) + "k7: 1\n", "", "duplicate-key 41"},
		{"a merge over a written key", "b: &b {x: 1}\na:\n  x: 2\n  <<: *b\n", "1:1 b= a=", "duplicate-key 4"},
		{"a merge of what is no mapping", "a:\n  <<: 5\n---\nb: 1\n", "4:1 b=1", "parse-error 2"},
		{"empty", "", "", ""},
		{"only comments", "# a\n---\n# b\n---\n\n...\n---\n", "", ""},
		{"null documents", "null\n---\n~\n---\n---\na: 1\n", "6:1 a=1", ""},
		{"JSON", "{\"a\": {\"b\": 1}}", "1:1 a=", ""},
		{"JSON documents", "{\"a\": 1}\n{\"b\": 2} {\"c\":\n 3}", "1:1 a=1, 2:1 b=2, 2:10 c=3", ""},
		{"JSON escapes", "{\"a\\/b\": \"\\ud83d\\ude00\", \"c\": \"\\ud800x\\/\\u0041\\n\", \"d\": 1}", "1:1 a/b=😀 c=\ufffdx/A\n d=1", ""},
		{"JSON documents with separators", "{\"a\": 1}\n---\n{\"b\": 2}\n", "1:1 a=1, 3:1 b=2", ""},
		{"JSON with a fault", "{\"a\": 1}\n{\"b\": }x\n", "1:1 a=1", "parse-error 1"},
		{"numeric keys", "1: a\n0x10: b\n1.5: c\n", "1:1 1=a 0x10=b 1.5=c", ""},
		{"on the separator's line", "--- {a: 1}\n--- # comment\nb: 2\n--- !!map\nc: 3\n", "1:5 a=1, 3:1 b=2, 4:5 c=3", ""},
		{"directives", "%YAML 1.1\n%TAG !e! tag:example.org,2000:\n---\na: !e!x 1\n...\n%YAML 1.1\n---\nb: 2\n", "4:1 a=1, 8:1 b=2", ""},
		{"directives beside a fault", "%TAG !e! tag:example.org,2000:\n---\na: !e!x 1\n...\n%TAG !f! tag:example.org,2000:\n---\nb: !f!x 2\n---\nc: [\n", "3:1 a=1, 7:1 b=2", "parse-error 9"},
		{"YAML 1.2", "%YAML 1.2\n---\na: 1\n...\n---\nb: 2\n", "6:1 b=2", "parse-error 1"},
		{"terminators", "a: 1\n...\nb: 2\n...\n...\n--- c\n...\n", "1:1 a=1, 3:1 b=2, 6:5", ""},
		{"terminators beside a fault", "a: [\n...\nb: 2\n...\n# x\n---\nc: 3\n", "3:1 b=2, 7:1 c=3", "parse-error 1"},
		{"a separator in a block scalar beside a fault", "a: |\n  x\n  ---\n  y\nb: 1\n---\nc: [\n---\nd: |\n ---\n", "1:1 a=x\n---\ny\n b=1, 9:1 d=---\n", "parse-error 7"},
		{"a separator that ends a block scalar", "a: |\n  x\n---\nb: 1\n", "1:1 a=x\n, 4:1 b=1", ""},
		{"dashes that are no separator", "a: |\n  x\n----\n---a\n", "", "parse-error 3"},
		{"invalid UTF-8 in one document", "a: 1\n---\nb: \xff\n---\nc: 3\n", "1:1 a=1, 5:1 c=3", "encoding 3"},
		{"a control character in one document", "a: 1\n---\nb: x\n\x1b[0m\n---\nc: 3\n", "1:1 a=1, 6:1 c=3", "parse-error 4"},
		{"two faults", "a: [\n---\nb: 1\n---\nc: &c [*c]\n---\nd: {\n", "3:1 b=1", "parse-error 1, alias-cycle 5, parse-error 7"},
		{"an unknown alias", "a: 1\n---\nb: *c\n", "1:1 a=1", "parse-error 3"},
	} {
		docs, problems := Parse([]byte(tt.text))
		var gotDocs, gotProblems []string
		for _, d := range docs {
			text := fmt.Sprintf("%d:%d", d.Line, d.Column)
			for i := 0; i+1 < len(d.Content); i += 2 {
				text += " " + d.Content[i].Value + "=" + d.Content[i+1].Value
			}
			gotDocs = append(gotDocs, text)
		}
		for _, p := range problems {
			gotProblems = append(gotProblems, fmt.Sprintf("%s %d", p.Class, p.Line))
		}
		if got := strings.Join(gotDocs, ", "); got != tt.docs && tt.docs != "" || tt.docs == "" && tt.problems == "" && got != "" {
			t.Errorf("%s: documents %q, want %q", tt.name, got, tt.docs)
		}
		if got := strings.Join(gotProblems, ", "); got != tt.problems {
			t.Errorf("%s: problems %q, want %q (%v)", tt.name, got, tt.problems, problems)
		}
	}
}

func indentedKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: 1\n", i)
	}
	return b.String()
}

// TestErrorsQuoteNothing puts a value that may be secret at each fault that the
// parser knows how to name.
func TestErrorsQuoteNothing(t *testing.T) {
	const secret = "not4real9password"
	for _, text := range []string{
		"a: *S\n", "a: &S\n  *S\n", "a: %S\n", "a: @S\n", "a: `S\n", "a: \"S\n", "a: 'S\n", "a: \"\\S\"\n", "a: \"\\xS\"\n", "a: \"\\uS\"\n",
		"%S\n---\n", "%TAG S\n---\n", "%TAG !S x\n---\n", "%YAML S\n---\n", "%YAML 9.S\n---\n", "a: !S!x\n", "a: !<S\n", "a: !!int S\n", "a: !!bool S\n", "a: !!float S\n", "a: !!binary S$\n", "a: !!timestamp S\n", "a: !!S x\n", "a: !!map S\n", "!!seq S\n",
		"S\nb: 1\n", "a: b: S\n", "a: [S\n", "a: {S\n", "a: [S}\n", "a: S]\n- S\n", "- S\na: 1\n", "a: |S\n", "a: |9S\n", "a: >-S\n", "\tS: 1\n", "a: \tS\n\tS\n", "? S\nS\n", "{S: S: S}\n", "S: 1\nS: 2\n", "<<: S\n", "<<: [S]\n", "a: &S [*S]\n", "a: S\x00\n", "a: S\xff\n", "a: S\x01\n", "&S &S a\n", "!S !S a\n", "--- S\nS: [\n", "{\"S\": \"S\"}{\"S\": S}",
	} {
		_, problems := Parse([]byte(strings.ReplaceAll(text, "S", secret)))
		for _, p := range problems {
			if strings.Contains(p.Error(), secret) || strings.Contains(p.Error(), "not4") {
				t.Errorf("%q: %v", text, p)
			}
		}
		_, err := Limits{}.Check([]byte(strings.ReplaceAll(text, "S", secret)))
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%q: the gate says %v", text, err)
		}
	}
}

func TestOddLists(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"a list in a list", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n  - {apiVersion: v1, kind: Pod, metadata: {name: a}}\n- {apiVersion: v1, kind: Pod, metadata: {name: b}}\n", "Pod a, Pod b"},
		{"null items", "apiVersion: v1\nkind: List\nitems:\n- null\n- ~\n-\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n", "Pod a"},
		{"items that are null", "apiVersion: v1\nkind: List\nitems:\n", "List "},
		{"no items", "apiVersion: v1\nkind: PodList\nitems: []\n", ""},
		{"items by alias", "apiVersion: v1\nkind: List\nitems:\n- &a {apiVersion: v1, kind: Pod, metadata: {name: a}}\n- *a\n", "Pod a, Pod a"},
		{"a list of lists", "- - {apiVersion: v1, kind: Pod, metadata: {name: a}}\n- {apiVersion: v1, kind: Pod, metadata: {name: b}}\n", "Pod a, Pod b"},
		{"kind from a merge", "x: &x {kind: Pod}\napiVersion: v1\n<<: *x\nmetadata: {name: a}\n", "Pod a"},
		{"JSON list", `{"kind":"List","apiVersion":"v1","items":[{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}]}`, "Pod a"},
		{"a long line", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {b: " + strings.Repeat("x", 1<<20) + "}}\n", "Pod a"},
	} {
		docs, problems := Parse([]byte(tt.text))
		if len(problems) > 0 {
			t.Errorf("%s: %v", tt.name, problems[0])
		}
		var got []string
		for _, d := range docs {
			for _, o := range Objects(d, Origin{}, nil) {
				got = append(got, o.ID())
			}
		}
		if strings.Join(got, ", ") != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
