package lint

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agext/levenshtein"
	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The reserved rules about suppressions that are wrong.
const (
	ignoreWithoutReason = "ignore-without-reason"
	ignoreUnknownRule   = "ignore-unknown-rule"
	ignoreUnused        = "ignore-unused"
)

// neverIgnored are the rules that no comment or annotation excuses: a private
// key stays leaked whatever is written beside it, and an error of our own says
// that nothing was judged.
var neverIgnored = []string{"private-key-in-repo", "internal", ignoreWithoutReason, ignoreUnknownRule, ignoreUnused}

// Whoever writes a file writes its comments: these bound what reading them
// costs and what a message quotes of them.
const (
	maxName    = 64  // runes of a rule's name
	maxNames   = 64  // rules that one comment names
	maxReason  = 500 // runes of a reason
	maxNearest = 200 // mistyped rules that are looked up in one run
)

const (
	annotationPrefix = "scantling.dev/ignore"
	remedyReason     = "Write the reason: scantling:ignore RULE -- reason."
	remedyRule       = "Name a rule that scantling rules lists, or remove the suppression."
	remedyUnused     = "Remove the rule from the comment; if the finding has moved, move the comment to its line."
)

// Suppressor marks the findings that a comment or an annotation excuses, and
// reports the comments and annotations that are wrong.
//
// Annotations are read per rendered object, so they come before Fold; comments
// stand at written lines, so they come after it:
//
//	findings = s.Apply(Fold(s.Annotations(findings)), files)
type Suppressor struct {
	rules  map[string]*Rule
	ids    []string
	off    map[string]bool
	level  map[string]Severity
	source func(file string) []byte
	near   map[string]string // looked up for mistyped rules
}

// NewSuppressor makes a suppressor that knows all rules, those that are off
// included, and reads the files that findings point at through source. source
// gives nil for a file that can't be read.
func NewSuppressor(rules []*Rule, source func(file string) []byte) *Suppressor {
	s := &Suppressor{rules: map[string]*Rule{}, source: source, near: map[string]string{}}
	for _, r := range rules {
		s.rules[r.ID] = r
	}
	s.ids = slices.Sorted(maps.Keys(s.rules))
	return s.With(nil)
}

// With takes what the configuration says of the rules: the severity of the
// findings about suppressions, and which rules are off, so that a comment which
// names one is not called unused. It returns s.
func (s *Suppressor) With(settings map[string]Setting) *Suppressor {
	s.off, s.level = map[string]bool{}, map[string]Severity{}
	for id, r := range s.rules {
		set := settings[id]
		s.off[id] = r.Optional
		if set.Enabled != nil {
			s.off[id] = !*set.Enabled
		}
		s.level[id] = r.Severity
		if set.Severity != nil {
			s.level[id] = *set.Severity
		}
	}
	return s
}

// Nearest is the candidate that was most likely meant by a mistyped word, or ""
// when none is near.
func Nearest(word string, candidates []string) string {
	n := utf8.RuneCountInString(word)
	if n > maxName {
		// Nobody mistypes that much, and comparing it would take long.
		return ""
	}
	best, least := "", max(1, min(n/2, 3), n/3)+1
	for _, c := range candidates {
		if d := levenshtein.Distance(strings.ToLower(word), strings.ToLower(c), nil); d < least {
			best, least = c, d
		}
	}
	return best
}

// wrong makes a finding about a suppression, or false when the configuration
// turned its rule off.
func (s *Suppressor) wrong(id, message, fix string) (Finding, bool) {
	if s.rules[id] == nil || s.off[id] {
		return Finding{}, false
	}
	return Finding{Rule: id, Severity: s.level[id], Message: message, Fix: fix}, true
}

// refuse says why a rule can't be ignored, or "" when it can.
func (s *Suppressor) refuse(id string) string {
	switch {
	case slices.Contains(neverIgnored, id):
		return fmt.Sprintf("rule %s can't be ignored", id)
	case s.rules[id] != nil:
		return ""
	}
	near, known := s.near[id]
	if !known && len(s.near) < maxNearest {
		near = Nearest(id, s.ids)
		s.near[id] = near
	}
	if near != "" {
		return fmt.Sprintf("there is no rule %q to ignore: did you mean %s?", id, near)
	}
	return fmt.Sprintf("there is no rule %q to ignore", clip(id, maxName))
}

// clip shortens a text to a number of runes.
func clip(text string, most int) string {
	n := 0
	for i := range text {
		if n++; n > most {
			return text[:i] + "…"
		}
	}
	return text
}

