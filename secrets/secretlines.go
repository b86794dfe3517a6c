package secrets

import (
	"strings"
	"unicode/utf8"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// textLine is a line of a text that need not be YAML as a whole.
type textLine struct {
	// column is where the text begins, behind the dashes of list items; item says
	// that there are any. It counts from 0.
	column int
	item   bool
	text   string // from there on, without white space at its end
}

func splitTextLines(text string) []textLine {
	var lines []textLine
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		l := textLine{text: strings.TrimLeft(line, " ")}
		for strings.HasPrefix(l.text, "- ") {
			l.item = true
			l.text = strings.TrimLeft(l.text[2:], " ")
		}
		l.column = len(line) - len(l.text)
		lines = append(lines, l)
	}
	return lines
}

// blank says that nothing stands on the line.
func (l textLine) blank() bool { return l.text == "" || l.text[0] == '#' }

// ends says that the line belongs to no block whose keys stand in a column.
func (l textLine) ends(column int) bool {
	switch {
	case l.column == 0 && strings.HasPrefix(l.text, "---"):
		return true
	case l.blank() || l.column > column:
		return false
	}
	return l.column < column || l.item || !isKeyLine(l.text)
}

// isKeyLine says that a line begins with a key.
func isKeyLine(line string) bool {
	key, rest, ok := strings.Cut(line, ":")
	return ok && (rest == "" || rest[0] == ' ') && !strings.ContainsAny(strings.TrimSpace(key), " \t=(){}<>|&;")
}

// readLines searches a text line by line for Secrets in block style. It is for
// what a parser refuses: files with a fault, templates, scripts that feed
// manifests to a program.
func (s *secretSearch) readLines(f frame, text string) {
	if f.base < 0 && strings.Contains(text, "\n") {
		// Places would all be the same.
		return
	}
	lines := splitTextLines(text)
	done := 0 // what stands inside of a Secret is part of it
	for i, l := range lines {
		if i < done || !isSecretKindLine(l.text) {
			continue
		}
		first := i
		for first > done && !lines[first].item && !lines[first-1].ends(l.column) {
			first--
		}
		if first > done && !lines[first].item && lines[first-1].item && lines[first-1].column == l.column {
			first--
		}
		end := i + 1
		for end < len(lines) && !lines[end].ends(l.column) {
			end++
		}
		done = end
		s.block(f, lines, first, end, l.column)
	}
}

// isSecretKindLine says that a line says kind: Secret.
func isSecretKindLine(line string) bool {
	key, value, ok := strings.Cut(line, ":")
	return ok && strings.Trim(key, `"' `) == "kind" && plainText(value) == "Secret"
}

// plainText is a scalar of one line without its quotes and what is said of it.
func plainText(value string) string {
	value, _, _ = strings.Cut(strings.TrimSpace(value), " #")
	return strings.Trim(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), ",")), `"'`)
}

// block judges a Secret whose keys stand in a column of the lines from first to
// end.
func (s *secretSearch) block(f frame, lines []textLine, first, end, column int) {
	var data []int
	for i := first; i < end; i++ {
		if lines[i].column != column {
			continue
		}
		key, value, _ := strings.Cut(lines[i].text, ":")
		switch value = plainText(value); strings.Trim(key, `"' `) {
		case "apiVersion":
			if value != "v1" && !strings.ContainsRune(value, actionMark) && value != "" {
				return
			}
		case "$patch":
			if value == "delete" {
				return
			}
		case "sops":
			return
		case "data", "stringData":
			data = append(data, i)
		}
	}
	for _, i := range data {
		last := i + 1
		for last < end && (lines[last].blank() || lines[last].column > column) {
			last++
		}
		s.blockEntries(f, lines, i, last)
	}
}

// blockEntries reports the literals under the key data or stringData, which
// stands on the line first.
func (s *secretSearch) blockEntries(f frame, lines []textLine, first, end int) {
	name, _, _ := strings.Cut(lines[first].text, ":")
	name = strings.Trim(name, `"' `)
	column := -1
	for i := first + 1; i < end; i++ {
		l := lines[i]
		if l.blank() {
			continue
		}
		if column < 0 {
			column = l.column
		}
		key, rest, ok := strings.Cut(l.text, ":")
		if l.column != column || !ok || rest != "" && rest[0] != ' ' {
			continue
		}
		key = strings.Trim(key, `"' `)
		value := strings.TrimSpace(rest)
		n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
		if value == "" || strings.IndexByte("|>", value[0]) >= 0 {
			var body []string
			for j := i + 1; j < end && (lines[j].text == "" || lines[j].column > column); j++ {
				body = append(body, strings.Repeat(" ", max(0, lines[j].column-column-1))+lines[j].text)
			}
			n.Value = strings.Join(body, "\n")
		} else if docs, errs := manifest.Parse([]byte(value)); len(errs) == 0 && len(docs) == 1 {
			n = docs[0]
		}
		showActionsIn(n)
		class, literal := worst(n, name == "data")
		if c := clearnessOf(key, secretText(literal, name == "data")); class == Literal && c != notClear {
			at := l.column + utf8.RuneCountInString(l.text[:len(l.text)-len(strings.TrimLeft(rest, " "))])
			s.found(f, i+1, at+1, foundSecret{identity: "Secret " + name + "[" + key + "]", name: key, clearness: c})
		}
	}
}
