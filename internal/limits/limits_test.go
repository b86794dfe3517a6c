package limits

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestSet(t *testing.T) {
	for _, tt := range []struct {
		name, value string
		want        func(*Limits) bool
	}{
		{"depth", "300", func(l *Limits) bool { return l.YAML.Depth == 300 }},
		{"file-size", "10MiB", func(l *Limits) bool { return l.YAML.FileSize == 10<<20 }},
		{"file-size", "65 MiB", func(l *Limits) bool { return l.YAML.FileSize == 65<<20 }},
		{"alias-nodes", "7", func(l *Limits) bool { return l.YAML.AliasNodes == 7 }},
		{"documents", "1", func(l *Limits) bool { return l.YAML.Documents == 1 }},
		{"files", "2147483647", func(l *Limits) bool { return l.Files == 2147483647 }},
		{"chart-file-size", "4096", func(l *Limits) bool { return l.ChartFileSize == 4096 }},
		{"archive-size", "3KiB", func(l *Limits) bool { return l.ArchiveSize == 3072 }},
		{"archives-size", "2GiB", func(l *Limits) bool { return l.ArchivesSize == 2<<30 }},
		{"rendered-size", "1", func(l *Limits) bool { return l.RenderedSize == 1 }},
		{"rendered-total", "8GiB", func(l *Limits) bool { return l.RenderedTotal == 8<<30 }},
		{"render-timeout", "500ms", func(l *Limits) bool { return l.RenderTimeout == 500*time.Millisecond }},
		{"render-timeout", "1m", func(l *Limits) bool { return l.RenderTimeout == time.Minute }},
		{"worker-memory", "4GiB", func(l *Limits) bool { return l.WorkerMemory == 4<<30 }},
	} {
		l := Default()
		if err := l.Set(tt.name, tt.value); err != nil || !tt.want(&l) {
			t.Errorf("%s=%s gives %+v, %v", tt.name, tt.value, l, err)
		}
		// Nothing else may have changed.
		for _, o := range Options() {
			if o.Name == tt.name {
				if err := l.Set(o.Name, o.Default); err != nil {
					t.Error(err)
				}
			}
		}
		if l != Default() {
			t.Errorf("%s=%s changes more than itself", tt.name, tt.value)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"dept", "3", `unknown limit "dept": did you mean "depth"?`},
		{"size", "3", `unknown limit "size": it is one of files, file-size,`},
		{strings.Repeat("x", 5000), "3", `unknown limit "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…": it is one of`},
		{"depth", "0", `limit depth: "0" is no number from 1 to 2147483647`},
		{"depth", "-1", `limit depth: "-1" is no number`},
		{"depth", "+1", `limit depth: "+1" is no number`},
		{"depth", "", `limit depth: "" is no number`},
		{"depth", "3000000000", `limit depth: "3000000000" is no number`},
		{"depth", "10MiB", `limit depth: "10MiB" is no number`},
		{"file-size", "10MB", `limit file-size: "10MB" is no size: write bytes, or a whole number of KiB, MiB or GiB, such as 10MiB`},
		{"file-size", "1.5MiB", `limit file-size: "1.5MiB" is no size`},
		{"file-size", "MiB", `limit file-size: "MiB" is no size`},
		{"file-size", "9223372036854775807GiB", `limit file-size: "9223372036854775807GiB" is no size`},
		{"render-timeout", "4", `limit render-timeout: "4" is no duration: write a number and its unit, such as 500ms or 4s`},
		{"render-timeout", "-4s", `limit render-timeout: "-4s" is no duration`},
		{"render-timeout", "1us", `limit render-timeout: "1us" is no duration`},
	} {
		l := Default()
		if err := l.Set(tt.name, tt.value); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s=%s gives %v", tt.name, tt.value, err)
		}
		if l != Default() {
			t.Errorf("%s=%s changes something all the same", tt.name, tt.value)
		}
	}
}

// TestConfigure: the file sets at most what it may, the command line more.
func TestConfigure(t *testing.T) {
	for _, o := range Options() {
		l := Default()
		if err := l.Configure(o.Name, o.Max); err != nil {
			t.Errorf("its own maximum: %v", err)
		}
		if err := l.Configure(o.Name, o.Default); err != nil || l != Default() {
			t.Errorf("%s: the default %s does not give the default: %+v, %v", o.Name, o.Default, l, err)
		}
		beyond := "9" + o.Max
		err := l.Configure(o.Name, beyond)
		if err == nil || !strings.Contains(err.Error(), "only the command line goes further, with --limit "+o.Name+"="+beyond) || l != Default() {
			t.Errorf("%s=%s in the file gives %v", o.Name, beyond, err)
		}
		if err := l.Set(o.Name, beyond); err != nil {
			t.Errorf("on the command line: %v", err)
		}
	}
}

func TestRaise(t *testing.T) {
	for name, want := range map[string]string{
		"depth":          "raise it with --limit depth=N, or limits.depth in .scantling.yaml",
		"file-size":      "raise it with --limit file-size=SIZE, or limits.file-size in .scantling.yaml",
		"render-timeout": "raise it with --limit render-timeout=DURATION, or limits.render-timeout in .scantling.yaml",
		"":               "",
	} {
		if got := Raise(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestDocumented: the table of the documentation is the one of the code.
func TestDocumented(t *testing.T) {
	data, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for _, o := range Options() {
		table.WriteString("| `" + o.Name + "` | " + o.Meaning + " | " + o.Default + " | " + o.Max + " |\n")
	}
	if !strings.Contains(string(data), table.String()) {
		t.Errorf("docs/configuration.md must hold\n%s", table.String())
	}
}
