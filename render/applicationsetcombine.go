package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"dario.cat/mergo"
	"github.com/scantling-dev/scantling/internal/manifest"
)

// matrix combines each set of the first generator with each that the second
// makes of it.
func (s *setBuild) matrix(g val, outer params, depth int) ([]params, error) {
	children := g.at("generators").items()
	if len(children) != 2 {
		return nil, fmt.Errorf("a matrix generator combines two generators, and it has %d", len(children))
	}
	first, err := s.child(children[0], outer, depth)
	if err != nil {
		return nil, err
	}
	var sets []params
	for _, a := range first {
		second, err := s.child(children[1], a, depth)
		if err != nil {
			return nil, err
		}
		for _, b := range second {
			both, err := s.combine(a, b)
			if err != nil {
				return nil, err
			}
			if sets = append(sets, both); len(sets) > maxParams {
				return nil, tooMany("sets of parameters", maxParams)
			}
		}
	}
	return sets, nil
}

// child are the sets of a generator in another.
func (s *setBuild) child(g val, outer params, depth int) ([]params, error) {
	results, err := s.transform(g, nil, outer, depth)
	if err != nil {
		return nil, err
	}
	if len(results) > 1 {
		return nil, refusedf(g.n, "a generator within another is of several kinds")
	}
	return results[0].params, nil
}

// combine joins the sets of the two generators of a matrix.
func (s *setBuild) combine(a, b params) (params, error) {
	both := params{known: map[string]any{}, open: a.open || b.open}
	if s.templates.goTemplate {
		return both, errors.Join(override(both.known, b.known), override(both.known, a.known))
	}
	for _, known := range []map[string]any{a.known, b.known} {
		for _, key := range sortedKeys(known) {
			text := fmt.Sprint(known[key])
			if old, ok := both.known[key]; ok && old != text {
				return both, fmt.Errorf("both generators of a matrix give the parameter %s, with different values", key)
			}
			both.known[key] = text
		}
	}
	return both, nil
}

// override merges parameters into others, with the library that Argo CD uses.
func override(into, from map[string]any) (err error) {
	defer func() {
		// It panics on mappings of different types.
		if recover() != nil {
			err = errors.New("parameters of the same name can't be merged: they are of different types")
		}
	}()
	return mergo.Merge(&into, deepCopy(from), mergo.WithOverride)
}

func deepCopy(v any) any {
	switch v := v.(type) {
	case map[string]any:
		c := make(map[string]any, len(v))
		for key, value := range v {
			c[key] = deepCopy(value)
		}
		return c
	case map[string]string:
		return maps.Clone(v)
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = deepCopy(v[i])
		}
		return c
	}
	return v
}

// merge lets the sets of the later generators override those of the first that
// are equal in the merge keys.
func (s *setBuild) merge(g val, outer params, depth int) ([]params, error) {
	children, keys := g.at("generators").items(), g.at("mergeKeys").strings()
	switch {
	case len(children) < 2:
		return nil, fmt.Errorf("a merge generator merges two generators or more, and it has %d", len(children))
	case len(keys) == 0:
		return nil, errors.New("a merge generator has no mergeKeys")
	}
	var base []params
	for i, child := range children {
		sets, err := s.child(child, outer, depth)
		if err != nil {
			return nil, err
		}
		byKey, loose, err := indexByKeys(keys, sets)
		if err != nil {
			return nil, atNode(child.n, err)
		}
		if i == 0 {
			base = sets
			continue
		}
		for j := range base {
			// It may be one that overrides this.
			base[j].open = base[j].open || loose
			key, ok := mergeKey(keys, base[j])
			over, found := byKey[key]
			if !ok || !found {
				continue
			}
			if base[j], err = s.overridden(base[j], over); err != nil {
				return nil, err
			}
		}
	}
	return base, nil
}

func (s *setBuild) overridden(base, over params) (params, error) {
	merged := params{known: deepCopy(base.known).(map[string]any), open: base.open || over.open}
	if s.templates.goTemplate {
		return merged, override(merged.known, over.known)
	}
	maps.Copy(merged.known, over.known)
	return merged, nil
}

// indexByKeys finds sets by their merge keys; loose says that there is one whose
// merge keys are not known.
func indexByKeys(keys []string, sets []params) (byKey map[string]params, loose bool, err error) {
	byKey = make(map[string]params, len(sets))
	for _, ps := range sets {
		key, ok := mergeKey(keys, ps)
		if !ok {
			loose = true
			continue
		}
		if _, twice := byKey[key]; twice {
			return nil, false, fmt.Errorf("a generator of a merge gives two sets of parameters that are equal in the mergeKeys %s", strings.Join(keys, ", "))
		}
		byKey[key] = ps
	}
	return byKey, loose, nil
}

// mergeKey is the values of the merge keys; false where one is not known.
func mergeKey(keys []string, ps params) (string, bool) {
	values := map[string]any{}
	for _, key := range keys {
		v, ok := ps.known[key]
		if text, isText := v.(string); !ok && ps.open || isText && manifest.Unknown(text) {
			return "", false
		}
		values[key] = v
	}
	text, err := json.Marshal(values)
	return string(text), err == nil
}
