package podsecurity

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The kinds of kubernetes-sigs/agent-sandbox that hold a pod template, for code
// that nobody vetted: https://github.com/kubernetes-sigs/agent-sandbox,
// api/v1beta1/sandbox_types.go and extensions/api/v1beta1/sandboxtemplate_types.go.
var (
	kindSandbox         = schema.GroupKind{Group: "agents.x-k8s.io", Kind: "Sandbox"}
	kindSandboxTemplate = schema.GroupKind{Group: "extensions.agents.x-k8s.io", Kind: "SandboxTemplate"}
	sandboxKinds        = []schema.GroupKind{kindSandbox, kindSandboxTemplate}
)
