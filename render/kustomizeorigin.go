package render

import (
	"path"
	"slices"
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
	// dir is the folder of the kustomization that was built, and docs what that
	// gave.
	dir  string
	tags []tag
	docs []*yaml.Node
	// over is what a GitOps object changes in that kustomization; nil for
	// nothing.
	over *directives
	flux *fluxBuild

	mu       sync.Mutex
	files    map[string]*writtenFile
	settings map[string]*directives
	plugins  map[int]*plugin
	lead     map[string][]lead
	chains   map[string][]manifest.Step // by file
	affixes  *affixes
	written  map[string][]*manifest.Object // by kind, of the padded files
}

func newKustomizeOrigins(tree *recorder, pads []pad) *kustomizeOrigins {
	return &kustomizeOrigins{tree: tree, pads: pads, files: map[string]*writtenFile{}, settings: map[string]*directives{}, plugins: map[int]*plugin{}}
}

// mayGive are the documents that a replacement may take a value from. Definitions of
// custom resources, the largest by far, give none: they are let go of.
func mayGive(docs []*yaml.Node) []*yaml.Node {
	var list []*yaml.Node
	for _, doc := range docs {
		if manifest.Text(doc, "kind") != "CustomResourceDefinition" {
			list = append(list, doc)
		}
	}
	return list
}

// originsOf are those of what a job gave.
func originsOf(tree *recorder, p *product, j job) *kustomizeOrigins {
	k := newKustomizeOrigins(tree, p.pads)
	k.dir, k.tags, k.docs, k.flux = k.real(j.path), p.tags, mayGive(p.docs), j.flux
	switch {
	case j.flux != nil:
		k.over = k.gitOps(ofFlux, j.flux.spec, j.flux.at, j.flux.where)
	case j.argo != nil:
		k.over = k.gitOps(ofApplication, j.argo.spec, j.argo.at, j.argo.where)
	}
	return k
}

// gitOps is a setting that a GitOps object makes. Where its fields are not to be
// found, the object's place stands for all of them.
func (k *kustomizeOrigins) gitOps(kind directivesKind, text string, at manifest.Span, where func([]string) (manifest.Origin, bool)) *directives {
	docs, _ := k.tree.limits.Parse([]byte(text))
	if len(docs) != 1 {
		return nil
	}
	if where == nil {
		where = func([]string) (manifest.Origin, bool) { return manifest.Origin{Span: at}, at.File != "" }
	}
	return &directives{kind: kind, root: docs[0], where: where}
}

// real is a path of the tree without links.
func (k *kustomizeOrigins) real(name string) string {
	if real, err := k.tree.Resolve(name); err == nil {
		return real
	}
	return path.Clean(name)
}

// locator finds the nodes of one object.
func (k *kustomizeOrigins) locator(doc *yaml.Node) manifest.Locator {
	return func(q manifest.Query) (manifest.Origin, bool) {
		at, ok := k.find(doc, q)
		if ok && !q.Rough {
			at.Via = append(at.Via, k.chain(at.File)...)
		}
		return at, ok
	}
}

// locate finds a node of an object that is not known.
func (k *kustomizeOrigins) locate(q manifest.Query) (manifest.Origin, bool) { return k.find(nil, q) }

// find finds where a node was written by its line: one among all padded files,
// that in an inline patch, or the negative number of the plugin that set it.
func (k *kustomizeOrigins) find(doc *yaml.Node, q manifest.Query) (manifest.Origin, bool) {
	n := q.Node
	if n == q.Key && n.Line <= 0 && !q.Rough {
		if at, ok := k.keyOf(q); ok {
			return at, true
		}
	}
	switch {
	case n.Line < 0:
		return k.tagged(doc, q)
	case n.Line == 0:
		return k.recovered(doc, q)
	case n.Line <= firstPad:
		if at, ok := k.inline(n); ok {
			return at, true
		}
		return k.recovered(doc, q)
	}
	at, ok := k.padded(n.Line)
	if !ok {
		return manifest.Origin{}, false
	}
	moved := *n
	moved.Line -= at.start
	return k.compared(at.file, &moved, q)
}

// keyOf is the place of a key that kustomize wrote anew when it merged a patch:
// before its value, which keeps its line.
func (k *kustomizeOrigins) keyOf(q manifest.Query) (manifest.Origin, bool) {
	if q.Value == nil || q.Value.Line <= firstPad {
		return manifest.Origin{}, false
	}
	from, ok := k.padded(q.Value.Line)
	if !ok {
		return manifest.Origin{}, false
	}
	line, column, ok := k.file(from.file).keyBefore(q.Value.Line-from.start, q.Value.Column, q.Key.Value)
	if !ok {
		return manifest.Origin{}, false
	}
	key := *q.Key
	key.Line, key.Column = line, column
	return manifest.Origin{Span: position(from.file, &key), Exact: true}, true
}

