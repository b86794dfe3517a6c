package secrets

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
)

// carried is a literal credential that a chart's values, or what is like them,
// carry.
type carried struct {
	// name is the credential's.
	name string
	node *yaml.Node
	// inside is the part of the node's text that it is; zero for all of it.
	inside lint.Inside
	value  string
}

// clearCarried calls found for every literal credential below a walk's node.
func clearCarried(w *walker, n *yaml.Node, found func(carried)) {
	name, clear := clearNode(w, n)
	switch {
	case clear:
		found(carried{name: name, node: n, value: n.Value})
	case name == "" || isNull(n) || applicationTag(n):
	case strings.HasPrefix(n.Value, "-") || isAfterFlag(w):
		for _, f := range clearFlags(w.argumentsOf(n)) {
			found(carried{name: f.name, node: n, inside: lint.Inside{Key: f.name, Word: f.name, Line: f.line}})
			return
		}
	case strings.Contains(strings.TrimSpace(n.Value), "\n"):
		for _, in := range embeddedCredentials(name, n.Value) {
			found(carried{name: insideName(in), node: n, inside: in})
		}
	}
}

// argumentsOf are the words of a scalar of a list of arguments, with the flag
// before it.
func (w *walker) argumentsOf(n *yaml.Node) []argument {
	var arguments []argument
	if isAfterFlag(w) {
		last := w.steps[len(w.steps)-1]
		arguments = append(arguments, argument{text: last.in.Content[last.index-1].Value})
	}
	// What stands first would be the program's name.
	arguments = append([]argument{{text: "-"}}, arguments...)
	if strings.ContainsAny(n.Value, " \t\n") {
		return scriptWords(arguments, n.Value, nil, 0)
	}
	return append(arguments, argument{text: n.Value})
}

// isAfterFlag says that a scalar stands behind a flag in a list of arguments.
func isAfterFlag(w *walker) bool {
	last := w.steps[len(w.steps)-1]
	if last.index < 1 {
		return false
	}
	before := last.in.Content[last.index-1].Value
	return strings.HasPrefix(before, "-") && !strings.ContainsAny(before, "= \n")
}

// clearNode says that a scalar holds a literal credential, by the name that it has
// where it stands. The name is empty where none would tell.
func clearNode(w *walker, n *yaml.Node) (name string, clear bool) {
	if len(w.steps) == 0 {
		return "", false
	}
	name = w.credentialName()
	if name == "" || isNull(n) || applicationTag(n) || n.Tag == "!!bool" {
		return name, false
	}
	if !clearCredential(name, n.Value) {
		return name, false
	}
	// A text of lines is a file that is called so, and is read as one.
	if text := strings.TrimSpace(n.Value); strings.Contains(text, "\n") || strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") {
		return name, len(embeddedCredentials("", n.Value)) == 0 && isKeyText(text)
	}
	return name, true
}

// isKeyText says that a text of lines is one long key rather than a file.
func isKeyText(text string) bool {
	return isBase64Text(strings.TrimRight(strings.Join(strings.Fields(text), ""), "="))
}

// credentialName is the name that says what the walk's node holds: its key, the
// name beside it in a list of names and values, or the key above one that only
// says "value". It is empty below keys that lead to names of objects, and to what
// people read.
func (w *walker) credentialName() string {
	last := len(w.steps) - 1
	for last > 0 && w.steps[last].index >= 0 {
		last--
	}
	for _, s := range w.steps[:last] {
		if s.index < 0 && leadsToNames(s.key) {
			return ""
		}
	}
	s := w.steps[last]
	if s.index >= 0 {
		return "value"
	}
	switch s.key {
	case "value", "string", "defaultValue":
		for _, key := range [...]string{"name", "key", "Name"} {
			if name := manifest.Text(s.in, key); name != "" {
				return name
			}
		}
		for i := last - 1; i >= 0; i-- {
			if w.steps[i].index < 0 {
				return w.steps[i].key
			}
		}
	case "secretKey", "secret_key", "secretkey":
		if hasAny(s.in, pairKeys[:]) {
			return "secret-access-key"
		}
	case "accessKey", "access_key", "accesskey":
		// What a user name is to a password.
		if hasAny(s.in, pairSecrets[:]) {
			return "access-key-id"
		}
	}
	return s.key
}

// pairKeys and pairSecrets are the two halves of the credentials of S3 as charts
// call them.
var (
	pairKeys    = [...]string{"accessKey", "access_key", "accesskey", "accessKeyId", "accessKeyID", "access_key_id"}
	pairSecrets = [...]string{"secretKey", "secret_key", "secretkey", "secretAccessKey", "secret_access_key"}
)

func hasAny(n *yaml.Node, keys []string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { return manifest.Text(n, key) != "" })
}

// leadsToNames says that what stands below a key names objects and their keys, or
// is written for people.
func leadsToNames(key string) bool {
	switch key {
	case "valueFrom", "existingSecret", "secretKeys", "keyMapping", "secretTemplate", "nodeSelector", "matchLabels", "volumes", "volumeMounts", "extraVolumes",
		"extraVolumeMounts", "tolerations", "affinity", "dataFrom", "envFrom", "imagePullSecrets", "dashboards", "rules", "openAPIV3Schema", "parameters_schema":
		return true
	}
	words := splitWords(key)
	if len(words) == 0 {
		return false
	}
	switch words[len(words)-1] {
	case "ref", "refs", "reference", "references", "mapping", "mappings", "selector", "schema", "annotations", "labels":
		return true
	}
	return false
}
