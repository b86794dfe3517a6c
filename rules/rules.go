// Package rules lists every rule: the misconfiguration rules by topic, and the
// reserved rules for what could not be checked.
package rules

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/rules/admission"
	"github.com/scantling-dev/scantling/rules/api"
	"github.com/scantling-dev/scantling/rules/governance"
	"github.com/scantling-dev/scantling/rules/image"
	"github.com/scantling-dev/scantling/rules/network"
	"github.com/scantling-dev/scantling/rules/podsecurity"
	"github.com/scantling-dev/scantling/rules/rbac"
	"github.com/scantling-dev/scantling/rules/reliability"
	"github.com/scantling-dev/scantling/rules/workflow"
)

// All are all rules, in the order of their topics.
func All() []*lint.Rule {
	return slices.Concat(
		podsecurity.Rules,
		reliability.Rules,
		rbac.Rules,
		network.Rules,
		image.Rules,
		api.Rules,
		governance.Rules,
		admission.Rules,
		workflow.Rules,
		Problems,
	)
}
