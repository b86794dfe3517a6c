package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/diff"
	"github.com/scantling-dev/scantling/lint"
)

// Changes is a change as the cluster would see it, with the findings that it brings
// and takes away.
type Changes struct {
	Report
	Objects *diff.Changes
	// BaseUnits are the units of the base, by which those that are gone are named.
	BaseUnits []Unit
	// All says that what decides nothing in the cluster is shown, too.
	All bool
}

// ChangeFormats are the names that WriteChanges takes.
func ChangeFormats() []string { return []string{"text", "json", "markdown"} }

// WriteChanges writes the changes in one of the ChangeFormats.
func WriteChanges(w io.Writer, format string, c *Changes, o Options) error {
	v := view(c)
	switch format {
	case "text":
		return writeChangesText(w, v, o)
	case "json":
		return writeChangesJSON(w, v)
	case "markdown":
		return writeChangesMarkdown(w, v)
	}
	return fmt.Errorf("unknown report format %q: it is one of %s", format, strings.Join(ChangeFormats(), ", "))
}

// changeView is what the formats show.
type changeView struct {
	*Changes
	entries []*changeEntry
	// rest are the findings about none of the objects.
	rest []*lint.Finding
	// counts are the entries by kind; noise counts the objects and fields that are
	// left out.
	counts                    map[diff.ChangeKind]int
	noiseObjects, noiseFields int
}

// changeEntry is one change, with the findings about what it changes.
type changeEntry struct {
	*diff.Change
	fields   []*diff.Field
	findings []*lint.Finding
}

// view sorts out what is shown, and puts the findings to the objects.
func view(c *Changes) *changeView {
	v := &changeView{Changes: c, counts: map[diff.ChangeKind]int{}}
	at := map[lint.Ref][]*changeEntry{}
	for _, change := range c.Objects.Entries {
		if change.Noise() && !c.All {
			v.noiseObjects++
			v.noiseFields += len(change.Fields)
			continue
		}
		v.counts[change.Kind]++
		e := &changeEntry{Change: change}
		for i := range change.Fields {
			if f := &change.Fields[i]; f.Noise && !c.All {
				v.noiseFields++
			} else {
				e.fields = append(e.fields, f)
			}
		}
		v.entries = append(v.entries, e)
		for _, s := range change.Objects {
			at[anyVersion(s.Ref)] = append(at[anyVersion(s.Ref)], e)
			if s.Before != nil {
				at[anyVersion(*s.Before)] = append(at[anyVersion(*s.Before)], e)
			}
		}
	}
	// What came and what went as a whole stands behind what changed, that of the same
	// units together.
	slices.SortStableFunc(v.entries, func(a, b *changeEntry) int {
		whole := cmp.Compare(rank(a.Kind), rank(b.Kind))
		if whole != 0 || rank(a.Kind) == 0 {
			return whole
		}
		return slices.Compare(a.Units, b.Units)
	})
	for i := range c.Findings {
		f := &c.Findings[i]
		if f.State != lint.New && f.State != lint.Fixed || f.Suppressed != nil {
			continue
		}
		if e := entryOf(at, f); e != nil {
			e.findings = append(e.findings, f)
		} else {
			v.rest = append(v.rest, f)
		}
	}
	return v
}

func rank(kind diff.ChangeKind) int {
	switch kind {
	case diff.Added:
		return 1
	case diff.Removed:
		return 2
	}
	return 0
}

// anyVersion names an object whatever version of its API is used.
func anyVersion(r lint.Ref) lint.Ref {
	if group, _, grouped := strings.Cut(r.APIVersion, "/"); grouped {
		r.APIVersion = group
	} else {
		r.APIVersion = ""
	}
	return r
}

// entryOf is the change of an object that a finding is about; of several the one
// that has a unit in common with it.
func entryOf(at map[lint.Ref][]*changeEntry, f *lint.Finding) *changeEntry {
	for _, o := range f.Objects() {
		list := at[anyVersion(o)]
		for _, e := range list {
			if slices.ContainsFunc(f.Units, func(u string) bool { return slices.Contains(e.Units, u) || slices.Contains(e.Was, u) }) {
				return e
			}
		}
		if len(list) > 0 {
			return list[0]
		}
	}
	return nil
}

