package secrets

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/secrets/sops"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// eachCiphertext finds the values that SOPS encrypted in a text, until yield says
// that it is enough. No value holds what sets words apart, so the text is read once
// whatever it is.
func eachCiphertext(text string, yield func(string) bool) {
	for {
		i := strings.Index(text, ciphertextMark)
		if i < 0 {
			return
		}
		text = text[i:]
		end := strings.IndexAny(text[len(ciphertextMark):], "][ \t\r\n\"'")
		if end < 0 {
			return
		}
		end += len(ciphertextMark) + 1
		if c := text[:end]; sops.IsCiphertext(c) && !yield(c) {
			return
		}
		text = text[len(ciphertextMark):]
	}
}

// firstCiphertext is "" for a text that holds none.
func firstCiphertext(text string) (found string) {
	eachCiphertext(text, func(c string) bool {
		found = c
		return false
	})
	return found
}

// holdsCiphertext says that some value below a node does, or what its base64 says.
func holdsCiphertext(n *yaml.Node) bool {
	if n.Kind == yaml.ScalarNode {
		return strings.Contains(n.Value, ciphertextMark) || isEncodedCiphertext(n.Value)
	}
	for _, below := range n.Content {
		if holdsCiphertext(below) {
			return true
		}
	}
	return false
}

// isEncodedCiphertext says so of base64. The mark may begin at any of three offsets
// in it, and then reads as one of three texts.
func isEncodedCiphertext(v string) bool {
	for _, mark := range [...]string{"RU5DW0FFUzI1Nl9HQ00s", "VOQ1tBRVMyNTZfR0NNL", "FTkNbQUVTMjU2X0dDTS"} {
		if strings.Contains(v, mark) {
			return true
		}
	}
	return false
}

// eachText yields the texts of an object in which ciphertext may stand: its scalars,
// those of a Secret decoded.
func eachText(o *manifest.Object, yield func(string)) {
	walk(o.Node, func(w *walker, n *yaml.Node) {
		if isSecretData(o, w) {
			if decoded, ok := decodeBase64(n.Value); ok {
				yield(decoded)
				return
			}
		}
		yield(n.Value)
	})
}

func isSecretData(o *manifest.Object, w *walker) bool {
	return o.GroupKind() == secretKind && w.steps[0].key == "data"
}

// looseCiphertext is the first ciphertext of an object that is nobody's to decrypt,
// and its field; nil for none.
func looseCiphertext(o *manifest.Object) (path *field.Path, ciphertext string) {
	if keepsCiphertext(o.GVK.Kind) || o.Value("sops", "mac").Text() != "" || o.GroupKind() == secretKind && isFlatSOPS(manifest.Get(o.Node, "data")) {
		return nil, ""
	}
	walk(o.Node, func(w *walker, n *yaml.Node) {
		if path != nil {
			return
		}
		value, decoded := n.Value, false
		if isSecretData(o, w) {
			if text, ok := decodeBase64(n.Value); ok {
				value, decoded = text, true
				if wholeStore([]byte(text)) != noStore {
					return
				}
			}
		}
		c := firstCiphertext(value)
		switch {
		case c == "" || withinSopsKind(o.Node, w.steps):
		case !decoded && c == value && isOwnLine(o, w):
		default:
			path, ciphertext = w.path(), c
		}
	})
	return path, ciphertext
}

// isOwnLine says that a Secret's entry stands in the file that the Secret does: a
// sops block is what that file lacks, which the rule on files says.
func isOwnLine(o *manifest.Object, w *walker) bool {
	if o.GroupKind() != secretKind || !isDataMap(w.steps[:1]) || o.Template != "" {
		return false
	}
	at := o.Near(w.path())
	return at.Exact && at.File == o.Origin.File
}

// withinSopsKind says that a step leads through an object, nested in this one, that
// an operator in the cluster decrypts.
func withinSopsKind(n *yaml.Node, steps []step) bool {
	for _, s := range steps {
		if keepsCiphertext(manifest.Text(n, "kind")) {
			return true
		}
		switch {
		case s.index >= 0 && n.Kind == yaml.SequenceNode && s.index < len(n.Content):
			n = n.Content[s.index]
		default:
			n = manifest.Get(n, s.key)
		}
		if n == nil {
			return false
		}
	}
	return false
}
