package lint

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// directive is one comment that asks for something to be ignored.
type directive struct {
	line, column, end int
	first, last       int // the lines that it covers; last < first: none
	rules             []string
	because
	foreign foreign // what another tool is told
}

// parseDirective reads the text of a comment, without its marks.
func parseDirective(text string) (directive, bool) {
	verb, ok := strings.CutPrefix(strings.TrimSpace(text), "scantling:")
	if !ok {
		f, ok := foreignComment(text)
		return directive{foreign: f}, ok
	}
	rest, ok := strings.CutPrefix(verb, "ignore")
	if !ok || (rest != "" && rest[0] != ' ' && rest[0] != '\t') {
		word, _, _ := strings.Cut(verb, " ")
		return directive{because: because{fault: fmt.Sprintf("scantling:%s is not known: only scantling:ignore is", clip(word, maxName))}}, true
	}
	var d directive
	names, reason, _ := strings.Cut(strings.ReplaceAll(rest, "\t", " ")+" ", " --")
	d.because = parseBecause(reason)
	for name := range strings.SplitSeq(names, ",") {
		words := strings.Fields(name)
		if len(words) == 0 {
			continue
		}
		if len(d.rules) == maxNames {
			d.fault = fmt.Sprintf("the comment names more than %d rules", maxNames)
			break
		}
		if !slices.Contains(d.rules, words[0]) {
			d.rules = append(d.rules, words[0])
		}
		if len(words) > 1 && d.reason != "" {
			d.fault = "the rules to ignore are not separated by commas"
		}
	}
	if len(d.rules) == 0 {
		d.fault = "the comment names no rule to ignore"
	}
	return d, true
}

// lineKind says what a line of YAML, or of a template of YAML, is to a comment
// that looks for what it covers.
type lineKind int

const (
	blankLine    lineKind = iota // nothing, or only a comment
	actionLine                   // only template actions: neither key nor end of one
	textLine                     // inside a block scalar or a quoted one
	keyLine                      // a key, a list item, or the rest of a value
	documentLine                 // --- or ...
)

type textLineInfo struct {
	kind   lineKind
	indent int  // column of the first character, from 0
	dash   bool // begins a list item
}

// marked says that a text may hold a comment that asks for something to be
// ignored.
func marked(data []byte) bool {
	return bytes.Contains(data, []byte("scantling:")) || bytes.Contains(data, []byte(trivyComment)) || bytes.Contains(data, []byte(checkovComment))
}

// directivesOf finds the comments of a file that ask for something to be ignored,
// and what they cover.
func directivesOf(file string, data []byte) []directive {
	if !marked(data) {
		return nil
	}
	base := path.Base(file)
	switch ext := path.Ext(base); {
	case ext == ".env", ext == ".properties", ext == ".ini", ext == ".conf", strings.HasPrefix(base, ".env."):
		return entryDirectives(string(data))
	case isCode(base):
		return lineDirectives(string(data))
	}
	return directives(data)
}

// entryDirectives are those of a file of KEY=value lines, where only a whole line
// is a comment. It covers the next entry.
func entryDirectives(text string) []directive {
	var found []directive
	waiting := 0
	for i, line := range strings.Split(text, "\n") {
		comment, isComment := strings.CutPrefix(strings.TrimSpace(line), "#")
		switch {
		case isComment:
			if d, ok := parseDirective(comment); ok {
				d.line, d.column, d.end = i+1, utf8.RuneCountInString(line[:strings.IndexByte(line, '#')])+1, utf8.RuneCountInString(line)+1
				d.first, d.last = 1, 0
				found = append(found, d)
			}
		case strings.TrimSpace(line) != "":
			for ; waiting < len(found); waiting++ {
				found[waiting].first, found[waiting].last = i+1, i+1
			}
		}
	}
	return found
}

// maxEmbedded is how deep texts of YAML in YAML are looked into: a patch of a
// release, the values in it, and one more.
const maxEmbedded = 3

// directives finds the comments of a file of YAML, or of a template of YAML. It
// works on lines and indentation, not on parsed YAML: a Helm template is no YAML
// before it is rendered.
func directives(data []byte) []directive {
	if !marked(data) {
		return nil
	}
	text := strings.TrimPrefix(string(data), "\ufeff")
	return directivesIn(strings.Split(text, "\n"), 0)
}

