// Package secrets finds plaintext secrets in Kubernetes objects and judges what
// SOPS encrypted. What it reports never holds a value, its length or a digest
// of it.
package secrets

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Rules are the rules about secrets.
var Rules = []*lint.Rule{
	argocdSOPSWithoutDecryptor,
	clusterSecretStoreUnrestricted,
	configMapContainsSecret,
	decryptedFileCommitted,
	decryptionKeyInRepo,
	encodedCredential,
	envVarPlaintextSecret,
	externalSecretDanglingStore,
	externalSecretFakeProvider,
	fluxDecryptionDisabledAnnotation,
	fluxDecryptionKeyMissing,
	fluxDecryptionMissing,
	fluxProviderInlineCredential,
	helmValuesPlaintextSecret,
	knownCredentialPattern,
	kubeconfigInRepo,
	lastAppliedAnnotationCommitted,
	privateKeyInRepo,
	sealedSecretPlaintextTemplate,
	sealedSecretScopeClusterWide,
	secretAsEnvironmentVariable,
	secretDecryptedInChange,
	secretGeneratorPlaintext,
	secretInCommandArgs,
	secretInComment,
	secretInHistory,
	secretManagerAbsent,
	secretPlaceholderDeployed,
	secretPlaintext,
	sopsCiphertextCopied,
	sopsCiphertextInRenderedObject,
	sopsConfigInvalid,
	sopsCreationRulesMissing,
	sopsDocumentWithoutMetadata,
	sopsEditedWithoutSOPS,
	sopsEncryptedRegexIncomplete,
	sopsEncryptsStructuralFields,
	sopsGeneratorFormatMismatch,
	sopsMACMismatch,
	sopsMACOnlyEncrypted,
	sopsMetadataInvalid,
	sopsNothingEncrypted,
	sopsObjectPatched,
	sopsPartiallyEncrypted,
	sopsPluginRecipient,
	sopsRecipientDrift,
	sopsSingleRecipient,
	sopsUnencryptedFile,
	urlEmbeddedCredentials,
	vaultInsecureConnection,
	workloadSecretAccessInventory,
}

var (
	secretKind    = schema.GroupKind{Kind: "Secret"}
	configMapKind = schema.GroupKind{Kind: "ConfigMap"}
)

// secretValue is one entry of a Secret's data or stringData.
type secretValue struct {
	key   string
	path  *field.Path
	class Class
	// node is where the entry is written: its value, or its key if the value is
	// no scalar. value is the value in either case.
	node, value *yaml.Node
	// placeholder is the text of a placeholder.
	placeholder string
}

// secretValues are the entries of a Secret. It works on the nodes: the typed
// view has no place for what was written in a form the API refuses.
func secretValues(o *manifest.Object) []secretValue { return secretEntries(o.Node) }

// secretEntries is secretValues for the mapping of a Secret.
func secretEntries(secret *yaml.Node) []secretValue {
	var values []secretValue
	if manifest.Text(secret, "$patch") == "delete" {
		return nil
	}
	for _, name := range [...]string{"data", "stringData"} {
		n := manifest.Get(secret, name)
		path := field.NewPath(name)
		if n == nil || isNull(n) {
			continue
		}
		if n.Kind != yaml.MappingNode {
			v := secretValue{key: name, path: path, node: n, value: n}
			v.class, v.placeholder = worst(n, false)
			values = append(values, v)
			continue
		}
		flat := isFlatSOPS(n)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if key == "$patch" || key == "$retainKeys" || flat && strings.HasPrefix(key, "sops_") {
				// Directives of a strategic merge patch, and what SOPS says of itself.
				continue
			}
			v := secretValue{key: key, path: path.Key(key), node: n.Content[i+1], value: n.Content[i+1]}
			if v.node.Kind != yaml.ScalarNode {
				v.node = n.Content[i]
			}
			v.class, v.placeholder = worst(v.value, name == "data")
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
