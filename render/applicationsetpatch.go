package render

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

const (
	argoFinalizer = "resources-finalizer.argocd.argoproj.io"
	argoVersion   = "argoproj.io/v1alpha1"
)

// application makes an Application of a template.
func (t *templates) application(template *yaml.Node, ps params, preserve bool) (*yaml.Node, error) {
	meta, spec := val{template}.at("metadata"), val{template}.at("spec")
	doc := mapping(template)
	set(doc, "apiVersion", argoVersion)
	set(doc, "kind", "Application")
	written := mapping(template)
	if meta.ok() {
		written = mapping(meta.n)
	}
	for _, key := range []string{"name", "labels", "annotations", "finalizers"} {
		if v := meta.at(key); v.ok() {
			put(written, key, v.n)
		}
	}
	rendered := *template
	rendered.Kind, rendered.Content = yaml.MappingNode, nil
	put(&rendered, "metadata", written)
	if spec.ok() {
		put(&rendered, "spec", spec.n)
	}
	out := &rendered
	// A generator that gives no parameters has its Application taken as it is.
	if !ps.empty() {
		var err error
		if out, err = t.render(&rendered, ps); err != nil {
			return nil, err
		}
		if m := manifest.Get(out, "metadata"); !preserve && len(items(manifest.Get(m, "finalizers"))) == 0 {
			put(m, "finalizers", &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{stringNode(argoFinalizer)}})
		}
	} else {
		out = clone(out)
	}
	if t.namespace != "" {
		set(manifest.Get(out, "metadata"), "namespace", t.namespace)
	}
	doc.Content = append(doc.Content, out.Content...)
	return doc, nil
}

// patch applies a templatePatch to an Application: a strategic merge, in which
// lists take the place of lists. Project and namespace stay.
func (t *templates) patch(doc, patch *yaml.Node, ps params) error {
	if patch.Kind != yaml.ScalarNode {
		return errors.New("it is no text")
	}
	text, err := t.replace(patch.Value, ps, false)
	if err != nil {
		return err
	}
	if err := t.spend(len(text)); err != nil {
		return err
	}
	docs, refused := t.limits.Parse([]byte(text))
	if len(refused) > 0 {
		return refused[0]
	}
	if len(docs) == 0 {
		return nil
	}
	root := clone(docs[0])
	if root.Kind != yaml.MappingNode {
		return errors.New("it is no mapping")
	}
	moveTo(root, patch)
	project := val{doc}.at("spec", "project")
	if meta := manifest.Get(root, "metadata"); meta != nil {
		mergeFinalizers(manifest.Get(doc, "metadata"), meta)
	}
	if err := mergePatch(doc, root, false); err != nil {
		return err
	}
	set(doc, "apiVersion", argoVersion)
	set(doc, "kind", "Application")
	meta, spec := manifest.Get(doc, "metadata"), manifest.Get(doc, "spec")
	if meta == nil || meta.Kind != yaml.MappingNode || spec != nil && spec.Kind != yaml.MappingNode {
		return errors.New("it takes away what an Application is made of")
	}
	if drop(meta, "namespace"); t.namespace != "" {
		set(meta, "namespace", t.namespace)
	}
	if drop(spec, "project"); spec != nil && project.ok() {
		put(spec, "project", project.n)
	}
	return nil
}

// mergeFinalizers adds to the finalizers of a patch, which are the one list that
// is merged, those that are there. Each that is only there stands before the
// first of the patch that it stood before.
func mergeFinalizers(meta, patch *yaml.Node) {
	list := manifest.Get(patch, "finalizers")
	if list == nil || list.Kind != yaml.SequenceNode {
		return
	}
	old := items(manifest.Get(meta, "finalizers"))
	index := func(in []*yaml.Node, value string) int {
		return slices.IndexFunc(in, func(n *yaml.Node) bool { return n.Value == value })
	}
	var merged []*yaml.Node
	rest := list.Content
	for i, n := range old {
		if index(list.Content, n.Value) >= 0 {
			continue
		}
		for len(rest) > 0 && index(old, rest[0].Value) < i {
			merged, rest = append(merged, rest[0]), rest[1:]
		}
		merged = append(merged, n)
	}
	list.Content = append(merged, rest...)
}

