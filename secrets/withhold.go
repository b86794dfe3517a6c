package secrets

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
	"go.yaml.in/yaml/v3"
)

// Withhold is an object's node without what must not be kept on a disk: the values
// of Secrets, and whatever else may be a credential. It is the node itself if there
// is nothing of that in it. What SOPS encrypted stays, since the rules on it look at
// it and it tells nothing.
func Withhold(n *yaml.Node) *yaml.Node {
	switch kind := manifest.Text(n, "kind"); {
	case kind == "CustomResourceDefinition":
		// A schema, of up to some hundred thousand lines.
		return n
	case strings.Contains(kind, "Secret"), strings.HasSuffix(kind, "List"), manifest.Get(n, "stringData") != nil, manifest.Get(n, "sops") != nil:
		w := withholder{values: true}
		return w.node(withholdSecret(n), "")
	}
	return (&withholder{}).node(n, "")
}

// withholder takes credentials out of an object.
type withholder struct {
	// values says that what stands under the key value is one, as in a store of
	// secrets that are made up.
	values bool
}

// withholdSecret masks a Secret, or what carries one, but for what is encrypted.
func withholdSecret(n *yaml.Node) *yaml.Node {
	clear := MaskNode(n)
	unmask(n, clear, "")
	if sameNodes(n, clear) {
		return n
	}
	return clear
}

// unmask puts what tells nothing back into a masked copy, and placeholders in the
// place of the rest, of which rules know that it is not known.
func unmask(n, clear *yaml.Node, under string) {
	clear.Line, clear.Column = n.Line, n.Column
	if n.Kind == yaml.ScalarNode && clear.Kind == n.Kind {
		switch {
		case clear.Value != masked:
		case sealedText(n.Value) || manifest.Unknown(n.Value) || n.Value == "" || n.Value == masked:
			*clear = *n
		default:
			*clear = *withheld(n, under == "data")
		}
		return
	}
	if clear.Kind != n.Kind {
		return
	}
	for i := range min(len(n.Content), len(clear.Content)) {
		below := under
		if n.Kind == yaml.MappingNode && i%2 == 1 && (n.Content[i-1].Value == "data" || n.Content[i-1].Value == "stringData") {
			below = n.Content[i-1].Value
		}
		unmask(n.Content[i], clear.Content[i], below)
	}
}

// withheld stands in the place of a value.
func withheld(n *yaml.Node, encoded bool) *yaml.Node {
	c := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: manifest.Placeholder("withheld"), Line: n.Line, Column: n.Column}
	if encoded {
		c.Value = base64.StdEncoding.EncodeToString([]byte(c.Value))
	}
	return c
}

func sameNodes(a, b *yaml.Node) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || a.Kind != b.Kind || a.Value != b.Value || len(a.Content) != len(b.Content) ||
		a.HeadComment != b.HeadComment || a.LineComment != b.LineComment || a.FootComment != b.FootComment {
		return false
	}
	for i := range a.Content {
		if !sameNodes(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

// node is a node without credentials; the node itself if there are none.
func (w *withholder) node(n *yaml.Node, key string) *yaml.Node {
	copied := n
	replace := func(i int, with *yaml.Node) {
		if with == copied.Content[i] {
			return
		}
		if copied == n {
			c := *n
			c.Content = append([]*yaml.Node(nil), n.Content...)
			copied = &c
		}
		copied.Content[i] = with
	}
	switch n.Kind {
	case yaml.ScalarNode:
		c := *n
		switch {
		case n.Tag == "!!bool" || n.Tag == "!!null":
		case key == "value" && w.values && n.Value != "" && !manifest.Unknown(n.Value):
			c.Value = manifest.Placeholder("withheld")
		default:
			c.Value = cleared(key, n.Value)
		}
		c.HeadComment, c.LineComment, c.FootComment = cleared("", n.HeadComment), cleared("", n.LineComment), cleared("", n.FootComment)
		if c.Value != n.Value {
			c.Tag, c.Style = "!!str", 0
		}
		if c.Value != n.Value || c.HeadComment != n.HeadComment || c.LineComment != n.LineComment || c.FootComment != n.FootComment {
			return &c
		}
	case yaml.MappingNode:
		called, secret := "", strings.Contains(manifest.Text(manifest.Get(n, "target"), "kind"), "Secret")
		if name := manifest.Text(n, "name"); CredentialName(name) || credentialHeader(name) {
			// {name: PASSWORD, value: x}
			called = name
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			below := n.Content[i].Value
			if called != "" && below != "name" && n.Content[i+1].Kind != yaml.MappingNode {
				below = called
			}
			if v := n.Content[i+1]; v.Kind == yaml.ScalarNode && lint.MayExcuse(below, v.Value) {
				// The reason for a suppression, which reports show.
				continue
			}
			if v := n.Content[i+1]; below == "patch" && v.Kind == yaml.ScalarNode && (secret || strings.Contains(v.Value, "Secret")) {
				// What is patched into a Secret is a value.
				replace(i+1, withheld(v, false))
				continue
			}
			replace(i, w.node(n.Content[i], ""))
			replace(i+1, w.node(n.Content[i+1], below))
		}
	case yaml.SequenceNode:
		command := key == "args" || key == "command"
		for i, item := range n.Content {
			under := key
			if command && i > 0 {
				// --api-token x
				under = strings.TrimLeft(n.Content[i-1].Value, "-")
			}
			if command && item.Kind == yaml.ScalarNode && strings.ContainsAny(item.Value, " \t\n") {
				// A script may hold one in many forms.
				replace(i, withheld(item, false))
				continue
			}
			replace(i, w.node(item, under))
		}
	}
	return copied
}

// cleared is a text, or the value under a key, without what may be a credential in
// it; the text itself if there is nothing of that.
func cleared(key, text string) string {
	if len(text) < 4 || manifest.Unknown(text) || sealedText(text) {
		return text
	}
	if strings.Contains(text, "PRIVATE KEY") || key != "" && (CredentialName(key) || credentialHeader(key)) && Classify(text) == Literal {
		return manifest.Placeholder("withheld")
	}
	if !strings.ContainsAny(text, ":=") && len(text) < 16 {
		return text
	}
	lines := bytes.Split([]byte(text), []byte("\n"))
	var out [][]byte
	for i, line := range lines {
		if !Shows(lines, i) {
			continue
		}
		if out == nil {
			out = slices.Clone(lines)
		}
		out[i] = []byte(clearedLine(string(line)))
	}
	if out == nil {
		return text
	}
	return string(bytes.Join(out, []byte("\n")))
}

// credentialHeader says that an HTTP header of this name holds a credential.
func credentialHeader(name string) bool {
	switch strings.ToLower(name) {
	case "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token":
		return true
	}
	return false
}

// clearedLine keeps of a line what the credential in it is called, as far as that
// holds none itself.
func clearedLine(line string) string {
	at := shownPair(line)
	if at < 0 {
		at = strings.IndexAny(line, ":=")
	}
	if at >= 0 && Shows([][]byte{[]byte(line[:at])}, 0) {
		at = -1
	}
	return line[:at+1] + manifest.Placeholder("withheld")
}

// sealedText says that a text is what SOPS makes of a value, in base64 or not.
func sealedText(text string) bool { return sops.IsCiphertext(text) || isEncodedCiphertext(text) }
