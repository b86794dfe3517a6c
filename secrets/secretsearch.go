package secrets

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
	"go.yaml.in/yaml/v3"
)

// secretSearch looks for Secrets in a file, however they are written there: as
// documents, inside of other objects and of their texts, in templates, in what is
// no YAML as it stands.
type secretSearch struct {
	file   *lint.File
	report func(foundSecret)
	lines  []string // of the file, with actions marked
	seen   map[linePlace]bool
}

// foundSecret is an entry of a Secret that holds a literal.
type foundSecret struct {
	at manifest.Span
	// identity is what the entry is known by in the file, name its key.
	identity, name string
	clearness
}

type linePlace struct{ line, column int }

// frame is a text in which the search stands: the file, or a text that it holds.
type frame struct {
	// at is where a place of the text is in the file.
	at func(line, column int) manifest.Span
	// base is the line of the file in front of the text's first, where they are
	// the same; negative where they are not.
	base   int
	marked bool
	shell  bool
	depth  int
}

// maxSecretNesting is how deep texts are looked for inside of each other.
const maxSecretNesting = 4

// mayHoldSecret is a quick look for what every Secret with data has.
func mayHoldSecret(text []byte) bool {
	return namesKindSecret(text) && bytes.Contains(text, []byte("kind")) &&
		(bytes.Contains(text, []byte("data")) || bytes.Contains(text, []byte("Data")))
}

// namesKindSecret says that Secret, SecretList or SopsSecret stands somewhere as the
// value of a key may, or as one of the kinds that a patch is for: not as a part of a
// name, in a list, or in prose, of which the descriptions of custom resources are
// full.
func namesKindSecret(text []byte) bool {
	word := []byte("Secret")
	for from := 0; ; {
		i := bytes.Index(text[from:], word)
		if i < 0 {
			return false
		}
		start := from + i
		from = start + len(word)
		if endsValue(bytes.TrimPrefix(text[from:], []byte("List"))) && valueFollows(bytes.TrimSuffix(text[:start], []byte("Sops"))) {
			return true
		}
	}
}

// endsValue says that a value may end in front of a text: at its end or that of a
// line, before a comment, an escape, an action, or what ends an entry on one line or
// one of several kinds.
func endsValue(text []byte) bool {
	blank := len(text)
	text = bytes.TrimLeft(bytes.TrimLeft(text, `"'`), " \t")
	blank -= len(text)
	if len(text) == 0 {
		return true
	}
	return text[0] >= utf8.RuneSelf || bytes.IndexByte([]byte("\r\n\\{},]|)$"), text[0]) >= 0 || text[0] == '#' && blank > 0
}

// longestTag is how much is looked at of what may be a tag or an anchor.
const longestTag = 64