// embedded is a block scalar that holds YAML: its first line and the one behind
// its last, from 0.
type embedded struct{ first, end int }

func directivesIn(lines []string, depth int) []directive {
	infos := make([]textLineInfo, len(lines))
	var found []directive
	var waiting []int // directives that stand alone and wait for their key
	first := true     // no key of this document seen yet
	settle := func(line int) {
		for _, i := range waiting {
			found[i].first, found[i].last = line, line
			if first && !infos[line-1].dash {
				found[i].last = math.MaxInt // to the document's end, see below
			}
		}
		waiting = waiting[:0]
	}
	var sc scanner
	var texts []embedded
	for i := range lines {
		line := strings.TrimSuffix(lines[i], "\r")
		lines[i] = line
		info, comment, column := sc.line(line, lines[i+1:])
		infos[i] = info
		switch n := len(texts) - 1; {
		case info.kind == textLine && n >= 0 && texts[n].end == i:
			texts[n].end++
		case info.kind == keyLine && sc.embeds:
			texts = append(texts, embedded{i + 1, i + 1})
		}
		switch info.kind {
		case documentLine:
			if !first {
				// What stands under the last key of a document covers
				// nothing of the next one.
				waiting = waiting[:0]
			}
			first = true
		case keyLine:
			settle(i + 1)
			first = false
		case actionLine:
			if len(waiting) > 0 && !sc.templateComment && prints(line) {
				// What it prints is not known to end anywhere but here.
				for _, w := range waiting {
					found[w].first, found[w].last = i+1, i+1
				}
				waiting = waiting[:0]
			}
		}
		if comment == "" {
			continue
		}
		d, ok := parseDirective(comment)
		if !ok {
			continue
		}
		d.line, d.column, d.end = i+1, utf8.RuneCountInString(line[:column])+1, utf8.RuneCountInString(line)+1
		d.first, d.last = 1, 0
		switch info.kind {
		case keyLine:
			d.first, d.last = i+1, i+1
		case actionLine:
			if !sc.templateComment {
				d.first, d.last = i+1, i+1
				found = append(found, d)
				continue
			}
			fallthrough
		default:
			waiting = append(waiting, len(found))
		}
		found = append(found, d)
	}
	// Any number of comments may stand above the same key.
	type key struct {
		line     int
		document bool
	}
	extents := map[key]int{}
	for i := range found {
		d := &found[i]
		if d.last >= d.first && infos[d.first-1].kind == keyLine {
			k := key{d.first, d.last == math.MaxInt}
			last, ok := extents[k]
			if !ok {
				last = extent(infos, k.line-1, k.document) + 1
				extents[k] = last
			}
			d.last = last
		}
	}
	if depth < maxEmbedded {
		for _, t := range texts {
			found = append(found, t.directives(lines, depth+1)...)
		}
		slices.SortStableFunc(found, func(a, b directive) int { return cmp.Compare(a.line, b.line) })
	}
	return found
}

// directives are those in an embedded text, by the lines that it is in.
func (t embedded) directives(lines []string, depth int) []directive {
	own := slices.Clone(lines[t.first:t.end])
	indent := -1
	for _, line := range own {
		if strings.TrimSpace(line) != "" {
			indent = len(line) - len(strings.TrimLeft(line, " "))
			break
		}
	}
	any := false
	for i, line := range own {
		own[i] = line[min(max(indent, 0), len(line)-len(strings.TrimLeft(line, " "))):]
		any = any || marked([]byte(line))
	}
	if !any {
		return nil
	}
	found := directivesIn(own, depth)
	for i := range found {
		d := &found[i]
		d.line += t.first
		d.column += indent
		d.end += indent
		if d.last >= d.first {
			d.first += t.first
			d.last += t.first
		}
	}
	return found
}

// embedsYAML says that a key's block scalar holds YAML that is read as such: a
// patch, values, or what is called a file of YAML.
func embedsYAML(key string) bool {
	key = strings.Trim(key, `"'`)
	return key == "patch" || key == "values" || strings.HasSuffix(key, ".yaml") || strings.HasSuffix(key, ".yml")
}

