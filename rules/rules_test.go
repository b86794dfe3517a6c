package rules

import (
	"testing"

	"github.com/scantling-dev/scantling/lint"
)

func TestAllIsValid(t *testing.T) {
	if err := lint.Validate(All()); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range All() {
		if seen[r.ID] {
			t.Errorf("rule %s is listed twice", r.ID)
		}
		seen[r.ID] = true
	}
}

// The ids and severities are a promise: reports, baselines and configurations
// hold them.
func TestProblemsAreComplete(t *testing.T) {
	want := map[string]lint.Severity{
		"parse-error": lint.High, "encoding": lint.High, "duplicate-key": lint.High,
		"limit-size": lint.High, "limit-depth": lint.High, "limit-alias": lint.High,
		"alias-cycle": lint.High, "limit-docs": lint.High, "limit-time": lint.High,
		"limit-memory": lint.High, "outside-repo": lint.High, "special-file": lint.High,
		"plugin-refused": lint.High, "cycle": lint.High, "render-failed": lint.High,
		"template-recursion": lint.High, "missing-dependency": lint.High, "archive": lint.High,
		"git": lint.High, "internal": lint.High,
		"schema": lint.Low, "not-fetched": lint.Info,
		"ignore-without-reason": lint.Medium, "ignore-unknown-rule": lint.Medium, "ignore-unused": lint.Low,
		"ignore-expired": lint.Medium, "suppression-added": lint.Info,
	}
	for _, r := range Problems {
		severity, ok := want[r.ID]
		if !ok {
			t.Errorf("problem %s is not in the design", r.ID)
			continue
		}
		delete(want, r.ID)
		if r.Severity != severity {
			t.Errorf("problem %s is %v, want %v", r.ID, r.Severity, severity)
		}
		if r.Category != lint.Problems || r.Check != nil || r.CheckAll != nil {
			t.Errorf("problem %s is not a reserved rule", r.ID)
		}
	}
	for id := range want {
		t.Errorf("problem %s is missing", id)
	}
}
