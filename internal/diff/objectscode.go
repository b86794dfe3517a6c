package diff

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/secrets"
	"go.yaml.in/yaml/v3"
)

// Objects of two whole trees are held at once, so they are held as bytes: what
// decides what a cluster does, and no more. Keys are sorted, and of a secret value
// there is but a digest under a key that nobody knows, which is in no output: it
// tells only whether two values differ.

// form is what a value is, and how its encoding begins.
type form byte

const (
	noForm        form = '0' // null
	textForm      form = 's'
	plainForm     form = 'p' // numbers and booleans
	secretForm    form = 'x'
	encryptedForm form = 'e'
	mapForm       form = 'm'
	listForm      form = 'l'
)

// maxNesting is more than what manifest.Parse lets through.
const maxNesting = 1000

// encoder writes values.
type encoder struct {
	key []byte
	// hidden says that a text holds something that was decrypted; nil for nothing.
	hidden func(text string) bool
}

// object encodes an object without its secret values.
func (e *encoder) object(o *manifest.Object) []byte {
	n := o.Node
	masked := secrets.MaskNode(n)
	if o.GVK.Kind == "SealedSecret" {
		return e.value(nil, n, masked, "encryptedData", 0)
	}
	return e.value(nil, n, masked, "", 0)
}

// value appends the encoding of a node to out. masked is what the node is once
// secrets are masked; what stands under the key called sealed is ciphertext.
func (e *encoder) value(out []byte, n, masked *yaml.Node, sealed string, depth int) []byte {
	for n != nil && n.Kind == yaml.AliasNode && depth <= maxNesting {
		n = n.Alias
		depth++
	}
	if n == nil || depth > maxNesting {
		return append(out, byte(noForm))
	}
	if isMask(n, masked) {
		return e.hide(out, n, depth)
	}
	switch n.Kind {
	case yaml.MappingNode:
		return e.mapping(out, n, masked, sealed, depth)
	case yaml.SequenceNode:
		out = appendCount(append(out, byte(listForm)), len(n.Content))
		for i, c := range n.Content {
			out = e.value(out, c, child(masked, i), sealed, depth+1)
		}
		return out
	case yaml.ScalarNode:
		return e.scalar(out, n)
	}
	return append(out, byte(noForm))
}

// isMask says that a value was masked.
func isMask(n, masked *yaml.Node) bool {
	return masked != nil && masked.Kind == yaml.ScalarNode && (n.Kind != yaml.ScalarNode || masked.Value != n.Value)
}

// child is a child of a masked node, which has the same children as what it masks.
func child(masked *yaml.Node, i int) *yaml.Node {
	if masked == nil || i >= len(masked.Content) {
		return nil
	}
	return masked.Content[i]
}

// entryAt is a key of a mapping node, and where its value is.
type entryAt struct {
	key string
	at  int
}

// entriesOf are the entries of a mapping node by their keys. Those without a value
// are left out: to a cluster they are not there. Of two with one key the last holds.
func entriesOf(n *yaml.Node) []entryAt {
	all := make([]entryAt, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if v := n.Content[i+1]; v.Kind == yaml.ScalarNode && v.Tag == "!!null" {
			continue
		}
		all = append(all, entryAt{n.Content[i].Value, i + 1})
	}
	slices.SortStableFunc(all, func(a, b entryAt) int { return strings.Compare(a.key, b.key) })
	kept := all[:0]
	for i, en := range all {
		if i+1 == len(all) || all[i+1].key != en.key {
			kept = append(kept, en)
		}
	}
	return kept
}

func (e *encoder) mapping(out []byte, n, masked *yaml.Node, sealed string, depth int) []byte {
	entries := entriesOf(n)
	out = appendCount(append(out, byte(mapForm)), len(entries))
	for _, en := range entries {
		out = appendText(out, en.key)
		if v := n.Content[en.at]; sealed != "" && en.key == sealed && v.Kind == yaml.MappingNode {
			out = e.sealed(out, v, depth+1)
		} else {
			out = e.value(out, v, child(masked, en.at), sealed, depth+1)
		}
	}
	return out
}

// sealed encodes a mapping of names to ciphertext.
func (e *encoder) sealed(out []byte, n *yaml.Node, depth int) []byte {
	entries := entriesOf(n)
	out = appendCount(append(out, byte(mapForm)), len(entries))
	for _, en := range entries {
		out = e.digest(append(appendText(out, en.key), byte(encryptedForm)), n.Content[en.at], depth)
	}
	return out
}

func (e *encoder) scalar(out []byte, n *yaml.Node) []byte {
	switch n.Tag {
	case "!!null":
		return append(out, byte(noForm))
	case "!!bool":
		return appendText(append(out, byte(plainForm)), strings.ToLower(n.Value))
	case "!!int", "!!float":
		return appendText(append(out, byte(plainForm)), number(n.Value))
	}
	if isCiphertext(n.Value) || e.holds(n.Value) {
		return e.hide(out, n, 0)
	}
	return appendText(append(out, byte(textForm)), n.Value)
}