// extent is the last line that belongs to the key or list item at line start,
// or to the whole document from there on.
func extent(infos []textLineInfo, start int, document bool) int {
	own := infos[start]
	last := start
	for i := start + 1; i < len(infos); i++ {
		n := infos[i]
		switch n.kind {
		case documentLine:
			return last
		case textLine:
			last = i
		case actionLine:
			// An action gives no text of its own that could end a key, and
			// belongs to the key only where it stands inside it.
			if document || n.indent > own.indent {
				last = i
			}
		case keyLine:
			// The items of a list may stand as far left as the list's key.
			inside := n.indent > own.indent || n.indent == own.indent && n.dash && !own.dash
			if !document && !inside {
				return last
			}
			last = i
		}
	}
	return last
}

// scanner tells comments from text, line by line.
type scanner struct {
	block           int  // a block scalar's key column; its lines are deeper. -2: none
	inBlock         bool // block holds
	quote           byte // the quote that a scalar over several lines began with
	action          bool // inside {{ ... }} over several lines
	endless         bool // no }} follows: do not look for one again
	flow            int  // open brackets
	templateComment bool // the comment of the last line was {{/* */}}
	embeds          bool // the last line opened a block scalar of YAML
	// merges is the column of the key patchesStrategicMerge, whose items are
	// YAML; below 1: not in it.
	merges int
}

// line takes one line and returns what it is and the text of its comment, with
// the comment's place in bytes. rest are the lines behind it.
func (s *scanner) line(line string, rest []string) (info textLineInfo, comment string, column int) {
	s.templateComment, s.embeds = false, false
	trimmed := strings.TrimLeft(line, " \t")
	info.indent = len(line) - len(trimmed)
	if s.action {
		info.kind = actionLine
		s.action = !strings.Contains(line, "}}")
		return info, "", 0
	}
	if s.inBlock {
		switch {
		case strings.TrimSpace(line) == "", info.indent > s.block:
			info.kind = textLine
			return info, "", 0
		case !onlyActions(trimmed):
			s.inBlock = false
		}
	}
	start := info.indent
	if s.quote == 0 {
		if text, ok := templateComment(trimmed); ok {
			info.kind = actionLine
			s.templateComment = true
			return info, text, info.indent
		}
		if line == "---" || line == "..." || strings.HasPrefix(line, "--- ") {
			info.kind = documentLine
			s.flow = 0
			start = min(len("---"), len(line))
		} else {
			info.dash = trimmed == "-" || strings.HasPrefix(trimmed, "- ")
		}
	} else {
		info.kind = textLine
	}
	end := s.scan(line, start, rest)
	if end < len(line) {
		comment, column = strings.TrimLeft(line[end:], "#"), end
	}
	if comment == "" && s.quote == 0 && !s.action && !s.inBlock {
		if i := strings.LastIndex(line, "{{"); i > info.indent {
			if text, ok := templateComment(line[i:]); ok {
				comment, column, end = text, i, i
			}
		}
	}
	code := strings.TrimRight(line[:end], " \t")
	switch {
	case info.kind != blankLine:
	case strings.TrimSpace(code) == "":
	case onlyActions(strings.TrimSpace(code)) || s.action && strings.HasPrefix(trimmed, "{{"):
		info.kind = actionLine
	default:
		info.kind = keyLine
	}
	if s.quote == 0 && !s.action && !s.inBlock {
		s.block, s.inBlock = blockScalar(code)
		key := keyOf(strings.TrimSpace(code))
		if info.kind == keyLine && !info.dash {
			if s.merges = 0; key == "patchesStrategicMerge" {
				s.merges = info.indent + 1
			}
		}
		s.embeds = s.inBlock && (embedsYAML(key) || info.dash && key == "" && s.merges > 0)
	}
	return info, comment, column
}

