package lint

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/agext/levenshtein"
	"github.com/scantling-dev/scantling/internal/manifest"
)

// The reserved rules about suppressions that are wrong.
const (
	ignoreWithoutReason = "ignore-without-reason"
	ignoreUnknownRule   = "ignore-unknown-rule"
	ignoreUnused        = "ignore-unused"
	ignoreExpired       = "ignore-expired"
	// SuppressionAdded is the rule that says what a change excuses.
	SuppressionAdded = "suppression-added"
)

// neverIgnored are the rules that nothing excuses: an error of our own says that
// nothing was judged.
var neverIgnored = []string{"internal", ignoreWithoutReason, ignoreUnknownRule, ignoreUnused, ignoreExpired, SuppressionAdded}

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
	remedyPaths      = "Name the files that are meant under paths."
	remedyUnused     = "Remove the rule from the comment; if the finding has moved, move the comment to its line."
	remedyExpired    = "Mend what was ignored, or find out whether it still may be and set a new date."
)

// Suppressor marks the findings that a comment or an annotation excuses, and
// reports the comments and annotations that are wrong.
//
// What excuses one object, or one of the ways to a place, does not excuse the
// others, and Fold joins them. So both come before it:
//
//	findings = Fold(s.Comments(s.Annotations(findings), files))
type Suppressor struct {
	rules  map[string]*Rule
	ids    []string
	off    map[string]bool
	level  map[string]Severity
	source func(file string) []byte
	near   map[string]string // looked up for mistyped rules
	peers  Peers
	today  time.Time
}

// NewSuppressor makes a suppressor that knows all rules, those that are off
// included, and reads the files that findings point at through source. source
// gives nil for a file that can't be read.
func NewSuppressor(rules []*Rule, source func(file string) []byte) *Suppressor {
	s := &Suppressor{rules: map[string]*Rule{}, source: source, near: map[string]string{}, today: today()}
	for _, r := range rules {
		s.rules[r.ID] = r
	}
	s.ids = slices.Sorted(maps.Keys(s.rules))
	return s.With(Selection{})
}

// With takes what the configuration says of the rules: the severity of the
// findings about suppressions, and which rules are off, so that a comment which
// names one is not called unused. It returns s.
func (s *Suppressor) With(selected Selection) *Suppressor {
	s.off, s.level = map[string]bool{}, map[string]Severity{}
	for id, r := range s.rules {
		s.off[id] = !selected.On(r)
		s.level[id], _ = selected.severity(r)
	}
	return s
}

// Alone says that there is no base to compare with. What excuses findings of a rule
// that needs one is then not called unused. It returns s.
func (s *Suppressor) Alone() *Suppressor {
	for id, r := range s.rules {
		s.off[id] = s.off[id] || r.Compares
	}
	return s
}

