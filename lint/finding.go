package lint

import (
	"cmp"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/util/validation/field"
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
	// Object is zero for a finding about a file. Of several objects with one
	// cause it is the first that nothing excuses.
	Object Ref
	// Path is the field in the rendered object.
	Path string
	// Origin is where the cause is written. It is known once the finding is
	// settled.
	Origin manifest.Origin
	// Units are the paths of the units that the finding is seen through,
	// sorted. Empty for an object that no unit deploys.
	Units []string
	// Sights are all that the finding was seen in, sorted; nil before Fold and
	// for a finding about a file.
	Sights []Sight
	// Fingerprint identifies the finding across commits: a digest of the rule and
	// of what stands around the place, never of a line's number or a value. More
	// objects or units with the same cause do not change it.
	Fingerprint string
	State       State
	Suppressed  *Suppression
	// Mild says that the rule itself reported the case as less severe than others:
	// it stays so whatever it supersedes.
	Mild bool

	stable  string           // Path without list indexes
	object  *manifest.Object // what it was reported on; nil for a problem
	field   *field.Path      // the field that is to be settled
	settled bool
	own     int    // how many steps of Origin.Via are the field's own; the rest are its unit's
	crumbs  string // the keys that stand around the place
	inside  Inside // the part of the field's text that it is about
	whole   string // stable without that part
}

// Sight is a field of an object in which a finding is seen.
type Sight struct {
	Object Ref
	Path   string
	// Units are the units that give the object, sorted.
	Units []string

	key string
}

// Occurrence is a sight in one unit, as two trees are compared by it.
type Occurrence struct{ Key, Unit string }

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

// Occurrences are all that the finding stands for, sorted.
func (f *Finding) Occurrences() []Occurrence {
	var all []Occurrence
	add := func(key string, units []string) {
		if len(units) == 0 {
			all = append(all, Occurrence{Key: key})
		}
		for _, u := range units {
			all = append(all, Occurrence{key, u})
		}
	}
	if len(f.Sights) == 0 {
		add(f.Key(), f.Units)
	}
	for i := range f.Sights {
		s := &f.Sights[i]
		if s.key == "" {
			// Of a finding that was not made by a rule.
			one := Finding{Rule: f.Rule, Object: s.Object, stable: f.stable}
			s.key = one.Key()
		}
		add(s.key, s.Units)
	}
	slices.SortFunc(all, func(a, b Occurrence) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Unit, b.Unit)) })
	return slices.Compact(all)
}

// Keys are the keys of the finding in every unit that it is seen through,
// sorted.
func (f *Finding) Keys() []string {
	var keys []string
	for _, o := range f.Occurrences() {
		keys = append(keys, o.Key)
	}
	return slices.Compact(keys)
}

// Objects are the objects that the finding is about, each once, Object first.
func (f *Finding) Objects() []Ref {
	if f.Object.Kind == "" {
		return nil
	}
	objects := []Ref{f.Object}
	seen := map[Ref]bool{f.Object: true}
	for _, s := range f.Sights {
		if !seen[s.Object] {
			seen[s.Object] = true
			objects = append(objects, s.Object)
		}
	}
	return objects
}

// More is how many objects besides Object one unit shows the finding in, at
// most. What several units make of one written object does not count.
func (f *Finding) More() int {
	if len(f.Sights) < 2 {
		return 0
	}
	type in struct {
		unit   string
		object Ref
	}
	seen, most := map[in]bool{}, 1
	count := map[string]int{}
	for _, s := range f.Sights {
		units := s.Units
		if len(units) == 0 {
			units = []string{""}
		}
		for _, u := range units {
			if at := (in{u, s.Object}); !seen[at] {
				seen[at] = true
				count[u]++
				most = max(most, count[u])
			}
		}
	}
	return most - 1
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
		falseFirst(!a.Origin.Exact, !b.Origin.Exact),
		cmp.Compare(a.Object.Kind, b.Object.Kind),
		cmp.Compare(a.Object.Namespace, b.Object.Namespace),
		cmp.Compare(a.Object.Name, b.Object.Name),
		cmp.Compare(a.Path, b.Path),
		cmp.Compare(a.Message, b.Message),
		slices.Compare(a.Units, b.Units),
		falseFirst(a.Suppressed != nil, b.Suppressed != nil),
		slices.CompareFunc(a.Origin.Via, b.Origin.Via, func(a, b manifest.Step) int {
			return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.What, b.What))
		}),
	)
}

func falseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