// headline is what changed, in words: "2 objects changed, 1 added".
func (v *changeView) headline() string {
	var parts []string
	for _, kind := range []diff.ChangeKind{diff.Changed, diff.Added, diff.Removed, diff.Renamed} {
		if n := v.counts[kind]; n > 0 {
			text := thousands(n)
			if len(parts) == 0 {
				text = count(n, "object")
			}
			parts = append(parts, text+" "+string(kind))
		}
	}
	if len(parts) == 0 {
		return "no object changed"
	}
	return strings.Join(parts, ", ")
}

// found says what became of the findings: "1 new high, 2 fixed".
func (v *changeView) found() string {
	var parts []string
	for s := lint.Critical; s >= lint.Info; s-- {
		if n := v.Summary.NewFindings[s]; n > 0 {
			parts = append(parts, thousands(n)+" new "+s.String())
		}
	}
	if v.Summary.Fixed > 0 {
		parts = append(parts, thousands(v.Summary.Fixed)+" fixed")
	}
	if len(parts) == 0 {
		return "no new findings"
	}
	return strings.Join(parts, ", ")
}

// asides are the sentences on what is not shown.
func (v *changeView) asides() []string {
	var all []string
	if v.noiseFields > 0 {
		text := count(v.noiseFields, "field") + " of noise left out"
		if v.noiseObjects > 0 {
			text += ", which is all that changed in " + count(v.noiseObjects, "more object")
		}
		all = append(all, text+": --all shows it")
	}
	if n := v.Changes.Objects.Moved; n > 0 {
		all = append(all, count(n, "object")+" unchanged in another unit")
	}
	if n := v.Changes.Objects.Absent; n > 0 {
		all = append(all, count(n, "unit")+" rendered neither before nor after")
	}
	return all
}

// failure says that a unit could not be compared, and why.
func failure(u *diff.UnknownUnit) string {
	when, how := "before the change", "not rendered"
	if u.Head {
		when = "with the change"
	}
	if u.Partial {
		how = "only partly rendered"
	}
	text := brief(u.Unit, maxLine/2) + " was " + how + " " + when
	if u.Objects > 0 {
		text += ", so that " + count(u.Objects, "object") + " can't be compared"
	}
	if u.Reason != "" {
		text += ": " + brief(u.Reason, maxLine/2)
	}
	return text
}

// title names the object of a change: "Deployment shop/web", or what it was and is
// called.
func title(c *diff.Change) string {
	text := brief(c.Object.Ref.String(), maxLine/2)
	if b := c.Object.Before; b != nil {
		switch {
		case c.Kind == diff.Renamed:
			was := *b
			was.Kind = c.Object.Kind
			text = brief(was.String(), maxLine/2) + " -> " + brief(strings.TrimPrefix(c.Object.Ref.String(), c.Object.Kind+" "), maxLine/2)
		case b.Name != c.Object.Name:
			text += " (was " + brief(b.Name, maxLine/4) + ")"
		}
	}
	const most = 3
	for _, s := range c.Objects[1:min(len(c.Objects), most)] {
		text += ", " + brief(strings.TrimPrefix(s.Ref.String(), s.Kind+" "), maxLine/4)
	}
	if more := len(c.Objects) - most; more > 0 {
		text += " and " + count(more, "more object")
	}
	return text
}

// fieldLine is a difference on one line, without what Lines tell.
func fieldLine(f *diff.Field) string {
	path := brief(f.Path, maxLine)
	if path == "" {
		path = "(the object)"
	}
	switch {
	case len(f.Lines) > 0:
		return path + ":"
	case f.Kind == diff.Added:
		return path + ": " + brief(*f.After, maxLine)
	case f.Kind == diff.Removed:
		return path + ": " + brief(*f.Before, maxLine)
	case f.Mask != "" && *f.Before == *f.After:
		return path + ": " + strings.TrimSuffix(*f.After, ")") + " changed)"
	}
	return path + ": " + brief(*f.Before, maxLine/2) + " -> " + brief(*f.After, maxLine/2)
}

// sign is how a field begins: + for what came, - for what went.
func sign(kind diff.ChangeKind) string {
	switch kind {
	case diff.Added:
		return "+"
	case diff.Removed:
		return "-"
	case diff.Renamed:
		return ">"
	}
	return "~"
}
