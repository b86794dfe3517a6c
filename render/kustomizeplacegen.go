package render

import (
	"path"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
)

// generates is the place of what a generator made: the literal, the file or the
// line of an env file that gave an entry of the data, else the entry of the
// kustomization that asks for the object.
func (k *kustomizeOrigins) generates(p *plugin, q manifest.Query) (manifest.Origin, bool) {
	entries := k.generators(p)
	if len(entries) == 0 {
		return manifest.Origin{}, false
	}
	if len(q.Path) > 1 && slices.Contains([]string{"data", "binaryData", "stringData"}, q.Path[0]) {
		for _, entry := range entries {
			if at, ok := k.generated(entry, q); ok {
				return at, true
			}
		}
	}
	if len(q.Path) == 3 && q.Path[0] == "metadata" {
		if at, ok := p.generatorOption(entries, q); ok {
			return at, true
		}
	}
	name, ok := entries[0].get("name")
	if !ok {
		return entries[0].near()
	}
	at, ok := name.origin()
	at.Exact = at.Exact && (len(q.Path) == 0 || renderedText(q) == name.value.Value || k.named(name.value.Value, renderedText(q)))
	return at, ok
}

// generators are the entries of a setting that a generator was told.
func (k *kustomizeOrigins) generators(p *plugin) []spot {
	name := foldText(p.config, "name")
	var found []spot
	for _, s := range p.settings {
		if s.kind == ofPlugin {
			found = append(found, s.spot())
			continue
		}
		for _, key := range p.sections(s.kind) {
			for _, entry := range s.spot().items(key) {
				if entry.str("name") == name && entry.str("namespace") == foldText(p.config, "namespace") {
					found = append(found, entry)
				}
			}
		}
	}
	return found
}

// generatorOption is the label or annotation that a generator puts on what it
// makes.
func (p *plugin) generatorOption(entries []spot, q manifest.Query) (manifest.Origin, bool) {
	for _, entry := range entries {
		if at, ok := entry.get("options", q.Path[1], q.Path[2]); ok && at.value.Value == renderedText(q) {
			return at.origin()
		}
	}
	for _, s := range p.settings {
		if at, ok := s.spot().get("generatorOptions", q.Path[1], q.Path[2]); ok && at.value.Value == renderedText(q) {
			return at.origin()
		}
	}
	return manifest.Origin{}, false
}

// generated is the place of an entry of the data that a generator made.
func (k *kustomizeOrigins) generated(entry spot, q manifest.Query) (manifest.Origin, bool) {
	key, value := q.Path[1], renderedText(q)
	for _, n := range entry.items("literals") {
		name, written, ok := strings.Cut(n.value.Value, "=")
		if !ok || name != key {
			continue
		}
		at, ok := n.origin()
		at.Exact = at.Exact && encoded(value, unquoted(written))
		return at, ok
	}
	for _, n := range entry.items("files") {
		name, ref, named := strings.Cut(n.value.Value, "=")
		if !named {
			name, ref = path.Base(n.value.Value), n.value.Value
		}
		if name == key {
			return k.content(n, ref, value)
		}
	}
	envs := entry.items("envs")
	if n, ok := entry.get("env"); ok {
		envs = append(envs, n)
	}
	for _, n := range envs {
		file := k.real(join(path.Dir(entry.file), n.value.Value))
		w := k.file(file)
		for i := range w.starts {
			line := string(w.line(i + 1))
			name, written, ok := strings.Cut(line, "=")
			if !ok || strings.TrimSpace(name) != key {
				continue
			}
			at := manifest.Span{File: file, Line: i + 1, Column: 1, EndLine: i + 1, EndColumn: len([]rune(line)) + 1}
			return manifest.Origin{Span: at, Exact: encoded(value, written)}, true
		}
	}
	return manifest.Origin{}, false
}

// content is the place of an entry that is a whole file: the beginning of the
// file, or where the kustomization names it.
func (k *kustomizeOrigins) content(n spot, ref, value string) (manifest.Origin, bool) {
	file := k.real(join(path.Dir(n.file), ref))
	w := k.file(file)
	if len(w.data) == 0 || !encoded(value, string(w.data)) {
		return n.near()
	}
	at := manifest.Span{File: file, Line: 1, Column: 1, EndLine: 1, EndColumn: len([]rune(string(w.line(1)))) + 1}
	return manifest.Origin{Span: at, Exact: true}, true
}

// unquoted is the value of a literal, around which kustomize takes one pair of
// quotes away.
func unquoted(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}
