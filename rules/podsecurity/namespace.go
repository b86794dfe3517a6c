package podsecurity

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var kindNamespace = schema.GroupKind{Kind: "Namespace"}

// systemNamespaces is the option for the namespaces of the cluster itself, where
// pods must do what others may not.
func systemNamespaces() lint.Option {
	return lint.Option{
		Name:    "system",
		Doc:     "Namespaces that are not judged, because the cluster itself lives there; * stands for any characters.",
		Default: []string{"kube-system", "kube-public", "kube-node-lease"},
		Valid:   lint.Glob,
	}
}

// isSystem says that the option names the namespace, or that its name is not
// known.
func isSystem(p *lint.Pass, name string) bool {
	return !manifest.Known(name) || p.Matches("system", name)
}

// pssLabel is one of a namespace's labels for Pod Security.
func pssLabel(o *manifest.Object, name string) manifest.Value {
	return o.Value("metadata", "labels").Key(pssLabelPrefix + name)
}
