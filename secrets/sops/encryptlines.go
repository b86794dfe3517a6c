package sops

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// dotenv encrypts the values of a file of NAME=value lines.
func (s *sealer) dotenv(data []byte) ([]byte, error) {
	leaves, err := readDotenv(data, s.choice, false)
	if err != nil {
		return nil, err
	}
	return s.lines(data, leaves, Dotenv, func(block map[string]any) []string {
		fields := flatten(block)
		var lines []string
		for _, f := range fields {
			lines = append(lines, "sops_"+f.name+"="+strings.ReplaceAll(f.value, "\n", `\n`))
		}
		return lines
	})
}

// ini encrypts the values of a file of sections.
func (s *sealer) ini(data []byte) ([]byte, error) {
	leaves, err := readINI(data, s.choice, false)
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(s.choice.pattern, "#;`\"'\\\n") {
		return nil, errors.New("the selector of the rule holds a character that has a meaning in INI files: use another rule for them")
	}
	return s.lines(data, leaves, INI, func(block map[string]any) []string {
		lines := []string{"[sops]"}
		for _, f := range flatten(block) {
			lines = append(lines, f.name+" = "+strings.ReplaceAll(f.value, "\n", `\n`))
		}
		return lines
	})
}

// lines encrypts the leaves of a file of lines and puts the metadata at its end.
func (s *sealer) lines(data []byte, leaves []*leaf, format Format, block func(map[string]any) []string) ([]byte, error) {
	var edits []edit
	for _, l := range leaves {
		if err := s.take(l); err != nil {
			return nil, err
		}
		if !l.covered || l.empty() {
			continue
		}
		text, err := s.sealComment(l)
		if err != nil {
			return nil, err
		}
		if !l.isComment {
			s.remember(data[l.at.start:l.at.end])
		}
		edits = append(edits, l.at.replaceWith(l.mark+text)...)
	}
	fields, err := s.metadata()
	if err != nil {
		return nil, err
	}
	nl := "\n"
	if format == INI && bytes.Contains(data, []byte("\r\n")) {
		nl = "\r\n"
	}
	written := strings.Join(block(fields), nl)
	if bytes.HasSuffix(data, []byte{'\n'}) {
		written += nl
	} else {
		written = nl + written
	}
	out, err := applyEdits(data, append(edits, edit{len(data), len(data), written}))
	if err != nil {
		return nil, err
	}
	return out, s.verify(out, format, leaves)
}

// flatField is a field of the metadata in the form of files that know no nesting.
type flatField struct{ name, value string }

// flatten gives the fields as SOPS names them, in its order.
func flatten(block map[string]any) []flatField {
	var fields []flatField
	var add func(name string, value any)
	add = func(name string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				add(name+"__map_"+key, v[key])
			}
		case []any:
			for i, item := range v {
				add(name+"__list_"+strconv.Itoa(i), item)
			}
		default:
			fields = append(fields, flatField{name, fmt.Sprint(v)})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(block)) {
		add(key, block[key])
	}
	return fields
}

// readDotenv reads the lines as SOPS does: quotes and carriage returns are part of a
// value, and \n in it stands for a line break. Of what was encrypted the metadata are left
// out.
func readDotenv(data []byte, c *choice, encrypted bool) ([]*leaf, error) {
	if err := validText(data); err != nil {
		return nil, err
	}
	var leaves []*leaf
	w := scope{}
	w.enter()
	at, number := 0, 0
	for line := range bytes.SplitSeq(data, []byte{'\n'}) {
		number++
		start := at
		at += len(line) + 1
		if len(line) == 0 {
			continue
		}
		if line[0] == '#' {
			text := string(line[1:])
			w.comment(c, text)
			leaves = append(leaves, &leaf{value: text, isComment: true, covered: c.covers(&w, true), line: number,
				at: textRange{start: start + 1, end: start + len(line)}})
			continue
		}
		name, value, ok := strings.Cut(string(line), "=")
		if !ok {
			return nil, refusal(number, "there is no = in the line, and sops takes no other lines but comments: remove it, and write the file with LF line ends")
		}
		if strings.HasPrefix(name, "sops_") {
			if !encrypted {
				return nil, refusal(number, "the name begins with sops_, as the metadata of sops do: remove the line, or restore the file as it was before")
			}
			continue
		}
		w.keys = []string{name}
		leaves = append(leaves, &leaf{keys: w.keys, value: strings.ReplaceAll(value, `\n`, "\n"), covered: c.covers(&w, false), line: number,
			at: textRange{start: start + len(name) + 1, end: start + len(line)}})
		w.keys = nil
		w.done()
	}
	return leaves, nil
}

