package secrets

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/lint"
)

// searched are the places and keys of what a search of a file reports.
func searched(name, text string) []string {
	var found []string
	f := lint.NewFile(name, []byte(text))
	if !mayHoldSecret(f.Data) {
		return nil
	}
	searchSecrets(f, readingOf(func() *lint.Tree { return &lint.Tree{} }, name), func(s foundSecret) {
		found = append(found, fmt.Sprintf("%d:%d %s", s.at.Line, s.at.Column, s.name))
	})
	return found
}

// TestSecretPlaces holds the columns, which the examples of rules do not.
func TestSecretPlaces(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain.yaml", "kind: Secret\nstringData:\n  password: hunter2-pw\n", "[3:13 password]"},
		{"quoted.yaml", "kind: Secret\nstringData: {\"ä\": 'hunter2-pw'}\n", "[2:19 ä]"},
		{"block.yaml", "a:\n  b: |\n    kind: Secret\n    stringData:\n      password: hunter2-pw\n", "[5:17 password]"},
		{"twice.yaml", "a: |\n  b: |\n    kind: Secret\n    data:\n      x: aHVudGVyMg==\n", "[5:10 x]"},
		{"folded.yaml", "a: >\n  kind: Secret\n\n  stringData: {password: hunter2-pw}\n", "[1:4 password]"},
		{"template.yaml", "kind: Secret\nstringData:\n  {{ .a }}-b: hunter2-pw {{/* x */}}\n  {{ .key }}: hunter2-pw\n", "[4:15 {{.}}]"},
		{"lines.sh", "cat <<EOF\nkind: Secret\nstringData:\n  ä: hunter2-pw\nEOF\n", "[4:6 ä]"},
		{"list.sh", "cat <<EOF\nitems:\n- metadata:\n    name: a\n  kind: Secret\n  data:\n    a: aHVudGVyMg==\n- kind: ConfigMap\n  data:\n    b: hunter2-pw\nEOF\n", "[7:8 a]"},
		{"crlf.sh", "kind: Secret\r\nstringData:\r\n  a: hunter2-pw\r\n", "[3:6 a]"},
		{"block.sh", "kind: Secret\nstringData:\n  a: |\n    hunter2-pw\n  b: |\n    $B\n", "[3:6 a]"},
		{"anchor.yaml", "kind: Secret\nstringData:\n  a: &a hunter2-pw\n  b: *a\n", "[3:6 a]"},
		{"mark.yaml", "kind: Secret\nstringData:\n  a: hunter2\ue000pw\n", "[3:6 a]"},
		{"open.yaml", "kind: Secret\nstringData:\n  a: hunter2-pw\n  b: 'x {{'\n", "[3:6 a 4:6 b]"},
	} {
		if got := fmt.Sprint(searched(c.name, c.text)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestSearchIsLinear gives the search texts in which each part leads to all others.
// It takes minutes where the cost is that of a square.
func TestSearchIsLinear(t *testing.T) {
	const n = 20000
	for name, text := range map[string]string{
		"kinds.sh":      strings.Repeat("kind: Secret\nstringData:\n", n),
		"stairs.sh":     stairs(1000),
		"actions.yaml":  "kind: Secret\nstringData:\n" + strings.Repeat("  a: {{ .a }}\n", n),
		"openings.yaml": "kind: Secret\nstringData:\n  a: " + strings.Repeat("{{", n) + "\n",
		"dollars.sh":    "kind: Secret\nstringData:\n  a: " + strings.Repeat("${", n) + "\n",
		"items.yaml":    "a: [\n" + strings.Repeat("- kind: Secret\n  stringData: {a: ${a}}\n", n),
		"blocks.yaml":   strings.Repeat("kind: Secret\nstringData:\n  a: |\n    kind: Secret\n", n/10),
		"aliases.yaml":  "a: &a {kind: Secret, stringData: {a: hunter2-pw}}\nb: [" + strings.Repeat("*a, ", n) + "]\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if len(searched(name, text)) > 2*n {
				t.Error("more findings than entries")
			}
		})
	}
}

