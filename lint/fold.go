package lint

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
)

// Settle finds where the findings were written. Rules say only which field of a
// rendered object is wrong: to find its place may cost more than to judge it, and
// whoever has several findings can prepare that first.
func Settle(findings []Finding) {
	for i := range findings {
		f := &findings[i]
		if f.settled || f.object == nil {
			continue
		}
		f.Origin, f.settled = f.object.At(f.field), true
		f.own = max(len(f.Origin.Via)-len(f.object.Origin.Via), 0)
	}
}

// Unsettled are the objects of findings whose places are not known yet, each
// once.
func Unsettled(findings []Finding) []*manifest.Object {
	var objects []*manifest.Object
	seen := map[*manifest.Object]bool{}
	for i := range findings {
		if f := &findings[i]; f.object != nil && !f.settled && !seen[f.object] && !f.object.Knows(f.field) {
			seen[f.object] = true
			objects = append(objects, f.object)
		}
	}
	return objects
}

// cause is what findings have in common that one edit mends.
type cause struct {
	rule, file   string
	line, column int
	fault        string
}

// fault is what is wrong, as far as a place that is only near can tell: the
// field of what kind of object, and what is said of it but for names.
func (f *Finding) fault() string {
	return f.Object.APIVersion + "\x00" + f.Object.Kind + "\x00" + f.stable + "\x00" + f.saying()
}

// saying is the message without the names of the object and of its parts.
func (f *Finding) saying() string {
	var pairs []string
	hide := func(name string) {
		if name != "" {
			pairs = append(pairs, name)
		}
	}
	hide(f.Object.Name)
	hide(f.Object.Namespace)
	for _, part := range itemNames(f.stable) {
		hide(part)
	}
	// Of names that begin alike the longest.
	slices.SortFunc(pairs, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	pairs = slices.Compact(pairs)
	oldnew := make([]string, 0, 4*len(pairs))
	for _, name := range pairs {
		oldnew = append(oldnew, strconv.Quote(name), "*")
	}
	for _, name := range pairs {
		oldnew = append(oldnew, " "+name, " *")
	}
	return strings.NewReplacer(oldnew...).Replace(f.Message)
}

// itemNames are the names of list items in a stable path.
func itemNames(stable string) []string {
	var names []string
	for {
		_, rest, ok := strings.Cut(stable, "[")
		if !ok {
			return names
		}
		name, after, _ := strings.Cut(rest, "]")
		names, stable = append(names, name), after
	}
}

// shape is a stable path without the names of list items.
func shape(stable string) string {
	for _, name := range itemNames(stable) {
		if name != "" {
			stable = strings.Replace(stable, "["+name+"]", "[]", 1)
		}
	}
	return stable
}

// cause is what the finding folds by. Where its place is exact, that is the line
// and the field, whatever the objects are called that it stands for. One line may
// be near to many causes: those of one kind are the same where no unit has two of
// them.
func (f *Finding) cause(many map[cause]bool) cause {
	c := cause{rule: f.Rule, file: f.Origin.File, line: f.Origin.Line, column: f.Origin.Column}
	switch {
	case f.Object.Kind == "":
		c.fault = f.Message
	case f.Origin.Exact:
		c.fault = shape(f.stable)
	default:
		c.fault = f.fault()
		if many[c] || c.line == 0 {
			c.fault += "\x00" + f.Object.Name
		}
	}
	return c
}

// crowds are the causes, by places that are only near, that one unit shows in
// several objects.
func crowds(findings []Finding) map[cause]bool {
	type in struct {
		cause
		unit string
	}
	first := map[in]string{}
	many := map[cause]bool{}
	for i := range findings {
		f := &findings[i]
		if f.Origin.Exact || f.Object.Kind == "" {
			continue
		}
		c := f.cause(nil)
		at := in{c, strings.Join(f.Units, "\x00")}
		if name, ok := first[at]; ok && name != f.Object.Name {
			many[c] = true
		}
		first[at] = f.Object.Name
	}
	return many
}

// Fold joins the findings that have one cause: the same rule at the same
// written line, seen through several units or objects. It is suppressed only if
// all of them are. The result is sorted and has its fingerprints set; the order
// of the input does not matter.
func Fold(findings []Finding) []Finding {
	Settle(findings)
	slices.SortFunc(findings, compare)
	many := crowds(findings)
	at := map[cause]int{}
	// What is near a place where another unit shows the same fault to be written
	// is written there, too.
	exact := map[cause]int{}
	folded := findings[:0:0]
	for _, f := range findings {
		c := f.cause(many)
		known := cause{c.rule, c.file, c.line, c.column, f.fault()}
		i, ok := at[c]
		if !ok && !f.Origin.Exact {
			i, ok = exact[known]
		}
		if !ok {
			i = len(folded)
			at[c] = i
			f.Units = slices.Clone(f.Units)
			f.Sights = f.sights()
			folded = append(folded, f)
		} else {
			folded[i].take(f)
		}
		if f.Origin.Exact {
			exact[known] = i
		}
	}
	for i := range folded {
		f := &folded[i]
		slices.Sort(f.Units)
		f.Units = slices.Compact(f.Units)
		f.Sights = joinSights(f.Sights)
	}
	fingerprint(folded)
	slices.SortStableFunc(folded, compare)
	return folded
}

func (f *Finding) sights() []Sight {
	switch {
	case len(f.Sights) > 0:
		return slices.Clone(f.Sights)
	case f.Object.Kind == "":
		return nil
	}
	return []Sight{{f.Object, f.Path, f.Units, f.Key()}}
}

// take adds a finding of the same cause.
func (f *Finding) take(g Finding) {
	units, sights := append(f.Units, g.Units...), append(f.Sights, g.sights()...)
	switch {
	case f.Suppressed != nil && g.Suppressed == nil:
		// What excuses one object does not excuse the others: the finding is
		// about one that nothing excuses.
		*f = g
	case f.Suppressed == nil && g.Suppressed != nil:
	default:
		f.Severity = max(f.Severity, g.Severity)
	}
	f.Units, f.Sights = units, sights
}

// joinSights sorts sights, and makes one of those that differ in their units.
func joinSights(all []Sight) []Sight {
	slices.SortStableFunc(all, func(a, b Sight) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.Path, b.Path)) })
	joined := all[:0:0]
	for _, s := range all {
		if n := len(joined) - 1; n >= 0 && joined[n].key == s.key && joined[n].Path == s.Path {
			joined[n].Units = append(slices.Clip(joined[n].Units), s.Units...)
			continue
		}
		joined = append(joined, s)
	}
	for i := range joined {
		units := slices.Sorted(slices.Values(joined[i].Units))
		joined[i].Units = slices.Compact(units)
	}
	return joined
}

