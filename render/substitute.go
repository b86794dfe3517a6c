package render

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/fluxcd/pkg/envsubst"
	"github.com/fluxcd/pkg/envsubst/parse"
	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/resource"
	sigsyaml "sigs.k8s.io/yaml"
)

const (
	// substituteKey is the label or annotation that, being "disabled", keeps an
	// object as it is.
	substituteKey = "kustomize.toolkit.fluxcd.io/substitute"
	substituteFix = "Correct the expression, write $${…} for a literal ${…}, or annotate the object with " + substituteKey + ": disabled."
)

var (
	fluxVariable = lazyRegexp(`^[_[:alpha:]][_[:alpha:][:digit:]]*$`)
	expression   = lazyRegexp(`\$\{#?([_[:alpha:]][_[:alpha:][:digit:]]*)?`)
)

// substitution replaces the variables of a Flux Kustomization's postBuild in
// objects.
type substitution struct {
	vars map[string]string
	// unknown says that there are others whose values are not known.
	unknown bool
	limits  limits.Limits
}

var errOutgrown = errors.New("the result is too large")

// substitute replaces the variables in all objects. An object in which that
// fails, which fails the whole in Flux, is reported and left as it is.
func (f *kustomizeFS) substitute(objects []*resource.Resource, flux *fluxBuild) {
	s := substitution{vars: map[string]string{}, unknown: flux.unknown, limits: f.limits}
	for _, name := range sortedKeys(flux.vars) {
		if !fluxVariable().MatchString(name) {
			f.problem(Problem{Class: "render-failed", Message: fmt.Sprintf("Flux builds nothing, since the variable %q of postBuild has no valid name: no variable was replaced", oneLine(name)),
				Fix: "Name it with letters, digits and underscores, and no digit at the beginning.", At: flux.at})
			return
		}
		s.vars[name] = strings.ReplaceAll(flux.vars[name], "\n", "")
	}
	origins := newKustomizeOrigins(f.tree, f.pads)
	changed := false
	for _, object := range objects {
		if !holdsExpression(object.YNode()) || object.GetLabels()[substituteKey] == "disabled" || object.GetAnnotations()[substituteKey] == "disabled" {
			continue
		}
		was := object.YNode()
		if err := s.object(object); err != nil {
			f.problem(s.problem(object, err, origins, flux.at))
			continue
		}
		changed = true
		// The lines that the nodes have are those of the text.
		unplace(object.YNode())
		s.keepPlaces(object.YNode(), was)
	}
	if changed {
		f.sameNames(objects, flux.at)
	}
}

// sameNames reports objects that have the same identity when their variables are
// replaced: Flux refuses them.
func (f *kustomizeFS) sameNames(objects []*resource.Resource, at manifest.Span) {
	seen := map[string]bool{}
	for _, object := range objects {
		id := object.CurId().String()
		if seen[id] {
			f.problem(Problem{Class: "render-failed", Message: "Flux builds nothing, since two objects are " + objectText(object) + " when variables are replaced", At: at})
		}
		seen[id] = true
	}
}

// holdsExpression says that there is something for envsubst to do.
func holdsExpression(n *yaml.Node) bool {
	return strings.Contains(n.Value, "$") || slices.ContainsFunc(n.Content, holdsExpression)
}

// object replaces the variables in one object as Flux does: in its text, which is
// then read again, so that a string may become a number.
func (s substitution) object(object *resource.Resource) (err error) {
	defer func() {
		if recover() != nil {
			// envsubst panics on offsets that overflow.
			err = errors.New("the expression can't be evaluated")
		}
	}()
	text, err := object.AsYAML()
	if err != nil {
		return errors.New("it can't be written as YAML")
	}
	replaced, err := s.text(string(text))
	if err != nil {
		return err
	}
	data, refused := s.limits.YAML.Check([]byte(replaced))
	if refused != nil {
		return fmt.Errorf("%w: %s", errOutgrown, refused.Message)
	}
	// The errors of both quote the text.
	asJSON, err := sigsyaml.YAMLToJSON(data)
	if err != nil {
		return errors.New("with the variables replaced it is no YAML")
	}
	if err := object.UnmarshalJSON(asJSON); err != nil {
		return errors.New("with the variables replaced it is no object")
	}
	return nil
}

// text replaces the variables in a text.
func (s substitution) text(text string) (string, error) {
	lookup := s.lookup()
	if s.unknown {
		tree, err := parse.Parse(text)
		if err != nil {
			return "", err
		}
		lookup = s.lookupUnknown(mandatory(nil, tree.Root))
	}
	left := s.limits.RenderedSize
	replaced, err := envsubst.Eval(text, func(name string) (string, bool) {
		value := lookup(name)
		if left -= int64(len(value)); left < 0 {
			return "", true
		}
		return value, true
	})
	if left < 0 {
		return "", errOutgrown
	}
	return replaced, err
}

