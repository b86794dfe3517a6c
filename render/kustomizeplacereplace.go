package render

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// replaced is the place of a field that a replacement wrote: the field of the
// source that it copied, if that is found and holds the same text, else the
// replacement.
func (k *kustomizeOrigins) replaced(p *plugin, doc *yaml.Node, q manifest.Query) (manifest.Origin, bool) {
	for _, r := range k.replacements(p) {
		if !replaces(r, doc, q.Path) {
			continue
		}
		entry, ok := r.near()
		if !ok {
			continue
		}
		source, found := r.get("source")
		if !found {
			if value, ok := r.get("sourceValue"); ok && value.value.Value == renderedText(q) {
				return value.origin()
			}
			return entry, true
		}
		at, ok := k.copied(source, doc, renderedText(q))
		if !ok {
			return entry, true
		}
		at.Via = append([]manifest.Step{{Span: entry.Span, What: "replacement"}}, at.Via...)
		return at, true
	}
	return manifest.Origin{}, false
}

// replacements are those that a plugin was told, the last first.
func (k *kustomizeOrigins) replacements(p *plugin) []spot {
	var found []spot
	for _, s := range p.settings {
		for _, entry := range s.spot().items("replacements") {
			ref := entry.str("path")
			if ref == "" {
				found = append(found, entry)
				continue
			}
			name := k.real(join(path.Dir(entry.file), ref))
			for _, doc := range k.docsOf(string(k.file(name).data)) {
				in := (&directives{kind: ofPlugin, root: doc, file: name}).spot()
				if doc.Kind == yaml.SequenceNode {
					found = append(found, in.items()...)
				} else {
					found = append(found, in)
				}
			}
		}
	}
	slices.Reverse(found)
	return found
}

// replaces says that a replacement has a field of an object among its targets.
func replaces(r spot, doc *yaml.Node, elements []string) bool {
	for _, target := range r.items("targets") {
		selected, ok := target.get("select")
		if !ok || !selects(selected.value, doc) {
			continue
		}
		paths := target.items("fieldPaths")
		if len(paths) == 0 && strings.Join(elements, ".") == "metadata.name" {
			return true
		}
		for _, p := range paths {
			if leadsTo(doc, splitField(p.value.Value), elements) {
				return true
			}
		}
	}
	return false
}

// selects says that a selector chooses an object. Names may have got prefixes and
// suffixes since.
func selects(selector, doc *yaml.Node) bool {
	kind, name := foldText(selector, "kind"), foldText(selector, "name")
	return (kind == "" || kind == foldText(doc, "kind")) && strings.Contains(foldText(doc, "metadata", "name"), name)
}

// splitField takes a field path of a replacement apart: dots that belong to a
// name are escaped, or in brackets.
func splitField(p string) []string {
	var parts []string
	var part strings.Builder
	depth := 0
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '\\' && i+1 < len(p):
			i++
			part.WriteByte(p[i])
			continue
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '.' && depth <= 0:
			parts = append(parts, part.String())
			part.Reset()
			continue
		}
		part.WriteByte(p[i])
	}
	return append(parts, part.String())
}

// leadsTo says that a field path of a replacement leads to a field of an object,
// or above it.
func leadsTo(doc *yaml.Node, parts, elements []string) bool {
	n := doc
	for i, part := range parts {
		if i >= len(elements) {
			return false
		}
		choice, ok := strings.CutPrefix(part, "[")
		_, next := child(n, elements[i])
		switch {
		case next == nil:
			return false
		case part == "*", part == elements[i]:
		case ok:
			key, value, _ := strings.Cut(strings.TrimSuffix(choice, "]"), "=")
			if foldText(next, key) != value {
				return false
			}
		default:
			return false
		}
		n = next
	}
	return true
}

// copied is where the field of an object that is the source of a replacement is
// written, if it holds the whole text that was copied.
func (k *kustomizeOrigins) copied(source spot, target *yaml.Node, value string) (manifest.Origin, bool) {
	fieldPath := source.str("fieldPath")
	if fieldPath == "" {
		fieldPath = "metadata.name"
	}
	var elements []string
	for _, doc := range k.docs {
		if doc == target || !selects(source.value, doc) {
			continue
		}
		elements = concrete(doc, splitField(fieldPath))
		o := manifest.New(doc, manifest.Origin{}, k.locator(doc))
		n := doc
		for _, element := range elements {
			if _, n = child(n, element); n == nil {
				break
			}
		}
		if n == nil || len(elements) == 0 || n.Value != value || n.Line < 0 && k.tags[min(-n.Line, len(k.tags))-1].kind == "ReplacementTransformer" {
			continue
		}
		return objectField(o)(elements)
	}
	for _, o := range k.sources(foldText(source.value, "kind"), foldText(source.value, "name")) {
		elements = concrete(o.Node, splitField(fieldPath))
		n := o.Node
		for _, element := range elements {
			if _, n = child(n, element); n == nil {
				break
			}
		}
		if n != nil && n.Value == value && len(elements) > 0 {
			return objectField(o)(elements)
		}
	}
	return manifest.Origin{}, false
}

// concrete is a field path of a replacement with the indexes of the items that it
// chooses; nil if it leads nowhere.
func concrete(n *yaml.Node, parts []string) []string {
	var elements []string
	for _, part := range parts {
		element := part
		if choice, ok := strings.CutPrefix(part, "["); ok {
			key, value, _ := strings.Cut(strings.TrimSuffix(choice, "]"), "=")
			element = ""
			for i, item := range items(n) {
				if foldText(item, key) == value {
					element = strconv.Itoa(i)
					break
				}
			}
		}
		if _, n = child(n, element); n == nil {
			return nil
		}
		elements = append(elements, element)
	}
	return elements
}
