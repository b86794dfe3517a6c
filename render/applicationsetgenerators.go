package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/store"
	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// generatorKinds are the kinds of generators, in the order in which those of one
// entry are taken.
var generatorKinds = []string{"list", "clusters", "git", "scmProvider", "clusterDecisionResource", "pullRequest", "matrix", "merge", "plugin"}

func combines(kind string) bool { return kind == "matrix" || kind == "merge" }

// maxNesting is how deep generators may stand in each other: a matrix or merge in
// a matrix or merge.
const maxNesting = 2

// transformed is what one generator gives: sets of parameters, and the template
// that they go into.
type transformed struct {
	params   []params
	template *yaml.Node
}

// transform makes the sets of parameters of an entry of generators. outer are
// the parameters of the generator before it in a matrix.
func (s *setBuild) transform(g val, template *yaml.Node, outer params, depth int) (results []transformed, failed error) {
	selector, err := newSelector(g.at("selector"))
	if err != nil {
		return nil, atNode(g.at("selector").n, err)
	}
	found := false
	for _, kind := range generatorKinds {
		written := g.at(kind)
		if !written.ok() || combines(kind) && depth == maxNesting {
			continue
		}
		found = true
		sets, err := s.generate(kind, written, outer, depth)
		if err != nil {
			failed = errors.Join(failed, atNode(written.n, err))
			continue
		}
		if s.made += len(sets); s.made > maxParams {
			return nil, tooMany("sets of parameters", maxParams)
		}
		sets = slices.DeleteFunc(sets, func(ps params) bool { return !selector.matches(ps) })
		results = append(results, transformed{sets, mergeTemplates(written.at("template").n, template)})
	}
	// An empty entry gives nothing: something else fills it in on the cluster.
	if !found && (len(g.n.Content) > 0 || depth > 0) {
		return nil, refusedf(g.n, "a generator is none of %s", strings.Join(generatorKinds, ", "))
	}
	return results, failed
}

// generate makes the sets of parameters of one generator.
func (s *setBuild) generate(kind string, g val, outer params, depth int) ([]params, error) {
	if g.n.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("the %s generator is no mapping", kind)
	}
	if !outer.empty() {
		body, err := s.interpolate(kind, g.n, outer)
		if err != nil {
			return nil, err
		}
		g = val{body}
	}
	var sets []params
	var err error
	switch kind {
	case "list":
		sets, err = s.list(g)
	case "clusters":
		sets, err = s.clusterSets(g)
	case "git":
		sets, err = s.git(g)
	case "matrix":
		sets, err = s.matrix(g, params{open: outer.open}, depth+1)
	case "merge":
		sets, err = s.merge(g, params{open: outer.open}, depth+1)
	default:
		s.unexpanded(kind, g, store.Request{})
		sets = []params{{open: true}}
	}
	if err != nil {
		return nil, err
	}
	for i := range sets {
		sets[i].open = sets[i].open || outer.open
		if kind != "list" && !combines(kind) && sets[i].known["clusters"] == nil {
			if err := s.addValues(g, &sets[i]); err != nil {
				return nil, err
			}
		}
	}
	return sets, nil
}

// interpolate replaces parameters in a generator. Its values may name those that
// it makes itself, too: what is missing stays.
func (s *setBuild) interpolate(kind string, body *yaml.Node, outer params) (*yaml.Node, error) {
	c := mapping(body)
	for i := 0; i+1 < len(body.Content); i += 2 {
		key, value := body.Content[i], body.Content[i+1]
		var err error
		switch {
		case key.Value == "template", key.Value == "selector" && combines(kind):
		case key.Value == "values" && kind != "list" && value.Kind == yaml.MappingNode:
			value, err = s.preset(value, outer)
		case key.Value == "generators" && combines(kind) && value.Kind == yaml.SequenceNode:
			value, err = s.interpolateAll(value, outer)
		default:
			value, err = s.templates.render(value, outer)
		}
		if err != nil {
			return nil, err
		}
		c.Content = append(c.Content, key, value)
	}
	return c, nil
}

func (s *setBuild) interpolateAll(list *yaml.Node, outer params) (*yaml.Node, error) {
	c := *list
	c.Content = nil
	for _, g := range list.Content {
		entry := mapping(g)
		for i := 0; g.Kind == yaml.MappingNode && i+1 < len(g.Content); i += 2 {
			key, value := g.Content[i], g.Content[i+1]
			if value.Kind == yaml.MappingNode && key.Value != "selector" {
				var err error
				if value, err = s.interpolate(key.Value, value, outer); err != nil {
					return nil, err
				}
			}
			entry.Content = append(entry.Content, key, value)
		}
		c.Content = append(c.Content, entry)
	}
	return &c, nil
}

// preset replaces in values the parameters that are known already.
func (s *setBuild) preset(values *yaml.Node, outer params) (*yaml.Node, error) {
	c := clone(values)
	for i := 1; i < len(c.Content); i += 2 {
		text, err := s.templates.replace(c.Content[i].Value, params{known: outer.known}, true)
		switch {
		case err == nil:
			c.Content[i].Value = text
		case !missingKey(err):
			return nil, err
		}
	}
	return c, nil
}