// iniReader reads INI as SOPS does, and refuses what it would change: it knows quotes,
// continued lines and comments behind values.
type iniReader struct {
	choice    *choice
	encrypted bool
	scope     scope
	leaves    []*leaf
	section   string
	known     map[string]bool // the sections, and the names in the current one
	names     map[string]bool
	// pending is the comment that belongs to the next section or value.
	pending   []string
	pendingAt textRange
	line      int
}

func readINI(data []byte, c *choice, encrypted bool) ([]*leaf, error) {
	if err := validText(data); err != nil {
		return nil, err
	}
	if bytes.HasPrefix(data, []byte("\ufeff")) || bytes.Contains(bytes.ReplaceAll(data, []byte("\r\n"), nil), []byte{'\r'}) {
		return nil, errors.New("it begins with a byte order mark, or has lines that end in CR: save it with LF line ends")
	}
	r := &iniReader{choice: c, encrypted: encrypted, section: "DEFAULT", known: map[string]bool{"DEFAULT": true}, names: map[string]bool{}}
	r.scope.enter()
	r.enter("DEFAULT")
	at := 0
	for line := range bytes.Lines(data) {
		r.line++
		start := at
		at += len(line)
		text := bytes.TrimLeftFunc(line, unicode.IsSpace)
		start += len(line) - len(text)
		text = bytes.TrimRightFunc(text, unicode.IsSpace)
		if len(text) == 0 {
			continue
		}
		var err error
		switch text[0] {
		case '#', ';':
			if len(r.pending) == 0 {
				r.pendingAt = textRange{start: start}
			}
			r.pending = append(r.pending, string(text))
			r.pendingAt.end = start + len(text)
		case '[':
			err = r.header(string(text))
		default:
			err = r.value(string(text), start)
		}
		if err != nil {
			return nil, err
		}
		if r.section == "sops" {
			return r.leaves, nil
		}
	}
	// What no value follows sops drops.
	r.comment()
	return r.leaves, nil
}

func (r *iniReader) enter(section string) {
	r.section = section
	r.scope.keys = []string{section}
	r.scope.enter()
}

// comment takes the pending lines, which are one comment.
func (r *iniReader) comment() {
	if len(r.pending) == 0 {
		return
	}
	text := strings.Join(r.pending, "\n")
	r.pending = nil
	if text[0] == ';' {
		text = strings.TrimLeft(text, "; ")
	} else {
		text = strings.TrimLeft(text, "# ")
	}
	r.scope.comment(r.choice, text)
	r.leaves = append(r.leaves, &leaf{keys: []string{r.section}, value: text, isComment: true, line: r.line, mark: "; ",
		covered: r.choice.covers(&r.scope, true), at: r.pendingAt})
}

func (r *iniReader) header(text string) error {
	if text[len(text)-1] != ']' || strings.Count(text, "]") > 1 {
		return refusal(r.line, "there is something behind the name of the section: write a comment in a line of its own")
	}
	name := text[1 : len(text)-1]
	if name == "sops" {
		if !r.encrypted {
			return refusal(r.line, "the section sops is where sops keeps its metadata: remove it, or restore the file as it was before")
		}
		r.section, r.pending = "sops", nil
		return nil
	}
	if r.known[name] || name == "" {
		return refusal(r.line, "there is another section of this name: give each a name of its own")
	}
	r.known[name] = true
	r.scope.leave()
	r.scope.done()
	r.names = map[string]bool{}
	r.enter(name)
	r.comment()
	return nil
}

func (r *iniReader) value(text string, start int) error {
	i := strings.IndexAny(text, "=:")
	if i <= 0 || text[0] == '"' || text[0] == '`' {
		return refusal(r.line, "sops can't read the line: write name = value")
	}
	name := strings.TrimSpace(text[:i])
	if name == "-" || name == "" {
		return refusal(r.line, "the line has no name, and sops would give it one")
	}
	if r.names[name] {
		return refusal(r.line, "the name is there twice in its section, and sops would keep one: remove the other")
	}
	r.names[name] = true
	written := strings.TrimLeftFunc(text[i+1:], unicode.IsSpace)
	begin := start + len(text) - len(written)
	if written != "" && (strings.ContainsAny(written, "#;") || strings.ContainsAny(written[:1], "\"'`") || strings.HasSuffix(written, `\`)) {
		return refusal(r.line, "sops would read the value in another way than most programs do, as it has quotes, #, ; or a backslash at its end: keep it in YAML")
	}
	r.scope.keys = []string{r.section, name}
	// The comment is above the value, and sops takes it for one behind it.
	r.leaves = append(r.leaves, &leaf{keys: r.scope.keys, value: written, covered: r.choice.covers(&r.scope, false), line: r.line,
		at: textRange{start: begin, end: begin + len(written)}})
	r.scope.keys = r.scope.keys[:1]
	r.scope.done()
	r.comment()
	return nil
}