// Annotations marks the findings that an annotation of their object, or of its
// pod template, excuses, and adds findings about annotations that are wrong. It
// must run before Fold: Fold joins objects, and each has annotations of its own.
func (s *Suppressor) Annotations(findings []Finding) []Finding {
	read := map[*manifest.Object]map[string]*Suppression{}
	var added []Finding
	for i := range findings {
		f := &findings[i]
		if f.object == nil {
			continue
		}
		excused, ok := read[f.object]
		if !ok {
			var more []Finding
			excused, more = s.annotated(f.object)
			read[f.object] = excused
			for _, m := range more {
				m.Units = f.Units
				added = append(added, m)
			}
		}
		if because := excused[f.Rule]; because != nil {
			f.Suppressed = because
		}
	}
	return append(findings, added...)
}

// annotated reads the annotations of one object. The object's own win over its
// pod template's.
func (s *Suppressor) annotated(o *manifest.Object) (map[string]*Suppression, []Finding) {
	metas := []*field.Path{field.NewPath("metadata")}
	if w, ok := o.Workload(); ok && w.MetaPath.String() != "metadata" {
		metas = append(metas, w.MetaPath)
	}
	var excused map[string]*Suppression
	var added []Finding
	for _, meta := range metas {
		path := meta.Child("annotations")
		hits := manifest.Lookup(o.Node, path)
		n := hits[len(hits)-1].Value
		if len(hits) != 1+len(manifest.SplitPath(path.String())) || n.Kind != yaml.MappingNode {
			continue
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i].Value, n.Content[i+1]
			id, ok := strings.CutPrefix(key, annotationPrefix)
			if !ok || (id != "" && id[0] != '.') {
				continue
			}
			id = strings.TrimPrefix(id, ".")
			at := path.Key(key)
			report := func(rule, message, fix string) {
				if f, ok := s.wrong(rule, message, fix); ok {
					f.Object = refOf(o)
					f.Path, f.stable = at.String(), o.StablePath(at)
					f.Origin, f.object = o.At(at), o
					added = append(added, f)
				}
			}
			if id == "" {
				report(ignoreUnknownRule, "the annotation names no rule to ignore", "Write scantling.dev/ignore.RULE: reason.")
				continue
			}
			if why := s.refuse(id); why != "" {
				report(ignoreUnknownRule, why, remedyRule)
				continue
			}
			reason := ""
			if value.Kind == yaml.ScalarNode && value.Tag != "!!null" {
				reason = clip(strings.TrimSpace(value.Value), maxReason)
			}
			if reason == "" {
				report(ignoreWithoutReason, fmt.Sprintf("%s is ignored without a reason", id), "Write the reason as the annotation's value.")
				continue
			}
			if excused == nil {
				excused = map[string]*Suppression{}
			}
			if excused[id] == nil {
				excused[id] = &Suppression{Kind: "annotation", Reason: reason, Place: o.At(at).Span}
			}
		}
	}
	return excused, added
}

func refOf(o *manifest.Object) Ref {
	return Ref{APIVersion: o.GVK.GroupVersion().String(), Kind: o.GVK.Kind, Namespace: o.Namespace, Name: o.Name}
}

// Apply marks the findings that a comment at their written line excuses, and
// adds findings about comments that are wrong: without a reason, naming a rule
// that does not exist, or excusing nothing. It looks at the files of the
// findings and at the given ones, which are those that were checked and may
// have no finding at all. It must run after Fold; the result is sorted and has
// its fingerprints set.
func (s *Suppressor) Apply(findings []Finding, files []string) []Finding {
	at := map[string][]*Finding{}
	for _, f := range files {
		at[f] = nil
	}
	for i := range findings {
		f := &findings[i]
		if f.Origin.File != "" {
			at[f.Origin.File] = append(at[f.Origin.File], f)
		}
	}
	var added []Finding
	for _, file := range slices.Sorted(maps.Keys(at)) {
		if found := directives(s.source(file)); len(found) > 0 {
			added = append(added, s.apply(file, found, at[file])...)
		}
	}
	if len(added) == 0 {
		return findings
	}
	// A rule of a suppression never folds with, nor has the key of, another
	// rule: the fingerprints of the rest stay what they are.
	all := append(slices.Clip(findings), Fold(added)...)
	slices.SortStableFunc(all, compare)
	return all
}

