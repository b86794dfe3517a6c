package sops

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// commentRule decides by the comments around a value whether it is encrypted.
type commentRule struct {
	re *regexp.Regexp
	// hit is what a comment that matches says.
	hit bool
}

func newCommentRule(s Selector) *commentRule {
	pattern, hit := s.EncryptedCommentRegex, true
	if pattern == "" {
		pattern, hit = s.UnencryptedCommentRegex, false
	}
	re, err := compilePattern(pattern)
	if err != nil {
		// As for SOPS: it matches nothing.
		re = nil
	}
	return &commentRule{re, hit}
}

// matches says that one of the comments is of those that the rule is about.
func (c *commentRule) matches(comments ...string) bool {
	return c.re != nil && slices.ContainsFunc(comments, c.re.MatchString)
}

// covers says whether a value is encrypted, by whether a comment in front of it, or
// of what it is in, matches.
func (c *commentRule) covers(matched bool) bool { return matched == c.hit }

// place is where a scalar stands.
type place struct{ line, column int }

// dueByComments decides which leaves of documents whose selector goes by comments
// have to be encrypted. SOPS looks at the comments as the decoder hands them out,
// in its own order, so this does, too. What it can't follow is not due.
func (f *File) dueByComments(data []byte) {
	w := commentWalk{due: map[place]bool{}}
	var selected *Metadata
	for _, d := range f.Documents {
		if d.byComments() {
			selected = d.Metadata
			break
		}
	}
	w.rule = newCommentRule(selected.Selector)
	if !f.damaged {
		w.stream(data)
	}
	for _, d := range f.Documents {
		if d.Metadata == nil || d.Metadata.Selector != selected.Selector {
			if d.byComments() {
				for i := range d.Leaves {
					d.Leaves[i].Due = false
				}
			}
			continue
		}
		for i := range d.Leaves {
			l := &d.Leaves[i]
			l.Due = !l.Empty() && w.due[place{l.At.Line, l.At.Column}]
		}
	}
}

// commentWalk walks over documents as SOPS does.
type commentWalk struct {
	rule *commentRule
	// stack says of each level that a comment of the item at hand matches.
	stack []bool
	due   map[place]bool
	nodes int
}

// stream walks over all documents. [manifest.Parse] has read the same bytes
// without a problem, within its limits.
func (w *commentWalk) stream(data []byte) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		if decoder.Decode(&doc) != nil {
			return
		}
		w.stack = []bool{false}
		w.above(doc.HeadComment, doc.LineComment)
		for _, n := range doc.Content {
			if n.Kind == yaml.MappingNode {
				w.above(n.HeadComment, n.LineComment)
				w.entries(n, 0)
			}
		}
	}
}

// above adds comments to those of the level.
func (w *commentWalk) above(comments ...string) {
	top := len(w.stack) - 1
	for _, text := range comments {
		for line := range strings.Lines(text) {
			if line = strings.TrimSuffix(line, "\n"); line != "" && w.rule.matches(line[1:]) {
				w.stack[top] = true
			}
		}
	}
}

// used forgets the comments of the level: they were those of one item.
func (w *commentWalk) used() { w.stack[len(w.stack)-1] = false }

func (w *commentWalk) entries(n *yaml.Node, depth int) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		w.above(key.HeadComment, key.LineComment)
		scalar := value.Kind == yaml.ScalarNode || value.Kind == yaml.AliasNode
		if scalar {
			w.above(value.HeadComment, value.LineComment)
		}
		w.value(value, scalar, depth+1)
		w.used()
		if scalar {
			w.above(value.FootComment)
		}
		w.above(key.FootComment)
	}
}

// value walks over a value; handled says that its own comments were counted.
func (w *commentWalk) value(n *yaml.Node, handled bool, depth int) {
	w.nodes++
	if depth > maxDepth || w.nodes > manifest.DefaultAliasNodes {
		return
	}
	switch n.Kind {
	case yaml.ScalarNode:
		w.due[place{n.Line, n.Column}] = w.rule.covers(slices.Contains(w.stack, true))
	case yaml.MappingNode, yaml.SequenceNode:
		w.stack = append(w.stack, false)
		if !handled {
			w.above(n.HeadComment, n.LineComment)
		}
		if n.Kind == yaml.MappingNode {
			w.entries(n, depth)
		} else {
			for _, item := range n.Content {
				w.above(item.HeadComment, item.LineComment)
				w.value(item, true, depth+1)
				w.used()
				w.above(item.FootComment)
			}
		}
		w.stack = w.stack[:len(w.stack)-1]
	}
}
