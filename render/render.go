// Package render finds what a repository deploys and renders it, offline and
// in process: kustomizations, Helm charts and plain manifests. It judges
// nothing.
package render

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
	"helm.sh/helm/v3/pkg/chartutil"
)

// Kind is what a unit is.
type Kind string

// The kinds of units.
const (
	Kustomize Kind = "kustomize"
	Helm      Kind = "helm"
	Plain     Kind = "plain"
	// The GitOps objects, named as their kinds are.
	HelmRelease       Kind = "HelmRelease"
	FluxKustomization Kind = "Kustomization"
	Application       Kind = "Application"
	ApplicationSet    Kind = "ApplicationSet"
)

// Status is what became of a unit.
type Status string

// The states of a unit. A partial unit gave objects, but something that it
// deploys is missing among them.
const (
	Rendered    Status = "rendered"
	Partial     Status = "partial"
	NotRendered Status = "not-rendered"
)

// Unit is one thing that is rendered on its own.
type Unit struct {
	Kind Kind
	// Path is the folder, or for a GitOps object the file, from the
	// repository's root.
	Path string
	// Name tells units of one path apart: a chart's values file, a GitOps
	// object's namespace and name.
	Name   string
	Status Status
	// Reason says why the unit is partial or not rendered.
	Reason string
	// Objects is how many objects the unit gave.
	Objects int

	values string // a chart's values file beside its defaults
	guess  bool   // the values file was not named by anyone: it lies beside the chart
	files  []string
	refs   []string // the files that a kustomization names, through its bases too
}

// Concerns says that a change of a file, or of a folder's files, can change
// what the unit gives, by what the unit refers to.
func (u *Unit) Concerns(name string) bool {
	if within(u.Path, name) || u.Kind == Helm && within(name, u.Path) {
		return true
	}
	for _, refs := range [][]string{u.files, u.refs} {
		for _, r := range refs {
			if within(r, name) {
				return true
			}
		}
	}
	return false
}

// within says that a path is a folder or lies in it.
func within(name, dir string) bool {
	return dir == "." || name == dir || strings.HasPrefix(name, dir+"/")
}

// ID names the unit in reports.
func (u *Unit) ID() string {
	if u.Name == "" {
		return u.Path
	}
	return u.Path + " (" + u.Name + ")"
}

// Problem is why something could not be rendered or read. Class is the id of
// the reserved rule that reports it.
type Problem struct {
	Class   string
	Message string
	// Fix is the remedy; empty for the rule's own.
	Fix string
	At  manifest.Span
	// Minor problems are those of a set of values that nobody named, or of
	// defaults where the chart brings values to be tested with: the chart is
	// checked in another way.
	Minor bool
}

// Result is what one unit gave.
type Result struct {
	Unit     *Unit
	Objects  []*manifest.Object
	Problems []Problem
	// Read are the files that were read, sorted.
	Read []string
}

// Options are what rendering depends on besides the repository.
type Options struct {
	// KubeVersion is the Kubernetes version that charts are told; empty means
	// DefaultKubeVersion.
	KubeVersion string
	// APIVersions are API versions that charts are told of besides those that
	// Kubernetes itself serves.
	APIVersions []string
	// HelmValues are glob patterns, relative to a chart, of values files to
	// render it with besides its defaults and its ci/*-values.yaml.
	HelmValues []string
	// Exclude are glob patterns of paths that are not looked at.
	Exclude []string
	// Workers is how many units are rendered at a time; 0 means one per
	// processor.
	Workers int
}

// Note says what a file or folder that is no unit was taken for.
type Note struct {
	Path, What string
}

// Graph is what was found in the repository.
type Graph struct {
	// Units in the order of their paths.
	Units []*Unit
	// Notes are the files and folders that are no unit, by path.
	Notes []Note
}

// Renderer renders the units of one tree.
type Renderer struct {
	tree source.Tree
	opts Options
	caps *chartutil.Capabilities

	found *discovery

	mu       sync.Mutex
	units    []*Unit
	consumed map[string]bool // files that a rendered unit took in
}

// New makes a renderer of a tree. It fails when the Kubernetes version is not
// one.
func New(tree source.Tree, opts Options) (*Renderer, error) {
	caps, err := capabilities(opts.KubeVersion, opts.APIVersions)
	if err != nil {
		return nil, err
	}
	return &Renderer{tree: tree, opts: opts, caps: caps, consumed: map[string]bool{}}, nil
}