func (s substitution) lookup() func(name string) string {
	return func(name string) string { return s.vars[name] }
}

// lookupUnknown gives a placeholder for a variable that has neither a value nor
// a default. uses says of each use, in the order in which they are evaluated,
// whether it has none.
func (s substitution) lookupUnknown(uses []bool) func(name string) string {
	return func(name string) string {
		var bare bool
		if len(uses) > 0 {
			bare, uses = uses[0], uses[1:]
		}
		value, ok := s.vars[name]
		if !ok && bare {
			return placeholder(name)
		}
		return value
	}
}

// mandatory says of each variable that an expression uses, in the order of
// evaluation, whether it has no default there.
func mandatory(uses []bool, n parse.Node) []bool {
	switch n := n.(type) {
	case *parse.ListNode:
		for _, c := range n.Nodes {
			uses = mandatory(uses, c)
		}
	case *parse.FuncNode:
		for _, arg := range n.Args {
			uses = mandatory(uses, arg)
		}
		uses = append(uses, !slices.Contains([]string{"-", "+", "=", "?", ":-", ":+", ":=", ":?"}, n.Name))
	}
	return uses
}

// problem says what is wrong with an object's expressions, at the first that is.
func (s substitution) problem(object *resource.Resource, err error, origins *kustomizeOrigins, at manifest.Span) Problem {
	p := Problem{Class: "render-failed", Fix: substituteFix, At: at,
		Message: "Flux builds nothing, since it can't replace the variables in " + objectText(object) + ": " + err.Error()}
	if errors.Is(err, errOutgrown) {
		p.Class, p.Fix = "limit-size", limits.Raise("rendered-size")
	}
	if at, ok := origins.locate(manifest.Query{Node: object.YNode()}); ok {
		p.At = at.Span
	}
	var wrong *yaml.Node
	walkScalars(object.YNode(), func(n *yaml.Node) {
		if _, err := envsubst.Parse(n.Value); wrong == nil && err != nil {
			wrong = n
		}
	})
	if wrong == nil {
		return p
	}
	if at, ok := origins.locate(manifest.Query{Node: wrong}); ok {
		p.At = at.Span
	}
	if name := wrongVariable(wrong.Value, expression()); name != "" {
		p.Message += " (variable " + name + ")"
	}
	return p
}

// wrongVariable is the variable whose expression can't be parsed: the last whose
// text, with all that follows, can't be.
func wrongVariable(text string, expression *regexp.Regexp) string {
	name := ""
	for _, m := range expression.FindAllStringSubmatchIndex(text, -1) {
		if _, err := envsubst.Parse(text[m[0]:]); err == nil {
			break
		}
		if name = ""; m[2] >= 0 {
			name = text[m[2]:m[3]]
		}
	}
	return name
}

func objectText(object *resource.Resource) string {
	name := object.GetName()
	if ns := object.GetNamespace(); ns != "" {
		name = ns + "/" + name
	}
	return oneLine(object.GetKind() + " " + name)
}

// keepPlaces gives the nodes of a tree the lines of those that they were made of.
func (s substitution) keepPlaces(now, was *yaml.Node) {
	now.Line, now.Column = was.Line, was.Column
	if now.Kind != was.Kind {
		for _, c := range now.Content {
			s.keepPlaces(c, was)
		}
		return
	}
	switch now.Kind {
	case yaml.SequenceNode:
		for i := range min(len(now.Content), len(was.Content)) {
			s.keepPlaces(now.Content[i], was.Content[i])
		}
	case yaml.MappingNode:
		before := map[string]int{}
		for i := 0; i+1 < len(was.Content); i += 2 {
			key := was.Content[i].Value
			if strings.Contains(key, "$") {
				if replaced, err := s.text(key); err == nil {
					key = replaced
				}
			}
			before[key] = i
		}
		for i := 0; i+1 < len(now.Content); i += 2 {
			if at, ok := before[now.Content[i].Value]; ok {
				s.keepPlaces(now.Content[i], was.Content[at])
				s.keepPlaces(now.Content[i+1], was.Content[at+1])
			}
		}
	}
}

// setMetadata sets entries of an object's labels or annotations.
func setMetadata(object *yaml.Node, field string, entries map[string]string) {
	meta := manifest.Get(object, "metadata")
	if len(entries) == 0 || meta == nil || meta.Kind != yaml.MappingNode {
		return
	}
	into := manifest.Get(meta, field)
	if into == nil || into.Kind != yaml.MappingNode {
		into = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		put(meta, field, into)
	}
	for _, key := range sortedKeys(entries) {
		put(into, key, stringNode(entries[key]))
	}
}
