package sops

import (
	"slices"
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// readNodes reads the documents of a YAML or JSON file.
func (f *File) readNodes(data []byte) {
	docs, problems := manifest.Parse(data)
	f.damaged = len(problems) > 0
	for _, n := range docs {
		root := rootOf(n)
		if root == nil {
			// SOPS encrypts no list, and what Kubernetes takes of one are its items.
			if n.Kind == yaml.SequenceNode {
				f.addItems(n, "")
			}
			continue
		}
		items := manifest.Get(root, "items")
		if manifest.Get(root, "sops") == nil && items != nil && items.Kind == yaml.SequenceNode && slices.ContainsFunc(items.Content, hasBlock) {
			f.addItems(items, "items")
			continue
		}
		f.add(root, "")
	}
	if f.Format == Binary && !f.isBinary() {
		f.Format = YAML
	}
	if slices.ContainsFunc(f.Documents, (*Document).byComments) {
		f.dueByComments(data)
	}
}

// isBinary says that the file is the JSON that SOPS writes for other formats.
func (f *File) isBinary() bool {
	if len(f.Documents) != 1 {
		return false
	}
	d := f.Documents[0]
	return len(d.Leaves) == 1 && d.Leaves[0].Path == "data" && d.Node.Style&yaml.FlowStyle != 0
}

func hasBlock(n *yaml.Node) bool {
	block := manifest.Get(n, "sops")
	return block != nil && block.Kind == yaml.MappingNode
}

func (f *File) addItems(list *yaml.Node, prefix string) {
	for i, item := range list.Content {
		if item.Kind == yaml.MappingNode {
			f.add(item, prefix+"["+strconv.Itoa(i)+"]")
		}
	}
}

// add reads a document, or an item of a List.
func (f *File) add(root *yaml.Node, prefix string) {
	d := &Document{Node: root, Prefix: prefix, Start: manifest.NodeSpan(f.Name, root), objects: objectsOf(root)}
	if len(root.Content) > 0 {
		d.Start = manifest.NodeSpan(f.Name, root.Content[0])
	}
	r := leafReader{doc: d, file: f.Name}
	r.node(root, prefix, 0)
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		if key.Value != "sops" || key.Kind != yaml.ScalarNode {
			continue
		}
		d.Block = manifest.NodeSpan(f.Name, key)
		switch {
		case value.Kind == yaml.MappingNode && (isBlock(value) || d.hasCiphertext()):
			d.take(value, f.Name)
		case value.Kind == yaml.MappingNode:
			// Settings of that name.
			r.enter(key, value, prefix, 0)
		case value.Tag != "!!null":
			d.Odd = true
		}
	}
	d.decide()
	f.Documents = append(f.Documents, d)
}

// isBlock says that a mapping of that name is what SOPS writes, or a part of it,
// and not the settings of something.
func isBlock(block *yaml.Node) bool {
	if manifest.Text(block, "mac") != "" || manifest.Text(block, "lastmodified") != "" {
		return true
	}
	return slices.ContainsFunc(recipientLists[:], func(name string) bool {
		return slices.ContainsFunc(manifest.Items(block, name), func(n *yaml.Node) bool { return manifest.Text(n, "enc") != "" })
	})
}

// take makes a mapping the document's sops block.
func (d *Document) take(block *yaml.Node, file string) {
	d.Metadata = readBlock(block)
	d.Fields = map[string]manifest.Span{}
	for i := 0; i+1 < len(block.Content); i += 2 {
		d.Fields[block.Content[i].Value] = manifest.NodeSpan(file, block.Content[i])
	}
}

func (d *Document) hasCiphertext() bool {
	return slices.ContainsFunc(d.Leaves, func(l Leaf) bool { return l.Encrypted })
}

func (d *Document) byComments() bool {
	m := d.Metadata
	return m != nil && (m.EncryptedCommentRegex != "" || m.UnencryptedCommentRegex != "")
}

// decide says which leaves have to be encrypted.
func (d *Document) decide() {
	if d.Metadata == nil {
		return
	}
	known := map[string]bool{}
	byDefault := d.Metadata.Covers(nil)
	for i := range d.Leaves {
		l := &d.Leaves[i]
		if l.Empty() {
			continue
		}
		l.Due = byDefault
		for _, key := range l.Keys {
			covered, ok := known[key]
			if !ok {
				covered = d.Metadata.Covers([]string{key})
				known[key] = covered
			}
			if covered != byDefault {
				l.Due = covered
				break
			}
		}
	}
}

// leafReader collects the leaves of a document.
type leafReader struct {
	doc   *Document
	file  string
	keys  []string
	nodes int
	name  string // of the mapping that is read
}

func (r *leafReader) node(n *yaml.Node, path string, depth int) {
	r.nodes++
	if n == nil || depth > maxDepth || r.nodes > manifest.DefaultAliasNodes {
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		outer := r.name
		r.name = manifest.Text(n, "name")
		for i := 0; i+1 < len(n.Content); i += 2 {
			if depth == 0 && n.Content[i].Value == "sops" {
				continue
			}
			r.enter(n.Content[i], n.Content[i+1], path, depth)
		}
		r.name = outer
	case yaml.SequenceNode:
		outer := r.name
		r.name = ""
		for i, item := range n.Content {
			r.node(item, path+"["+strconv.Itoa(i)+"]", depth+1)
		}
		r.name = outer
	case yaml.ScalarNode:
		r.doc.Leaves = append(r.doc.Leaves, Leaf{
			Keys: slices.Clone(r.keys), Path: path, Value: n.Value, Tag: n.ShortTag(), At: manifest.NodeSpan(r.file, n),
			Encrypted: IsCiphertext(n.Value), Beside: r.name, node: n,
		})
	}
}

// enter reads an entry of a mapping.
func (r *leafReader) enter(key, value *yaml.Node, path string, depth int) {
	r.keys = append(r.keys, key.Value)
	r.node(value, joinPath(path, key.Value), depth+1)
	r.keys = r.keys[:len(r.keys)-1]
}

// joinPath adds a key to a path as people write it.
func joinPath(path, key string) string {
	switch {
	case key == "" || strings.ContainsAny(key, ".[]/ "):
		return path + "[" + key + "]"
	case path == "":
		return key
	}
	return path + "." + key
}
