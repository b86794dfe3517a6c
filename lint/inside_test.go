package lint

import (
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
)

func TestLocate(t *testing.T) {
	const file = `data:
  a.ini: |
    user = app
    password = x
  b.ini: >-
    password = x
  c.yaml: |- # a comment
    {{- if .Values.on }}
    users:
    {{- end }}
      token: x
  d.json: "{\"token\": \"x\"}"
  e.ini: |
    {{- tpl .Values.text . }}
  f.ini: |
    password_file = y
    password = x
  g.ini: |
    a: b
    token: x
    b: token
last: password = x
`
	sources := map[string]string{"web.yaml": file, "app.env": "# a comment\nUSER=app\nTOKEN=x\n", "empty": ""}
	for _, c := range []struct {
		name string
		file string
		line int
		in   Inside
		want int
		// column is that of the value; 0 if it is not known.
		column int
		whole  bool
	}{
		{"literal", "web.yaml", 2, Inside{Key: "password", Word: "password", Line: 2}, 4, 16, false},
		{"folded", "web.yaml", 5, Inside{Key: "password", Word: "password", Line: 1}, 6, 16, false},
		{"actions take lines", "web.yaml", 7, Inside{Key: "users.token", Word: "token", Line: 2}, 11, 14, false},
		{"on the line itself", "web.yaml", 12, Inside{Key: "token", Word: "token", Line: 1}, 12, 3, false},
		{"the template makes it", "web.yaml", 13, Inside{Key: "token", Word: "token", Line: 3}, 13, 3, true},
		{"a longer word before", "web.yaml", 15, Inside{Key: "password", Word: "password", Line: 2}, 17, 16, false},
		{"beyond the text", "web.yaml", 2, Inside{Key: "last", Word: "last", Line: 99}, 2, 3, true},
		{"a file of its own", "app.env", 1, Inside{Key: "TOKEN", Word: "TOKEN", Line: 3}, 3, 7, false},
		{"a file that is gone", "none", 3, Inside{Key: "TOKEN", Word: "TOKEN", Line: 3}, 3, 3, true},
		{"no word", "web.yaml", 18, Inside{Key: "-p", Line: 2}, 20, 0, false},
	} {
		f := Finding{stable: "data[x]", settled: true, Origin: manifest.Origin{Span: manifest.Span{File: c.file, Line: c.line, Column: 3}}}
		f.enter(c.in)
		findings := []Finding{f}
		Locate(findings, func(name string) []byte { return []byte(sources[name]) })
		got := findings[0]
		if got.Origin.Line != c.want || c.column > 0 && got.Origin.Column != c.column {
			t.Errorf("%s: %d:%d, want %d:%d", c.name, got.Origin.Line, got.Origin.Column, c.want, c.column)
		}
		if whole := !strings.Contains(got.stable, "/"); whole != c.whole {
			t.Errorf("%s: known by %q", c.name, got.stable)
		}
	}
}