// Run finds and renders every unit for which want is true (nil: all), several
// at a time, and calls yield for each, from several goroutines at once and in
// no order. written is called, likewise, for the objects in files that no
// rendered plain unit holds: patches, the sources of kustomizations, what no
// unit reads.
func (r *Renderer) Run(ctx context.Context, want func(*Unit) bool, yield func(*Result), written func(*manifest.Object)) (*Graph, error) {
	found, err := discover(r.tree, r.opts)
	if err != nil {
		return nil, err
	}
	r.found = found
	if want == nil {
		want = func(*Unit) bool { return true }
	}
	var gitops gitopsObjects
	emit := func(res *Result) {
		res.Unit.Objects = len(res.Objects)
		for _, o := range res.Objects {
			gitops.add(o)
		}
		r.mu.Lock()
		r.units = append(r.units, res.Unit)
		if res.Unit.Status != NotRendered {
			for _, f := range res.Read {
				r.consumed[f] = true
			}
		}
		r.mu.Unlock()
		yield(res)
	}

	// What a failed root refers to is rendered on its own, so that one broken
	// reference hides nothing.
	round := found.roots()
	for len(round) > 0 {
		if slices.ContainsFunc(round, func(u *Unit) bool { return u.Kind == Kustomize }) {
			warmKustomize()
		}
		r.parallel(ctx, round, want, emit)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r.mu.Lock()
		round = found.orphans(r.units, r.consumed)
		r.mu.Unlock()
	}
	plain, rest := found.plain(r.consumed)
	r.parallel(ctx, plain, want, func(res *Result) {
		if res.Unit.Objects = len(res.Objects); res.Unit.Objects > 0 || len(res.Problems) > 0 {
			emit(res)
		}
	})
	if written != nil {
		r.each(ctx, len(rest), func(i int) { r.writtenObjects(rest[i], written) })
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, res := range gitops.units(r) {
		if want(res.Unit) {
			r.units = append(r.units, res.Unit)
			yield(res)
		}
	}
	slices.SortFunc(r.units, func(a, b *Unit) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return &Graph{Units: r.units, Notes: found.allNotes(r.consumed)}, nil
}

func (r *Renderer) parallel(ctx context.Context, units []*Unit, want func(*Unit) bool, emit func(*Result)) {
	r.each(ctx, len(units), func(i int) {
		if want(units[i]) {
			emit(r.Render(units[i]))
		}
	})
}

// each calls f for 0 to n-1, as many at a time as there are workers.
func (r *Renderer) each(ctx context.Context, n int, f func(int)) {
	workers := r.opts.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(workers, n) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
}

// Render renders one unit. It never fails: what could not be rendered is among
// the problems of the result.
func (r *Renderer) Render(u *Unit) (res *Result) {
	res = &Result{Unit: u}
	defer func() {
		if v := recover(); v != nil {
			// The libraries panic on some malformed input.
			res.Objects = nil
			res.fail(Problem{Class: "render-failed", Message: fmt.Sprintf("can't render %s %s: the input makes the renderer panic", u.Kind, u.ID()),
				At: manifest.Span{File: r.mainFile(u)}})
		}
		slices.Sort(res.Read)
		res.Read = slices.Compact(res.Read)
	}()
	u.Status = Rendered
	switch u.Kind {
	case Kustomize:
		r.kustomize(res)
	case Helm:
		r.helm(res)
	case Plain:
		r.plain(res)
	}
	return res
}

// fail records a problem that cost the whole unit.
func (res *Result) fail(p Problem) {
	res.Problems = append(res.Problems, p)
	res.Unit.Status = NotRendered
	res.Unit.Reason = p.Message
}

// miss records a problem that cost a part of the unit.
func (res *Result) miss(p Problem) {
	res.Problems = append(res.Problems, p)
	if res.Unit.Status == Rendered {
		res.Unit.Status = Partial
		res.Unit.Reason = p.Message
	}
}

// mainFile is the file that stands for a unit as a whole.
func (r *Renderer) mainFile(u *Unit) string {
	switch {
	case r.found == nil:
	case u.Kind == Kustomize && r.found.kustomizations[u.Path] != nil:
		return r.found.kustomizations[u.Path].file
	case u.Kind == Helm:
		return join(u.Path, "Chart.yaml")
	}
	return u.Path
}

// WithValues is the unit of the same chart with the values of another file,
// relative to the chart.
func (u *Unit) WithValues(file string) (*Unit, error) {
	if u.Kind != Helm {
		return nil, fmt.Errorf("%s is no chart: only a chart takes values", u.Path)
	}
	return &Unit{Kind: Helm, Path: u.Path, Name: file, values: file}, nil
}
