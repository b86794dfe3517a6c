package check

import (
	"slices"
	"testing"

	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/rules"
	"github.com/scantling-dev/scantling/secrets"
)

// TestCatalogueOfSecrets: the rules on secrets are those of the catalogue, with the
// standards that it names.
func TestCatalogueOfSecrets(t *testing.T) {
	rows := map[string]rules.Entry{}
	for _, e := range rules.Catalogue() {
		if e.Category == string(lint.Secrets) {
			rows[e.ID] = e
		}
	}
	for _, r := range secrets.Rules {
		row, ok := rows[r.ID]
		if !ok {
			t.Errorf("%s is missing in the catalogue", r.ID)
		}
		for _, f := range row.Frameworks {
			if !slices.Contains(r.Frameworks, f) {
				t.Errorf("%s does not say that it covers %s", r.ID, f)
			}
		}
		delete(rows, r.ID)
	}
	for id, row := range rows {
		if row.LeftOut == "" {
			t.Errorf("%s is no rule, and the catalogue does not say why", id)
		}
	}
}
