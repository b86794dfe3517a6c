package manifest

import "strings"

// placeholderText begins every placeholder. In upper case, or in base64, it is
// recognised, too: that is what charts do with values.
const (
	placeholderText    = "scantling-unknown"
	placeholderEncoded = "c2NhbnRsaW5nLXVua25vd2"
)

// Placeholder stands in rendered objects for a value that can't be known
// without the cluster or a key, such as that of an encrypted Secret. key names
// the value.
func Placeholder(key string) string {
	return placeholderText + "-" + strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, key), "-")
}

// Unknown says that a text holds a placeholder: nothing can be said of it.
func Unknown(text string) bool {
	return strings.Contains(text, placeholderEncoded) || strings.Contains(text, placeholderText) ||
		strings.Contains(text, "SCANTLING") && strings.Contains(strings.ReplaceAll(strings.ToLower(text), "_", "-"), placeholderText)
}

// Known says that a text is what the cluster will see: no placeholder stands in
// it, and no variable that Flux, or whoever applies it, fills in.
func Known(text string) bool { return !strings.Contains(text, "${") && !Unknown(text) }