// padded is the pad that a line is in.
func (k *kustomizeOrigins) padded(line int) (pad, bool) {
	i := sort.Search(len(k.pads), func(i int) bool { return k.pads[i].start >= line }) - 1
	if i < 0 || line-k.pads[i].start > k.pads[i].lines {
		return pad{}, false
	}
	return k.pads[i], true
}

// file is a file as it is written.
func (k *kustomizeOrigins) file(name string) *writtenFile {
	k.mu.Lock()
	defer k.mu.Unlock()
	w := k.files[name]
	if w == nil {
		data := k.tree.source(name)
		if data == nil && name != "" {
			data, _ = readLimited(k.tree, name, k.tree.limits.FileSize)
		}
		w = newWrittenFile(data, k.tree.limits)
		k.files[name] = w
	}
	return w
}

// compared is the place of a node, exact if what stands there is the node's
// value, or what that was made of.
func (k *kustomizeOrigins) compared(file string, n *yaml.Node, q manifest.Query) (manifest.Origin, bool) {
	at := manifest.Origin{Span: position(file, n)}
	w := k.file(file)
	isKey := q.Node == q.Key || q.Value != nil && q.Value.Kind == yaml.MappingNode && slices.Index(q.Value.Content, q.Node) == 0
	switch {
	case n.Kind == yaml.ScalarNode && w.plainly(n.Line, n.Column, n.Value, isKey):
		at.Exact = true
	case q.Rough:
	case n.Kind != yaml.ScalarNode:
		for _, there := range w.at(n.Line, n.Column) {
			at.Exact = at.Exact || there.Kind == n.Kind
		}
	default:
		there := w.scalar(n.Line, n.Column)
		if there == nil {
			break
		}
		at.Span = position(file, there)
		at.Exact = sameText(there, n)
		if !at.Exact && !isKey {
			return k.madeOf(at, there.Value, n.Value)
		}
	}
	return at, true
}

// sameText says that a rendered scalar has the value of the written one. Kustomize
// adds empty lines to some folded ones.
func sameText(written, rendered *yaml.Node) bool {
	if written.Value == rendered.Value {
		return true
	}
	if written.Style&yaml.FoldedStyle == 0 {
		return false
	}
	again := *written
	refold(&again)
	return again.Value == rendered.Value
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

// inline finds a node of an inline patch that is no file of its own: kustomize
// parses its text by itself, so the line is that in the patch.
func (k *kustomizeOrigins) inline(n *yaml.Node) (manifest.Origin, bool) {
	var found []manifest.Span
	for _, s := range k.inlineTexts() {
		file, line, column, ok := k.block(s)
		if !ok || n.Line > strings.Count(s.value.Value, "\n")+1 {
			continue
		}
		moved := *n
		moved.Line += line
		moved.Column += column
		if there := k.text(s.value.Value).scalar(n.Line, n.Column); there != nil && there.Value == n.Value {
			found = append(found, position(file, &moved))
		}
	}
	if len(found) != 1 {
		return manifest.Origin{}, false
	}
	return manifest.Origin{Span: found[0], Exact: true}, true
}

// text is a text as a file.
func (k *kustomizeOrigins) text(text string) *writtenFile {
	k.mu.Lock()
	defer k.mu.Unlock()
	w := k.files["\x00"+text]
	if w == nil {
		w = newWrittenFile([]byte(text), k.tree.limits)
		k.files["\x00"+text] = w
	}
	return w
}

// recovered is the place of a node that lost its line on the way through
// kustomize: where the one object of its kind and name that was read has the same
// field with the same value.
func (k *kustomizeOrigins) recovered(doc *yaml.Node, q manifest.Query) (manifest.Origin, bool) {
	if at, ok := k.common(q); ok || doc == nil {
		return at, ok
	}
	from := k.sources(foldText(doc, "kind"), foldText(doc, "metadata", "name"))
	if len(from) != 1 {
		return manifest.Origin{}, false
	}
	var key *yaml.Node
	value := from[0].Node
	for _, element := range q.Path {
		if key, value = child(value, element); value == nil {
			return manifest.Origin{}, false
		}
	}
	if q.Value == nil || value.Kind != q.Value.Kind || value.Kind == yaml.ScalarNode && value.Value != q.Value.Value {
		return manifest.Origin{}, false
	}
	n := value
	switch {
	case q.Node == q.Key && key != nil:
		n = key
	case value.Kind == yaml.MappingNode && len(value.Content) > 0:
		n = value.Content[0]
	}
	return manifest.Origin{Span: position(from[0].Origin.File, n), Exact: n.Line > 0}, n.Line > 0
}

// sources are the written objects of a kind and a name, in the order in which
// they were read.
func (k *kustomizeOrigins) sources(kind, name string) []*manifest.Object {
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
	}
	written := k.written[kind]
	k.mu.Unlock()
	var found []*manifest.Object
	for _, w := range written {
		if w.Name == name || len(w.Name) < len(name) && k.named(w.Name, name) {
			found = append(found, w)
		}
	}
	return found
}
