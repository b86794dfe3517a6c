package render

import (
	"path"
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// patchText is a patch as it is written.
type patchText struct {
	docs []*yaml.Node
	// file holds the text from a line and a column on; empty if it is not
	// written so that lines can be told, and the patch's entry is the place.
	file         string
	line, column int
	entry        func() (manifest.Origin, bool)
}

// origin is the place of a node of the patch.
func (t *patchText) origin(n *yaml.Node) (manifest.Origin, bool) {
	if t.file == "" {
		at, ok := t.entry()
		at.Exact = false
		return at, ok
	}
	if n.Kind == yaml.MappingNode && len(n.Content) > 0 && n.Style&yaml.FlowStyle == 0 {
		n = n.Content[0]
	}
	moved := *n
	moved.Line += t.line
	moved.Column += t.column
	return manifest.Origin{Span: position(t.file, &moved), Exact: true}, true
}

// patched6902 is where an operation of a JSON patch wrote a field, or where the
// patch is asked for.
func (k *kustomizeOrigins) patched6902(p *plugin, _ *yaml.Node, q manifest.Query) (manifest.Origin, bool) {
	texts, entry := k.patchTexts(p)
	for _, t := range texts {
		if at, ok := t.operation(q); ok {
			return at, true
		}
	}
	if entry.directives != nil {
		return entry.near()
	}
	return manifest.Origin{}, false
}

// patchTexts are the texts of the patches that a plugin applies, and the entry
// of the setting that asks for them; without a setting if that is not found.
func (k *kustomizeOrigins) patchTexts(p *plugin) ([]*patchText, spot) {
	var texts []*patchText
	add := func(file, text string, entry spot) {
		t := k.patchText(p.dir, file, text, entry)
		texts = append(texts, t)
	}
	file, text := foldText(p.config, "path"), foldText(p.config, "patch")+foldText(p.config, "jsonOp")
	if file != "" || text != "" {
		entry := p.patchEntry(file, text)
		add(file, text, entry)
		return texts, entry
	}
	var list spot
	for _, s := range p.settings {
		if at, ok := s.spot().get("patchesStrategicMerge"); ok {
			list = at
		}
	}
	for _, n := range items(fold(p.config, "paths")) {
		if !strings.Contains(n.Value, "\n") {
			add(n.Value, "", list)
		}
	}
	return texts, list
}

// patchEntry is the entry of a setting that asks for a patch.
func (p *plugin) patchEntry(file, text string) spot {
	target := fold(p.config, "target")
	var found []spot
	for _, s := range p.settings {
		entries := append(s.spot().items("patches"), s.spot().items("patchesJson6902")...)
		if s.kind == ofPlugin {
			entries = []spot{s.spot()}
		}
		for _, entry := range entries {
			switch {
			case file != "" && entry.str("path") != "" && path.Clean(entry.str("path")) == path.Clean(file),
				text != "" && (entry.str("patch") == text || entry.str("jsonOp") == text):
				found = append(found, entry)
			}
		}
	}
	for _, entry := range found {
		if own, _ := entry.get("target"); sameSelector(own.value, target) {
			return entry
		}
	}
	if len(found) > 0 {
		return found[0]
	}
	return spot{}
}

// sameSelector says that what a plugin was told to choose objects by is what an
// entry says.
func sameSelector(written, told *yaml.Node) bool {
	for _, key := range []string{"group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector"} {
		if foldText(written, key) != foldText(told, key) {
			return false
		}
	}
	return true
}

// patchText reads the text of a patch: from a file of the tree, or one that
// stands for an inline patch, or from where it stands in a setting.
func (k *kustomizeOrigins) patchText(dir, file, text string, entry spot) *patchText {
	if file == "" {
		t := &patchText{docs: k.docsOf(text), entry: entry.near}
		if s, ok := entry.get("patch"); ok && entry.directives != nil {
			t.entry = s.near
			t.file, t.line, t.column, _ = k.block(s)
		}
		return t
	}
	if at, line, ok := k.servedPatch(path.Base(file)); ok {
		w := k.file(at)
		if text, column, ok := w.literalText(line); ok {
			return &patchText{docs: k.docsOf(text), file: at, line: line, column: column}
		}
		return &patchText{entry: func() (manifest.Origin, bool) {
			return manifest.Origin{Span: manifest.Span{File: at, Line: line}}, true
		}}
	}
	name := k.real(join(dir, file))
	return &patchText{docs: k.docsOf(string(k.file(name).data)), file: name}
}

// docsOf are the documents of a text.
func (k *kustomizeOrigins) docsOf(text string) []*yaml.Node {
	docs, _ := k.tree.limits.Parse([]byte(text))
	return docs
}

// block says which lines and columns are before those of a text that stands as a
// literal block in a setting. Of no other scalar are the lines those of the text.
func (k *kustomizeOrigins) block(s spot) (file string, line, column int, ok bool) {
	at, found := s.origin()
	if !found || at.File == "" || at.Line == 0 {
		return "", 0, 0, false
	}
	if column, ok = k.file(at.File).literal(at.Line, s.value.Value); !ok {
		return "", 0, 0, false
	}
	return at.File, at.Line, column, true
}

// inlineTexts are the patches that settings hold.
func (k *kustomizeOrigins) inlineTexts() []spot {
	var settings []*directives
	if k.over != nil {
		settings = append(settings, k.over)
	}
	for _, name := range k.tree.kustomizations() {
		if s := k.kustomization(name); s != nil {
			settings = append(settings, s)
		}
	}
	var found []spot
	for _, s := range settings {
		for _, entry := range append(s.spot().items("patches"), s.spot().items("patchesJson6902")...) {
			if text, ok := entry.get("patch"); ok && text.value.Kind == yaml.ScalarNode {
				found = append(found, text)
			}
		}
		for _, entry := range s.spot().items("patchesStrategicMerge") {
			if strings.Contains(entry.value.Value, "\n") {
				found = append(found, entry)
			}
		}
	}
	return found
}

// operation is the place of the last operation that can have written a field:
// first one that wrote its value, at the place that the path says or, since items
// may have been put before it, at another of the same list; else one that wrote
// near it.
func (t *patchText) operation(q manifest.Query) (manifest.Origin, bool) {
	var ops []*yaml.Node
	for _, doc := range t.docs {
		ops = append(ops, items(doc)...)
	}
	for _, loose := range []bool{false, true} {
		var found []manifest.Origin
		for i := len(ops) - 1; i >= 0; i-- {
			if n := operationNode(ops[i], q, loose); n != nil {
				if at, ok := t.origin(n); ok {
					found = append(found, at)
				}
			}
		}
		if len(found) == 1 || len(found) > 0 && !loose {
			return found[0], true
		}
		if len(found) > 1 {
			found[0].Exact = false
			return found[0], true
		}
	}
	for i := len(ops) - 1; i >= 0; i-- {
		pointer := manifest.Get(ops[i], "path")
		if pointer == nil {
			continue
		}
		if _, ok := below(splitPointer(pointer.Value), q.Path, true); ok {
			at, ok := t.origin(pointer)
			at.Exact = false
			return at, ok
		}
	}
	return manifest.Origin{}, false
}

// operationNode is the node of an operation's value that is the field of a query
// with its value; nil if the operation did not write that. For a field that holds
// more than a scalar it is the key.
func operationNode(op *yaml.Node, q manifest.Query, loose bool) *yaml.Node {
	pointer := manifest.Get(op, "path")
	if pointer == nil {
		return nil
	}
	rest, ok := below(splitPointer(pointer.Value), q.Path, loose)
	if !ok {
		return nil
	}
	key, value := child(op, "value")
	if value == nil {
		return nil
	}
	for _, element := range rest {
		key, value = child(value, element)
		if value == nil {
			return nil
		}
	}
	if q.Value == nil || value.Kind != q.Value.Kind {
		return nil
	}
	if value.Kind == yaml.ScalarNode {
		if value.Value != q.Value.Value {
			return nil
		}
		if value.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 && key != nil {
			return key
		}
		return value
	}
	// Later operations may have changed what is below.
	if key != nil {
		return key
	}
	return value
}

// child is the entry of a mapping, the last of several with the key, or the item of
// a list, which has no key.
func child(n *yaml.Node, element string) (key, value *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := len(n.Content) - 2; i >= 0; i -= 2 {
			if n.Content[i].Value == element {
				return n.Content[i], n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(element); err == nil && i >= 0 && i < len(n.Content) {
			return nil, n.Content[i]
		}
	}
	return nil, nil
}

func splitPointer(pointer string) []string {
	parts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(p, "~1", "/"), "~0", "~")
	}
	return parts
}

// below is the rest of a path under a JSON pointer; "-" stands for any index, and
// loosely every index does.
func below(pointer, elements []string, loose bool) ([]string, bool) {
	if len(pointer) > len(elements) {
		return nil, false
	}
	for i, p := range pointer {
		if p == elements[i] || p == "-" {
			continue
		}
		if !loose || !isIndex(p) || !isIndex(elements[i]) {
			return nil, false
		}
	}
	return elements[len(pointer):], true
}

func isIndex(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}
