package secrets

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// writtenSecrets are the Secrets among documents, those in lists included.
func writtenSecrets(docs []*yaml.Node) []*yaml.Node {
	var secrets []*yaml.Node
	for _, doc := range docs {
		switch kind := manifest.Text(doc, "kind"); {
		case doc.Kind == yaml.SequenceNode:
			secrets = append(secrets, writtenSecrets(doc.Content)...)
		case manifest.Text(doc, "apiVersion") != "v1":
		case kind == "Secret":
			secrets = append(secrets, doc)
		case strings.HasSuffix(kind, "List"):
			items := manifest.Get(doc, "items")
			if items == nil || items.Kind != yaml.SequenceNode {
				continue
			}
			for _, item := range items.Content {
				if item.Kind == yaml.MappingNode && (kind == "SecretList" || manifest.Text(item, "kind") == "Secret") {
					secrets = append(secrets, item)
				}
			}
		}
	}
	return secrets
}

// holdsCredential says that a Secret holds a literal under the name of a credential,
// or a whole file: more than the address and the settings that are kept beside one.
func holdsCredential(secret *yaml.Node) bool {
	for _, v := range secretEntries(secret) {
		if v.class != Literal || harmlessEntry(secret, v) {
			continue
		}
		value := v.value.Value
		if strings.HasPrefix(v.path.String(), "data[") {
			if decoded, ok := decodeBase64(value); ok {
				value = decoded
			}
		}
		if CredentialName(v.key) || strings.HasPrefix(v.key, ".docker") || strings.Contains(strings.TrimSpace(value), "\n") {
			return true
		}
	}
	return false
}

// holdsLiteral says that an entry of a Secret is a literal that is meant to be
// secret.
func holdsLiteral(secret *yaml.Node) bool {
	for _, v := range secretEntries(secret) {
		if v.class == Literal && !harmlessEntry(secret, v) {
			return true
		}
	}
	return false
}
