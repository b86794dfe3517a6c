package secrets

import (
	"bytes"
	"slices"
	"strings"
)

// InMessage names the kinds of credentials that a text outside of the tree holds,
// such as a commit's message: each once, in order, never with a value.
func InMessage(text string) []string {
	var names []string
	for _, h := range scanText([]byte(text)) {
		switch h.family {
		case encodedFamily:
			names = append(names, "credential in base64")
		default:
			names = append(names, h.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// keptOfCredential is how much Elide leaves of a credential: enough to tell its
// provider by.
const keptOfCredential = 12

// Elide leaves out most of every credential in a text, so that what quotes the
// rules' examples holds none that a scanner would find again.
func Elide(text string) string {
	data := []byte(text)
	var b strings.Builder
	from := 0
	for _, h := range scanText(data) {
		start, end := h.offset+min(keptOfCredential, h.length), h.offset+h.length
		if bytes.HasPrefix(data[h.offset:], []byte("-----BEGIN ")) || h.id == "putty-key" {
			// The hit is the first line; the key stands behind it.
			start = end + min(2*keptOfCredential, len(data)-end)
			end = start + max(0, bytes.Index(data[start:], []byte("-----")))
			if h.id == "putty-key" {
				end = len(data)
			}
		}
		if start < from || end <= start {
			continue
		}
		b.Write(data[from:start])
		b.WriteString("...")
		from = end
	}
	b.Write(data[from:])
	return b.String()
}
