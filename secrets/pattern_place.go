package secrets

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/lint"
)

// maxReach is how far from a hit is looked for the document that it is in.
const maxReach = 256 << 10

// reportHits reports those hits of a file that a rule is about: where, under
// which key, and as message says. wanted may change the hit that it is given.
func reportHits(p *lint.TreePass, wanted func(*hit) bool, message func(h hit, name string) string) {
	for _, h := range hitsOf(p.File) {
		if !wanted(&h) {
			continue
		}
		at, length := placeOf(p.File, h)
		name := keyBefore(p.File.Data, at, hitsOf(p.File))
		key := h.id
		if name != "" {
			key = name + " " + h.id
		}
		p.ReportAs(h.severity, p.File.At(at, length), key, "%s", message(h, name))
	}
}

// placeOf is what a person must edit to be rid of a credential. In a Secret that
// is the value of an entry, where everything else is reported of it, too, and so
// it is where a key fills a block of text.
func placeOf(f *lint.File, h hit) (offset, length int) {
	if !isYAMLName(f.Name) {
		return h.offset, h.length
	}
	headers, first := blockHeaders(f.Data, h.offset)
	if len(headers) == 0 {
		return h.offset, h.length
	}
	for _, header := range slices.Backward(headers) {
		if inSecret(f.Data, header) {
			return header, 1
		}
	}
	if key := h.family == privateKeyFamily || h.family == decryptionKeyFamily || h.encoded; key && first {
		return headers[0], 1
	}
	return h.offset, h.length
}

// isYAMLName says that a file is YAML, or a template of YAML, by its name.
func isYAMLName(name string) bool {
	base := path.Base(name)
	return strings.Contains(base, ".yaml") || strings.Contains(base, ".yml") || strings.HasSuffix(base, ".tpl")
}

// blockHeaders are where the | or > stand of the block scalars that a place is in,
// the innermost first: a block may hold YAML that has blocks itself. first says
// that the place is at the innermost one's beginning. It goes by the indentation
// alone, so that templates and broken YAML do not matter.
func blockHeaders(data []byte, offset int) (headers []int, first bool) {
	start := lineStart(data, offset)
	indent := indentAt(data, start)
	begins := start+indent == offset
	for start > 0 && indent > 0 && offset-start < maxReach {
		end := start - 1
		start = lineStart(data, end)
		line := bytes.TrimRight(data[start:end], " \r")
		text := bytes.TrimLeft(line, " ")
		if len(text) == 0 {
			continue
		}
		if in := len(line) - len(text); in < indent {
			indent = in
			if at := indicator(line); at >= 0 {
				first = first || begins && len(headers) == 0
				headers = append(headers, start+at)
			}
		}
		begins = false
	}
	return headers, first
}

// indicator is where in a line the indicator of a block scalar stands that the
// line ends with, -1 for none.
func indicator(line []byte) int {
	if at := bytes.Index(line, []byte(" #")); at >= 0 {
		line = bytes.TrimRight(line[:at], " ")
	}
	at := len(line)
	for at > 0 && strings.IndexByte("+-123456789", line[at-1]) >= 0 {
		at--
	}
	at--
	if at < 1 || line[at] != '|' && line[at] != '>' || line[at-1] != ' ' {
		return -1
	}
	before := bytes.TrimRight(line[:at], " ")
	if bytes.HasSuffix(before, []byte(":")) || bytes.HasSuffix(before, []byte("-")) || bytes.LastIndexByte(before, '!') > bytes.LastIndexByte(before, ':') {
		return at
	}
	return -1
}

func lineStart(data []byte, offset int) int { return bytes.LastIndexByte(data[:offset], '\n') + 1 }

func indentAt(data []byte, start int) int {
	n := 0
	for start+n < len(data) && data[start+n] == ' ' {
		n++
	}
	return n
}

// inSecret says that a place is in the data of an object of kind Secret. It goes
// by the indentation, too: the kind stands as far right as the data.
func inSecret(data []byte, offset int) bool {
	start := lineStart(data, offset)
	if line, _, _ := bytes.Cut(data[start:], []byte("\n")); isKindSecret(line) {
		// All on one line.
		return true
	}
	// The line itself counts: data may be written in braces.
	column := offset - start + 1
	for at := start; offset-at < maxReach; at = lineStart(data, at-1) {
		if text, in := keyOnLine(data, at); len(text) > 0 && in < column {
			column = in
			key, _, _ := bytes.Cut(text, []byte(":"))
			switch string(bytes.Trim(key, `"' `)) {
			case "data", "stringData":
				return isSecretAround(data, at, column)
			}
		}
		if at == 0 {
			break
		}
	}
	return false
}

