package image

import (
	"slices"
	"testing"

	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/lint/linttest"
)

func TestRules(t *testing.T) {
	rules := slices.Clone(Rules)
	i := slices.Index(rules, imageRegistryNotAllowed)
	// Without options that rule is quiet: its examples need these.
	configured := *imageRegistryNotAllowed
	configured.Options = []lint.Option{
		{Name: "allow", Default: []string{"ghcr.io/acme", "*.example.com"}},
		{Name: "deny", Default: []string{"ghcr.io/acme/old"}},
	}
	rules[i] = &configured
	linttest.Run(t, rules)
}
