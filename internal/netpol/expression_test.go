package netpol

import (
	"fmt"
	"strings"
	"testing"
)

func TestExpressions(t *testing.T) {
	set := map[string]string{"app": "web", "a.b/c-d_e": "x y", "in": "set", "has": "yes", "all": "all", "notin": "1", "empty": ""}
	for _, tt := range []struct {
		text string
		want Truth
	}{
		{"", Yes},
		{" \t", Yes},
		{"all()", Yes},
		{"all( )", Yes},
		{"global()", No},
		{"!global()", Yes},
		{"app == 'web'", Yes},
		{`app=="web"`, Yes},
		{"app == 'db'", No},
		{"app != 'db'", Yes},
		{"none != 'db'", Yes},
		{"none == ''", No},
		{"empty == ''", Yes},
		{"a.b/c-d_e == 'x y'", Yes},
		{"app in {'db', 'web'}", Yes},
		{"app in {'db', 'web',}", Yes},
		{"app in {}", No},
		{"app not in {'db'}", Yes},
		{"app notin {'web'}", No},
		{"none not in {'web'}", Yes},
		{"in in {'set'}", Yes},
		{"in not in {'set'}", No},
		{"notin notin {'2'}", Yes},
		{"has == 'yes'", Yes},
		{"all == 'all'", Yes},
		{"has(app)", Yes},
		{"has( none )", No},
		{"! has(none)", Yes},
		{"!!has(none)", No},
		{"app contains 'e'", Yes},
		{"app contains 'x'", No},
		{"app starts with 'we'", Yes},
		{"app startswith 'eb'", No},
		{"app ends with 'eb'", Yes},
		{"none ends with ''", No},
		{"has(none) && has(app) || app == 'web'", Yes},
		{"app == 'web' || has(none) && has(none)", Yes},
		{"(app == 'web' || has(none)) && has(none)", No},
		{"!(app == 'web' && has(none))", Yes},
		{"((all()))", Yes},
	} {
		s, err := parseExpression(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if got := s.eval(known(set)); got != tt.want {
			t.Errorf("%s is %d, want %d", tt.text, got, tt.want)
		}
	}
}

func TestExpressionErrors(t *testing.T) {
	for _, text := range []string{
		"app", "app =", "app = 'web'", "app ==", "app == web", "app == 'web", "app in 'web'", "app in {'web'", "app in {web}",
		"app inside {'web'}", "has()", "has(app", "all(", "all(app)", "(app == 'web'", "app == 'web')", "&&", "app == 'web' &&",
		"app == 'web' & has(a)", "app == 'web' ||", "!", "'web'", "é == 'x'", "app starts 'x'",
		strings.Repeat("(", 100000) + "all()",
	} {
		if s, err := parseExpression(text); err == nil {
			t.Errorf("%.40s is taken for %#v", text, s)
		}
	}
}

// written is a selector in the language that it was read from.
func written(s selector) string {
	join := func(parts []selector, by string) string {
		var texts []string
		for _, p := range parts {
			texts = append(texts, written(p))
		}
		return "(" + strings.Join(texts, by) + ")"
	}
	quote := func(text string) string {
		if strings.Contains(text, "'") {
			return `"` + text + `"`
		}
		return "'" + text + "'"
	}
	switch s := s.(type) {
	case constant:
		if Truth(s) == Yes {
			return "all()"
		}
		return "global()"
	case hasKey:
		return "has(" + s.key + ")"
	case isIn:
		var texts []string
		for _, v := range s.values {
			texts = append(texts, quote(v))
		}
		return s.key + " in {" + strings.Join(texts, ",") + "}"
	case like:
		if s.in("xy", "x") && !s.in("yx", "x") {
			return s.key + " starts with " + quote(s.part)
		}
		if s.in("yx", "x") && !s.in("xy", "x") {
			return s.key + " ends with " + quote(s.part)
		}
		return s.key + " contains " + quote(s.part)
	case not:
		return "!" + written(s.of)
	case allOf:
		return join(s, " && ")
	case anyOf:
		return join(s, " || ")
	}
	return fmt.Sprintf("%#v", s)
}

// What is read can be written down and read again, and is the same then.
func FuzzExpression(f *testing.F) {
	for _, text := range []string{
		"", "all()", "app == 'web' && !has(exempt)", `a in {"b", 'c'} || !(d not in {} && e != "f'g")`,
		"projectcalico.org/namespace starts with 'kube-' || x contains 'y'", "!!global()", "a ends with ''", "((a == 'b'))",
	} {
		f.Add(text, "app", "web")
	}
	f.Fuzz(func(t *testing.T, text, key, value string) {
		s, err := parseExpression(text)
		if err != nil {
			return
		}
		again, err := parseExpression(written(s))
		if err != nil {
			t.Fatalf("%q is written %q, which is wrong: %v", text, written(s), err)
		}
		if written(again) != written(s) {
			t.Fatalf("%q is written %q, then %q", text, written(s), written(again))
		}
		l := known(map[string]string{key: value})
		if s.eval(l) != again.eval(l) {
			t.Fatalf("%q is %d, written down %d", text, s.eval(l), again.eval(l))
		}
		opposite, err := parseExpression("!(" + text + ")")
		if strings.Trim(text, " \t") != "" && (err != nil || opposite.eval(l) != Yes-s.eval(l)) {
			t.Fatalf("%q and its opposite agree: %v", text, err)
		}
	})
}