// isSecretAround says that a mapping has the kind Secret, of which a key stands
// on a line in a column.
func isSecretAround(data []byte, line, column int) bool {
	for at := line; line-at < maxReach; at = lineStart(data, at-1) {
		text, in := keyOnLine(data, at)
		if len(text) > 0 && in < column || bytes.HasPrefix(text, []byte("---")) {
			break
		}
		if in == column && isKindSecret(text) {
			return true
		}
		if at == 0 || in == column && indentAt(data, at) < column {
			// The item begins here.
			break
		}
	}
	for at := line; at-line < maxReach; {
		end := bytes.IndexByte(data[at:], '\n')
		if end < 0 || at+end+1 >= len(data) {
			return false
		}
		at += end + 1
		text, in := keyOnLine(data, at)
		if len(text) > 0 && indentAt(data, at) < column || bytes.HasPrefix(text, []byte("---")) {
			return false
		}
		if in == column && isKindSecret(text) {
			return true
		}
	}
	return false
}

// keyOnLine is what a line says from its first key on, and in which column that
// stands: behind the dashes of list items. It is nothing for a comment.
func keyOnLine(data []byte, start int) (text []byte, column int) {
	line, _, _ := bytes.Cut(data[start:], []byte("\n"))
	text = bytes.TrimLeft(line, " ")
	for bytes.HasPrefix(text, []byte("- ")) {
		text = bytes.TrimLeft(text[2:], " ")
	}
	column = len(line) - len(text)
	if text = bytes.TrimRight(text, " \r"); len(text) == 0 || text[0] == '#' {
		return nil, column
	}
	return text, column
}

// isKindSecret says that a line of YAML or JSON has the kind Secret.
func isKindSecret(line []byte) bool {
	for {
		_, rest, ok := bytes.Cut(line, []byte("kind"))
		if !ok {
			return false
		}
		line = rest
		value, ok := bytes.CutPrefix(bytes.TrimLeft(rest, "\"' "), []byte(":"))
		if !ok {
			continue
		}
		word, ok := bytes.CutPrefix(bytes.TrimLeft(value, "\"' "), []byte("Secret"))
		if ok && (len(word) == 0 || !isAlnum(word[0])) {
			return true
		}
	}
}

// keyBefore is the key that the line of a place begins with, as YAML and files of
// variables have it; of a variable in a list its name on the line above. It is
// empty for none, and never part of a credential.
func keyBefore(data []byte, offset int, hits []hit) string {
	start := lineStart(data, offset)
	for _, h := range hits {
		if h.offset >= start && h.offset < offset {
			return ""
		}
	}
	name, _ := keyAndValue(data[start:offset])
	if name != "value" || start == 0 {
		return name
	}
	above := data[lineStart(data, start-1) : start-1]
	if key, value := keyAndValue(above); key == "name" && isIdentifier(value) && len(value) <= 64 {
		return value
	}
	return name
}

// keyAndValue takes the beginning of a line apart.
func keyAndValue(line []byte) (key, value string) {
	text := bytes.TrimLeft(line[:min(len(line), 200)], " \t")
	for _, lead := range [...]string{"- ", "export ", "# ", "#", `"`, "'"} {
		text = bytes.TrimPrefix(text, []byte(lead))
	}
	n := (words | dots).end(text, 0, 65)
	if n == 0 || n > 64 || bytes.Contains(text[:n], []byte("----")) {
		return "", ""
	}
	rest := bytes.TrimLeft(text[n:], `"'`)
	if len(rest) == 0 || rest[0] != '=' && (rest[0] != ':' || len(rest) == 1 || rest[1] != ' ' && rest[1] != '"') {
		return "", ""
	}
	return string(text[:n]), string(bytes.Trim(rest[1:], " \r\"'"))
}

// inName says how a message speaks of the place: by its key, if it has one.
func inName(name string) string {
	if name == "" {
		return "the file"
	}
	return name
}

// withArticle puts the article before the name of a credential.
func withArticle(name string) string {
	switch name[0] {
	case 'A', 'O', 'a', 'i', 'n', 'x': // npm and xAI are spelt out
		return "an " + name
	}
	if strings.HasPrefix(name, "HCP") {
		return "an " + name
	}
	return "a " + name
}

// isFixture says that a file is made for tests, by the folder it is in or by its
// name. Under test/ a manifest may be that of an environment of this name, and is
// none.
func isFixture(file string) bool {
	if isIn(file, fixtureFolders...) || isIn(file, "__tests__", "mocks") {
		return true
	}
	if isIn(file, "test", "tests") && !isYAMLName(file) && !strings.HasSuffix(file, ".json") && !strings.Contains(path.Base(file), ".env") {
		return true
	}
	base := path.Base(file)
	return strings.HasSuffix(base, "_test.go") || strings.HasSuffix(base, "_test.py") || strings.HasPrefix(base, "test_") && strings.HasSuffix(base, ".py")
}