func stairs(n int) string {
	var b strings.Builder
	for i := range n {
		indent := strings.Repeat(" ", i)
		fmt.Fprintf(&b, "%skind: Secret\n%sdata:\n", indent, indent)
	}
	return b.String()
}

// TestMarkActions holds that what is left of a template stands where it stood.
func TestMarkActions(t *testing.T) {
	for in, want := range map[string]string{
		"a: b\n":                                 "a: b\n",
		"a: {{ .b }}\n":                          "a: mmmmmmmm\n",
		"{{- if x }}\r\na: b\n  {{ end -}} \n":   "\r\na: b\n\n",
		"{{/* ä\nb */}}\nc: d {% x %}<%= y %>\n": "\n\nc: d mmmmmmmmmmmmmmm\n",
		"{{ a\n":          "{{ a\n",
		"}} {{ a }} {{\n": "}} mmmmmmm {{\n",
	} {
		got, found := markActions([]byte(in))
		got = bytes.ReplaceAll(got, []byte(string(actionMark)), []byte("m"))
		if string(got) != want || found != (in != want) {
			t.Errorf("%q: %q, %v, want %q", in, got, found, want)
		}
	}
}

func FuzzSearchSecrets(f *testing.F) {
	f.Add("kind: Secret\ndata: {a: aHVudGVyMg==}\n")
	f.Add("a:\n- kind: Secret\n  stringData:\n    x: |\n      {{ .a }}\n    y: $b\n")
	f.Add("spec:\n  patches:\n  - target: {kind: Secret}\n    patch: |\n      - path: /data/a\n        value: b # kind data\n")
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Count(text, "\n") + 1
		for _, name := range []string{"a.yaml", "a.sh"} {
			file := lint.NewFile(name, []byte(text))
			searchSecrets(file, readingOf(func() *lint.Tree { return &lint.Tree{} }, name), func(s foundSecret) {
				if s.at.Line < 1 || s.at.Line > lines || s.at.Column < 1 {
					t.Errorf("%s: place %d:%d of %d lines", name, s.at.Line, s.at.Column, lines)
				}
			})
		}
	})
}

func TestNamesKindSecret(t *testing.T) {
	for text, want := range map[string]bool{
		"kind: Secret":                                      true,
		"enum:\n  - Secret\n  - ConfigMap":                  false,
		`either "Secret" or "ConfigMap"`:                    false,
		"a ConfigMap/Secret":                                false,
		"kind: \ue000Secret":                                true,
		"description: Secret of the store":                  false,
		"description: Secret.":                              false,
		"kind: Secret # of the store":                       true,
		"{kind: Secret, data: {}}":                          true,
		"- {kind: Secret}":                                  true,
		"kind: Secret{{ end }}":                             true,
		"kind: 'Secret'":                                    true,
		"kind: |-\n  Secret":                                true,
		`{"kind": "Secret"}`:                                true,
		`{\"kind\":\t\"Secret\"}`:                           true,
		`kind:\tSecret\n`:                                   true,
		"kind: SecretList":                                  true,
		"kind: &kind Secret":                                true,
		"kind: !!str Secret":                                true,
		"kind: >-\n  Secret":                                true,
		"kind:\n  Secret\n":                                 true,
		"kind: # that of the object\n  Secret":              true,
		"kind: {{ .Values.kind }}Secret":                    true,
		"Secret":                                            true,
		"kind: SopsSecret":                                  true,
		"kind: ConfigMap|Secret":                            true,
		"kind: ^(Secret|ConfigMap)$":                        true,
		"kind: ^Secret$":                                    true,
		"kind: SecretStore":                                 false,
		"kind: ExternalSecret":                              false,
		"the key of a Secret":                               false,
		"the key of a\n  Secret resource":                   false,
		"a reference to a Secret\nkind: Secret":             true,
		strings.Repeat("a", 2*longestTag):                   false,
		"!" + strings.Repeat("a", 2*longestTag) + " Secret": true,
	} {
		if got := namesKindSecret([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