// fingerprint sets the fingerprints of folded findings.
func fingerprint(folded []Finding) {
	occurrence := map[string]int{}
	for i := range folded {
		f := &folded[i]
		id := f.identity()
		n := occurrence[id]
		occurrence[id]++
		sum := sha256.Sum256([]byte(id + "\x00" + strconv.Itoa(n)))
		f.Fingerprint = hex.EncodeToString(sum[:16])
	}
}

// identity is what stays of a finding from one commit to the next, and does not
// depend on how many units and objects it is seen in.
func (f *Finding) identity() string {
	if f.Object.Kind == "" {
		return f.Key()
	}
	id := []string{f.Rule, f.Origin.File, f.crumbs, shape(f.stable)}
	if !f.Origin.Exact || f.crumbs == "" {
		// Near one place there may be many.
		least := f.Object
		for _, s := range f.Sights {
			least = lesser(least, s.Object)
		}
		id = append(id, least.Kind, least.Name, f.stable)
	}
	return strings.Join(id, "\x00")
}

// lesser is the object with the shorter name: overlays put something before or
// behind it.
func lesser(a, b Ref) Ref {
	if cmp.Or(cmp.Compare(len(b.Name), len(a.Name)), cmp.Compare(b.Name, a.Name), cmp.Compare(b.Kind, a.Kind)) < 0 {
		return b
	}
	return a
}
