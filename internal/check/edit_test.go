package check

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

// remedy is what a person would write at the place of a finding.
type remedy struct {
	// value is the field's right value, as YAML on one line.
	value string
	// entry is the key and the value that stand for the field's, if the field
	// must go and another one stand there.
	entry string
	// scalar makes the right text of what is written, for a field of which only
	// a part may stand at the place.
	scalar func(old string) string
	// leaves is a rule that reports at the same place once this is mended.
	leaves string
}

// keyAt is a key of a mapping at the beginning of a text.
var keyAt = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^("[^"]*"|'[^']*'|[^\s"'{}\[\],#&*!|>][^\s,{}\[\]]*?)\s*:(\s|$)`)
})

// edit changes a file as a person would who sees no more than the place of the
// finding, the text of the file and the remedy. It knows nothing of how the place
// was found.
func edit(text string, f lint.Finding, r remedy) (string, error) {
	e := &editor{lines: strings.Split(text, "\n"), at: f.Origin.Line - 1}
	if e.at < 0 || e.at >= len(e.lines) {
		return "", errors.New("there is no such line")
	}
	line := []rune(e.lines[e.at])
	if c := f.Origin.Column; c < 1 || c > len(line) {
		return "", fmt.Errorf("there is no column %d in %q", c, string(line))
	}
	e.before, e.rest = string(line[:f.Origin.Column-1]), string(line[f.Origin.Column-1:])
	var err error
	if f.Origin.Missing != "" {
		err = e.add(f, r)
	} else {
		err = e.replace(f, r)
	}
	return strings.Join(e.lines, "\n"), err
}

// editor holds the lines of a file, and the one of the place: its number from 0,
// and its text before and after the column.
type editor struct {
	lines        []string
	at           int
	before, rest string
}

// add writes a field that is missing below the place.
func (e *editor) add(f lint.Finding, r remedy) error {
	if r.value == "" {
		return errors.New("the remedy says of no value to be added")
	}
	missing := manifest.SplitPath(f.Origin.Missing)
	value := r.value
	for i := len(missing) - 1; i > 0; i-- {
		value = "{" + quoted(missing[i]) + ": " + value + "}"
	}
	entry := quoted(missing[0]) + ": " + value
	key := keyAt().FindString(e.rest)
	switch {
	case strings.HasPrefix(e.rest, "{") && !strings.HasPrefix(e.rest, "{{"):
		e.rest = openFlow(e.rest, entry)
	case key == "":
		return fmt.Errorf("nothing can be added below %q", e.rest)
	case inItem(f) && !e.inOperation(key):
		return e.addBeside(entry)
	default:
		return e.addBelow(key, entry)
	}
	e.lines[e.at] = e.before + e.rest
	return nil
}

// inItem says that the place is the first key of the mapping to which the field
// has to be added, not the key that the mapping is the value of: that of an item
// of a list, or the object itself.
func inItem(f lint.Finding) bool {
	path := manifest.SplitPath(f.Path)
	path = path[:max(0, len(path)-len(manifest.SplitPath(f.Origin.Missing)))]
	if len(path) == 0 {
		return true
	}
	last := path[len(path)-1]
	return strings.Trim(last, "0123456789") == ""
}

// inOperation says that the key is that of the value of an operation of a JSON
// patch, which the object or the item of a list is.
func (e *editor) inOperation(key string) bool {
	column := utf8.RuneCountInString(e.before)
	for i := e.at - 1; i >= 0 && indentOf(e.lines[i]) >= column-2; i-- {
		if strings.HasPrefix(strings.TrimLeft(e.lines[i], " -"), "path: /") {
			return strings.TrimRight(key, " ") == "value:"
		}
	}
	return false
}

// addBeside writes an entry in front of the one at the place.
func (e *editor) addBeside(entry string) error {
	if t := strings.TrimRight(e.before, " "); strings.HasSuffix(t, "{") || strings.HasSuffix(t, ",") {
		e.lines[e.at] = e.before + entry + ", " + e.rest
		return nil
	}
	if strings.Trim(e.before, " -") != "" {
		return fmt.Errorf("nothing can be added beside %q", e.rest)
	}
	e.lines[e.at] = strings.Repeat(" ", utf8.RuneCountInString(e.before)) + e.rest
	e.lines = slices.Insert(e.lines, e.at, e.before+entry)
	return nil
}

// addBelow writes an entry into the mapping that is the value of the key at the
// place.
func (e *editor) addBelow(key, entry string) error {
	after := strings.TrimSpace(uncommented(e.rest[len(key):]))
	head := e.before + strings.TrimRight(key, " ")
	switch {
	case strings.HasPrefix(after, "{{"):
		return fmt.Errorf("what %q has is made by a template", e.rest)
	case strings.HasPrefix(after, "{"):
		e.lines[e.at] = head + " " + openFlow(strings.TrimLeft(e.rest[len(key):], " "), entry)
	case after == "null" || after == "~":
		e.lines[e.at] = head + " {" + entry + "}"
	case after != "":
		return fmt.Errorf("nothing can be added to %q", after)
	default:
		e.lines = slices.Insert(e.lines, e.at+1, strings.Repeat(" ", e.childIndent())+entry)
	}
	return nil
}

