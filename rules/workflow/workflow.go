// Package workflow holds the rules about what builds and rolls out: Argo
// Workflows and Rollouts, Tekton, OpenShift, and the agents of clouds.
package workflow

import "github.com/scantling-dev/scantling/lint"

// Rules are the rules of this topic.
var Rules = []*lint.Rule{
	argoRolloutMisconfigured,
	argoWorkflowDefaultServiceAccount,
	argoWorkflowRetryMisconfigured,
	argoWorkflowRunAsNonRoot,
	cloudNodeAgentUsesNodeRole,
	openshiftClusterHardening,
	tektonSecurityContextMissing,
	tektonUnpinnedOrUnsignedTask,
}
