package podsecurity

import (
	"strings"
	"testing"
)

// Only what a shell would run counts as a command.
func TestShellCommands(t *testing.T) {
	for _, tt := range []struct{ script, want string }{
		{"a b; c && d || e | f", "a b; c; d; e; f"},
		{"a\\\n b # c; d\ne", "a b; e"},
		{`a "b; c" 'd & e' f\;g`, `a b; c d & e f;g; `},
		{"a & b 2>&1 & c &> d", "a &; b 2>&1 &; c &> d"},
		{"if a; then b; else c; fi", "a; b; c"},
		{"while a; do b; done & c", "a; b &; c"},
		{"(a; b) & wait", "a; b &; wait"},
		{"X=1 Y=$(a b) exec c $((1 & 2))", "a b; c $((1 & 2))"},
		{"cat <<'END' > f && a\nb & c\n  END\nd", "cat > f; a; d"},
		{"a <<-X\nb\nX", "a"},
		{"a <<<b; c", "a <<<b; c"},
		{`"`, ""}, {`'a`, "a"}, {`\`, ""}, {"$((", "$(("}, {"<<", ""}, {"&", ""}, {"", ""},
	} {
		var got []string
		for _, c := range shellCommands(tt.script) {
			s := strings.Join(c.words, " ")
			if c.background {
				s += " &"
			}
			got = append(got, s)
		}
		if got, want := strings.Join(got, "; "), strings.TrimSuffix(tt.want, "; "); got != want {
			t.Errorf("%q is read as %q, want %q", tt.script, got, want)
		}
	}
}

func FuzzShellCommands(f *testing.F) {
	f.Add("a <<X & 'b' $((1)) \"c\" # d\nX\n\\")
	f.Fuzz(func(t *testing.T, script string) {
		for _, c := range shellCommands(script) {
			if len(c.words) == 0 {
				t.Errorf("%q gives a command without words", script)
			}
		}
	})
}
