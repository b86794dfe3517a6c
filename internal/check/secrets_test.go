package check

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/internal/config"
	"github.com/scantling-dev/scantling/lint"
)

// TestSecrets checks small repositories with all rules, and compares what those on
// secrets say. Each is a txtar archive of files:
//
//	@base/NAME  a file of the tree that it is compared with, if there is one
//	want        the findings, each as "RULE FILE:LINE", with " SEVERITY" behind
//	            it where that is the point; nothing else may be reported
//
// A line "rules: ID..." in the archive's comment names the rules that the case is
// about; without it it is about all of the category.
//
// The text "<nul>" in a file stands for a zero byte, "<cr>" at the end of a line
// for a carriage return and "<bom>" for a byte order mark. In a value, "<>" is
// left out, so that nothing in these files looks like a real token.
func TestSecrets(t *testing.T) {
	archives, err := filepath.Glob("testdata/secrets/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("there are no repositories", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			c := readSecretsCase(archive)
			var s Source
			if len(c.base) > 0 {
				s.Base = newMapTree(c.base)
			}
			outcome, err := Tree(t.Context(), newMapTree(c.files), &config.Config{}, s, nil)
			if err != nil {
				t.Fatal(err)
			}
			c.compare(t, outcome.Findings)
		})
	}
}

// secretsCase is one repository of TestSecrets.
type secretsCase struct {
	files, base map[string]string
	want        []string
	rules       map[string]bool
}

func readSecretsCase(archive *txtar.Archive) secretsCase {
	c := secretsCase{files: map[string]string{}, base: map[string]string{}, rules: map[string]bool{}}
	for _, r := range Rules() {
		c.rules[r.ID] = r.Category == lint.Secrets
	}
	for line := range strings.Lines(string(archive.Comment)) {
		if ids, ok := strings.CutPrefix(line, "rules:"); ok {
			clear(c.rules)
			for _, id := range strings.Fields(ids) {
				c.rules[id] = true
			}
		}
	}
	c.rules["internal"] = true
	odd := strings.NewReplacer("<nul>", "\x00", "<cr>\n", "\r\n", "<bom>", "\ufeff", "<>", "")
	for _, f := range archive.Files {
		if f.Name == "want" {
			for line := range strings.Lines(string(f.Data)) {
				if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
					c.want = append(c.want, line)
				}
			}
			continue
		}
		text := odd.Replace(string(f.Data))
		if name, ok := strings.CutPrefix(f.Name, "@base/"); ok {
			c.base[name] = text
			continue
		}
		c.files[f.Name] = text
	}
	return c
}

// compare says which findings there are too few or too many of.
func (c secretsCase) compare(t *testing.T, findings []lint.Finding) {
	t.Helper()
	missing := slices.Clone(c.want)
	for _, f := range findings {
		if !c.rules[f.Rule] {
			continue
		}
		place := fmt.Sprintf("%s %s:%d", f.Rule, f.Origin.File, f.Origin.Line)
		i := slices.IndexFunc(missing, func(w string) bool { return w == place || w == place+" "+f.Severity.String() })
		if i < 0 {
			t.Errorf("unexpected: %s %s (column %d, %s: %s)", place, f.Severity, f.Origin.Column, f.Path, f.Message)
			continue
		}
		missing = slices.Delete(missing, i, i+1)
	}
	for _, w := range missing {
		t.Errorf("missing: %s", w)
	}
}
