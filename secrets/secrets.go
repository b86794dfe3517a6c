// Package secrets finds plaintext secrets in Kubernetes objects and judges what
// SOPS encrypted. What it reports never holds a value, its length or a digest
// of it.
package secrets

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Rules are the rules about secrets.
var Rules = []*lint.Rule{
	configMapContainsSecret,
	envVarPlaintextSecret,
	privateKeyInRepo,
	secretInCommandArgs,
	secretPlaceholderDeployed,
	secretPlaintext,
	sopsMetadataInvalid,
	sopsNothingEncrypted,
	sopsPartiallyEncrypted,
	urlEmbeddedCredentials,
}

var (
	secretKind    = schema.GroupKind{Kind: "Secret"}
	configMapKind = schema.GroupKind{Kind: "ConfigMap"}
)

// carrierKinds are the kinds in whose text credentials turn up, besides
// Secrets.
var carrierKinds = append([]schema.GroupKind{
	configMapKind,
	{Group: "argoproj.io", Kind: "Application"},
	{Group: "argoproj.io", Kind: "ApplicationSet"},
	{Group: "helm.toolkit.fluxcd.io", Kind: "HelmRelease"},
	{Group: "image.toolkit.fluxcd.io", Kind: "ImageRepository"},
	{Group: "notification.toolkit.fluxcd.io", Kind: "Provider"},
	{Group: "source.toolkit.fluxcd.io", Kind: "Bucket"},
	{Group: "source.toolkit.fluxcd.io", Kind: "GitRepository"},
	{Group: "source.toolkit.fluxcd.io", Kind: "HelmRepository"},
	{Group: "source.toolkit.fluxcd.io", Kind: "OCIRepository"},
}, lint.Workloads...)

// secretValue is one entry of a Secret's data or stringData.
type secretValue struct {
	key   string
	path  *field.Path
	class Class
	// placeholder is the text of a placeholder.
	placeholder string
}

// secretValues are the entries of a Secret. It works on the nodes: the typed
// view has no place for what was written in a form the API refuses.
func secretValues(o *manifest.Object) []secretValue {
	var values []secretValue
	if text(o.Node, "$patch") == "delete" {
		return nil
	}
	for _, name := range [...]string{"data", "stringData"} {
		n := manifest.Get(o.Node, name)
		path := field.NewPath(name)
		if n == nil || isNull(n) {
			continue
		}
		if n.Kind != yaml.MappingNode {
			v := secretValue{key: name, path: path}
			v.class, v.placeholder = worst(n, false)
			values = append(values, v)
			continue
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if key == "$patch" || key == "$retainKeys" {
				// Directives of a strategic merge patch.
				continue
			}
			v := secretValue{key: key, path: path.Key(key)}
			v.class, v.placeholder = worst(n.Content[i+1], name == "data")
			values = append(values, v)
		}
	}
	return values
}

// worst classifies a node's text; of a list or mapping, which has no business
// there, the class of the worst scalar.
func worst(n *yaml.Node, encoded bool) (Class, string) {
	if n.Kind == yaml.ScalarNode {
		c := classifyEntry(n, encoded)
		return c, n.Value
	}
	class, value := Empty, ""
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		if k, v := worst(c, encoded); k > class || class == Empty {
			class, value = k, v
		}
	}
	return class, value
}

// classifyEntry classifies a scalar of a Secret, of its data what the base64
// says. What is no base64 there is judged as it stands.
func classifyEntry(n *yaml.Node, encoded bool) Class {
	if isNull(n) {
		return Empty
	}
	value := n.Value
	if n.Tag == "!!binary" {
		// YAML's reader decodes this once already.
		if decoded, ok := decodeBase64(value); ok {
			value = decoded
		}
	}
	if !encoded {
		return Classify(value)
	}
	decoded, ok := decodeBase64(value)
	if !ok || n.Tag == "!!binary" && !isPrintable(decoded) {
		return Classify(value)
	}
	if !isPrintable(decoded) {
		// "changeme" is base64 by its letters: whoever wrote it meant the word.
		if c := Classify(value); c != Literal {
			return c
		}
	}
	return Classify(decoded)
}
