package sops

import (
	"crypto/aes"
	gcm "crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// decrypter copies documents that SOPS encrypted, their values decrypted.
type decrypter struct {
	block            *yaml.Node
	aead             gcm.AEAD
	mac              hash.Hash // nil unless the MAC is wanted
	macOnlyEncrypted bool

	covers func(path []string) bool
	// byDefault is what covers says where no element of a path matches; known
	// is what it says about a single element.
	byDefault bool
	known     map[string]bool
	// byForm is for the rules that go by comments: what looks encrypted is.
	// SOPS encrypts nothing twice, and empty values add nothing to the MAC, so
	// this finds the same values; what it does not notice is a clear one among
	// those that are due to be encrypted.
	byForm bool

	// path are the keys that lead to a node, each with a colon behind it: the
	// additional data of its value.
	path  []byte
	nodes int
}

// maxDepth is beyond what manifest.Parse lets through; a node that was not
// parsed there may hold a cycle of aliases.
const maxDepth = 1000

// comment is an encrypted comment. Inside a list SOPS writes it as an item.
type comment struct{}

func (d *decrypter) useKey(key []byte) error {
	block, err := aes.NewCipher(key)
	if err != nil {
		return fmt.Errorf("using the document's data key: %w", err)
	}
	d.aead, err = gcm.NewGCMWithNonceSize(block, nonceSize)
	if err != nil {
		return fmt.Errorf("using the document's data key: %w", err)
	}
	return nil
}

func (d *decrypter) document(doc *yaml.Node) (*yaml.Node, error) {
	root := rootOf(doc)
	if root == nil {
		return nil, errors.New("the document is no mapping, which sops does not encrypt")
	}
	return d.node(root, d.byDefault, 0)
}

// node is the decrypted copy of a node, or nil for a comment.
func (d *decrypter) node(n *yaml.Node, covered bool, depth int) (*yaml.Node, error) {
	d.nodes++
	if n == nil || depth > maxDepth || d.nodes > manifest.DefaultAliasNodes {
		// Parse lets none of them through.
		return nil, errors.New("the document is too large or too deep to be decrypted")
	}
	switch n.Kind {
	case yaml.MappingNode:
		return d.mapping(n, covered, depth)
	case yaml.SequenceNode:
		return d.sequence(n, covered, depth)
	case yaml.AliasNode:
		return d.node(n.Alias, covered, depth+1)
	case yaml.ScalarNode:
		return d.scalar(n, covered)
	}
	return nil, failure(n, "this node has no place in a document")
}

func (d *decrypter) mapping(n *yaml.Node, covered bool, depth int) (*yaml.Node, error) {
	c := copyClear(n)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		if name.Kind == yaml.AliasNode && name.Alias != nil {
			name = name.Alias
		}
		key, ok := scalarValue(name).(string)
		if !ok {
			return nil, failure(name, "the key is no string, which sops does not encrypt: quote it")
		}
		if depth == 0 && key == "sops" {
			continue
		}
		parent := len(d.path)
		d.path = append(append(d.path, key...), ':')
		value, err := d.node(n.Content[i+1], d.inherit(covered, key), depth+1)
		d.path = d.path[:parent]
		if err != nil {
			return nil, err
		}
		if value == nil {
			return nil, failure(n.Content[i+1], "an encrypted comment stands where a value belongs")
		}
		c.Content = append(c.Content, copyClear(name), value)
	}
	return c, nil
}

func (d *decrypter) sequence(n *yaml.Node, covered bool, depth int) (*yaml.Node, error) {
	c := copyClear(n)
	for _, item := range n.Content {
		// An index is no part of the path.
		value, err := d.node(item, covered, depth+1)
		if err != nil {
			return nil, err
		}
		if value != nil {
			c.Content = append(c.Content, value)
		}
	}
	return c, nil
}

// inherit says whether what is below a key is encrypted: any element of the path
// may match, and one that does decides for all below it.
func (d *decrypter) inherit(covered bool, key string) bool {
	if covered != d.byDefault {
		return covered
	}
	covered, ok := d.known[key]
	if !ok {
		covered = d.covers([]string{key})
		d.known[key] = covered
	}
	return covered
}

func (d *decrypter) scalar(n *yaml.Node, covered bool) (*yaml.Node, error) {
	value := scalarValue(n)
	written, isText := value.(string)
	if d.byForm {
		covered = isText && IsCiphertext(written)
	}
	if value == nil || isText && written == "" {
		// SOPS has nothing to hide here, and nothing to authenticate.
		return copyClear(n), nil
	}
	if !covered {
		return copyClear(n), d.authenticate(n, value, false)
	}
	if !isText || !IsCiphertext(written) {
		return nil, failure(n, "the value is due to be encrypted and is not: encrypt the file again with sops")
	}
	value, err := d.value(written, d.path)
	if err != nil {
		return nil, failure(n, err.Error())
	}
	if _, ok := value.(comment); ok {
		return nil, nil
	}
	c, err := clearScalar(n, value)
	if err != nil {
		return nil, err
	}
	return c, d.authenticate(n, value, true)
}