// mergePatch merges a mapping into another, in place. raw says that its values
// are of no type: then Argo CD can't merge mappings and lists in it.
func mergePatch(into, patch *yaml.Node, raw bool) error {
	for i := 0; i+1 < len(patch.Content); i += 2 {
		key, value := patch.Content[i].Value, patch.Content[i+1]
		old := manifest.Get(into, key)
		mappings := value.Kind == yaml.MappingNode && old != nil && old.Kind == yaml.MappingNode
		lists := value.Kind == yaml.SequenceNode && old != nil && old.Kind == yaml.SequenceNode
		switch {
		case strings.HasPrefix(key, "$"):
			// A directive, which its own mapping has obeyed.
		case value.ShortTag() == "!!null":
			drop(into, key)
		case raw && (mappings || lists):
			return fmt.Errorf("%s is in valuesObject of the template and of the patch: Argo CD can't merge what lies below valuesObject", key)
		case value.Kind == yaml.MappingNode:
			directive := val{value}.at("$patch").str()
			if !mappings || directive == "replace" || directive == "delete" {
				old = mapping(value)
				put(into, key, old)
			}
			if directive == "delete" {
				continue
			}
			if err := mergePatch(old, value, key == "valuesObject"); err != nil {
				return err
			}
		default:
			put(into, key, value)
		}
	}
	return nil
}

// mergeTemplates fills a generator's own template from that of the
// ApplicationSet: what is empty in the one is taken from the other.
func mergeTemplates(own, base *yaml.Node, path ...string) *yaml.Node {
	switch {
	case own == nil || emptyNode(own):
		return base
	case base == nil || own.Kind != yaml.MappingNode || base.Kind != yaml.MappingNode,
		len(path) > 0 && path[len(path)-1] == "valuesObject":
		return own
	}
	merged := *own
	merged.Content = slices.Clone(own.Content)
	for i := 0; i+1 < len(base.Content); i += 2 {
		key := base.Content[i].Value
		put(&merged, key, mergeTemplates(manifest.Get(own, key), base.Content[i+1], append(path, key)...))
	}
	return &merged
}

// emptyNode says that a node is the zero value of whatever type it has.
func emptyNode(n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode {
		return len(n.Content) == 0 && n.Kind == yaml.SequenceNode
	}
	switch n.ShortTag() {
	case "!!null":
		return true
	case "!!bool":
		return strings.EqualFold(n.Value, "false")
	case "!!int", "!!float":
		var f float64
		return n.Decode(&f) == nil && f == 0
	}
	return n.Value == ""
}

// mapping is an empty mapping at the place of a node.
func mapping(at *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: at.Line, Column: at.Column}
}

// set sets a text in a mapping, at the mapping's place.
func set(m *yaml.Node, key, value string) {
	n := stringNode(value)
	n.Line, n.Column = m.Line, m.Column
	put(m, key, n)
}

// put sets an entry of a mapping. Its key stands where the value does.
func put(m *yaml.Node, key string, value *yaml.Node) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			m.Content[i+1] = value
			return
		}
	}
	k := stringNode(key)
	k.Line, k.Column = value.Line, value.Column
	m.Content = append(m.Content, k, value)
}

// drop takes an entry out of a mapping.
func drop(m *yaml.Node, key string) {
	if m == nil {
		return
	}
	for i := len(m.Content) - 2; i >= 0; i -= 2 {
		if m.Content[i].Value == key {
			m.Content = slices.Delete(m.Content, i, i+2)
		}
	}
}

// clone is a deep copy.
func clone(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = make([]*yaml.Node, len(n.Content))
	for i := range n.Content {
		c.Content[i] = clone(n.Content[i])
	}
	return &c
}

// moveTo gives a tree of nodes the place of another node.
func moveTo(n, at *yaml.Node) {
	n.Line, n.Column = at.Line, at.Column
	for _, c := range n.Content {
		moveTo(c, at)
	}
}
