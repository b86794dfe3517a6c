package render

import (
	"bytes"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/resource"
)

// listItems finds the items of the lists (of kind List, ConfigMapList and the
// like) in the files of a build, which kustomize takes out of them.
type listItems struct {
	files *kustomizeFS
	read  int // pads that were read
	items map[string][]*yaml.Node
}

// find is the item that an object is, with its lines among the padded files; nil
// if there is none or more than one.
func (l *listItems) find(r *resource.Resource) *yaml.Node {
	if l.items == nil {
		l.items = map[string][]*yaml.Node{}
	}
	for ; l.read < len(l.files.pads); l.read++ {
		pad := l.files.pads[l.read]
		data := l.files.tree.source(pad.file)
		if !bytes.Contains(data, []byte("List")) {
			continue
		}
		docs, _ := l.files.limits.YAML.Parse(data)
		for _, doc := range docs {
			l.add(doc, pad.start)
		}
	}
	if found := l.items[itemKey(r.YNode())]; len(found) == 1 {
		return found[0]
	}
	return nil
}

func (l *listItems) add(doc *yaml.Node, start int) {
	kind := manifest.Get(doc, "kind")
	if kind == nil || !strings.HasSuffix(kind.Value, "List") {
		return
	}
	for _, item := range items(manifest.Get(doc, "items")) {
		if k := manifest.Get(item, "kind"); k != nil && strings.HasSuffix(k.Value, "List") {
			l.add(item, start)
			continue
		}
		shiftLines(item, start)
		l.items[itemKey(item)] = append(l.items[itemKey(item)], item)
	}
}

func itemKey(n *yaml.Node) string {
	v := val{n}
	return strings.Join([]string{v.at("apiVersion").str(), v.at("kind").str(), v.at("metadata", "namespace").str(), v.at("metadata", "name").str()}, "\x00")
}