// authenticate adds a clear value to the MAC.
func (d *decrypter) authenticate(n *yaml.Node, value any, covered bool) error {
	if d.mac == nil || d.macOnlyEncrypted && !covered {
		return nil
	}
	data, ok := macBytes(value)
	if !ok {
		return fmt.Errorf("line %d: a number of this size is not of sops's writing: %w", n.Line, ErrMAC)
	}
	d.mac.Write(data)
	return nil
}

var errValue = errors.New("the value can't be decrypted: it was changed or moved, or the mapping around it comes from a merge; encrypt the file again with sops")

// value decrypts what IsCiphertext accepts. Errors don't wrap those of parsers,
// which quote what they can't read.
func (d *decrypter) value(ciphertext string, additional []byte) (any, error) {
	rest := strings.TrimPrefix(ciphertext, "ENC[AES256_GCM,data:")
	data, rest, _ := strings.Cut(rest, ",iv:")
	iv, rest, _ := strings.Cut(rest, ",tag:")
	tag, kind, _ := strings.Cut(rest, ",type:")
	sealed, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return nil, errValue
	}
	nonce, err := base64.StdEncoding.DecodeString(iv)
	if err != nil || len(nonce) != nonceSize {
		return nil, errValue
	}
	end, err := base64.StdEncoding.DecodeString(tag)
	if err != nil {
		return nil, errValue
	}
	plain, err := d.aead.Open(nil, nonce, append(sealed, end...), additional)
	if err != nil {
		return nil, errValue
	}
	value, err := typed(string(plain), strings.TrimSuffix(kind, "]"))
	if err != nil {
		// The type is the one part that is not authenticated.
		return nil, errors.New("the value is not of the type that its ciphertext names: encrypt the file again with sops")
	}
	return value, nil
}

func typed(plain, kind string) (any, error) {
	switch kind {
	case "str", "bytes":
		return plain, nil
	case "int":
		return strconv.Atoi(plain)
	case "float":
		return strconv.ParseFloat(plain, 64)
	case "bool":
		return strconv.ParseBool(plain)
	case "time":
		var t time.Time
		err := t.UnmarshalText([]byte(plain))
		return t, err
	case "comment":
		return comment{}, nil
	}
	return nil, errors.ErrUnsupported
}

// macBytes is what SOPS hashes of a value.
func macBytes(value any) ([]byte, bool) {
	switch v := value.(type) {
	case string:
		return []byte(v), true
	case int:
		return strconv.AppendInt(nil, int64(v), 10), true
	case float64:
		return strconv.AppendFloat(nil, v, 'f', -1, 64), true
	case bool:
		if v {
			return []byte("True"), true
		}
		return []byte("False"), true
	case time.Time:
		data, err := v.MarshalText()
		return data, err == nil
	}
	return nil, false
}

// scalarValue is a scalar as SOPS reads it, nil if it is not one that can be
// read.
func scalarValue(n *yaml.Node) any {
	if n.Kind != yaml.ScalarNode {
		return nil
	}
	if n.Tag == "!!str" {
		return n.Value
	}
	var v any
	if n.Decode(&v) != nil {
		return nil
	}
	return v
}

// clearScalar is the node of a decrypted value.
func clearScalar(n *yaml.Node, value any) (*yaml.Node, error) {
	c := copyClear(n)
	c.Style = 0
	if s, ok := value.(string); ok {
		c.Tag, c.Value = "!!str", s
		if strings.ContainsFunc(s, needsEscape) {
			c.Style = yaml.DoubleQuotedStyle
		}
		if !utf8.ValidString(s) {
			c.Tag, c.Value = "!!binary", base64.StdEncoding.EncodeToString([]byte(s))
		}
		return c, nil
	}
	var written yaml.Node
	if err := written.Encode(value); err != nil {
		return nil, failure(n, "the decrypted value has no form in YAML")
	}
	c.Tag, c.Value = written.Tag, written.Value
	return c, nil
}

// needsEscape says that the encoder, left to itself, would write a rune as one
// that reads as something else.
func needsEscape(r rune) bool {
	return r != '\n' && unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff'
}

// copyClear is a node without its content, its anchor and its encrypted comments.
func copyClear(n *yaml.Node) *yaml.Node {
	c := *n
	c.Anchor, c.Content = "", nil
	c.HeadComment, c.LineComment, c.FootComment = clearComment(n.HeadComment), clearComment(n.LineComment), clearComment(n.FootComment)
	return &c
}

func clearComment(s string) string {
	if !strings.Contains(s, "ENC[AES256_GCM,") {
		return s
	}
	var kept strings.Builder
	for line := range strings.Lines(s) {
		if !strings.HasPrefix(strings.TrimLeft(line, "# \t"), "ENC[AES256_GCM,") {
			kept.WriteString(line)
		}
	}
	return strings.TrimSuffix(kept.String(), "\n")
}

func failure(n *yaml.Node, what string) error {
	return fmt.Errorf("decrypting line %d: %s", n.Line, what)
}
