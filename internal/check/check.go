// Package check runs the whole path over one tree: it renders the units, runs
// the rules over their objects and folds what they report.
package check

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/internal/config"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/render"
	"github.com/scantling-dev/scantling/rules"
	"github.com/scantling-dev/scantling/secrets"
)

// Rules are all rules that scantling has.
func Rules() []*lint.Rule {
	return slices.Concat(rules.All(), secrets.Rules)
}

// Outcome is what a tree gave.
type Outcome struct {
	// Findings are folded and sorted; the suppressed ones are marked.
	Findings []lint.Finding
	Graph    *render.Graph
	// Objects is how many objects all units gave.
	Objects int
}

// Failed are the units that were not rendered, as a comparison of two trees
// asks for them.
func (o *Outcome) Failed() map[string]bool {
	failed := map[string]bool{}
	for _, u := range o.Graph.Units {
		if u.Status == render.NotRendered {
			failed[u.ID()] = true
		}
	}
	return failed
}

// RenderOptions are the renderer's options that a configuration sets. Workers
// may be nil: what is rendered is then rendered in this process.
func RenderOptions(c *config.Config, workers *render.Workers) render.Options {
	return render.Options{
		Workers:     workers,
		Limits:      c.Limits,
		KubeVersion: c.KubeVersion,
		APIVersions: c.APIVersions,
		HelmValues:  c.Helm.Values,
		Exclude:     c.Exclude,
	}
}

// Tree checks a tree, or of it only what the given paths concern. Paths are
// slash paths from the root. Workers may be nil, as for RenderOptions.
func Tree(ctx context.Context, tree source.Tree, c *config.Config, workers *render.Workers, paths []string) (*Outcome, error) {
	linter, err := lint.NewLinter(Rules(), c.Rules)
	if err != nil {
		return nil, err
	}
	renderer, err := render.New(tree, RenderOptions(c, workers))
	if err != nil {
		return nil, err
	}
	r := &run{linter: linter, paths: paths, seen: map[string]bool{}, unitOf: map[*manifest.Object]string{}}
	want := r.wants
	if len(paths) == 0 {
		want = nil
	}
	graph, err := renderer.Run(ctx, want, r.result, r.written)
	if err != nil {
		return nil, err
	}
	findings := append(r.findings, linter.Cluster(r.sorted(), func(o *manifest.Object) string { return r.unitOf[o] })...)
	findings = slices.DeleteFunc(findings, func(f lint.Finding) bool { return render.Excluded(f.Origin.File, c.Exclude) })
	suppressor := lint.NewSuppressor(Rules(), func(name string) []byte {
		data, err := tree.ReadFile(name)
		if err != nil {
			return nil
		}
		return data
	}).With(c.Rules)
	findings = lint.Fold(suppressor.Annotations(findings))
	files := make([]string, 0, len(r.seen))
	for name := range r.seen {
		files = append(files, name)
	}
	slices.Sort(files)
	findings = suppressor.Apply(findings, files)
	if len(paths) > 0 {
		// What the rest of the repository would need them for was not run.
		findings = slices.DeleteFunc(findings, func(f lint.Finding) bool { return f.Rule == "ignore-unused" })
	}
	return &Outcome{Findings: findings, Graph: graph, Objects: r.objects}, nil
}

type run struct {
	linter *lint.Linter
	paths  []string

	mu       sync.Mutex
	findings []lint.Finding
	joined   []*manifest.Object
	unitOf   map[*manifest.Object]string
	seen     map[string]bool // files in which objects stand
	objects  int
}

func (r *run) wants(u *render.Unit) bool {
	return slices.ContainsFunc(r.paths, u.Concerns)
}

func (r *run) result(res *render.Result) {
	id := res.Unit.ID()
	var findings []lint.Finding
	var joined []*manifest.Object
	for _, o := range res.Objects {
		findings = append(findings, r.linter.Object(o, id)...)
		if r.linter.Joins(o.GroupKind()) {
			joined = append(joined, o)
		}
	}
	for _, p := range res.Problems {
		if f, ok := r.linter.Problem(p.Class, p.Message, p.Fix, p.At, id); ok {
			if p.Minor {
				f.Severity = min(f.Severity, lint.Low)
			}
			findings = append(findings, f)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.findings = append(r.findings, findings...)
	r.objects += len(res.Objects)
	for _, o := range res.Objects {
		r.seen[o.Origin.File] = true
	}
	r.joined = append(r.joined, joined...)
	for _, o := range joined {
		r.unitOf[o] = id
	}
}

func (r *run) written(o *manifest.Object) {
	if !r.linter.WantsWritten(o.GroupKind()) {
		return
	}
	if len(r.paths) > 0 && !slices.ContainsFunc(r.paths, func(p string) bool {
		return p == "." || o.Origin.File == p || strings.HasPrefix(o.Origin.File, p+"/")
	}) {
		return
	}
	findings := r.linter.Written(o)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.findings = append(r.findings, findings...)
}

// sorted puts the objects in an order that does not depend on which unit was
// rendered first.
func (r *run) sorted() []*manifest.Object {
	slices.SortStableFunc(r.joined, func(a, b *manifest.Object) int {
		if c := strings.Compare(r.unitOf[a], r.unitOf[b]); c != 0 {
			return c
		}
		if c := strings.Compare(a.Origin.File, b.Origin.File); c != 0 {
			return c
		}
		if a.Origin.Line != b.Origin.Line {
			return a.Origin.Line - b.Origin.Line
		}
		return strings.Compare(a.GVK.String()+a.ID(), b.GVK.String()+b.ID())
	})
	return r.joined
}
