package report

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	sigs "sigs.k8s.io/yaml"
)

// hostile are texts that are obeyed by, or fool, what they are shown on.
func hostile() map[string]string {
	return map[string]string{
		"escape":         "a\x1b[31mred\x1b[0m",
		"clear":          "\x1b[2J\x1b[H",
		"hyperlink":      "\x1b]8;;http://evil.example\x07click\x1b]8;;\x07",
		"controls":       "\x00\x01\x07\x08\x0b\x0c\x0e\x7f",
		"c1":             "\u0080\u0085\u009b31m\u009d0;title\u009c",
		"bidi":           "user\u202e\u2066// admin\u2069\u2066",
		"zero width":     "ad\u200bm\u200cin\u200d\ufeff\u2060\u00ad",
		"blank letters":  "a\u3164b\u115fc\u2800d\uffa0e\u034f",
		"tags":           "x\U000e0041\U000e0042\U000e0100y",
		"separators":     "one\u2028two\u2029three",
		"line breaks":    "one\ntwo\r\nthree\rfour",
		"command":        "::error file=a.yaml,line=1::boo",
		"second line":    "x\n::error::boo\n  ::set-output name=a::b",
		"blanks":         "   ::error::boo",
		"old command":    "x ##[error]boo",
		"azure command":  "##vso[task.setvariable variable=a]b ####[group]c",
		"link":           "see [docs](http://evil.example) ![i](http://evil.example/x.png)",
		"html":           "</script><img src=x onerror=alert(1)><!--",
		"not UTF-8":      "a\xff\xfe\xc0\xafb",
		"lone surrogate": "a\xed\xa0\x80b",
		"long":           strings.Repeat("long ", 2000),
		"long wide":      strings.Repeat("\u202e日", 1000),
		"template":       "{0} {{1}} %s%n",
		"tab":            "a\tb\v\fc",
	}
}

func TestWriteYAML(t *testing.T) {
	for name, text := range hostile() {
		for style, s := range map[string]yaml.Style{"plain": 0, "double": yaml.DoubleQuotedStyle, "single": yaml.SingleQuotedStyle, "literal": yaml.LiteralStyle, "folded": yaml.FoldedStyle} {
			t.Run(name+"/"+style, func(t *testing.T) {
				scalar := func(v string) *yaml.Node {
					return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: v, Style: s, HeadComment: "#" + text, LineComment: "##[error]" + text, FootComment: text}
				}
				list := &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{scalar(text), scalar(text)}}
				doc := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar(text), scalar(text), scalar("list"), list, scalar("data"),
					{Kind: yaml.MappingNode, Style: yaml.FlowStyle, Content: []*yaml.Node{scalar("a" + text), scalar(text)}}}}
				valid := strings.ToValidUTF8(text, "\ufffd")
				checkYAML(t, doc, map[string]any{valid: valid, "list": []any{valid, valid}, "data": map[string]any{"a" + valid: valid}})
			})
		}
	}
}

// checkYAML writes a node, and wants harmless text that two parsers read, the
// stricter one as the given value.
func checkYAML(t *testing.T, n *yaml.Node, want any) {
	t.Helper()
	var b bytes.Buffer
	if err := WriteYAML(&b, n); err != nil {
		t.Fatal(err)
	}
	harmless(t, b.String(), "\t")
	var got any
	if err := yaml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%v in %q", err, b.String())
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q; from %q", got, want, b.String())
	}
	if err := sigs.Unmarshal(b.Bytes(), &got); err != nil {
		t.Errorf("sigs.k8s.io/yaml: %v in %q", err, b.String())
	}
}

// FuzzYAML: what was parsed is written so that it parses to the same, and does
// no harm on the way.
func FuzzYAML(f *testing.F) {
	for name, text := range hostile() {
		if !strings.HasPrefix(name, "long") {
			f.Add(text, text)
		}
	}
	f.Add("a", "\n\n  x\n ")
	f.Add("|", " \n a\n\n")
	f.Add("yes", "- # -")
	f.Fuzz(func(t *testing.T, key, value string) {
		if len(key)+len(value) > 2000 {
			return
		}
		for _, s := range []yaml.Style{0, yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle, yaml.LiteralStyle, yaml.FoldedStyle} {
			scalar := func(v string) *yaml.Node {
				return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: v, Style: s}
			}
			k, v := strings.ToValidUTF8(key, "\ufffd"), strings.ToValidUTF8(value, "\ufffd")
			doc := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
				scalar("k" + k), {Kind: yaml.SequenceNode, Content: []*yaml.Node{scalar(v), scalar(k)}}, scalar("last"), scalar(v),
			}}
			checkYAML(t, doc, map[string]any{"k" + k: []any{v, k}, "last": v})
		}
		// The parser forgets that "! x" is a text whatever x is.
		if !strings.Contains(value, "!") {
			checkRewrite(t, value)
		}
	})
}

// checkRewrite parses text and writes it again: the API server must see the same
// in both.
func checkRewrite(t *testing.T, text string) bool {
	t.Helper()
	var doc yaml.Node
	if strings.ContainsAny(text, "&*") || yaml.Unmarshal([]byte(text), &doc) != nil || len(doc.Content) == 0 {
		return false
	}
	want, err := sigs.YAMLToJSON([]byte(text))
	if err != nil {
		t.Log(err)
		return false
	}
	var b bytes.Buffer
	if err := WriteYAML(&b, doc.Content[0]); err != nil {
		t.Fatalf("%v for %q", err, text)
	}
	got, err := sigs.YAMLToJSON(b.Bytes())
	if err != nil {
		t.Fatalf("%v in %q", err, b.String())
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%q was %s and is %s as %q", text, want, got, b.String())
	}
	return true
}

func TestRewriteYAML(t *testing.T) {
	for _, text := range []string{
		"a: yes\nb: 'no'\nc: on\nd: ~\ne: 0o17\nf: 017\ng: 1_000\nh: 1e3\ni: 2001-01-01\n1: x\ntrue: y\n",
		"a: |\n  ::error::x\n  y\nb: |-\n  two\n\n  ::x\n",
		"a: |+\n  x\n\n\nb: >\n  folded\n  text\n\n  more\n",
		"a: |2\n    indented\n  x\n",
		"a: \"\\r\\n\\t\\x1b\\u2028\\U0001F600\"\n",
		"# comment\na: # more\n  - x # ##[error]\n  # foot\n",
		"? |\n  long\n  key\n: d\n",
		"a: !!binary aGk=\nb: !!str 1\nc: !custom x\n",
		"{0, a: , b: ''}\n",
		"a: \"##[error]\"\nb: x##[y]\nc: [\"x##[\", z##y]\n",
	} {
		if !checkRewrite(t, text) {
			t.Errorf("%q is no YAML", text)
		}
	}
}
