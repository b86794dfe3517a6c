package render

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// An ApplicationSet is expanded as its controller does it: applicationset/ of
// Argo CD says what generators, templates and patches mean.

const (
	// maxApplications is the most Applications of one ApplicationSet.
	maxApplications = 10_000
	// maxParams is the most sets of parameters that its generators make on the
	// way there: a selector may leave out most.
	maxParams = 10 * maxApplications
)

// setBuild makes the Applications of one ApplicationSet.
type setBuild struct {
	p    *product
	tree *recorder
	set  *applicationSet
	name string

	// spec is the ApplicationSet's. If written is true, its nodes stand in the
	// file of set.at.
	spec    val
	written bool

	templates templates
	clusters  []cluster
	// made counts sets of parameters, names are those of the Applications.
	made  int
	names map[string]bool
	// listed are the folders that were listed.
	listed map[string][]fs.DirEntry
}

// setError is why a generator or a template gives nothing, and the node of the
// ApplicationSet that is to blame.
type setError struct {
	Problem
	node *yaml.Node
	// fatal says that it costs the whole ApplicationSet.
	fatal bool
}

func (e *setError) Error() string { return e.Message }

// refusedf is an error at a node, of the class of the one that it wraps.
func refusedf(n *yaml.Node, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	outer := setError{Problem: Problem{Class: "render-failed"}}
	var inner *setError
	if errors.As(err, &inner) {
		outer = *inner
	}
	outer.Message, outer.node = err.Error(), n
	return &outer
}

// atNode gives an error a node, unless it has one.
func atNode(n *yaml.Node, err error) error {
	var placed *setError
	if err == nil || errors.As(err, &placed) && (placed.node != nil || placed.At.File != "") {
		return err
	}
	return refusedf(n, "%w", err)
}

// applicationSet makes the Applications of an ApplicationSet, in the order of
// its generators.
func (b *builder) applicationSet(p *product, tree *recorder, j job) {
	s, err := newSetBuild(p, tree, j.set, b.limits.RenderedSize)
	if err == nil {
		err = s.run()
	}
	if err != nil {
		// What it would have made is not known: a part would pass for all.
		p.docs = nil
		p.fail(s.problem(err))
		return
	}
	if len(p.docs) == 0 && p.status == Partial {
		p.status = NotRendered
	}
}

func newSetBuild(p *product, tree *recorder, set *applicationSet, size int64) (*setBuild, error) {
	s := &setBuild{p: p, tree: tree, set: set, names: map[string]bool{}, listed: map[string][]fs.DirEntry{}}
	docs, refused := tree.limits.Parse([]byte(set.object))
	if len(refused) > 0 || len(docs) != 1 {
		return s, refusedf(nil, "can't read the ApplicationSet")
	}
	object := val{docs[0]}
	s.name, s.spec = object.at("metadata", "name").str(), object.at("spec")
	if spec := s.find(s.spec.n); spec != nil {
		s.spec, s.written = val{spec}, true
	}
	var err error
	if s.clusters, err = readClusters(tree.limits, set.clusters); err != nil {
		return s, refusedf(nil, "can't read the list of clusters: %w", err)
	}
	s.templates, err = newTemplates(tree.limits, size, s.spec.at("goTemplate").is(), s.spec.at("goTemplateOptions").strings())
	if err != nil {
		return s, refusedf(s.spec.at("goTemplateOptions").n, "%w", err)
	}
	s.templates.namespace = object.at("metadata", "namespace").str()
	return s, nil
}

// find is the spec as it stands in the ApplicationSet's file, so that places in
// it are known, or nil if the file holds something else.
func (s *setBuild) find(spec *yaml.Node) *yaml.Node {
	data, err := s.tree.ReadFile(s.set.at.File)
	if err != nil || spec == nil {
		return nil
	}
	docs, _ := s.tree.limits.Parse(data)
	var found *yaml.Node
	for _, doc := range docs {
		for _, o := range manifest.Objects(doc, manifest.Origin{}, nil) {
			n := manifest.Get(o.Node, "spec")
			if n == nil || gitopsKinds[o.GroupKind()] != ApplicationSet || !equalNodes(n, spec) {
				continue
			}
			// Of several that are equal, the one at the place.
			if line := o.Node.Content[0].Line; found == nil || line <= s.set.at.Line {
				found = n
			}
		}
	}
	if found == nil {
		return nil
	}
	s.p.pads = []pad{{start: firstPad, lines: last(found), file: s.set.at.File}}
	return found
}

