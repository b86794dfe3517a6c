package lint

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
)

// Excuses are what a configuration says is not to be reported.
type Excuses struct {
	Ignore []Ignore
	// Exclude are globs of paths that are left out.
	Exclude []string
	// Off are rules that the configuration turns off.
	Off []string
	// File is the configuration's.
	File string
}

// Added are the findings about suppressions that a change brings: comments and
// annotations that excuse findings of head and excused none of base, and what now
// says beyond before. Findings are folded, those that are excused among them.
func (s *Suppressor) Added(head, base []Finding, now, before Excuses) []Finding {
	var added []Finding
	report := func(at manifest.Span, subject string, secret bool, message string) {
		f, ok := s.wrong(SuppressionAdded, message, "")
		if !ok {
			return
		}
		r := s.rules[SuppressionAdded]
		if f.Fix = r.Fix; secret && f.Severity == r.Severity {
			f.Severity = max(f.Severity, Low)
		}
		f.Origin = manifest.Origin{Span: at, Exact: at.Line > 0}
		f.stable, f.settled, f.State = subject, true, New
		added = append(added, f)
	}
	for _, w := range s.additions(head, base) {
		rules := strings.Join(w.rules, ", ")
		report(w.Place, w.Kind+" "+rules, w.secret, fmt.Sprintf("this %s excuses %s: %s", w.Kind, rules, w.Reason))
	}
	had := map[string]bool{}
	for i := range before.Ignore {
		had[before.Ignore[i].content()] = true
	}
	for i := range now.Ignore {
		e := &now.Ignore[i]
		if had[e.content()] || e.Reason == "" {
			continue
		}
		what := "findings of " + strings.Join(e.Rules, ", ")
		if e.Allow {
			what = "secrets in clear"
		}
		report(e.Place, e.list()+" "+e.subject(), s.excusesSecrets(e), fmt.Sprintf("this entry of %s excuses %s: %s", e.list(), what, clip(e.Reason, maxReason)))
	}
	for _, glob := range now.Exclude {
		if !slices.Contains(before.Exclude, glob) {
			report(manifest.Span{File: now.File}, "exclude "+glob, true, fmt.Sprintf("the configuration leaves out %s", clip(glob, maxReason)))
		}
	}
	for _, id := range now.Off {
		if r := s.rules[id]; r != nil && !slices.Contains(before.Off, id) {
			report(manifest.Span{File: now.File}, "off "+id, r.Category == Secrets, fmt.Sprintf("the configuration turns off rule %s", id))
		}
	}
	return Fold(added)
}

// excusesSecrets says that an entry of the configuration is about a rule on
// secrets.
func (s *Suppressor) excusesSecrets(e *Ignore) bool {
	return slices.ContainsFunc(e.Rules, func(pattern string) bool {
		return slices.ContainsFunc(s.ids, func(id string) bool {
			return s.rules[id].Category == Secrets && MatchesAny([]string{pattern}, id)
		})
	})
}

// content is all of an entry but where it stands and how long it holds.
func (e *Ignore) content() string {
	return fmt.Sprintf("%q", [][]string{e.Rules, e.Kinds, e.Namespaces, e.Names, e.Containers, e.Paths, e.Charts, e.Keys, e.Values, {e.Reason, e.list()}})
}

// addition is a comment or an annotation, and the rules that it excuses.
type addition struct {
	Suppression
	rules  []string
	secret bool
}

// additions are the comments and annotations that head has and base has not: those
// that excuse what base did not excuse, but for as many with the same words as
// base has elsewhere, which were moved.
func (s *Suppressor) additions(head, base []Finding) []addition {
	type words struct{ rule, kind, reason string }
	type keyed struct{ rule, key string }
	before := map[words]map[manifest.Span]bool{}
	excused := map[keyed]bool{}
	for i := range base {
		f := &base[i]
		if f.Suppressed == nil || f.Suppressed.Kind == "configuration" {
			continue
		}
		w := words{f.Rule, f.Suppressed.Kind, f.Suppressed.Reason}
		if before[w] == nil {
			before[w] = map[manifest.Span]bool{}
		}
		before[w][f.Suppressed.Place] = true
		for _, k := range f.Keys() {
			excused[keyed{f.Rule, k}] = true
		}
	}
	moved := map[words]int{}
	for w, places := range before {
		moved[w] = len(places)
	}
	at := map[manifest.Span]*addition{}
	seen := map[words]map[manifest.Span]bool{}
	for _, again := range []bool{true, false} {
		for i := range head {
			f := &head[i]
			if f.Suppressed == nil || f.Suppressed.Kind == "configuration" {
				continue
			}
			w := words{f.Rule, f.Suppressed.Kind, f.Suppressed.Reason}
			known := slices.ContainsFunc(f.Keys(), func(k string) bool { return excused[keyed{f.Rule, k}] })
			if known != again || seen[w][f.Suppressed.Place] {
				continue
			}
			if seen[w] == nil {
				seen[w] = map[manifest.Span]bool{}
			}
			seen[w][f.Suppressed.Place] = true
			if moved[w]--; known || moved[w] >= 0 {
				continue
			}
			entry := at[f.Suppressed.Place]
			if entry == nil {
				entry = &addition{Suppression: *f.Suppressed}
				at[f.Suppressed.Place] = entry
			}
			entry.rules = append(entry.rules, f.Rule)
			entry.secret = entry.secret || s.rules[f.Rule] != nil && s.rules[f.Rule].Category == Secrets
		}
	}
	list := make([]addition, 0, len(at))
	for _, w := range slices.SortedFunc(maps.Values(at), func(a, b *addition) int { return comparePlaces(a.Place, b.Place) }) {
		slices.Sort(w.rules)
		w.rules = slices.Compact(w.rules)
		list = append(list, *w)
	}
	return list
}

func comparePlaces(a, b manifest.Span) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}
