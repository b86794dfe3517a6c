package secrets

import (
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

func TestRemedy(t *testing.T) {
	for file, want := range map[string]string{
		"apps/db.yaml":               "`scantling encrypt apps/db.yaml`",
		"apps/it's.yaml":             `'apps/it'\''s.yaml'`,
		"apps/kustomization.yaml":    "a patch file of its own",
		"charts/a/templates/s.yaml":  "a Secret that is there already",
		"charts/a/values-prod.yaml":  "existingSecret",
		"templates.example/db.yaml":  "`scantling encrypt templates.example/db.yaml`",
		"":                           "`scantling encrypt FILE`",
		"-starts-with-a-hyphen.yaml": "'./-starts-with-a-hyphen.yaml'",
	} {
		f := lint.Finding{Rule: secretPlaintext.ID, Fix: secretPlaintext.Fix, Origin: manifest.Origin{Span: manifest.Span{File: file}}}
		if got := Remedy(&f); !strings.Contains(got, want) {
			t.Errorf("%s: %s", file, got)
		}
	}
}