// number is a number as it is written shortest, so that 0x10 is 16.
func number(text string) string {
	if i, err := strconv.ParseInt(text, 0, 64); err == nil {
		return strconv.FormatInt(i, 10)
	}
	return text
}

// holds says that a text is, or in base64 stands for, something that was decrypted.
func (e *encoder) holds(text string) bool {
	if e.hidden == nil || text == "" {
		return false
	}
	if e.hidden(text) {
		return true
	}
	decoded, err := base64.StdEncoding.DecodeString(text)
	return err == nil && e.hidden(string(decoded))
}

// isCiphertext says that a text was encrypted with SOPS. Of most texts that is soon
// known.
func isCiphertext(text string) bool {
	return strings.Contains(text, "ENC[") && secrets.Classify(text) == secrets.Ciphertext
}

// hide appends what a value is known by that may not be shown.
func (e *encoder) hide(out []byte, n *yaml.Node, depth int) []byte {
	f := secretForm
	if n.Kind == yaml.ScalarNode && isCiphertext(n.Value) {
		f = encryptedForm
	}
	return e.digest(append(out, byte(f)), n, depth)
}

func (e *encoder) digest(out []byte, n *yaml.Node, depth int) []byte {
	digest := hmac.New(sha256.New, e.key)
	_, _ = digest.Write(appendNode(nil, n, depth))
	return digest.Sum(out)
}

// appendNode appends all that a node holds.
func appendNode(out []byte, n *yaml.Node, depth int) []byte {
	if n == nil || depth > maxNesting {
		return out
	}
	if n.Kind == yaml.AliasNode {
		return appendNode(out, n.Alias, depth+1)
	}
	out = appendCount(append(out, byte(n.Kind)), len(n.Content))
	out = appendText(out, n.Value)
	for _, c := range n.Content {
		out = appendNode(out, c, depth+1)
	}
	return out
}

func appendCount(out []byte, n int) []byte { return binary.AppendUvarint(out, uint64(n)) }

func appendText(out []byte, s string) []byte { return append(appendCount(out, len(s)), s...) }

// value is a value of an object, read back.
type value struct {
	form form
	// text is a scalar's, or the digest of what is hidden.
	text  string
	keys  []string // of a map, sorted
	items []*value // the values of a map, or the items of a list
	hash  uint64   // equal for equal values, in this process
	size  int      // how many scalars it holds
}

// get is the value under a key of a map; nil for none.
func (v *value) get(key string) *value {
	if v == nil || v.form != mapForm {
		return nil
	}
	if i, ok := slices.BinarySearch(v.keys, key); ok {
		return v.items[i]
	}
	return nil
}

// scalar says that a value holds no others.
func (v *value) scalar() bool { return v.form != mapForm && v.form != listForm }

// same says that both are the same, or that neither is there.
func same(a, b *value) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.hash == b.hash && a.form == b.form
}

// hasher makes the hashes of values. Nobody can make two values collide without
// knowing its seed.
type hasher struct{ seed maphash.Seed }

// decodeObject reads an object back.
func (h *hasher) decodeObject(data []byte) *value {
	v, _ := decode(data, 0)
	h.sum(v)
	return v
}

// decode reads a value that value wrote, and gives the bytes behind it.
func decode(data []byte, depth int) (*value, []byte) {
	if len(data) == 0 || depth > maxNesting+1 {
		return &value{form: noForm}, nil
	}
	v := &value{form: form(data[0])}
	data = data[1:]
	switch v.form {
	case textForm, plainForm:
		v.text, data = text(data)
	case secretForm, encryptedForm:
		v.text, data = string(data[:sha256.Size]), data[sha256.Size:]
	case mapForm, listForm:
		n, used := binary.Uvarint(data)
		data = data[used:]
		v.items = make([]*value, n)
		if v.form == mapForm {
			v.keys = make([]string, n)
		}
		for i := range v.items {
			if v.form == mapForm {
				v.keys[i], data = text(data)
			}
			v.items[i], data = decode(data, depth+1)
		}
	}
	return v, data
}

func text(data []byte) (string, []byte) {
	n, used := binary.Uvarint(data)
	data = data[used:]
	return string(data[:n]), data[n:]
}

// sum sets the hash and the size of a value and of all below it.
func (h *hasher) sum(v *value) {
	var m maphash.Hash
	m.SetSeed(h.seed)
	_ = m.WriteByte(byte(v.form))
	_, _ = m.WriteString(v.text)
	v.size = 1
	if !v.scalar() {
		v.size = 0
	}
	var number [8]byte
	for i, item := range v.items {
		h.sum(item)
		v.size += item.size
		if v.form == mapForm {
			binary.LittleEndian.PutUint64(number[:], uint64(len(v.keys[i])))
			_, _ = m.Write(number[:])
			_, _ = m.WriteString(v.keys[i])
		}
		binary.LittleEndian.PutUint64(number[:], item.hash)
		_, _ = m.Write(number[:])
	}
	v.hash = m.Sum64()
}