// Honour lets the suppressions of other tools hold, too. It returns s.
func (s *Suppressor) Honour(peers Peers) *Suppressor {
	s.peers = peers
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

// refuse says why a rule can't be ignored by a comment or an annotation, or ""
// when it can.
func (s *Suppressor) refuse(id string) string {
	if s.byPathOnly(id) {
		return fmt.Sprintf("rule %s can't be ignored here: only an entry of ignore in the configuration that names paths excuses it", id)
	}
	return s.refuseAll(id)
}

// byPathOnly says that only what names a path excuses a rule.
func (s *Suppressor) byPathOnly(id string) bool { return s.rules[id] != nil && s.rules[id].ByPathOnly }

// refuseAll says why nothing excuses a rule, or "" when something can.
func (s *Suppressor) refuseAll(id string) string {
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

func refOf(o *manifest.Object) Ref {
	return Ref{APIVersion: o.GVK.GroupVersion().String(), Kind: o.GVK.Kind, Namespace: o.Namespace, Name: o.Name}
}

// Comments marks the findings that a comment excuses: at their written line, or
// at one that the field passes on its way to its object, such as that of a
// template which prints a value. It adds findings about comments that are wrong:
// without a reason, naming a rule that does not exist, or excusing nothing. It
// looks at the files of the findings and at the given ones, which are those that
// were checked and may have no finding at all. It must run before Fold, and
// settles what is not settled.
func (s *Suppressor) Comments(findings []Finding, files []string) []Finding {
	Settle(findings)
	at := map[string][]passage{}
	for _, f := range files {
		at[f] = nil
	}
	for i := range findings {
		f := &findings[i]
		if f.Origin.File != "" {
			at[f.Origin.File] = append(at[f.Origin.File], passage{f, f.Origin.Line, true})
		}
		for _, step := range f.Origin.Via[:min(f.own, len(f.Origin.Via))] {
			if step.File != "" && step.Line > 0 {
				at[step.File] = append(at[step.File], passage{f, step.Line, false})
			}
		}
	}
	var added []Finding
	var commented []*comments
	for _, file := range slices.Sorted(maps.Keys(at)) {
		if found := directivesOf(file, s.source(file)); len(found) > 0 {
			c := newComments(s, file, found, at[file])
			commented = append(commented, c)
			c.excuse(true)
		}
	}
	// What is written at the place itself goes before what is on the way.
	for _, c := range commented {
		c.excuse(false)
		added = append(added, c.wrong()...)
	}
	return append(slices.Clip(findings), added...)
}

// passage is a line that a finding's field is written at, or passes.
type passage struct {
	*Finding
	line int
	here bool // it is written there
}

// comments are those of one file, and what passes there.
type comments struct {
	s      *Suppressor
	file   string
	found  []directive
	byRule map[string][]passage // by line
}

func newComments(s *Suppressor, file string, found []directive, passing []passage) *comments {
	c := &comments{s: s, file: file, found: found, byRule: map[string][]passage{}}
	for _, p := range passing {
		c.byRule[p.Rule] = append(c.byRule[p.Rule], p)
	}
	for _, list := range c.byRule {
		slices.SortStableFunc(list, func(a, b passage) int { return cmp.Compare(a.line, b.line) })
	}
	return c
}

// covered are the findings of a rule that a comment covers.
func (c *comments) covered(d directive, rule string) []passage {
	list := c.byRule[rule]
	from, _ := slices.BinarySearchFunc(list, d.first, func(p passage, line int) int { return cmp.Compare(p.line, line) })
	to, _ := slices.BinarySearchFunc(list, d.last, func(p passage, line int) int {
		if p.line <= line {
			return -1
		}
		return 1
	})
	return list[from:max(from, to)]
}

func (c *comments) place(d directive) manifest.Span {
	return manifest.Span{File: c.file, Line: d.line, Column: d.column, EndLine: d.line, EndColumn: d.end}
}

// excuse marks the findings that are written where a comment covers them, or
// that only pass there. Of nested comments the innermost gives the reason: it
// was written for this very place, and it comes last in the file.
func (c *comments) excuse(here bool) {
	// A file may hold many of both: of comments that cover the same one does.
	type cover struct {
		rule        string
		first, last int
	}
	done := map[cover]bool{}
	for _, d := range slices.Backward(c.found) {
		rules, why := c.s.effect(d)
		for _, id := range rules {
			at := cover{id, d.first, d.last}
			if done[at] || c.s.refuse(id) != "" {
				continue
			}
			done[at] = true
			for _, p := range c.covered(d, id) {
				if p.here == here && p.Suppressed == nil {
					p.Suppressed = &Suppression{Kind: "comment", Reason: why, Place: c.place(d)}
				}
			}
		}
	}
}

// effect are the rules that a comment excuses, and why.
func (s *Suppressor) effect(d directive) (rules []string, why string) {
	if d.foreign.tool != "" {
		return s.ours(d.foreign, d.foreign.String())
	}
	if _, over := d.over(s.today); over || d.fault != "" || d.reason == "" {
		return nil, ""
	}
	return d.rules, d.reason
}

// wrong are the findings about the comments themselves.
func (c *comments) wrong() []Finding {
	var added []Finding
	for _, d := range c.found {
		report := func(rule, subject, message, fix string) {
			if f, ok := c.s.wrong(rule, message, fix); ok {
				f.Origin = manifest.Origin{Span: c.place(d), Exact: true}
				f.stable = subject
				added = append(added, f)
			}
		}
		if d.foreign.tool != "" {
			// What another tool would say of it is that tool's business.
			continue
		}
		if d.fault != "" {
			report(ignoreUnknownRule, d.fault, d.fault, "Write scantling:ignore RULE -- reason.")
			continue
		}
		over, expired := d.over(c.s.today)
		for _, id := range d.rules {
			switch why := c.s.refuse(id); {
			case why != "":
				report(ignoreUnknownRule, id, why, remedyRule)
			case d.reason == "":
				report(ignoreWithoutReason, id, fmt.Sprintf("%s is ignored without a reason", id), remedyReason)
			case expired:
				report(ignoreExpired, id, fmt.Sprintf("what ignores %s %s", id, over), remedyExpired)
			case len(c.covered(d, id)) == 0 && !c.s.off[id]:
				report(ignoreUnused, id, fmt.Sprintf("no %s finding here to ignore", id), remedyUnused)
			}
		}
	}
	return added
}