// childIndent is how far the entries below the key at the place stand in.
func (e *editor) childIndent() int {
	column := utf8.RuneCountInString(e.before)
	for _, line := range e.lines[e.at+1:] {
		text := strings.TrimSpace(line)
		if text == "" || strings.HasPrefix(text, "#") || strings.HasPrefix(text, "{{") {
			continue
		}
		if n := indentOf(line); n > column {
			return n
		}
		break
	}
	return column + 2
}

// replace writes the right value at the place.
func (e *editor) replace(f lint.Finding, r remedy) error {
	key := keyAt().FindString(e.rest)
	path := manifest.SplitPath(f.Path)
	item := len(path) > 0 && strings.Trim(path[len(path)-1], "0123456789") == ""
	switch {
	case key != "" && item && strings.HasSuffix(e.before, "- "):
		return e.replaceBlock(e.before+first(r.value, "null"), strings.LastIndex(e.before, "- "))
	case strings.HasPrefix(e.rest, "{") && !strings.HasPrefix(e.rest, "{{"), key != "" && item:
		return fmt.Errorf("the item %q can not be replaced", e.rest)
	case key != "" && r.entry != "":
		return e.replaceEntry(r.entry, key)
	case key != "":
		value := strings.TrimSpace(uncommented(e.rest[len(key):]))
		new, err := newScalar(f, r, value)
		if err != nil {
			return err
		}
		return e.replaceEntry(strings.TrimRight(key, " ")+" "+new, key)
	}
	return e.replaceScalar(f, r)
}

// replaceEntry puts an entry in the place of the one that begins with a key.
func (e *editor) replaceEntry(entry, key string) error {
	after := e.rest[len(key):]
	trimmed := strings.TrimLeft(after, " ")
	if t := strings.TrimRight(e.before, " "); strings.HasSuffix(t, "{") || strings.HasSuffix(t, ",") {
		n := flowEnd(after)
		e.lines[e.at] = e.before + entry + after[n:]
		return nil
	}
	if text := uncommented(trimmed); text != "" && !strings.ContainsAny(text[:1], "|>&!") {
		e.lines[e.at] = e.before + entry
		return nil
	}
	return e.replaceBlock(e.before+entry, utf8.RuneCountInString(e.before))
}

// replaceBlock puts a line in the place of the one at the place and of those
// below it that stand further in than a column.
func (e *editor) replaceBlock(line string, column int) error {
	end := e.at + 1
	for end < len(e.lines) {
		text := strings.TrimSpace(e.lines[end])
		n := indentOf(e.lines[end])
		// The items of a list may stand below their key.
		list := n == column && strings.HasPrefix(text, "- ") && !strings.HasSuffix(e.before, "- ")
		if text != "" && n <= column && !list {
			break
		}
		end++
	}
	e.lines = slices.Replace(e.lines, e.at, end, line)
	return nil
}

// replaceScalar puts a scalar in the place of the one at the place.
func (e *editor) replaceScalar(f lint.Finding, r remedy) error {
	n := len(strings.TrimRight(uncommented(e.rest), " "))
	flow := strings.HasSuffix(f.Origin.File, ".json") || strings.Count(e.before, "{")+strings.Count(e.before, "[") > strings.Count(e.before, "}")+strings.Count(e.before, "]")
	switch q := e.rest[0]; {
	case q == '"' || q == '\'':
		if i := strings.IndexByte(e.rest[1:], q); i >= 0 {
			n = i + 2
		}
	case flow && !strings.HasPrefix(e.rest, "{{"):
		n = flowEnd(e.rest)
	}
	new, err := newScalar(f, r, e.rest[:n])
	if err != nil {
		return err
	}
	e.lines[e.at] = e.before + new + e.rest[n:]
	return nil
}

// newScalar is what must stand where old does.
func newScalar(f lint.Finding, r remedy, old string) (string, error) {
	old = strings.Trim(old, `"'`)
	if f.Origin.Key != "" && (old == "true" || old == "false") {
		path, key := manifest.SplitPath(f.Path), manifest.SplitPath(f.Origin.Key)
		if key[len(key)-1] != path[len(path)-1] {
			// It says whether there is such a field, or the contrary of it.
			return map[string]string{"true": "false", "false": "true"}[old], nil
		}
	}
	new := r.value
	if r.scalar != nil {
		new = r.scalar(old)
	}
	switch strings.Trim(new, `"'`) {
	case "":
		return "", errors.New("the remedy says of no value to be written")
	case old:
		return "", fmt.Errorf("%q is not wrong", old)
	}
	return new, nil
}

// openFlow writes an entry behind the brace that a flow mapping begins with.
func openFlow(text, entry string) string {
	if rest := strings.TrimLeft(text[1:], " "); strings.HasPrefix(rest, "}") {
		return "{" + entry + rest
	}
	return "{" + entry + ", " + text[1:]
}

// flowEnd is where a value ends that stands in a flow collection.
func flowEnd(text string) int {
	depth, quote := 0, byte(0)
	for i := range len(text) {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '{' || c == '[':
			depth++
		case depth == 0 && (c == ',' || c == '}' || c == ']'):
			return i
		case c == '}' || c == ']':
			depth--
		}
	}
	return len(text)
}

// uncommented is a line without the comment at its end.
func uncommented(line string) string {
	if i := strings.Index(line, " #"); i >= 0 {
		line = line[:i]
	}
	return line
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

func quoted(key string) string {
	if strings.Trim(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return key
	}
	return fmt.Sprintf("%q", key)
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
