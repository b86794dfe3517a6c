package lint

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// FuzzIgnoreComments holds that what a file says about ignoring is read the
// same way twice, points into the file, and excuses nothing that can't be.
func FuzzIgnoreComments(f *testing.F) {
	for _, text := range []string{
		"a: | # scantling:ignore x -- y\n  b\n", "{{/* scantling:ignore x -- y */}}\n- - a: |\n", "a: !!x &b |+\n# scantling:",
		"# scantling:ignore privileged-container, image-tag-mutable -- why\n---\na: 1 # scantling:ignore private-key-in-repo -- why\n",
		"a: 'x # scantling:ignore internal -- y\n b' # scantling:ignore opt-in --\r\n", "a: {{ x\n}} # scantling:ignore schema -- {{\n",
	} {
		f.Add(text)
	}
	err := filepath.WalkDir("../testdata", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		switch filepath.Ext(name) {
		case ".yaml", ".yml", ".tpl":
			var data []byte
			if data, err = os.ReadFile(name); len(data) < 8<<10 {
				f.Add(string(data))
			}
		}
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	rules := suppressRules()
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Count(text, "\n") + 1
		found := directives([]byte(text))
		for _, d := range found {
			if d.last > lines || d.line < 1 || d.line > lines || d.column < 1 || d.end < d.column || len(d.fault) > 200 {
				t.Fatalf("a file of %d lines has %+v", lines, d)
			}
		}
		findings := func() []Finding {
			all := []Finding{finding("private-key-in-repo", 1), finding("internal", 1)}
			for line := 1; line <= min(lines, 50); line++ {
				all = append(all, finding("privileged-container", line), finding("schema", line))
			}
			return NewSuppressor(rules, func(string) []byte { return []byte(text) }).Comments(all, nil)
		}
		got := findings()
		if again := findings(); !reflect.DeepEqual(got, again) {
			t.Error("read twice, it is not the same")
		}
		for _, g := range got {
			switch {
			case g.Suppressed != nil && (g.Rule == "private-key-in-repo" || g.Rule == "internal"):
				t.Errorf("%s is ignored", g.Rule)
			case g.Suppressed != nil && g.Suppressed.Reason == "":
				t.Errorf("%s is ignored without a reason", g.Rule)
			case len(g.Message) > 400:
				t.Errorf("a message of %d bytes", len(g.Message))
			}
		}
	})
}
