package sops

import (
	"errors"
	"strings"

	"go.yaml.in/yaml/v3"
)

// treeWalk goes through the documents of YAML and JSON as SOPS does, which takes
// comments for entries of the collection that they stand in.
type treeWalk struct {
	choice *choice
	// read is a scalar as SOPS reads it; same says that SOPS writes the value as the
	// node is written.
	read func(*yaml.Node) any
	same func(n *yaml.Node, value any) bool
	// comment is the text of one as it was before; nil for as it is.
	comment func(string) string
	// encrypted says that the documents are what was made, not what is given.
	encrypted bool

	scope
	leaves  []*leaf
	nodes   map[*yaml.Node]*leaf
	aliased int
	// secret is how many keys lead to the Secret that the walk is in; -1 for none.
	secret int
	err    error
}

func (w *treeWalk) fail(n *yaml.Node, format string, args ...any) {
	if w.err == nil {
		w.err = refusal(n.Line, format, args...)
	}
}

// document goes through one document.
func (w *treeWalk) document(doc *yaml.Node) error {
	w.secret = -1
	if w.nodes == nil {
		w.nodes = map[*yaml.Node]*leaf{}
	}
	w.enter()
	w.branch(doc, false)
	w.leave()
	return w.err
}

func (w *treeWalk) branch(n *yaml.Node, commentsDone bool) {
	if !commentsDone {
		w.comments(n.HeadComment, n)
		w.comments(n.LineComment, n)
	}
	switch n.Kind {
	case yaml.DocumentNode:
		for _, c := range n.Content {
			w.branch(c, false)
		}
	case yaml.MappingNode:
		w.tag(n)
		w.mapping(n)
	case yaml.SequenceNode:
		w.fail(n, "the document is a list, which sops does not encrypt: make it a mapping")
	case yaml.AliasNode:
		w.fail(n, "the document is an alias, which sops does not encrypt")
	default:
		if n.ShortTag() == "!!null" {
			w.fail(n, "the document is empty, and sops would make an object of it: remove its separator")
		} else {
			w.fail(n, "the document is a single value, which sops does not encrypt as YAML or JSON")
		}
	}
	if !commentsDone {
		w.comments(n.FootComment, n)
	}
}

func (w *treeWalk) mapping(n *yaml.Node) {
	if outer := w.secret; !w.encrypted && isSecretNode(n) {
		w.secret = len(w.keys)
		defer func() { w.secret = outer }()
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content) && w.err == nil; i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		w.comments(key.HeadComment, key)
		w.comments(key.LineComment, key)
		scalar := value.Kind == yaml.ScalarNode || value.Kind == yaml.AliasNode
		if scalar {
			w.comments(value.HeadComment, value)
			w.comments(value.LineComment, value)
		}
		w.entry(key, value, scalar, seen)
		w.done()
		if scalar {
			w.comments(value.FootComment, value)
		}
		w.comments(key.FootComment, key)
	}
}

func (w *treeWalk) entry(key, value *yaml.Node, scalar bool, seen map[string]bool) {
	if key.Kind != yaml.ScalarNode {
		if key.Kind == yaml.MappingNode {
			w.fail(key, "the key is a mapping, as a template without quotes is: sops encrypts neither")
			return
		}
		w.fail(key, "the key is no string, which sops does not encrypt")
		return
	}
	if key.ShortTag() == "!!merge" && !w.encrypted {
		w.fail(key, "sops would write the merge key as an ordinary one, or not, by its release: write the entries out")
		return
	}
	name, isText := w.read(key).(string)
	if !isText {
		w.fail(key, "the key is no string, which sops does not encrypt: put it in quotes")
		return
	}
	if seen[name] {
		w.fail(key, "the key is there twice: remove one of the two")
		return
	}
	seen[name] = true
	if len(w.keys) == 0 && name == "sops" {
		if !w.encrypted {
			w.fail(key, "the key sops is where sops keeps its metadata: remove it, or restore the file as it was before")
		}
		return
	}
	w.keys = append(w.keys, name)
	w.value(value, scalar)
	w.keys = w.keys[:len(w.keys)-1]
}

