// Package admission holds the rules about what stands between a request and the
// cluster: webhooks, policy engines and their exceptions, aggregated APIs.
package admission

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Rules are the rules of this topic.
var Rules = []*lint.Rule{
	admissionWebhookBroadMutation,
	admissionWebhookFailOpen,
	apiserviceSkipTLSVerify,
	policyEngineAbsent,
	policyEngineAuditOnly,
	policyExceptionBroad,
}

const (
	admissionGroup   = "admissionregistration.k8s.io"
	constraintsGroup = "constraints.gatekeeper.sh"
	kyvernoGroup     = "kyverno.io"
	// kyvernoCELGroup is that of Kyverno's policies written in CEL.
	kyvernoCELGroup = "policies.kyverno.io"
)

var (
	kindMutating   = schema.GroupKind{Group: admissionGroup, Kind: "MutatingWebhookConfiguration"}
	kindValidating = schema.GroupKind{Group: admissionGroup, Kind: "ValidatingWebhookConfiguration"}
)
