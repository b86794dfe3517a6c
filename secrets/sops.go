package secrets

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/secrets/sops"
	"go.yaml.in/yaml/v3"
)

// sopsPlace is where a leaf of a document stands in a Kubernetes object.
type sopsPlace struct {
	// object is nil where the document is none, as in a values file.
	object *sops.Object
	// keys lead from the object to the leaf.
	keys []string
}

// leafPlace finds the object that a leaf is in: the document, or an item of a List.
func leafPlace(d *sops.Document, l *sops.Leaf) sopsPlace {
	object, keys := d.ObjectOf(l)
	return sopsPlace{object, keys}
}

// structural says that the leaf is part of what makes an object known, and no value
// of it.
func (s sopsPlace) structural() bool {
	if s.object == nil || len(s.keys) == 0 {
		return false
	}
	switch s.keys[0] {
	case "apiVersion", "kind", "metadata":
		return true
	case "type":
		return len(s.keys) == 1
	}
	return false
}

// secretEntry says that the leaf is an entry of a Secret.
func (s sopsPlace) secretEntry() bool {
	return s.object.IsSecret() && len(s.keys) > 1 && (s.keys[0] == "data" || s.keys[0] == "stringData")
}

// secretLeaf says that a clear leaf holds a secret, by where it stands or by its
// name.
func secretLeaf(d *sops.Document, l *sops.Leaf) bool {
	if l.Encrypted || l.Empty() {
		return false
	}
	at := leafPlace(d, l)
	switch {
	case at.secretEntry():
		return classifyEntry(&yaml.Node{Kind: yaml.ScalarNode, Tag: l.Tag, Value: l.Value}, at.keys[0] == "data") == Literal
	case at.structural():
		return false
	}
	name := l.Name()
	if name == "value" && l.Beside != "" {
		name = l.Beside
	}
	return CredentialName(name) && literalCredential(l.Value)
}

// isSOPSDocument says that the text is a whole file that SOPS encrypted: YAML,
// JSON, the JSON that wraps a binary, dotenv or INI.
func isSOPSDocument(v string) bool {
	if !strings.Contains(v, "ENC[AES256_GCM,data:") || !strings.Contains(v, "sops") {
		return false
	}
	f := sops.ReadFile("", []byte(v))
	if f == nil {
		return false
	}
	for _, d := range f.Documents {
		if m := d.Metadata; m == nil || !sops.IsCiphertext(m.MAC) || m.LastModified == "" {
			return false
		}
		if !hasCiphertext(d) || slices.ContainsFunc(d.Leaves, func(l sops.Leaf) bool { return l.Due && !l.Encrypted }) {
			return false
		}
	}
	return true
}

func hasCiphertext(d *sops.Document) bool {
	return slices.ContainsFunc(d.Leaves, func(l sops.Leaf) bool { return l.Encrypted })
}

// anyCiphertext says that some value of the file is encrypted.
func anyCiphertext(f *sops.File) bool { return slices.ContainsFunc(f.Documents, hasCiphertext) }

// anyBlock is the metadata of the first document that has some; nil for none. It is
// what the sops program reads a file by.
func anyBlock(f *sops.File) *sops.Metadata {
	for _, d := range f.Documents {
		if d.Metadata != nil {
			return d.Metadata
		}
	}
	return nil
}

// docKey is a finding's key for a part of a document: with the number of the
// document where there are several.
func docKey(f *sops.File, d *sops.Document, part string) string {
	if d.Prefix != "" && !strings.HasPrefix(part, d.Prefix) {
		part = d.Prefix + "." + part
	}
	if len(f.Documents) == 1 || d.Prefix != "" {
		return part
	}
	if id := objectID(d.Object()); id != "" {
		return id + ": " + part
	}
	return part
}

// objectID names an object within a file; empty for one whose name is not clear.
func objectID(o *sops.Object) string {
	if o == nil || o.Metadata == nil {
		return ""
	}
	id := strings.Trim(o.Kind+" "+manifest.Text(o.Metadata, "namespace")+"/"+manifest.Text(o.Metadata, "name"), "/")
	if strings.Contains(id, "ENC[") {
		return ""
	}
	return id
}
