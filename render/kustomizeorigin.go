package render

import (
	"bytes"
	"path"
	"sort"
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// kustomizeOrigins says where the nodes of a build's objects were written.
type kustomizeOrigins struct {
	tree *recorder
	pads []pad
	// texts finds what charts gave; nil for no charts.
	texts *textLines

	mu      sync.Mutex
	lines   map[string][][]rune
	written map[string][]*manifest.Object // by kind, of the padded files
}

func newKustomizeOrigins(tree *recorder, pads []pad) *kustomizeOrigins {
	return &kustomizeOrigins{tree: tree, pads: pads, lines: map[string][][]rune{}}
}

// locate finds the file and line of a node by its line among all padded files,
// and compares the text there with the node.
func (k *kustomizeOrigins) locate(q manifest.Query) (manifest.Origin, bool) {
	n := q.Node
	if n.Line <= 0 {
		return manifest.Origin{}, false
	}
	if n.Line <= firstPad {
		return k.inline(n)
	}
	pads := k.pads
	i := sort.Search(len(pads), func(i int) bool { return pads[i].start >= n.Line }) - 1
	if i < 0 || n.Line-pads[i].start > pads[i].lines {
		return manifest.Origin{}, false
	}
	at := *n
	at.Line -= pads[i].start
	span := manifest.NodeSpan(pads[i].file, &at)
	return manifest.Origin{Span: span, Exact: k.stands(span, n)}, true
}

// reference is where a kustomization of the repository names what was fetched
// and holds a file; else the place that stands for it.
func (k *kustomizeOrigins) reference(name string, stand manifest.Span) manifest.Span {
	for _, file := range k.tree.kustomizations() {
		root := k.tree.node(file)
		if isFetched(file) || root == nil {
			continue
		}
		var found *yaml.Node
		walkScalars(root, func(n *yaml.Node) {
			if found == nil && isRemote(n.Value) {
				if r, ok := parseRemote(n.Value); ok && within(name, r.request.Mount()) {
					found = n
				}
			}
		})
		if found != nil {
			return position(file, found)
		}
	}
	return stand
}

// stands says that the text at a place is that of the node.
func (k *kustomizeOrigins) stands(span manifest.Span, n *yaml.Node) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	lines, ok := k.lines[span.File]
	if !ok {
		for _, line := range bytes.Split(k.tree.source(span.File), []byte("\n")) {
			lines = append(lines, []rune(string(line)))
		}
		k.lines[span.File] = lines
	}
	if span.Line < 1 || span.Line > len(lines) || span.Column < 1 || span.Column > len(lines[span.Line-1]) {
		return false
	}
	text := string(lines[span.Line-1][span.Column-1:])
	if n.Kind != yaml.ScalarNode {
		return true
	}
	switch text[0] {
	case '"', '\'', '|', '>', '&', '*', '!':
		// Quoted, folded, anchored: the text differs from the value by form.
		return true
	}
	first, _, _ := strings.Cut(n.Value, "\n")
	return strings.HasPrefix(text, first) || strings.HasPrefix(first, strings.TrimSpace(text))
}

// inline finds a node of an inline patch: kustomize parses its text on its own,
// so the line is that in the patch.
func (k *kustomizeOrigins) inline(n *yaml.Node) (manifest.Origin, bool) {
	var found []manifest.Span
	for _, name := range k.tree.kustomizations() {
		root := k.tree.node(name)
		if root == nil {
			continue
		}
		var texts []*yaml.Node
		for _, key := range []string{"patches", "patchesJson6902"} {
			for _, entry := range items(manifest.Get(root, key)) {
				if p := manifest.Get(entry, "patch"); p != nil {
					texts = append(texts, p)
				}
			}
		}
		texts = append(texts, items(manifest.Get(root, "patchesStrategicMerge"))...)
		for _, t := range texts {
			if t.Style&yaml.LiteralStyle == 0 {
				continue
			}
			at := *n
			at.Line += t.Line
			at.Column += k.indent(name, t.Line+1)
			if span := manifest.NodeSpan(name, &at); k.stands(span, n) && at.Line <= t.Line+strings.Count(t.Value, "\n")+1 {
				found = append(found, span)
			}
		}
	}
	if len(found) != 1 {
		return manifest.Origin{}, false
	}
	return manifest.Origin{Span: found[0], Exact: true}, true
}

// indent is the width of the white space that a line begins with.
func (k *kustomizeOrigins) indent(name string, line int) int {
	lines := bytes.Split(k.tree.source(name), []byte("\n"))
	if line < 1 || line > len(lines) {
		return 0
	}
	return len(lines[line-1]) - len(bytes.TrimLeft(lines[line-1], " "))
}

// anchor gives an object whose nodes have lost their lines the place of the
// object that it was made of: a JSON patch rebuilds the whole object, and a
// generator makes one that was never written.
func (k *kustomizeOrigins) anchor(o *manifest.Object) {
	if o.Origin.Line > 0 {
		return
	}
	if w := k.sources(o); len(w) > 0 {
		o.WrittenAs(w, k.patched)
		return
	}
	kind := ""
	switch o.GVK.Kind {
	case "ConfigMap":
		kind = "configMapGenerator"
	case "Secret":
		kind = "secretGenerator"
	default:
		return
	}
	for _, name := range k.tree.kustomizations() {
		for _, entry := range items(manifest.Get(k.tree.node(name), kind)) {
			n := manifest.Get(entry, "name")
			if n == nil || n.Value == "" || !strings.Contains(o.Name, n.Value) {
				continue
			}
			o.Origin.Span, o.Origin.Exact = position(name, n), true
			o.Generated = k.generated(name, entry)
			return
		}
	}
}

