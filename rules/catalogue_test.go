package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/lint"
)

// Every row of the catalogue is a rule, or says why it is none; and every rule
// stands in the catalogue with the standards that it covers.
func TestCatalogue(t *testing.T) {
	rules := map[string]*lint.Rule{}
	for _, r := range All() {
		rules[r.ID] = r
	}
	rows := map[string]Entry{}
	for _, e := range Catalogue() {
		if _, ok := rows[e.ID]; ok {
			t.Errorf("%s stands in the catalogue twice", e.ID)
		}
		rows[e.ID] = e
		r := rules[e.ID]
		switch {
		case e.Category == string(lint.Secrets):
			// Those are of another package, whose test looks at them.
		case r == nil && e.LeftOut == "":
			t.Errorf("%s is no rule, and the catalogue does not say why", e.ID)
		case r != nil && e.LeftOut != "":
			t.Errorf("%s is a rule, and the catalogue says why it is none", e.ID)
		case r == nil, r.Category == lint.Problems:
		case string(r.Category) != e.Category:
			t.Errorf("%s is of category %s, in the catalogue of %s", e.ID, r.Category, e.Category)
		default:
			for _, f := range e.Frameworks {
				if !slices.Contains(r.Frameworks, f) {
					t.Errorf("%s does not say that it covers %s", e.ID, f)
				}
			}
		}
	}
	for id, r := range rules {
		if _, ok := rows[id]; !ok && r.Category != lint.Problems {
			t.Errorf("%s is missing in the catalogue", id)
		}
	}
}

func TestOurs(t *testing.T) {
	for _, tt := range []struct{ tool, id, want string }{
		{"checkov", "CKV_K8S_16", "privileged-container"},
		{"", "ckv_k8s_16", "privileged-container"},
		{"trivy", "KSV-0017", "privileged-container"},
		{"trivy", "AVD-KSV-0017", "privileged-container"},
		{"", "KSV017", "privileged-container"},
		{"kubesec", "Privileged", "privileged-container"},
		{"kube-linter", "CKV_K8S_16", ""},
	} {
		if got := strings.Join(Ours(tt.tool, tt.id), " "); got != tt.want {
			t.Errorf("%s %s is ours as %q, want %q", tt.tool, tt.id, got, tt.want)
		}
	}
}
