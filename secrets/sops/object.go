package sops

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// Object is a Kubernetes object as far as it shows before anything is decrypted: its
// fields may be ciphertexts.
type Object struct {
	APIVersion, Kind string
	// Metadata is a mapping; nil for an object without one.
	Metadata *yaml.Node
}

// IsSecret says that the object is a Secret.
func (o *Object) IsSecret() bool { return o != nil && o.Kind == "Secret" && o.APIVersion == "v1" }

// objects are the objects of a document: itself, or the items of a List.
type objects struct {
	root  *Object
	items []*Object
}

func objectsOf(root *yaml.Node) (all objects) {
	all.root = readObject(root)
	if all.root == nil || !strings.HasSuffix(all.root.Kind, "List") {
		return all
	}
	for _, item := range manifest.Items(root, "items") {
		all.items = append(all.items, readObject(item))
	}
	return all
}

func readObject(n *yaml.Node) *Object {
	if manifest.Get(n, "apiVersion") == nil || manifest.Get(n, "kind") == nil {
		return nil
	}
	o := &Object{APIVersion: manifest.Text(n, "apiVersion"), Kind: manifest.Text(n, "kind")}
	if meta := manifest.Get(n, "metadata"); meta != nil && meta.Kind == yaml.MappingNode {
		o.Metadata = meta
	}
	return o
}

// Object is what the document is; nil for one that is no Kubernetes object.
func (d *Document) Object() *Object { return d.objects.root }

// ObjectOf is the object that a leaf is in, and the keys that lead from there to the
// leaf. It is nil where the document is no object, as a values file.
func (d *Document) ObjectOf(l *Leaf) (*Object, []string) {
	if len(d.objects.items) > 0 && len(l.Keys) > 1 && l.Keys[0] == "items" {
		path := strings.TrimPrefix(strings.TrimPrefix(l.Path, d.Prefix), ".")
		if i := indexIn(strings.TrimPrefix(path, "items[")); i >= 0 && i < len(d.objects.items) {
			return d.objects.items[i], l.Keys[1:]
		}
	}
	return d.objects.root, l.Keys
}

// indexIn is the index that a path begins with, as in "3].data", -1 for none.
func indexIn(path string) int {
	i := 0
	for k := range len(path) {
		switch c := path[k]; {
		case c == ']' && k > 0:
			return i
		case c < '0' || c > '9' || k > 8:
			return -1
		default:
			i = i*10 + int(c-'0')
		}
	}
	return -1
}