// last is the last line on which a node begins.
func last(n *yaml.Node) int {
	line := n.Line
	for _, c := range n.Content {
		line = max(line, last(c))
	}
	return line
}

// problem is what an error is reported as.
func (s *setBuild) problem(err error) Problem {
	var placed *setError
	if !errors.As(err, &placed) {
		placed = &setError{Problem: Problem{Class: "render-failed", Message: err.Error()}}
	}
	p := placed.Problem
	p.Message = oneLine(fmt.Sprintf("ApplicationSet %s: %s", s.name, p.Message))
	if p.At.File == "" {
		p.At = s.span(placed.node)
	}
	return p
}

// span is where a node is written, or else the ApplicationSet.
func (s *setBuild) span(n *yaml.Node) manifest.Span {
	if n == nil || n.Line == 0 || !s.written {
		return s.set.at
	}
	return manifest.NodeSpan(s.set.at.File, n)
}

// tooMany ends an expansion.
func tooMany(what string, most int) error {
	return &setError{Problem: Problem{Class: "limit-size", Message: fmt.Sprintf("it makes more than %d %s", most, what),
		Fix: "Narrow its generators, or split it."}, fatal: true}
}

// fatal says that nothing can come of the other generators, either.
func fatal(err error) bool {
	var placed *setError
	return errors.As(err, &placed) && placed.fatal
}

// run goes through the generators. The error is one that costs all; the others
// are reported, and what the other generators give is kept: Argo CD would apply
// nothing, but a fault in one place is to hide none in others.
func (s *setBuild) run() error {
	template := s.spec.at("template")
	if template.n == nil || template.n.Kind != yaml.MappingNode {
		problem := Problem{Class: "render-failed", Message: "it has no template"}
		if !s.spec.at("generators").ok() {
			problem.Class, problem.Message, problem.Fix = "schema", "it has neither generators nor a template", patchFix
		}
		return &setError{Problem: problem, node: s.spec.n}
	}
	generators := s.spec.at("generators").items()
	for _, g := range generators {
		results, err := s.transform(g, template.n, params{}, 0)
		if fatal(err) {
			return err
		}
		if err != nil {
			s.p.miss(s.problem(err))
		}
		for _, r := range results {
			for _, params := range r.params {
				err := s.instance(r.template, params)
				if fatal(err) {
					return err
				}
				if err != nil {
					s.p.miss(s.problem(err))
					// The next set of parameters fails in the same way.
					break
				}
			}
		}
	}
	return nil
}

// instance makes the Application of one set of parameters.
func (s *setBuild) instance(template *yaml.Node, ps params) error {
	doc, err := s.templates.application(template, ps, s.spec.at("syncPolicy", "preserveResourcesOnDeletion").is())
	if err != nil {
		return atNode(template, err)
	}
	if patch := s.spec.at("templatePatch"); patch.ok() {
		if err := s.templates.patch(doc, patch.n, ps); err != nil {
			if fatal(err) {
				return err
			}
			// With values that are not known, a patch need not make sense.
			if !ps.open {
				return refusedf(patch.n, "can't apply the templatePatch: %w", err)
			}
		}
	}
	name := val{doc}.at("metadata", "name").str()
	switch {
	case name == "":
		return refusedf(template, "it makes an Application without a name")
	case s.names[name] && !manifest.Unknown(name):
		s.p.miss(s.problem(refusedf(template, "it makes several Applications of the name %s, and Argo CD applies only the first", name)))
		return nil
	}
	if s.names[name] = true; len(s.p.docs) == maxApplications {
		return tooMany("Applications", maxApplications)
	}
	s.place(doc)
	s.p.docs = append(s.p.docs, doc)
	return nil
}

// place makes the lines of an Application's nodes those that the product's pads
// know, or none.
func (s *setBuild) place(n *yaml.Node) {
	switch {
	case !s.written || n.Line == 0:
		n.Line, n.Column = 0, 0
	default:
		n.Line += firstPad
	}
	for _, c := range n.Content {
		s.place(c)
	}
}

// sizeError says that the Applications are too large.
func sizeError(most int64) error {
	return &setError{Problem: Problem{Class: "limit-size", Message: fmt.Sprintf("its Applications are larger than %d MiB", most>>20),
		Fix: limits.Raise("rendered-size")}, fatal: true}
}
