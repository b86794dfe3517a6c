package secrets

import (
	"fmt"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
)

// lastApplied is the annotation in which kubectl keeps what it applied.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

var lastAppliedAnnotationCommitted = &lint.Rule{
	ID:       "last-applied-annotation-committed",
	Title:    "Live-cluster annotation is committed",
	Why:      "kubectl apply writes the whole object into the annotation. In a manifest that was copied from a cluster it repeats every value, those of a Secret too, and encrypting data leaves it clear. It is stale from the first change on, and confuses the next kubectl apply.",
	Fix:      "Remove the annotation from the file. If it repeats a Secret's data, replace those values, because they stay in the history.",
	Since:    "0.1.0",
	Severity: lint.Low,
	Category: lint.Secrets,
	CheckFile: func(p *lint.TreePass) {
		if !p.File.Contains(lastApplied) || readingOf(p.Tree, p.File.Name) != readDocuments {
			return
		}
		docs, _ := p.File.Documents()
		for _, doc := range docs {
			annotatedObjects(doc, func(object, value *yaml.Node) {
				key := fmt.Sprintf("%s %s: %s", manifest.Text(object, "kind"), manifest.Text(manifest.Get(object, "metadata"), "name"), lastApplied)
				if repeatsSecret(value.Value) {
					p.ReportAs(lint.Critical, p.File.Node(value), key, "annotation %s repeats the Secret's data in clear", lastApplied)
					return
				}
				p.Report(p.File.Node(value), key, "annotation %s was copied from a cluster", lastApplied)
			})
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: copied
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"apiVersion":"v1","kind":"ConfigMap","data":{"a":"b"}}' # want low: was copied
---
apiVersion: v1
kind: Secret
metadata:
  name: copied
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: | # want critical: repeats the Secret's data in clear
      {"apiVersion":"v1","kind":"Secret","metadata":{"name":"copied"},"data":{"password":"aHVudGVyMg=="}}
data:
  password: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
---
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Secret
    metadata:
      name: empty
      annotations:
        kubectl.kubernetes.io/last-applied-configuration: '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"empty"}}' # want low
-- good.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: clean
  annotations:
    kubectl.kubernetes.io/restartedAt: "2026-01-01T00:00:00Z"
data:
  ignored: kubectl.kubernetes.io/last-applied-configuration
  config.yaml: |
    exclude: [kubectl.kubernetes.io/last-applied-configuration]
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: removed
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: null
---
apiVersion: v1
kind: Secret
metadata:
  name: encrypted
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
-- good-readme.md --
    kubectl.kubernetes.io/last-applied-configuration: '{"kind":"Secret","data":{"a":"aHVudGVyMg=="}}'
`,
}

// annotatedObjects calls f for every object below a node that carries the
// annotation, with its value.
func annotatedObjects(n *yaml.Node, f func(object, value *yaml.Node)) {
	if n.Kind == yaml.MappingNode {
		value := manifest.Get(manifest.Get(manifest.Get(n, "metadata"), "annotations"), lastApplied)
		if value != nil && value.Kind == yaml.ScalarNode && !isNull(value) {
			switch Classify(value.Value) {
			case Literal, Placeholder:
				f(n, value)
			}
		}
	}
	for _, c := range n.Content {
		if c.Kind != yaml.ScalarNode {
			annotatedObjects(c, f)
		}
	}
}

// repeatsSecret says that an annotation's object is a Secret with a literal in it.
func repeatsSecret(value string) bool {
	docs, _ := manifest.Parse([]byte(value))
	for _, doc := range docs {
		if isSecretMapping(doc) && len(clearEntries(doc)) > 0 {
			return true
		}
	}
	return false
}
