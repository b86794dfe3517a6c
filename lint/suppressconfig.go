package lint

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/scantling-dev/scantling/internal/manifest"
)

// Ignore is an entry of the configuration that excuses findings. Each list that is
// not empty must have an item that fits; an entry of which all fit excuses. The
// items are globs: in paths ** stands for any number of folders.
type Ignore struct {
	// Rules are ids of rules; an entry has at least one.
	Rules []string
	// Kinds, Namespaces and Names are those of the object.
	Kinds, Namespaces, Names []string
	// Containers are names of containers, init and ephemeral ones included.
	Containers []string
	// Paths are of the file that the finding points at, or of the unit.
	Paths []string
	// Charts are names of charts that gave the object, or of a parent of them.
	Charts []string
	// Keys are those of the value, or its path: "password", "stringData.*".
	Keys []string
	// Values are held against what is written at the place, in base64 or not. In
	// them * stands for any text.
	Values []string
	// Allow says that the entry is one of secrets.allow, which is about all rules on
	// secrets.
	Allow bool
	// Reason is why; without one the entry excuses nothing.
	Reason string
	// Until is the last day on which the entry holds; zero for no end.
	Until time.Time
	// Place is where the entry is written.
	Place manifest.Span
}

// Configured marks the findings that entries of the configuration excuse, and adds
// findings about entries that are wrong: without a reason, naming a rule that does
// not exist, run out, or excusing nothing. It must run before Fold, once the
// findings are settled.
func (s *Suppressor) Configured(findings []Finding, entries []Ignore) []Finding {
	var added []Finding
	byRule := map[string][]*Finding{}
	for i := range findings {
		f := &findings[i]
		byRule[f.Rule] = append(byRule[f.Rule], f)
	}
	for i := range entries {
		e := &entries[i]
		report := func(rule, subject, message, fix string) {
			if f, ok := s.wrong(rule, message, fix); ok {
				f.Origin = manifest.Origin{Span: e.Place, Exact: true}
				f.stable = fmt.Sprintf("%s %s", e.list(), subject)
				f.settled = true
				added = append(added, f)
			}
		}
		rules := map[string]bool{}
		for _, pattern := range e.Rules {
			known := s.matching(pattern)
			if len(known) == 0 {
				report(ignoreUnknownRule, pattern, s.refuseAll(pattern), remedyRule)
			}
			for _, id := range known {
				switch {
				case !s.byPathOnly(id) || e.namesPaths():
					rules[id] = true
				case id == pattern && !e.Allow:
					report(ignoreUnknownRule, pattern, fmt.Sprintf("rule %s can't be ignored everywhere: the entry names no paths", id), remedyPaths)
				}
			}
		}
		over, expired := because{until: e.Until}.over(s.today)
		switch {
		case e.Reason == "":
			report(ignoreWithoutReason, e.subject(), "the entry of "+e.list()+" gives no reason", "Write why the findings are acceptable: reason.")
			continue
		case expired:
			report(ignoreExpired, e.subject(), "the entry of "+e.list()+" "+over, remedyExpired)
			continue
		}
		because := &Suppression{Kind: "configuration", Reason: clip(e.Reason, maxReason), Place: e.Place}
		used, running := false, false
		for id := range rules {
			running = running || !s.off[id]
			for _, f := range byRule[id] {
				if !e.fits(f) || !e.fitsValue(s, f) {
					continue
				}
				used = true
				if f.Suppressed == nil {
					f.Suppressed = because
				}
			}
		}
		// What does not run has no findings to excuse.
		if running && !used {
			report(ignoreUnused, e.subject(), "no finding fits this entry of "+e.list(), "Remove the entry; if what it excused was renamed, correct it.")
		}
	}
	return append(slices.Clip(findings), added...)
}

// matching are the rules that a glob names and that may be ignored.
func (s *Suppressor) matching(pattern string) []string {
	if !strings.ContainsAny(pattern, "*?[") {
		if s.refuseAll(pattern) == "" {
			return []string{pattern}
		}
		return nil
	}
	var ids []string
	for _, id := range s.ids {
		if MatchesAny([]string{pattern}, id) && !slices.Contains(neverIgnored, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// fits says that an entry is about a finding.
func (e *Ignore) fits(f *Finding) bool {
	return fit(e.Kinds, f.Object.Kind) && fit(e.Namespaces, f.Object.Namespace) && fit(e.Names, f.Object.Name) &&
		fit(e.Containers, containersOf(f.stable)...) && fit(e.Charts, chartsOf(f.object)...) && fit(e.Keys, keysOf(f)...) && e.fitsPath(f)
}

// list is the key of the configuration that the entry stands under.
func (e *Ignore) list() string {
	if e.Allow {
		return "secrets.allow"
	}
	return "ignore"
}

// subject tells the entry from others, without what it allows.
func (e *Ignore) subject() string {
	if e.Allow {
		return strings.Join(slices.Concat(e.Keys, e.Paths), " ")
	}
	return strings.Join(e.Rules, " ")
}

// namesPaths says that the entry is about some paths, and not about all.
func (e *Ignore) namesPaths() bool {
	return len(e.Paths) > 0 && !slices.ContainsFunc(e.Paths, func(p string) bool { return strings.Trim(p, "*?/.") == "" })
}

// fit says that there is no pattern, or that one of the texts matches one.
func fit(patterns []string, texts ...string) bool {
	return len(patterns) == 0 || MatchesAny(patterns, texts...)
}

func (e *Ignore) fitsPath(f *Finding) bool {
	if len(e.Paths) == 0 {
		return true
	}
	places := []string{f.Origin.File}
	for _, u := range f.Units {
		folder, _, _ := strings.Cut(u, " (")
		places = append(places, folder)
	}
	return slices.ContainsFunc(e.Paths, func(p string) bool {
		return slices.ContainsFunc(places, func(place string) bool { return doublestar.MatchUnvalidated(p, place) })
	})
}

// containersOf are the containers that a field's stable path leads through.
func containersOf(stable string) []string {
	var names []string
	for _, list := range []string{"containers[", "initContainers[", "ephemeralContainers["} {
		for at := range strings.SplitSeq("."+stable, "."+list) {
			if name, _, ok := strings.Cut(at, "]"); ok && !strings.HasPrefix(at, ".") {
				names = append(names, name)
			}
		}
	}
	return names
}

// chartsOf are the charts that gave an object, the outermost first: of each
// template helm names those it lies in, as in web/charts/redis/templates/x.yaml.
// What kustomize inflates has the customary label.
func chartsOf(o *manifest.Object) []string {
	if o == nil {
		return nil
	}
	var names []string
	if o.Template != "" {
		rest, _, _ := strings.Cut(o.Template, "/templates/")
		names = strings.Split(rest, "/charts/")
	}
	label := o.Value("metadata", "labels", "helm.sh/chart").Text()
	if at := strings.LastIndexByte(label, '-'); at > 0 {
		names = append(names, label[:at])
	}
	return names
}
