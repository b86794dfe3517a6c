package lint

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Migration is what became of one suppression of another tool.
type Migration struct {
	Line int // from 1
	// From is the suppression as it is written, without a reason.
	From string
	// To are the rules that are ignored in its place; none when it was left.
	To []string
	// Left says why it was left as it is.
	Left string
}

// foreignKeys are the prefixes of the annotations of other tools.
var foreignKeys = append([]string{kubeLinterCheck, kubeLinterAll, kubeScoreIgnore, polarisDomain, datreeSkip}, checkovSkips...)

// annotationLine is an entry of a block mapping on one line: indentation, key,
// value.
var annotationLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^( *)("[^"]+"|'[^']+'|[^\s:"'#{&*!|>-][^:\s]*):(?:\s+(.*))?$`)
})

// Migrate writes the suppressions of other tools in a text of YAML, or of a
// template of YAML, as those of scantling. It works on lines, since a template
// is no YAML, and leaves what it can't rewrite as it is. The lines' ends are
// kept.
func Migrate(data []byte, peers Peers) ([]byte, []Migration) {
	if !slices.ContainsFunc(append([]string{trivyComment, checkovComment}, foreignKeys...), func(s string) bool { return bytes.Contains(data, []byte(s)) }) {
		return data, nil
	}
	m := &migration{lines: strings.SplitAfter(string(data), "\n"), peers: peers}
	var out strings.Builder
	for i, line := range m.lines {
		out.WriteString(m.line(i, line))
	}
	return []byte(out.String()), m.done
}

type migration struct {
	lines []string
	peers Peers
	done  []Migration
	// written are the annotations that were added, by the line that their mapping
	// begins at.
	written map[string]bool
}

func (m *migration) line(i int, line string) string {
	text := strings.TrimRight(line, "\r\n")
	end := line[len(text):]
	if match := annotationLine().FindStringSubmatch(text); match != nil {
		key := unquote(match[2])
		if slices.ContainsFunc(foreignKeys, func(p string) bool { return strings.HasPrefix(key, p) }) {
			return m.annotation(i, line, match[1], key, match[3], end)
		}
	}
	if at := strings.IndexByte(text, '#'); at >= 0 {
		if f, ok := foreignComment(text[at+1:]); ok {
			return m.comment(i, line, text[:at], f, end)
		}
	}
	for _, p := range foreignKeys {
		if strings.Contains(text, p) && !strings.HasPrefix(strings.TrimSpace(text), "#") {
			m.leave(i, p+"…", "it is not a line of its own")
			break
		}
	}
	return line
}

func (m *migration) leave(i int, from, why string) {
	m.done = append(m.done, Migration{Line: i + 1, From: from, Left: why})
}

// annotation rewrites an annotation, or leaves it.
func (m *migration) annotation(i int, line, indent, key, raw, end string) string {
	value, ok := scalarText(raw)
	if !ok {
		m.leave(i, key, "its value is not a plain text on the same line")
		return line
	}
	f, ok := foreignAnnotation(key, value)
	if !ok {
		m.leave(i, key, "it excuses nothing")
		return line
	}
	if slices.Contains(f.checks, "*") {
		m.leave(i, key, "it excuses everything: name the rules")
		return line
	}
	rules := m.rules(f)
	if len(rules) == 0 {
		m.leave(i, key, "no rule of scantling looks for it")
		return line
	}
	var out strings.Builder
	top := m.top(i, len(indent))
	for _, id := range rules {
		name := annotationPrefix + "." + id
		if m.has(top, len(indent), name) {
			continue
		}
		m.written[fmt.Sprint(top, name)] = true
		fmt.Fprintf(&out, "%s%s: %s%s", indent, name, strconv.Quote(f.migrated()), end)
	}
	m.done = append(m.done, Migration{Line: i + 1, From: key, To: rules})
	return out.String()
}

// migrated is the reason that stands behind a suppression that was rewritten.
func (f foreign) migrated() string {
	if reason := strings.TrimSpace(f.reason); reason != "" {
		return reason
	}
	return "was for " + f.String() + ", which gives no reason"
}

func (m *migration) rules(f foreign) []string {
	var rules []string
	for _, check := range f.checks {
		for _, id := range m.peers(f.tool, check) {
			if !slices.Contains(rules, id) && !slices.Contains(neverIgnored, id) {
				rules = append(rules, id)
			}
		}
	}
	return rules
}

// top is the first line of the mapping that a line belongs to.
func (m *migration) top(i, indent int) int {
	for i > 0 {
		above := strings.TrimSpace(m.lines[i-1])
		if above != "" && len(m.lines[i-1])-len(strings.TrimLeft(m.lines[i-1], " ")) < indent {
			break
		}
		i--
	}
	return i
}

// has says that a mapping holds an annotation already: the API takes each once.
func (m *migration) has(top, indent int, name string) bool {
	if m.written == nil {
		m.written = map[string]bool{}
	}
	if m.written[fmt.Sprint(top, name)] {
		return true
	}
	for _, line := range m.lines[top:] {
		text := strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(text) != "" && len(text)-len(strings.TrimLeft(text, " ")) < indent {
			return false
		}
		if match := annotationLine().FindStringSubmatch(text); match != nil && len(match[1]) == indent && unquote(match[2]) == name {
			return true
		}
	}
	return false
}

// comment rewrites a comment, or leaves it.
func (m *migration) comment(i int, line, before string, f foreign, end string) string {
	from := f.String()
	rules := m.rules(f)
	switch {
	case f.fault != "":
		m.leave(i, from, f.fault)
		return line
	case len(rules) == 0:
		m.leave(i, from, "no rule of scantling looks for it")
		return line
	}
	reason := f.migrated()
	if !f.until.IsZero() {
		reason += "; " + untilWord + f.until.Format(time.DateOnly)
	}
	m.done = append(m.done, Migration{Line: i + 1, From: from, To: rules})
	return before + "# scantling:ignore " + strings.Join(rules, ", ") + " -- " + reason + end
}

func unquote(text string) string {
	if len(text) >= 2 && (text[0] == '"' || text[0] == '\'') && text[len(text)-1] == text[0] {
		return text[1 : len(text)-1]
	}
	return text
}

// scalarText is the text of a scalar that stands on one line. Quoted ones that
// need unescaping, and those with a template action, are for a person.
func scalarText(raw string) (string, bool) {
	raw = strings.TrimSpace(raw)
	if strings.Contains(raw, "{{") {
		return "", false
	}
	if raw == "" {
		return "", true
	}
	switch raw[0] {
	case '"', '\'':
		end := strings.IndexByte(raw[1:], raw[0])
		rest := strings.TrimSpace(raw[min(end+2, len(raw)):])
		if end < 0 || strings.Contains(raw[1:end+1], `\`) || rest != "" && rest[0] != '#' {
			return "", false
		}
		return raw[1 : end+1], true
	case '|', '>', '&', '*', '!', '{', '[':
		return "", false
	}
	text, _, _ := strings.Cut(raw, " #")
	return strings.TrimSpace(text), true
}
