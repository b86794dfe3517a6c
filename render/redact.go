package render

import (
	"encoding/base64"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// redactor takes out of the errors of helm and kustomize what may be secret:
// they quote the text that they choke on, whole or in part, in more ways than
// can be listed. So it looks at each word of an error, and leaves those that do
// not stand where a unit has its secrets, or stand elsewhere, too.
type redactor struct {
	limits       manifest.Limits
	secret, open []string
}

// redact replaces what may be secret in the problems whose text a library wrote.
func (p *product) redact(tree *recorder) {
	var r *redactor
	for i := range p.problems {
		problem := &p.problems[i]
		if problem.Class != "render-failed" && problem.Class != "template-recursion" && problem.Class != "archive" {
			continue
		}
		if r == nil {
			r = newRedactor(tree)
		}
		redacted := r.text(problem.Message)
		p.reason = strings.ReplaceAll(p.reason, problem.Message, redacted)
		problem.Message = redacted
	}
}

func newRedactor(tree *recorder) *redactor {
	r := &redactor{limits: tree.limits}
	for _, name := range tree.names() {
		r.open = append(r.open, name)
		r.file(name, tree.source(name))
	}
	return r
}

// file sorts the text of a file that the unit read.
func (r *redactor) file(name string, data []byte) {
	switch base := path.Base(name); {
	case strings.Contains(name, "/templates/"), base == "Chart.yaml", base == "Chart.lock", base == "requirements.yaml", base == ".helmignore":
		// What a template says itself is no value.
		r.open = append(r.open, string(data))
		return
	case isKustomization(name):
		docs, problems := r.limits.Parse(data)
		if len(problems) > 0 {
			r.lines(data)
		}
		for _, doc := range docs {
			for i := 0; doc.Kind == yaml.MappingNode && i+1 < len(doc.Content); i += 2 {
				key := doc.Content[i].Value
				r.walk(doc.Content[i+1], strings.HasSuffix(key, "Generator") || strings.HasPrefix(key, "patches") || !isWord(key))
				r.key(key)
			}
		}
		return
	}
	r.documents(data)
}

// documents sorts the text of manifests, patches and values.
func (r *redactor) documents(data []byte) {
	docs, problems := r.limits.Parse(data)
	if len(problems) > 0 {
		r.lines(data)
	}
	for _, doc := range docs {
		if doc.Kind == yaml.ScalarNode {
			r.lines(data)
			continue
		}
		kind := manifest.Get(doc, "kind")
		r.walk(doc, kind == nil || strings.TrimSpace(kind.Value) == "Secret")
		if kind == nil {
			continue
		}
		r.open = append(r.open, kind.Value)
		for _, key := range []string{"name", "namespace"} {
			if n := manifest.Get(manifest.Get(doc, "metadata"), key); n != nil {
				r.open = append(r.open, n.Value)
			}
		}
	}
}

// walk sorts the scalars below a node.
func (r *redactor) walk(n *yaml.Node, secret bool) {
	switch n.Kind {
	case yaml.ScalarNode:
		switch {
		case !secret:
			r.open = append(r.open, n.Value)
		case n.Tag == "!!str" || n.Tag == "!!int" || n.Tag == "!!float":
			r.value(n.Value)
		}
	case yaml.MappingNode:
		operation := manifest.Get(n, "op") != nil && manifest.Get(n, "path") != nil
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			r.key(key)
			// Of a JSON patch, only the value is one.
			r.walk(n.Content[i+1], secret && !(operation && (key == "op" || key == "path")))
		}
	default:
		for _, c := range n.Content {
			r.walk(c, secret)
		}
	}
}

// value takes in a text that may be secret. A literal of a generator and an
// inline patch begin with names.
func (r *redactor) value(s string) {
	if name, value, ok := strings.Cut(s, "="); ok && isName(name) {
		r.open = append(r.open, name)
		s = value
	}
	if strings.Contains(s, "\n") {
		r.documents([]byte(s))
		return
	}
	r.secret = append(r.secret, s)
}