// scan walks over a line and returns where its comment begins, or its length.
func (s *scanner) scan(line string, start int, rest []string) int {
	value := true                         // a scalar may begin here, so a quote would open one
	last := strings.LastIndex(line, "}}") // no action ends behind it
	for i := start; i < len(line); i++ {
		c := line[i]
		if strings.HasPrefix(line[i:], "{{") {
			if i < last {
				i += strings.Index(line[i:], "}}") + 1
				value = false
				continue
			}
			// Over several lines, if it ends at all.
			if !s.endless && slices.ContainsFunc(rest, func(l string) bool { return strings.Contains(l, "}}") }) {
				s.action = true
				return len(line)
			}
			s.endless = true
		}
		if s.quote != 0 {
			switch {
			case s.quote == '"' && c == '\\':
				i++
			case c == s.quote && s.quote == '\'' && i+1 < len(line) && line[i+1] == '\'':
				i++
			case c == s.quote:
				s.quote = 0
				value = false
			}
			continue
		}
		space := i == 0 || line[i-1] == ' ' || line[i-1] == '\t'
		switch {
		case c == ' ' || c == '\t':
		case c == '#' && space:
			return i
		case (c == '"' || c == '\'') && value:
			s.quote = c
		case (c == '[' || c == '{') && (value || s.flow > 0):
			s.flow++
			value = true
		case (c == ']' || c == '}') && s.flow > 0:
			s.flow--
			value = false
		case c == ',' && s.flow > 0:
			value = true
		case c == ':' && (i+1 == len(line) || line[i+1] == ' ' || line[i+1] == '\t' || s.flow > 0):
			value = true
		case (c == '-' || c == '?') && value && i+1 < len(line) && line[i+1] == ' ':
		case (c == '!' || c == '&') && value && space:
			// A tag or an anchor stands before the scalar.
			for i+1 < len(line) && line[i+1] != ' ' {
				i++
			}
		default:
			value = false
		}
	}
	if s.quote != 0 && !closes(s.quote, rest) {
		// No scalar: an apostrophe, or a quote that a template closes.
		s.quote = 0
	}
	return len(line)
}

// closes says that a quoted scalar ends before its document does.
func closes(quote byte, rest []string) bool {
	for _, line := range rest {
		if strings.HasPrefix(line, "---") {
			return false
		}
		if strings.IndexByte(line, quote) >= 0 {
			return true
		}
	}
	return false
}

// onlyActions says that a line holds nothing but template actions.
func onlyActions(text string) bool {
	for text != "" {
		if !strings.HasPrefix(text, "{{") {
			return false
		}
		end := strings.Index(text, "}}")
		if end < 0 {
			return false
		}
		text = strings.TrimLeft(text[end+2:], " \t")
	}
	return true
}

// prints says that the first action of a line gives text, and is neither a
// condition nor an assignment.
func prints(line string) bool {
	_, action, ok := strings.Cut(line, "{{")
	words := strings.Fields(strings.TrimPrefix(action, "-"))
	if !ok || len(words) == 0 {
		return false
	}
	switch strings.TrimSuffix(strings.TrimSuffix(words[0], "}}"), "-") {
	case "if", "else", "end", "with", "range", "define", "break", "continue":
		return false
	}
	return !strings.HasPrefix(words[0], "/*") && !(words[0][0] == '$' && len(words) > 1 && (words[1] == ":=" || words[1] == "="))
}

// templateComment is the text of a template comment alone on its line.
func templateComment(text string) (string, bool) {
	text = strings.TrimSpace(text)
	inner, ok := strings.CutPrefix(text, "{{")
	if !ok {
		return "", false
	}
	if inner, ok = strings.CutSuffix(inner, "}}"); !ok {
		return "", false
	}
	inner = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(inner, "-"), "-"))
	if inner, ok = strings.CutPrefix(inner, "/*"); !ok {
		return "", false
	}
	if inner, ok = strings.CutSuffix(inner, "*/"); !ok || strings.Contains(inner, "*/") {
		return "", false
	}
	return inner, true
}

// blockScalar says that a line opens a block scalar, and in which column its
// key or list mark stands: the scalar's lines are deeper than that.
func blockScalar(code string) (column int, ok bool) {
	head := strings.TrimRight(code, "+-0123456789")
	if len(code)-len(head) > 2 || head == "" || (head[len(head)-1] != '|' && head[len(head)-1] != '>') {
		return 0, false
	}
	head = head[:len(head)-1]
	mark, pos := -1, len(head)-len(strings.TrimLeft(head, " \t"))
	for strings.HasPrefix(head[pos:], "- ") {
		mark = pos
		pos += 2
		pos += len(head[pos:]) - len(strings.TrimLeft(head[pos:], " \t"))
	}
	key := head[pos:]
	// Tags and anchors stand between the key and the scalar's own mark.
	for {
		i := strings.LastIndexAny(strings.TrimRight(key, " \t"), " \t") + 1
		if i >= len(key) || (key[i] != '!' && key[i] != '&') {
			break
		}
		key = key[:i]
	}
	if key == "" || strings.TrimSpace(key) == "---" {
		return mark, true
	}
	bare := strings.TrimRight(key, " \t")
	return pos, strings.HasSuffix(bare, ":") && bare != key
}
