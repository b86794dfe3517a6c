package sops

import "strings"

// Signed is what the MAC of documents covers, as far as it shows without a key: the
// ciphertexts and, unless MACOnlyEncrypted leaves them out, the clear values, in
// order. It is to be compared, never to be shown. At is the leaf of each part.
func Signed(docs []*Document) (text string, parts []SignedPart) {
	var b strings.Builder
	for _, d := range docs {
		for i := range d.Leaves {
			l := &d.Leaves[i]
			if l.Empty() || l.IsComment() || d.Metadata != nil && d.Metadata.MACOnlyEncrypted && !l.Due && !l.Encrypted {
				continue
			}
			part := l.signed()
			parts = append(parts, SignedPart{d, l, part})
			b.WriteString(part)
		}
	}
	return b.String(), parts
}

// SignedPart is what a leaf adds to the MAC.
type SignedPart struct {
	Document *Document
	Leaf     *Leaf
	text     string
}

// Same says that two parts add the same.
func (p SignedPart) Same(q SignedPart) bool { return p.text == q.text }

// signed is a ciphertext, set apart from its neighbours, or what SOPS hashes of a
// clear value.
func (l *Leaf) signed() string {
	if l.Encrypted {
		return "\x00" + l.Value + "\x00"
	}
	if l.node != nil {
		if data, ok := macBytes(scalarValue(l.node)); ok {
			return string(data)
		}
	}
	return l.Value
}

// Nonce is the part of a ciphertext that no two values share: what it was encrypted
// with at random, and its tag. It is empty for a clear leaf.
func (l *Leaf) Nonce() string {
	if !l.Encrypted {
		return ""
	}
	_, rest, _ := strings.Cut(l.Value, ",iv:")
	nonce, _, _ := strings.Cut(rest, ",type:")
	return nonce
}
