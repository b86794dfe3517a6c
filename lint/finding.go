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

// Ref names an object in a finding.
type Ref struct {
	APIVersion, Kind, Namespace, Name string
}

// String is "Deployment shop/web".
func (r Ref) String() string {
	if r.Kind == "" {
		return ""
	}
	if r.Namespace != "" {
		return r.Kind + " " + r.Namespace + "/" + r.Name
	}
	return r.Kind + " " + r.Name
}

// State is how a finding stands to the base tree.
type State string

// The states of a finding in a comparison with a base; empty without one.
const (
	New       State = "new"
	Unchanged State = "unchanged"
	Fixed     State = "fixed"
)

// Suppression is why a finding does not count.
type Suppression struct {
	// Kind is "comment" or "annotation".
	Kind   string
	Reason string
	// Place is where the suppression is written.
	Place manifest.Span
}

// Finding is a rule broken at one origin, in one or more units.
type Finding struct {
	Rule     string
	Severity Severity
	// Message says what is wrong, never a secret value.
	Message string
	// Fix is the rule's remedy, or the problem's own.
	Fix string
	// Object is zero for a finding about a file.
	Object Ref
	// Path is the field in the rendered object.
	Path   string
	Origin manifest.Origin
	// Units are the paths of the units that the finding is seen through,
	// sorted. Empty for an object that no unit deploys.
	Units []string
	// Fingerprint identifies the finding across commits: a digest of rule,
	// object and field path, never of a line or a value.
	Fingerprint string
	State       State
	Suppressed  *Suppression

	stable string           // Path without list indexes
	object *manifest.Object // what it was reported on; nil for a problem
	keys   []string         // Key of every finding folded into this one
}

// Key is what the finding is matched by between two trees, before occurrences
// with the same key are told apart.
func (f *Finding) Key() string {
	group, _, grouped := strings.Cut(f.Object.APIVersion, "/")
	if !grouped {
		group = ""
	}
	file := ""
	if f.Object.Kind == "" {
		file = f.Origin.File
	}
	return f.Rule + "\x00" + group + "\x00" + f.Object.Kind + "\x00" + f.Object.Namespace + "\x00" + f.Object.Name + "\x00" + f.stable + "\x00" + file
}

// Keys are the keys of the finding in every unit that it is seen through.
func (f *Finding) Keys() []string {
	if len(f.keys) == 0 {
		return []string{f.Key()}
	}
	return f.keys
}

// Fold joins the findings that have one cause: the same rule at the same
// written line, seen through several units or objects. It is suppressed only if
// all of them are. The result is sorted and has its fingerprints set; the order
// of the input does not matter.
func Fold(findings []Finding) []Finding {
	slices.SortFunc(findings, compare)
	type cause struct {
		rule, file   string
		line, column int
		path         string
	}
	at := map[cause]int{}
	folded := findings[:0:0]
	for _, f := range findings {
		c := cause{rule: f.Rule, file: f.Origin.File, line: f.Origin.Line, column: f.Origin.Column}
		// Several fields may be missing at one place; and one template line
		// may stand for many objects as long as it is only near.
		c.path = f.stable
		if f.Object.Kind == "" {
			c.path = f.Message
		}
		i, ok := at[c]
		if !f.Origin.Exact && !(ok && folded[i].Origin.Exact) {
			// A place that is only near may stand for several causes, unless
			// another unit shows the same fault to be written there.
			c.path += "\x00" + f.Object.Kind + "\x00" + f.Object.Name
			i, ok = at[c]
		}
		if !ok {
			at[c] = len(folded)
			f.keys = slices.Clone(f.Keys())
			f.Units = slices.Clone(f.Units)
			folded = append(folded, f)
			continue
		}
		first := &folded[i]
		units, keys := append(first.Units, f.Units...), append(first.keys, f.Keys()...)
		switch {
		case first.Suppressed != nil && f.Suppressed == nil:
			// What excuses one object does not excuse the others: the
			// finding is about one that nothing excuses.
			*first = f
		case first.Suppressed == nil && f.Suppressed != nil:
		default:
			first.Severity = max(first.Severity, f.Severity)
		}
		first.Units, first.keys = units, keys
	}
	occurrence := map[string]int{}
	for i := range folded {
		f := &folded[i]
		slices.Sort(f.Units)
		f.Units = slices.Compact(f.Units)
		slices.Sort(f.keys)
		f.keys = slices.Compact(f.keys)
		key := f.keys[0]
		n := occurrence[key]
		occurrence[key]++
		sum := sha256.Sum256([]byte(key + "\x00" + strconv.Itoa(n)))
		f.Fingerprint = hex.EncodeToString(sum[:16])
	}
	slices.SortStableFunc(folded, compare)
	return folded
}

// compare orders findings for people: by place, then by what makes them differ,
// so that two runs print the same bytes.
func compare(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(a.Origin.File, b.Origin.File),
		cmp.Compare(a.Origin.Line, b.Origin.Line),
		cmp.Compare(a.Origin.Column, b.Origin.Column),
		cmp.Compare(b.Severity, a.Severity),
		cmp.Compare(a.Rule, b.Rule),
		exactFirst(a, b),
		cmp.Compare(a.Object.Kind, b.Object.Kind),
		cmp.Compare(a.Object.Namespace, b.Object.Namespace),
		cmp.Compare(a.Object.Name, b.Object.Name),
		cmp.Compare(a.Path, b.Path),
		cmp.Compare(a.Message, b.Message),
		slices.Compare(a.Units, b.Units),
	)
}

// exactFirst lets Fold meet what is exactly at a place before what is near it.
func exactFirst(a, b Finding) int {
	switch {
	case a.Origin.Exact == b.Origin.Exact:
		return 0
	case a.Origin.Exact:
		return -1
	}
	return 1
}
