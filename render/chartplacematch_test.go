package render

import "testing"

func TestFills(t *testing.T) {
	const value = "server:\n  level: {{ .Values.level }}\n{{- if .Values.x }}\nonly: sometimes\n{{- end }}\nlast: {{ `{{ raw }}` }}!\n"
	for _, c := range []struct {
		name, value, text string
		want              bool
	}{
		{"all of it", value, "server:\n  level: info\nlast: {{ raw }}!", true},
		{"indented, with the branch", value, "  server:\n    level: info\n  only: sometimes\n  last: {{ raw }}!", true},
		{"another end", value, "server:\n  level: info\nlast: {{ raw }}! more", false},
		{"another start", value, "more\nserver:\n  level: info\nlast: {{ raw }}!", false},
		{"another order", value, "last: {{ raw }}!\nserver:\n  level: info", false},
		{"no template", "server:\n  level: info\n", "server:\n  level: info\n", false},
		{"one line", "registry.example.com/{{ .Values.name }}", "registry.example.com/web", false},
		{"next to nothing", "{{ .Values.a }}:\n{{ .Values.b }}", "a:\nb", false},
		{"an action that does not end", "server: example\n{{ .Values", "server: example", true},
	} {
		if got := fills(c.value, c.text); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

func TestCutAction(t *testing.T) {
	for _, c := range []struct{ text, action, behind string }{
		{" .Values.a }} b", " .Values.a ", " b"},
		{" `}}` }} b", " `}}` ", " b"},
		{` "\"}}" }} b`, ` "\"}}" `, " b"},
		{" open", " open", ""},
	} {
		if action, behind := cutAction(c.text); action != c.action || behind != c.behind {
			t.Errorf("%q: got %q and %q", c.text, action, behind)
		}
	}
}

func TestBranchAsks(t *testing.T) {
	for _, c := range []struct {
		text string
		path []string
		want bool
	}{
		{" .Values.probe.enabled ", []string{"probe", "enabled"}, true},
		{" and .enabled $x", []string{"probe", "enabled"}, true},
		{` get .Values.probe "enabled" `, []string{"probe", "enabled"}, true},
		{" .Values.probe.enabledToo ", []string{"probe", "enabled"}, false},
		{" .Values.probe.enabled.too ", []string{"probe", "enabled"}, false},
		{" .Values.disenabled .Values.x.enabled", []string{"probe", "enabled"}, true},
	} {
		if got := (branch{text: c.text}).asks(c.path); got != c.want {
			t.Errorf("%q: got %v", c.text, got)
		}
	}
}