func (w *treeWalk) value(n *yaml.Node, commentsDone bool) {
	if w.err != nil {
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		w.enter()
		w.branch(n, commentsDone)
		w.leave()
	case yaml.SequenceNode:
		w.enter()
		w.sequence(n, commentsDone)
		w.leave()
	case yaml.AliasNode:
		w.aliased++
		w.value(n.Alias, false)
		w.aliased--
	case yaml.ScalarNode:
		w.scalar(n)
	}
}

func (w *treeWalk) sequence(n *yaml.Node, commentsDone bool) {
	w.tag(n)
	if !commentsDone {
		w.comments(n.HeadComment, n)
		w.comments(n.LineComment, n)
	}
	for _, item := range n.Content {
		w.comments(item.HeadComment, item)
		w.comments(item.LineComment, item)
		w.value(item, true)
		w.done()
		w.comments(item.FootComment, item)
	}
	if !commentsDone {
		w.comments(n.FootComment, n)
	}
}

// comments takes the lines of a comment.
func (w *treeWalk) comments(text string, n *yaml.Node) {
	if text == "" || w.aliased > 0 {
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" {
			continue
		}
		written := line[1:]
		before := written
		if w.comment != nil {
			before = w.comment(written)
		}
		w.scope.comment(w.choice, before)
		w.leaves = append(w.leaves, &leaf{
			keys: append([]string(nil), w.keys...), value: written, isComment: true, line: n.Line,
			covered: w.choice.covers(&w.scope, true),
		})
	}
}

func (w *treeWalk) scalar(n *yaml.Node) {
	l := &leaf{keys: append([]string(nil), w.keys...), value: w.read(n), line: n.Line, covered: w.choice.covers(&w.scope, false)}
	if l.value == nil {
		if n.ShortTag() != "!!null" {
			w.fail(n, "sops can't read the value: put it in quotes")
		}
		return
	}
	w.leaves = append(w.leaves, l)
	if w.encrypted {
		return
	}
	w.tag(n)
	text, isText := l.value.(string)
	first := w.nodes[n]
	switch _, known := macBytes(l.value); {
	case !known:
		w.fail(n, "sops can't encrypt a file with a number of this size: put it in quotes")
	case l.empty():
	case first != nil && first.covered != l.covered, w.aliased > 0 && l.covered:
		w.fail(n, "the value is written once and used again by an alias, and sops binds a value to its place: write it out in both places")
	case !l.covered:
		if w.secret >= 0 && len(l.keys) > w.secret && (l.keys[w.secret] == "data" || l.keys[w.secret] == "stringData") {
			w.fail(n, "the rule would leave %s of a Secret clear: let its selector be encrypted_regex: ^(data|stringData)$", keyPath(l.keys))
		}
	case n.Style&yaml.TaggedStyle != 0 && n.Tag != "!!str":
		w.fail(n, "sops would lose the value's tag: put the value in quotes instead")
	case !isText && !w.same(n, l.value):
		w.fail(n, "sops would give the value back in another form: put it in quotes, or write the number in its plain decimal form")
	case isText && len(text) > maxEncrypt:
		w.fail(n, "the value is too large")
	}
	if first == nil {
		w.nodes[n] = l
	}
}

// tag refuses the tags that SOPS loses.
func (w *treeWalk) tag(n *yaml.Node) {
	switch n.ShortTag() {
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!!map", "!!seq":
	default:
		if !w.encrypted {
			w.fail(n, "sops would lose the tag of the value: write the value in another way")
		}
	}
}

// isSecretNode says that a mapping is a Secret of the core group.
func isSecretNode(n *yaml.Node) bool {
	kind, version := "", ""
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch n.Content[i].Value {
		case "kind":
			kind = n.Content[i+1].Value
		case "apiVersion":
			version = n.Content[i+1].Value
		}
	}
	return kind == "Secret" && (version == "v1" || version == "")
}

var errChanged = errors.New("what it would be decrypted to differs from what it is")
