package secrets

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
	"go.yaml.in/yaml/v3"
)

// Strategic merge patches say kind: Secret themselves, so the search for Secrets
// finds them, in files and in the text of a patch. A JSON patch says it by its
// target: `patches` and `patchesJson6902` of kustomizations, of Flux
// Kustomizations, of a HelmRelease's post-renderers and of Applications all have
// entries of one form.

// jsonPatch reports the literals that an entry of a list of patches writes into
// Secrets.
func (s *secretSearch) jsonPatch(f frame, entry *yaml.Node) {
	patch := manifest.Get(entry, "patch")
	if patch == nil || !patchesSecrets(manifest.Get(entry, "target")) {
		return
	}
	if patch.Kind == yaml.SequenceNode {
		s.operations(f, patch)
		return
	}
	if patch.Kind != yaml.ScalarNode || !strings.Contains(patch.Value, "path") {
		return
	}
	inner := s.inside(f, patch)
	docs, _ := manifest.Parse([]byte(patch.Value))
	for _, doc := range docs {
		s.operations(inner, doc)
	}
}

// patchesSecrets says that a target selects Secrets by its kind, which is a
// regular expression, and no other group's.
func patchesSecrets(target *yaml.Node) bool {
	if group := manifest.Text(target, "group"); group != "" {
		return false
	}
	return slices.Contains(strings.Split(strings.Trim(manifest.Text(target, "kind"), "^$()"), "|"), "Secret")
}

// operations reports the literals in the operations of a JSON patch of Secrets.
func (s *secretSearch) operations(f frame, patch *yaml.Node) {
	if patch.Kind != yaml.SequenceNode {
		return
	}
	for _, op := range patch.Content {
		value := manifest.Get(op, "value")
		if value == nil {
			continue
		}
		pointer := strings.Split(manifest.Text(op, "path"), "/")
		if len(pointer) < 2 || pointer[0] != "" || pointer[1] != "data" && pointer[1] != "stringData" {
			continue
		}
		s.patchValue(f, pointer[1:], value)
	}
}

// patchValue judges what a patch writes at a place of a Secret.
func (s *secretSearch) patchValue(f frame, pointer []string, value *yaml.Node) {
	key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: pointer[0], Line: value.Line, Column: value.Column}
	entries := value
	if len(pointer) > 1 {
		name := strings.NewReplacer("~1", "/", "~0", "~").Replace(strings.Join(pointer[1:], "/"))
		entries = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{
			{Kind: yaml.ScalarNode, Tag: "!!str", Value: name, Line: value.Line, Column: value.Column}, value,
		}}
	}
	s.entries(f, &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{key, entries}}, "patch of a Secret")
}

// searchPatchFiles reports the literals in files of JSON patches: only the
// kustomization that names such a file says what it patches.
func searchPatchFiles(t *lint.Tree, report func(foundSecret)) {
	done := map[string]bool{}
	for _, k := range kustomizationsOf(t) {
		for _, list := range [...]string{"patches", "patchesJson6902"} {
			for _, entry := range manifest.Items(k.node, list) {
				name, ok := k.resolve(t, manifest.Text(entry, "path"))
				if !ok || done[name] || !patchesSecrets(manifest.Get(entry, "target")) {
					continue
				}
				done[name] = true
				data, err := t.ReadFile(name)
				if err != nil || sops.MayHold(data) {
					// What can't be read is said where it is rendered; SOPS has rules
					// of its own.
					continue
				}
				searchPatchFile(lint.NewFile(name, data), report)
			}
		}
	}
}

func searchPatchFile(file *lint.File, report func(foundSecret)) {
	s := &secretSearch{file: file, report: report, seen: map[linePlace]bool{}, lines: strings.Split(string(file.Data), "\n")}
	root := frame{at: func(line, column int) manifest.Span {
		return manifest.Span{File: file.Name, Line: line, Column: column}
	}}
	docs, _ := file.Documents()
	for _, doc := range docs {
		s.operations(root, doc)
	}
}