// generated finds the line that gave a generated object's entry.
func (k *kustomizeOrigins) generated(file string, entry *yaml.Node) func(key string) (manifest.Span, bool) {
	return func(key string) (manifest.Span, bool) {
		for _, n := range items(manifest.Get(entry, "literals")) {
			if name, _, ok := strings.Cut(n.Value, "="); ok && name == key {
				return position(file, n), true
			}
		}
		for _, n := range items(manifest.Get(entry, "files")) {
			name, _, named := strings.Cut(n.Value, "=")
			if !named {
				name = path.Base(n.Value)
			}
			if name == key {
				return position(file, n), true
			}
		}
		envs := items(manifest.Get(entry, "envs"))
		if n := manifest.Get(entry, "env"); n != nil {
			envs = append(envs, n)
		}
		for _, n := range envs {
			name := join(path.Dir(file), n.Value)
			for i, line := range strings.Split(string(k.tree.source(name)), "\n") {
				if before, _, ok := strings.Cut(line, "="); ok && strings.TrimSpace(before) == key {
					return manifest.Span{File: name, Line: i + 1, Column: 1, EndLine: i + 1, EndColumn: len([]rune(line)) + 1}, true
				}
			}
		}
		return manifest.Span{}, false
	}
}

// sources are the written objects that a rendered one was made of, in the order
// in which they were read: the same kind, and the longest name that the rendered
// one holds (prefixes and suffixes may have been added).
func (k *kustomizeOrigins) sources(o *manifest.Object) []*manifest.Object {
	k.mu.Lock()
	if k.written == nil {
		k.written = map[string][]*manifest.Object{}
		for _, p := range k.pads {
			docs, _ := k.tree.limits.Parse(k.tree.source(p.file))
			for _, doc := range docs {
				for _, w := range manifest.Objects(doc, manifest.Origin{Span: manifest.Span{File: p.file}, Exact: true}, nil) {
					k.written[w.GVK.Kind] = append(k.written[w.GVK.Kind], w)
				}
			}
		}
		if k.texts != nil {
			for _, w := range k.texts.objects(k.tree.limits) {
				k.written[w.GVK.Kind] = append(k.written[w.GVK.Kind], w)
			}
		}
	}
	k.mu.Unlock()
	var best []*manifest.Object
	for _, w := range k.written[o.GVK.Kind] {
		switch {
		case w.Name == "" || !strings.Contains(o.Name, w.Name):
		case len(best) == 0, len(w.Name) > len(best[0].Name):
			best = []*manifest.Object{w}
		case w.Name == best[0].Name:
			best = append(best, w)
		}
	}
	return best
}

// patched is where a JSON patch wrote a field, if one that was read did.
func (k *kustomizeOrigins) patched(o *manifest.Object, elements []string) (manifest.Span, bool) {
	for _, name := range k.tree.kustomizations() {
		for _, key := range []string{"patches", "patchesJson6902"} {
			for _, entry := range items(manifest.Get(k.tree.node(name), key)) {
				if target := manifest.Get(manifest.Get(entry, "target"), "kind"); target != nil && target.Value != o.GVK.Kind {
					continue
				}
				if span, ok := k.operation(name, entry, elements); ok {
					return span, true
				}
			}
		}
	}
	return manifest.Span{}, false
}

func (k *kustomizeOrigins) operation(name string, entry *yaml.Node, elements []string) (manifest.Span, bool) {
	file, text, shiftLine, shiftColumn := name, []byte(nil), 0, 0
	if p := manifest.Get(entry, "path"); p != nil {
		file = join(path.Dir(name), p.Value)
		text = k.tree.source(file)
	} else if p := manifest.Get(entry, "patch"); p != nil && p.Style&yaml.LiteralStyle != 0 {
		text = []byte(p.Value)
		shiftLine, shiftColumn = p.Line, k.indent(name, p.Line+1)
	}
	docs, _ := k.tree.limits.Parse(text)
	for _, doc := range docs {
		for _, op := range items(doc) {
			pointer, value := manifest.Get(op, "path"), manifest.Get(op, "value")
			if pointer == nil || value == nil {
				continue
			}
			parts := strings.Split(strings.TrimPrefix(pointer.Value, "/"), "/")
			rest, ok := below(parts, elements)
			if !ok {
				continue
			}
			at := value
			for _, element := range rest {
				if next := manifest.Get(at, element); next != nil {
					at = next
				}
			}
			moved := *at
			moved.Line += shiftLine
			moved.Column += shiftColumn
			return manifest.NodeSpan(file, &moved), true
		}
	}
	return manifest.Span{}, false
}

// below is the rest of a path under a JSON pointer; "-" stands for any index.
func below(pointer, elements []string) ([]string, bool) {
	if len(pointer) > len(elements) {
		return nil, false
	}
	for i, p := range pointer {
		p = strings.ReplaceAll(strings.ReplaceAll(p, "~1", "/"), "~0", "~")
		if p != elements[i] && p != "-" {
			return nil, false
		}
	}
	return elements[len(pointer):], true
}