// lines takes in text that can't be read as what it should be.
func (r *redactor) lines(data []byte) {
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if at := strings.IndexAny(line, ":="); at >= 0 && isWord(strings.Trim(line[:at], `"' -`)) {
			r.key(strings.Trim(line[:at], `"' -`))
			line = line[at+1:]
		}
		r.secret = append(r.secret, line)
	}
}

func (r *redactor) key(s string) {
	if isWord(s) {
		r.open = append(r.open, s)
	} else {
		r.secret = append(r.secret, s)
	}
}

// isWord says that a key is one that a schema could have: none that was meant to
// be a value.
func isWord(s string) bool {
	return len(s) < 40 && strings.IndexFunc(s, func(r rune) bool { return r >= unicode.MaxASCII || !unicode.IsLetter(r) }) < 0
}

func isName(s string) bool {
	return s != "" && len(s) < 64 && strings.IndexFunc(s, func(r rune) bool {
		return r >= unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-' && r != '.'
	}) < 0
}

// libraryWords are those of the libraries that are likely to be somebody's
// value, too.
var libraryWords = sync.OnceValue(func() []string {
	return strings.Fields(`about and apply array associated bad base64 bool bounds build builtin calling can can't cannot
		character chart coalescing config constraint contains convert current custom data decode decoding defined
		document does end error errors evaluating exceeded execute executing executingtemplate execution exist
		expected failed field file files find float64 found function generator have helm http https improper index
		input int integer into invalid iterate json key kind kustomization line list literal load loading map
		mapping match matches merge missing more must name namespace near nil not null number object offset
		operator option options out over parse parsing patch path plugin pointer port range read reading render
		required resolve resource secret separated source string syntax template that the transformer trouble type
		unable unexpected unknown unmarshal unmarshaling unterminated url validate validation value values version
		while with wrong yaml`)
})

// minSecret is the fewest characters that are hidden: less says nothing, and is
// part of most words.
const minSecret = 4

func (r *redactor) text(s string) string {
	separator := func(c rune) bool { return unicode.IsSpace(c) || strings.ContainsRune("\"'`,;:()[]{}<>=|…", c) }
	var b strings.Builder
	for s != "" {
		end := strings.IndexFunc(s, separator)
		if end < 0 {
			end = len(s)
		}
		if word := s[:end]; r.isSecret(word) || slices.ContainsFunc(parts(word), r.isSecret) {
			b.WriteString("***")
		} else {
			b.WriteString(word)
		}
		s = s[end:]
		rest := strings.TrimLeftFunc(s, separator)
		b.WriteString(s[:len(s)-len(rest)])
		s = rest
	}
	return b.String()
}

// parts are the elements of a path and what stands between the escapes of a
// quoted text.
func parts(word string) []string {
	return strings.Split(strings.NewReplacer(`\n`, "/", `\t`, "/", `\r`, "/", `\\`, "/").Replace(word), "/")
}

func (r *redactor) isSecret(word string) bool {
	trimmed := strings.Trim(word, ".!?*&@%/\\$#-")
	if len(trimmed) < minSecret || slices.Contains(libraryWords(), strings.ToLower(trimmed)) || isFileName(trimmed) {
		return false
	}
	if holds(r.secret, trimmed) {
		return !holds(r.open, trimmed)
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding} {
		if plain, err := encoding.DecodeString(word); err == nil && len(plain) >= minSecret && holds(r.secret, string(plain)) {
			return true
		}
	}
	return false
}

// isFileName says that a word has the form of a file's name: what is missing
// must be named.
func isFileName(s string) bool {
	ext := strings.TrimPrefix(path.Ext(s), ".")
	return ext != "" && len(ext) < 6 && len(ext) < len(s)-1 && isName(strings.ReplaceAll(s, "/", ".")) && strings.ToLower(ext) == ext && isWord(ext)
}

func holds(texts []string, word string) bool {
	return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(t, word) })
}
