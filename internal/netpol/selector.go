package netpol

import (
	"maps"
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Truth is what can be said without the cluster: a label that a controller adds
// later, or whose value is filled in later, may match or not.
type Truth int8

// The truths, such that the lesser of two is their conjunction and the greater
// their disjunction.
const (
	No Truth = iota
	Maybe
	Yes
)

func truth(b bool) Truth {
	if b {
		return Yes
	}
	return No
}

// labels gives the value of a label, and whether there is such a label.
type labels func(key string) (value string, has Truth)

// selector takes objects by their labels, in whatever language it was written.
type selector interface {
	eval(labels) Truth
	// must is a label that all objects have that the selector may take, and the
	// values that it may have; ok is false when it asks for no such label.
	must() (key string, values []string, ok bool)
}

type (
	constant Truth
	// isIn is true of a label that has one of the values; hasKey of a label
	// that is there; like of one whose value has a part.
	isIn struct {
		key    string
		values []string
	}
	hasKey struct{ key string }
	like   struct {
		key, part string
		in        func(value, part string) bool
	}
	not   struct{ of selector }
	allOf []selector
	anyOf []selector
)

func (c constant) eval(labels) Truth { return Truth(c) }

func (s isIn) eval(l labels) Truth {
	value, has := l(s.key)
	switch {
	case has != Yes:
		return has
	case slices.Contains(s.values, value):
		return Yes
	case unknown(value) && len(s.values) > 0 || slices.ContainsFunc(s.values, unknown):
		return Maybe
	}
	return No
}

func (s hasKey) eval(l labels) Truth {
	_, has := l(s.key)
	return has
}

func (s like) eval(l labels) Truth {
	value, has := l(s.key)
	switch {
	case has != Yes:
		return has
	case unknown(value) || unknown(s.part):
		return Maybe
	}
	return truth(s.in(value, s.part))
}

func (s not) eval(l labels) Truth { return Yes - s.of.eval(l) }

func (s allOf) eval(l labels) Truth {
	t := Yes
	for _, part := range s {
		t = min(t, part.eval(l))
	}
	return t
}

func (s anyOf) eval(l labels) Truth {
	t := No
	for _, part := range s {
		t = max(t, part.eval(l))
	}
	return t
}

func (constant) must() (string, []string, bool) { return "", nil, false }
func (hasKey) must() (string, []string, bool)   { return "", nil, false }
func (like) must() (string, []string, bool)     { return "", nil, false }
func (not) must() (string, []string, bool)      { return "", nil, false }
func (anyOf) must() (string, []string, bool)    { return "", nil, false }
func (s isIn) must() (string, []string, bool) {
	return s.key, s.values, !slices.ContainsFunc(s.values, unknown)
}

func (s allOf) must() (string, []string, bool) {
	for _, part := range s {
		if key, values, ok := part.must(); ok {
			return key, values, ok
		}
	}
	return "", nil, false
}

func unknown(text string) bool { return !manifest.Known(text) }

// everything says that the selector takes whatever there is, without a look at
// it.
func everything(s selector) bool { return s == constant(Yes) }

// ofLabels is a label selector of the Kubernetes API. The empty one takes
// everything. Of one that the API server refuses nothing is known.
func ofLabels(s *metav1.LabelSelector) selector {
	var parts allOf
	for _, key := range slices.Sorted(maps.Keys(s.MatchLabels)) {
		parts = append(parts, isIn{key, []string{s.MatchLabels[key]}})
	}
	for _, r := range s.MatchExpressions {
		switch r.Operator {
		case metav1.LabelSelectorOpIn:
			parts = append(parts, isIn{r.Key, r.Values})
		case metav1.LabelSelectorOpNotIn:
			parts = append(parts, not{isIn{r.Key, r.Values}})
		case metav1.LabelSelectorOpExists:
			parts = append(parts, hasKey{r.Key})
		case metav1.LabelSelectorOpDoesNotExist:
			parts = append(parts, not{hasKey{r.Key}})
		default:
			return constant(Maybe)
		}
	}
	if len(parts) == 0 {
		return constant(Yes)
	}
	return parts
}

// selectorAt is the label selector at a place in a custom resource; one that is
// not written takes everything.
func selectorAt(v manifest.Value) selector {
	var s metav1.LabelSelector
	v.Decode(&s)
	return ofLabels(&s)
}

// expressionAt is the selector at a place in a Calico object; one that is not
// written takes everything.
func expressionAt(v manifest.Value) selector {
	if !v.Known() {
		return constant(Maybe)
	}
	s, err := parseExpression(v.Text())
	if err != nil {
		return constant(Maybe)
	}
	return s
}

// and joins two selectors.
func and(a, b selector) selector {
	switch {
	case everything(a):
		return b
	case everything(b):
		return a
	}
	return allOf{a, b}
}

// eachLabel calls for the labels that a selector asks for by their values.
func eachLabel(s selector, call func(key string, values []string)) {
	switch s := s.(type) {
	case isIn:
		call(s.key, s.values)
	case not:
		eachLabel(s.of, call)
	case allOf:
		for _, part := range s {
			eachLabel(part, call)
		}
	case anyOf:
		for _, part := range s {
			eachLabel(part, call)
		}
	}
}