// valueFollows says that a value may stand behind a text: at its beginning, behind
// a colon, a tag, an anchor, the head of a block, an escape that stands for space,
// an action, another kind, or a line that ends with a comment.
func valueFollows(text []byte) bool {
	text = bytes.TrimRight(text, `"'\`)
	trimmed := bytes.TrimRight(text, " \t\r\n")
	if len(trimmed) == 0 {
		return true
	}
	if bytes.IndexByte(text[len(trimmed):], '\n') >= 0 {
		if line := trimmed[bytes.LastIndexByte(trimmed, '\n')+1:]; bytes.IndexByte(line, '#') >= 0 {
			return true
		}
	}
	if last := trimmed[len(trimmed)-1]; last >= utf8.RuneSelf || bytes.IndexByte([]byte(":}|(^"), last) >= 0 {
		return true
	}
	near := trimmed[max(0, len(trimmed)-longestTag):]
	tag := near[bytes.LastIndexAny(near, " \t\r\n")+1:]
	return len(tag) == longestTag || bytes.IndexByte([]byte("&!|>"), tag[0]) >= 0 || bytes.IndexByte(tag, '\\') >= 0
}

// searchSecrets reports the literals in the Secrets of a file.
func searchSecrets(f *lint.File, reading secretReading, report func(foundSecret)) {
	text, marked := markActions(f.Data)
	s := &secretSearch{file: f, report: report, seen: map[linePlace]bool{}}
	root := frame{marked: marked, shell: reading == readLines, at: func(line, column int) manifest.Span {
		return manifest.Span{File: f.Name, Line: line, Column: column}
	}}
	if root.shell {
		text = markVariables(text)
	}
	s.lines = strings.Split(string(text), "\n")
	switch {
	case root.shell:
		s.readLines(root, string(text))
	case !marked:
		docs, errs := f.Documents()
		s.documents(root, docs, errs, string(text))
	default:
		docs, errs := manifest.Parse(text)
		s.documents(root, docs, errs, string(text))
	}
}

// documents searches what could be read of a text, and line by line what could
// not.
func (s *secretSearch) documents(f frame, docs []*yaml.Node, errs []*manifest.ReadError, text string) {
	for _, doc := range docs {
		s.node(f, doc)
	}
	if len(errs) > 0 {
		s.readLines(f, text)
	}
}

// node searches a node and what is below it.
func (s *secretSearch) node(f frame, n *yaml.Node) {
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			s.node(f, item)
		}
	case yaml.MappingNode:
		s.mapping(f, n)
	case yaml.ScalarNode:
		s.scalar(f, n)
	}
}

func (s *secretSearch) mapping(f frame, n *yaml.Node) {
	if sops.Read(n).Valid() {
		// The rules on SOPS say what is clear in it.
		return
	}
	if isSecretMapping(n) {
		if inner := generatedSecret(n); inner != nil {
			n = inner
		}
		s.entries(f, n, secretIdentity(n))
		return
	}
	if manifest.Text(n, "kind") == "SecretList" && manifest.Text(n, "apiVersion") == "v1" {
		if items := manifest.Get(n, "items"); items != nil {
			for _, item := range items.Content {
				s.entries(f, item, secretIdentity(item))
			}
		}
		return
	}
	if manifest.Text(n, "kind") == "SopsSecret" {
		// Its operator decrypts it; it has no block of SOPS, or the rules on SOPS
		// would judge it.
		for _, template := range manifest.Items(manifest.Get(n, "spec"), "secretTemplates") {
			s.entries(f, template, secretIdentity(n)+" "+manifest.Text(template, "name"))
		}
		return
	}
	s.jsonPatch(f, n)
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch n.Content[i].Value {
		case lastApplied, "sops":
			// The annotation is a finding of its own.
			continue
		}
		s.node(f, n.Content[i+1])
	}
}

// scalar searches a text that may be manifests.
func (s *secretSearch) scalar(f frame, n *yaml.Node) {
	if f.depth == maxSecretNesting || len(n.Value) < len("kind: Secret") || !strings.Contains(n.Value, "Secret") || !mayHoldSecret([]byte(n.Value)) {
		return
	}
	inner := s.inside(f, n)
	value := n.Value
	if strings.Contains(value, "<<") {
		// What a script feeds to a program.
		value = string(markVariables([]byte(value)))
		inner.marked = true
	}
	docs, errs := manifest.Parse([]byte(value))
	s.documents(inner, docs, errs, value)
}

// inside is the frame of a scalar's text. Of a literal block the file has the same
// lines; of any other scalar all is at the scalar.
func (s *secretSearch) inside(f frame, n *yaml.Node) frame {
	own := f.at(n.Line, n.Column)
	inner := frame{marked: f.marked, depth: f.depth + 1, base: -1, at: func(int, int) manifest.Span { return own }}
	if n.Style&yaml.LiteralStyle == 0 || f.base < 0 {
		return inner
	}
	text := strings.Split(n.Value, "\n")
	inner.base = own.Line
	inner.at = func(line, column int) manifest.Span {
		i := own.Line + line - 1
		if line < 1 || line > len(text) || i >= len(s.lines) {
			return own
		}
		indent, ok := strings.CutSuffix(strings.TrimRight(s.lines[i], "\r"), strings.TrimRight(text[line-1], "\r"))
		if !ok {
			return own
		}
		return manifest.Span{File: own.File, Line: i + 1, Column: column + utf8.RuneCountInString(indent)}
	}
	return inner
}

// entries reports the literals of a Secret.
func (s *secretSearch) entries(f frame, secret *yaml.Node, identity string) {
	if f.marked {
		showActionsIn(secret)
	}
	for _, v := range clearEntries(secret) {
		s.found(f, v.node.Line, v.node.Column, foundSecret{identity: fmt.Sprintf("%s %s", identity, v.path), name: v.key, clearness: v.clearness})
	}
}

// found reports a place once, however many ways lead there.
func (s *secretSearch) found(f frame, line, column int, found foundSecret) {
	at := f.at(line, column)
	p := linePlace{at.Line, at.Column}
	if f.base >= 0 {
		if s.seen[p] {
			return
		}
		s.seen[p] = true
	}
	found.at = at
	found.name, _ = showActions(found.name)
	found.identity, _ = showActions(found.identity)
	s.report(found)
}

// isSecretMapping says that a mapping is a Secret, of the core group as far as it
// says so, that has data.
func isSecretMapping(n *yaml.Node) bool {
	if manifest.Text(n, "kind") != "Secret" {
		return false
	}
	switch version := manifest.Text(n, "apiVersion"); {
	case version == "", version == "v1", strings.ContainsRune(version, actionMark), Classify(version) == Reference, Classify(version) == Template:
	default:
		return false
	}
	for _, name := range [...]string{"data", "stringData"} {
		// Without a version it may be a reference to a Secret.
		if data := manifest.Get(n, name); data != nil && (data.Kind == yaml.MappingNode || manifest.Text(n, "apiVersion") != "") {
			return true
		}
	}
	return false
}

// generatedSecret is the Secret that a policy engine is told to make, which says
// kind: Secret and keeps the object itself under data; nil for any other.
func generatedSecret(n *yaml.Node) *yaml.Node {
	inner := manifest.Get(n, "data")
	if inner == nil {
		return nil
	}
	for _, name := range [...]string{"data", "stringData"} {
		if v := manifest.Get(inner, name); v != nil && v.Kind == yaml.MappingNode {
			return inner
		}
	}
	if v := manifest.Get(inner, "metadata"); v != nil && v.Kind == yaml.MappingNode {
		return inner
	}
	return nil
}

// secretIdentity names a Secret among those of its file.
func secretIdentity(n *yaml.Node) string {
	metadata := manifest.Get(n, "metadata")
	if namespace := manifest.Text(metadata, "namespace"); namespace != "" {
		return "Secret " + namespace + "/" + manifest.Text(metadata, "name")
	}
	return "Secret " + manifest.Text(metadata, "name")
}

// showActionsIn writes actions in the place of marks in all values below a node.
// A value of which an action gives a part holds a literal only if the secret part
// of it is one.
func showActionsIn(n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		for i, c := range n.Content {
			if n.Kind != yaml.MappingNode || i%2 == 1 {
				showActionsIn(c)
			}
		}
		return
	}
	shown, marked := showActions(n.Value)
	if !marked {
		return
	}
	if !hasClearPart(shown) {
		shown = shownAction
	}
	n.Value, n.Tag = shown, "!!str"
}

// hasClearPart says that a text of which something else fills in a part carries a
// credential in clear: the password of a URL, or the value of a pair.
func hasClearPart(value string) bool {
	return hasClearURL(value) || slices.ContainsFunc(findPairs(value, true), func(p pair) bool {
		return CredentialName(p.name) && Classify(p.value) == Literal && literalCredential(p.value)
	})
}
