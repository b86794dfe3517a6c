package sops

import (
	"bytes"
	"path"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// Format is how a file is written. SOPS takes it from the file's name.
type Format int

// The formats that SOPS knows.
const (
	// Binary is any other file: its bytes are one value of a JSON document.
	Binary Format = iota
	YAML
	JSON
	Dotenv
	INI
)

// FormatOf is the format that SOPS takes a file of this name for.
func FormatOf(name string) Format {
	switch {
	case strings.HasSuffix(name, ".yaml"), strings.HasSuffix(name, ".yml"):
		return YAML
	case strings.HasSuffix(name, ".json"):
		return JSON
	case strings.HasSuffix(name, ".env"):
		return Dotenv
	case strings.HasSuffix(name, ".ini"):
		return INI
	}
	return Binary
}

// File is a file that holds what SOPS encrypted, or is meant to.
type File struct {
	Name   string
	Format Format
	// Documents are those of the file: several in YAML only.
	Documents []*Document
}

// Document is one document of a file.
type Document struct {
	// Metadata is what its sops block says; nil for a document without one.
	Metadata *Metadata
	// Block is where the sops block is written.
	Block manifest.Span
	// Leaves are the values besides the sops block, in order.
	Leaves []Leaf
	// Node is the document of YAML or JSON; nil for the formats of lines.
	Node *yaml.Node
}

// Leaf is a value of a document.
type Leaf struct {
	// Keys lead to the value; list indexes are none of them. Their form is what
	// SOPS binds a ciphertext to.
	Keys []string
	// Path is the way with list indexes, for people: "stringData.password".
	Path  string
	Value string
	// Tag is the value's YAML tag, such as !!str or !!int.
	Tag string
	At  manifest.Span
	// Encrypted says that the whole value is a ciphertext.
	Encrypted bool
	// Due says that, by the metadata, it has to be one. Empty values are not.
	Due bool
}

// MayHold says that a file may hold what SOPS encrypted, or its metadata. It is a
// quick look at the bytes.
func MayHold(data []byte) bool {
	return bytes.Contains(data, []byte("ENC[AES256_GCM,")) ||
		bytes.Contains(data, []byte("sops")) && (bytes.Contains(data, []byte("lastmodified")) || bytes.Contains(data, []byte("mac")))
}

// ReadFile reads a file of which MayHold is true. It is nil for one that holds
// neither a sops block nor a ciphertext.
func ReadFile(name string, data []byte) *File {
	f := &File{Name: name, Format: FormatOf(path.Base(name))}
	if f.Format == YAML || f.Format == JSON {
		docs, _ := manifest.Parse(data)
		for _, doc := range docs {
			f.Documents = append(f.Documents, &Document{Metadata: Read(doc), Node: doc})
		}
	}
	return f
}
