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

// String is the format's name as the sops program takes it.
func (f Format) String() string {
	switch f {
	case YAML:
		return "yaml"
	case JSON:
		return "json"
	case Dotenv:
		return "dotenv"
	case INI:
		return "ini"
	}
	return "binary"
}

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
	Name string
	// Format is what the file is by its content, which need not be what SOPS takes
	// it for by its name.
	Format Format
	// Documents are those of the file: several in YAML only. The items of a List
	// count as documents where they have sops blocks of their own.
	Documents []*Document
	// CRLF says that the lines of a dotenv file end as Windows ends them, which
	// SOPS takes for part of the values.
	CRLF bool
	// damaged says that parts of the file could not be read.
	damaged bool
}

// Document is one document of a file.
type Document struct {
	// Metadata is what its sops block says; nil for a document without one.
	Metadata *Metadata
	// Block is where the sops block is written, Fields where its fields are.
	Block  manifest.Span
	Fields map[string]manifest.Span
	// Odd says that there is a sops entry, but no block: Metadata is nil.
	Odd bool
	// Start is where the document begins.
	Start manifest.Span
	// Leaves are the values besides the sops block, in order.
	Leaves []Leaf
	// Node is the document of YAML or JSON; nil for the formats of lines.
	Node *yaml.Node
	// Prefix leads to an item of a List, "items[1]"; empty for a whole document.
	Prefix string

	objects objects
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
	// Beside is the value of the entry "name" in the same mapping, as lists of
	// variables have it; empty for none.
	Beside string

	node *yaml.Node
	// comments are those above a value of a dotenv file.
	comments []string
}

// Empty says that the leaf has nothing to hide.
func (l *Leaf) Empty() bool { return l.Value == "" || l.Tag == "!!null" }

// Name is the key that holds the value, or the list of it.
func (l *Leaf) Name() string {
	if len(l.Keys) == 0 {
		return ""
	}
	return l.Keys[len(l.Keys)-1]
}

// Bound is the text that SOPS binds a ciphertext to.
func (l *Leaf) Bound() string { return strings.Join(l.Keys, ":") + ":" }

// IsComment says that the value is a comment that SOPS encrypted in a list.
func (l *Leaf) IsComment() bool { return l.Encrypted && strings.HasSuffix(l.Value, ",type:comment]") }

const ciphertextMark = "ENC[AES256_GCM,"

// MayHold says that a file may hold what SOPS encrypted, or its metadata. It is a
// quick look at the bytes.
func MayHold(data []byte) bool {
	return bytes.Contains(data, []byte(ciphertextMark)) ||
		bytes.Contains(data, []byte("sops")) && (bytes.Contains(data, []byte("lastmodified")) || bytes.Contains(data, []byte("mac")))
}

// ReadFile reads a file of which MayHold is true. It is nil for one that holds
// neither a sops block nor a ciphertext.
func ReadFile(name string, data []byte) *File {
	f := ReadAny(name, data)
	if f == nil {
		return nil
	}
	blocks, ciphertexts := 0, 0
	for _, d := range f.Documents {
		if d.Metadata != nil {
			blocks++
		}
		for i := range d.Leaves {
			if d.Leaves[i].Encrypted {
				ciphertexts++
			}
		}
	}
	if blocks+ciphertexts == 0 {
		return nil
	}
	if FormatOf(path.Base(name)) == Binary && (blocks == 0 || f.damaged) {
		// Prose and source code that speak of SOPS.
		return nil
	}
	return f
}

// ReadAny reads a file of any of the formats, encrypted or not. It is nil for one
// that has no values that could be told apart.
func ReadAny(name string, data []byte) *File {
	f := &File{Name: name, Format: formatIn(name, data)}
	switch f.Format {
	case Dotenv:
		f.readDotenv(data)
	case INI:
		f.readINI(data)
	default:
		f.readNodes(data)
	}
	if len(f.Documents) == 0 {
		return nil
	}
	return f
}

// formatIn is the format of a file by its content. What is a JSON object under a
// name that says nothing else is what SOPS makes of a binary file.
func formatIn(name string, data []byte) Format {
	named := FormatOf(path.Base(name))
	text := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\ufeff")), " \t\r\n")
	if len(text) > 0 && text[0] == '{' {
		if named == YAML {
			return YAML
		}
		if named == JSON || !isEnvelope(text) {
			return JSON
		}
		return Binary
	}
	for line := range bytes.Lines(text) {
		line = bytes.TrimRight(line, " \t\r\n")
		switch {
		case string(line) == "[sops]":
			return INI
		case bytes.HasPrefix(line, []byte("sops_")) && bytes.IndexByte(line, '=') > 0:
			return Dotenv
		case string(line) == "sops:" && named != JSON:
			return YAML
		}
	}
	if named == Binary && isEnvName(name) {
		return Dotenv
	}
	return named
}

// isEnvelope says that an object holds nothing but data and its sops block.
func isEnvelope(text []byte) bool {
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(text[1:], " \t\r\n"), []byte(`"data"`))
	return ok && bytes.HasPrefix(bytes.TrimLeft(rest, " \t\r\n:"), []byte(`"`))
}

// isEnvName knows the names of dotenv files that do not end with .env, such as
// .env.production and .env.enc.
func isEnvName(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, ".env.") || strings.Contains(base, ".env.")
}