func missingKey(err error) bool {
	return strings.Contains(err.Error(), "map has no entry for key") || strings.Contains(err.Error(), "can't evaluate field")
}

// addValues adds the values of a generator to a set of its parameters. They see
// those, and not each other.
func (s *setBuild) addValues(g val, ps *params) error {
	written := g.at("values").pairs()
	if len(written) == 0 {
		return nil
	}
	values := make(map[string]string, len(written))
	for _, key := range sortedKeys(written) {
		text, err := s.templates.replace(written[key], *ps, false)
		if err != nil {
			return atNode(g.at("values", key).n, err)
		}
		if err := s.templates.spend(len(text)); err != nil {
			return err
		}
		values[key] = text
	}
	if ps.known = maps.Clone(ps.known); ps.known == nil {
		ps.known = map[string]any{}
	}
	if s.templates.goTemplate {
		ps.known["values"] = values
		return nil
	}
	for key, text := range values {
		ps.known["values."+key] = text
	}
	return nil
}

// maxNotes is how many generators that were not expanded are reported.
const maxNotes = 50

// unexpanded reports a generator for which one set of placeholders stands.
func (s *setBuild) unexpanded(kind string, g val, needs store.Request) {
	problem := Problem{Class: "not-fetched", Minor: true, Needs: needs, At: s.span(g.n)}
	why, fix := "it needs a live system", "What it would make can't be checked here."
	switch {
	case kind == "clusters":
		why, fix = "no cluster is known", "Declare the clusters under `gitops.clusters` in .scantling.yaml."
	case kind == "git":
		why, fix = oneLine(needs.String())+" is not in this repository", fetchFix
	}
	problem.Message = oneLine(fmt.Sprintf("ApplicationSet %s: the %s generator was not expanded, one Application with placeholders stands for all: %s", s.name, kind, why))
	problem.Fix = fix
	if len(s.p.problems) < maxNotes && !slices.Contains(s.p.problems, problem) {
		s.p.miss(problem)
	}
}

// list are the elements of a list generator.
func (s *setBuild) list(g val) ([]params, error) {
	var sets []params
	for _, n := range items(g.at("elements").n) {
		element, ok := plainValue(n).(map[string]any)
		if !ok {
			return nil, refusedf(n, "an element of the list generator is no mapping")
		}
		if !s.templates.goTemplate {
			var err error
			if element, err = flatElement(element); err != nil {
				return nil, atNode(n, err)
			}
		}
		sets = append(sets, params{known: element})
	}
	text := g.at("elementsYaml").str()
	if manifest.Unknown(text) {
		return append(sets, params{open: true}), nil
	}
	var elements []map[string]any
	if err := unmarshal(s.tree.limits, []byte(text), &elements); err != nil {
		return nil, refusedf(g.at("elementsYaml").n, "elementsYaml is no list of mappings: %w", err)
	}
	for _, element := range elements {
		sets = append(sets, params{known: element})
	}
	return sets, nil
}

// flatElement is an element as the older templates see it.
func flatElement(element map[string]any) (map[string]any, error) {
	flat := map[string]any{}
	for _, key := range sortedKeys(element) {
		entries, prefix := map[string]any{key: element[key]}, ""
		if key == "values" {
			values, ok := element[key].(map[string]any)
			if !ok {
				return nil, errors.New("values of an element is no mapping")
			}
			entries, prefix = values, "values."
		}
		for name, v := range entries {
			if _, ok := v.(string); !ok {
				return nil, fmt.Errorf("%s of an element is no text: without goTemplate, parameters are texts", prefix+name)
			}
			flat[prefix+name] = v
		}
	}
	return flat, nil
}

// unknownNode says that a node holds a placeholder.
func unknownNode(n *yaml.Node) bool {
	return n != nil && (manifest.Unknown(n.Value) || slices.ContainsFunc(n.Content, unknownNode))
}

// plainValue is a node as encoding/json would give it.
func plainValue(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if truth, ok := oldBool(n.Content[i]); ok {
				key = strconv.FormatBool(truth)
			}
			m[key] = plainValue(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, c := range n.Content {
			list[i] = plainValue(c)
		}
		return list
	}
	if truth, ok := oldBool(n); ok {
		return truth
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		// JSON has no other numbers, and none without bounds.
		if i, err := strconv.ParseInt(strings.ReplaceAll(n.Value, "_", ""), 0, 64); err == nil {
			return float64(i)
		}
		var f float64
		if n.Decode(&f) == nil && f-f == 0 {
			return f
		}
	}
	return n.Value
}

// oldBool reads what was a boolean in YAML 1.1 and is one to Kubernetes.
func oldBool(n *yaml.Node) (truth, ok bool) {
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle | yaml.TaggedStyle
	if n.Kind != yaml.ScalarNode || n.Style&quoted != 0 || n.ShortTag() != "!!str" {
		return false, false
	}
	switch n.Value {
	case "yes", "Yes", "YES", "on", "On", "ON", "y", "Y":
		return true, true
	case "no", "No", "NO", "off", "Off", "OFF", "n", "N":
		return false, true
	}
	return false, false
}

// decodeSelector reads a label selector.
func decodeSelector(v val, into *metav1.LabelSelector) error {
	if !v.ok() {
		return nil
	}
	text, err := json.Marshal(plainValue(v.n))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
