package render

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubevalidation "k8s.io/apimachinery/pkg/util/validation"
)

// selector chooses among sets of parameters. Its values, other than those of a
// Kubernetes selector, may be any text.
type selector struct {
	requirements []metav1.LabelSelectorRequirement
}

func newSelector(v val) (selector, error) {
	var written metav1.LabelSelector
	if err := decodeSelector(v, &written); err != nil {
		return selector{}, fmt.Errorf("a generator's selector: %w", err)
	}
	requirements := written.MatchExpressions
	for _, key := range sortedKeys(written.MatchLabels) {
		requirements = append(requirements, metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpIn, Values: []string{written.MatchLabels[key]}})
	}
	for _, r := range requirements {
		if wrong := kubevalidation.IsQualifiedName(r.Key); len(wrong) > 0 {
			return selector{}, fmt.Errorf("a generator's selector: the key %q can't be one: %s", r.Key, strings.Join(wrong, "; "))
		}
		many := len(r.Values) > 0
		switch r.Operator {
		case metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn:
			if !many {
				return selector{}, fmt.Errorf("a generator's selector: %s of %s needs values", r.Operator, r.Key)
			}
		case metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist:
			if many {
				return selector{}, fmt.Errorf("a generator's selector: %s of %s takes no values", r.Operator, r.Key)
			}
		default:
			return selector{}, fmt.Errorf("a generator's selector: %q is no operator", r.Operator)
		}
	}
	return selector{requirements}, nil
}

// matches says that a set of parameters is selected, or may be.
func (s selector) matches(ps params) bool {
	if len(s.requirements) == 0 {
		return true
	}
	flat := map[string]any{}
	flatten(flat, "", ps.known)
	for _, r := range s.requirements {
		v, has := flat[r.Key]
		if !has && ps.open {
			continue
		}
		text := fmt.Sprint(v)
		var ok bool
		switch r.Operator {
		case metav1.LabelSelectorOpIn:
			ok = has && slices.Contains(r.Values, text)
		case metav1.LabelSelectorOpNotIn:
			ok = !has || !slices.Contains(r.Values, text)
		case metav1.LabelSelectorOpExists:
			ok = has
		case metav1.LabelSelectorOpDoesNotExist:
			ok = !has
		}
		if !ok {
			return false
		}
	}
	return true
}

// flatten puts the values below v under their paths, joined by dots.
func flatten(into map[string]any, name string, v any) {
	below := func(key string, v any) {
		if name != "" {
			key = name + "." + key
		}
		flatten(into, key, v)
	}
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			below(key, value)
		}
	case map[string]string:
		for key, value := range v {
			below(key, value)
		}
	case []any:
		for i, value := range v {
			below(strconv.Itoa(i), value)
		}
	default:
		into[name] = v
	}
}