// apply holds the comments of a file against its findings and returns what is
// wrong with the comments.
func (s *Suppressor) apply(file string, found []directive, findings []*Finding) []Finding {
	// A file may hold many of both: each comment looks only at the findings
	// that it covers, and of comments that cover the same one does.
	byRule := map[string][]*Finding{}
	for _, f := range findings {
		byRule[f.Rule] = append(byRule[f.Rule], f)
	}
	for _, list := range byRule {
		slices.SortStableFunc(list, func(a, b *Finding) int { return cmp.Compare(a.Origin.Line, b.Origin.Line) })
	}
	type cover struct {
		rule        string
		first, last int
	}
	latest := map[cover]int{}
	for i, d := range found {
		if d.fault == "" && d.reason != "" {
			for _, id := range d.rules {
				latest[cover{id, d.first, d.last}] = i
			}
		}
	}
	var added []Finding
	for i, d := range found {
		place := manifest.Span{File: file, Line: d.line, Column: d.column, EndLine: d.line, EndColumn: d.end}
		report := func(rule, subject, message, fix string) {
			if f, ok := s.wrong(rule, message, fix); ok {
				f.Origin = manifest.Origin{Span: place, Exact: true}
				f.stable = subject
				added = append(added, f)
			}
		}
		if d.fault != "" {
			report(ignoreUnknownRule, d.fault, d.fault, "Write scantling:ignore RULE -- reason.")
			continue
		}
		for _, id := range d.rules {
			if why := s.refuse(id); why != "" {
				report(ignoreUnknownRule, id, why, remedyRule)
				continue
			}
			if d.reason == "" {
				report(ignoreWithoutReason, id, fmt.Sprintf("%s is ignored without a reason", id), remedyReason)
				continue
			}
			list := byRule[id]
			from, _ := slices.BinarySearchFunc(list, d.first, func(f *Finding, line int) int { return cmp.Compare(f.Origin.Line, line) })
			if latest[cover{id, d.first, d.last}] == i {
				for to := from; to < len(list) && list[to].Origin.Line <= d.last; to++ {
					// Of nested comments the innermost gives the reason: it was
					// written for this very place, and it comes last in the file.
					if f := list[to]; f.Suppressed == nil || f.Suppressed.Kind == "comment" {
						f.Suppressed = &Suppression{Kind: "comment", Reason: d.reason, Place: place}
					}
				}
			}
			used := from < len(list) && list[from].Origin.Line <= d.last
			if !used && !s.off[id] {
				report(ignoreUnused, id, fmt.Sprintf("no %s finding here to ignore", id), remedyUnused)
			}
		}
	}
	return added
}

// directive is one comment that asks for something to be ignored.
type directive struct {
	line, column, end int
	first, last       int // the lines that it covers; last < first: none
	rules             []string
	reason            string
	fault             string // what is wrong with its form
}

// parseDirective reads the text of a comment, without its marks.
func parseDirective(text string) (directive, bool) {
	verb, ok := strings.CutPrefix(strings.TrimSpace(text), "scantling:")
	if !ok {
		return directive{}, false
	}
	rest, ok := strings.CutPrefix(verb, "ignore")
	if !ok || (rest != "" && rest[0] != ' ' && rest[0] != '\t') {
		word, _, _ := strings.Cut(verb, " ")
		return directive{fault: fmt.Sprintf("scantling:%s is not known: only scantling:ignore is", clip(word, maxName))}, true
	}
	var d directive
	names, reason, _ := strings.Cut(strings.ReplaceAll(rest, "\t", " ")+" ", " --")
	d.reason = clip(strings.TrimSpace(reason), maxReason)
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

// directives finds the comments of a file that ask for something to be ignored,
// and what they cover. It works on lines and indentation, not on parsed YAML:
// a Helm template is no YAML before it is rendered.
func directives(data []byte) []directive {
	if !bytes.Contains(data, []byte("scantling:")) {
		return nil
	}
	text := strings.TrimPrefix(string(data), "\ufeff")
	lines := strings.Split(text, "\n")
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
	for i := range lines {
		line := strings.TrimSuffix(lines[i], "\r")
		lines[i] = line
		info, comment, column := sc.line(line, lines[i+1:])
		infos[i] = info
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
	return found
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
}

// line takes one line and returns what it is and the text of its comment, with
// the comment's place in bytes. rest are the lines behind it.
func (s *scanner) line(line string, rest []string) (info textLineInfo, comment string, column int) {
	s.templateComment = false
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
