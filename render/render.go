// Package render finds what a repository deploys and renders it, offline and
// in process: kustomizations, Helm charts and plain manifests. It judges
// nothing.
package render

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/internal/store"
	"go.yaml.in/yaml/v3"
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
	FluxInstance      Kind = "FluxInstance"
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
	// Cluster names the cluster that the unit is deployed to: what the
	// Application says, else where the chain of GitOps objects begins. It is
	// empty for what no GitOps object leads to.
	Cluster string
	// Parent is the unit that gave the GitOps object; nil for none.
	Parent *Unit
	// At is where the GitOps object is written.
	At manifest.Span

	object *manifest.Object // the GitOps object
	plan   *plan            // what it deploys
	// entry is where the chain begins: objects of two entries are of two
	// clusters, and may have the same names.
	entry    string
	seed     bool   // it is written in a file that it deploys itself
	values   string // a chart's values file beside its defaults
	guess    bool   // the values file was not named by anyone: it lies beside the chart
	files    []string
	problems []Problem          // known before anything is read
	killed   bool               // it ended its worker
	refs     []string           // the files that it reads, through its bases too
	dirs     []string           // the folders of which it reads all
	used     []*manifest.Object // what the plan was made of besides the object
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
	for a := u.Parent; a != nil; a = a.Parent {
		// What the object that led here says decides what this one is.
		if a.object != nil && a.Path == name {
			return true
		}
	}
	return slices.ContainsFunc(u.dirs, func(dir string) bool { return within(name, dir) || within(dir, name) })
}

// within says that a path is a folder or lies in it.
func within(name, dir string) bool {
	return dir == "." || name == dir || strings.HasPrefix(name, dir+"/")
}

// ID names the unit in reports.
func (u *Unit) ID() string {
	switch {
	case u.Name == "":
		return u.Path
	case u.Cluster != "":
		return u.Path + " (" + u.Name + " in " + u.Cluster + ")"
	}
	return u.Path + " (" + u.Name + ")"
}

// By is the GitOps object that deploys the unit; nil for none.
func (u *Unit) By() *manifest.Object { return u.object }

// Reconciled says that Flux or Argo CD deploys what the unit gives.
func (u *Unit) Reconciled() bool { return u.plan != nil }

// Bare says that the unit is a chart that nothing in the repository installs: it
// is rendered as `helm template` does, in the namespace default.
func (u *Unit) Bare() bool { return u.Kind == Helm && u.plan == nil }

// Namespace is where the unit's objects go that name none themselves; empty when
// that is not known.
func (u *Unit) Namespace() string {
	if u.plan == nil {
		return ""
	}
	return u.plan.namespace
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
	// Needs is what would have to be fetched, if that is the problem.
	Needs store.Request
}

// Result is what one unit gave.
type Result struct {
	Unit     *Unit
	Objects  []*manifest.Object
	Problems []Problem
	// Read are the files that were read, sorted.
	Read []string

	// texts are the texts that the objects of charts were read from.
	texts map[*manifest.Object]chartText
	// others are files of the unit that hold no object.
	others []string
	// looks are what was looked at for the unit; size and unpacked the bytes that
	// were rendered and unpacked.
	looks          []*Looks
	size, unpacked int64
	// key is what the unit is remembered by; recalled what was remembered of it.
	key      Key
	recalled *recalled
	repeat   *repeat
	// Took is the time that the unit took to render.
	Took time.Duration

	// repeated says that the unit was counted before.
	repeated bool
	// status and reason are the unit's when it gave what it gives.
	status Status
	reason string
	// later says that it was made when the unit had given what it gives.
	later bool
	// count is how many objects the unit gave; number are their places among them.
	count  int
	number map[*manifest.Object]int
}

// Count is how many objects the unit gave, those that are not among Objects
// included.
func (res *Result) Count() int { return max(res.count, len(res.Objects)) }

// note remembers what an object of a chart was read from.
func (res *Result) note(o *manifest.Object, of chartText) {
	if res.texts == nil {
		res.texts = map[*manifest.Object]chartText{}
	}
	res.texts[o] = of
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
	// Parallel is how many units are rendered at a time; 0 means one per
	// processor.
	Parallel int
	// Workers render kustomizations and charts in processes of their own; nil
	// lets them be rendered in this process, which input that is made to harm
	// can stop or exhaust.
	Workers *Workers
	// Limits bound what is read and rendered.
	Limits limits.Limits
	// Store is what was fetched from elsewhere; nil for nothing.
	Store *store.Store
	// Remotes are URLs that name this repository, as GitOps objects do.
	Remotes []string
	// Clusters are those that Argo CD deploys to, besides those whose Secrets
	// are in the repository.
	Clusters []Cluster
	// Substitutions are values for variables of Flux that are not in the
	// repository.
	Substitutions map[string]string
	// Decrypt gives an object that SOPS encrypted in clear; nil for no key. What it
	// gives stays in memory.
	Decrypt func(*yaml.Node) (*yaml.Node, error)
	// Capabilities are Kubernetes and API versions of parts of the repository;
	// of several that match a unit the last holds.
	Capabilities []Capability
	// Memory keeps what units gave; nil for none.
	Memory Memory
	// Seen takes the looks at what was fetched from elsewhere, be it there or not; nil
	// for nobody who wants to know.
	Seen *Looks
}

// Capability is what charts under some paths, or for some clusters, are told.
type Capability struct {
	// Match are globs of unit paths, and names of clusters.
	Match       []string
	KubeVersion string
	APIVersions []string
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
	tree     source.Tree
	view     files // the tree, and what was fetched
	opts     Options
	settings settings
	builder  *builder
	archives *archiveBudget
	rendered atomic.Int64 // bytes of text that all units gave

	found   *discovery
	sources chartSources
	prints  *Prints

	mu       sync.Mutex
	ctx      context.Context // of the run, for what is traced when its place is asked for
	units    []*Unit         // those that were asked for
	finished map[*Unit]bool  // all that were rendered
	consumed map[string]bool // files that a rendered unit took in
	shared   map[[32]byte]*build
	clear    hidden // what was decrypted
	// files are those that the fields of an object stand in; masked are restored
	// objects of which values were left out.
	files    map[*manifest.Object][]string
	masked   map[*manifest.Object]bool
	unpacked map[string]int64 // bytes that the archives of a chart unpacked to
}

// New makes a renderer of a tree. It fails when the Kubernetes version is not
// one.
func New(tree source.Tree, opts Options) (*Renderer, error) {
	if opts.Limits == (limits.Limits{}) {
		opts.Limits = limits.Default()
	}
	s := settings{kubeVersion: opts.KubeVersion, apiVersions: opts.APIVersions, limits: opts.Limits}
	b, err := s.builder()
	if err != nil {
		return nil, err
	}
	var view files = store.NewMounted(tree, opts.Store)
	if opts.Seen != nil {
		view = &fetchedView{view, opts.Seen}
	}
	return &Renderer{tree: tree, view: view, prints: NewPrints(tree, opts.Store), files: map[*manifest.Object][]string{}, masked: map[*manifest.Object]bool{}, finished: map[*Unit]bool{}, shared: map[[32]byte]*build{}, opts: opts, settings: s, builder: b, archives: newArchiveBudget(opts.Limits.ArchivesSize), consumed: map[string]bool{}, unpacked: map[string]int64{},
		sources: chartSources{lines: map[string][]string{}, docs: map[string][]*yaml.Node{}}}, nil
}

// Run finds and renders every unit for which want is true (nil: all), several
// at a time, and calls yield for each, from several goroutines at once and in
// no order. written is called, likewise, for the objects in files that no
// rendered plain unit holds: patches, the sources of kustomizations, what no
// unit reads.
func (r *Renderer) Run(ctx context.Context, want func(*Unit) bool, yield func(*Result), written func(*manifest.Object)) (*Graph, error) {
	r.mu.Lock()
	r.ctx = ctx
	r.mu.Unlock()
	if err := r.discover(want == nil); err != nil {
		return nil, err
	}
	found := r.found
	if want == nil {
		want = func(*Unit) bool { return true }
	}
	emit := func(res *Result) {
		wanted := want(res.Unit)
		res.Unit.Reason = r.Hide(res.Unit.Reason)
		for i := range res.Problems {
			res.Problems[i].Message = r.Hide(res.Problems[i].Message)
		}
		r.record(res, wanted)
		if wanted {
			yield(res)
		}
	}
	if err := newGraph(r, want, emit).run(ctx); err != nil {
		return nil, err
	}
	plain, rest := found.plain(r.consumed)
	err := r.parallel(ctx, plain, want, func(res *Result) {
		if res.Count() > 0 || len(res.Problems) > 0 {
			emit(res)
		}
	})
	if err != nil {
		return nil, err
	}
	if written != nil {
		r.each(ctx, len(rest), func(i int) { r.writtenObjects(rest[i], written) })
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	slices.SortFunc(r.units, func(a, b *Unit) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Cluster, b.Cluster),
			// The same through another chain, the same name again, what a failed
			// unit left beside what lay there anyway: not as they happened to end.
			cmp.Compare(a.entry, b.entry), cmp.Compare(a.At.Line, b.At.Line), slices.Compare(a.files, b.files), cmp.Compare(a.Objects, b.Objects), cmp.Compare(a.Reason, b.Reason))
	})
	return &Graph{Units: r.units, Notes: found.allNotes(r.consumed)}, nil
}

// record notes what became of a unit. A unit may give several results: what is
// found out later about what it deploys.
func (r *Renderer) record(res *Result, wanted bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u := res.Unit
	if !r.finished[u] {
		r.finished[u] = true
		u.Objects = res.Count()
		if wanted {
			r.units = append(r.units, u)
		}
	}
	if u.Status != NotRendered {
		for _, f := range res.Read {
			r.consumed[f] = true
		}
	}
}

// discover looks at what the repository holds, of which all or a part is to be
// rendered.
func (r *Renderer) discover(all bool) error {
	listing, err := r.tree.Files()
	if err != nil {
		if errors.Is(err, source.ErrTooMany) {
			err = fmt.Errorf("%w: %s", err, limits.Raise("files"))
		}
		return fmt.Errorf("listing the files of %s: %w", r.tree.Ref(), err)
	}
	if all && r.opts.Workers != nil {
		units := 0
		for _, f := range listing.Files {
			if base := path.Base(f.Name); base == "Chart.yaml" || isKustomization(base) {
				units++
			}
		}
		r.opts.Workers.ready(units)
	}
	r.found = discover(r.tree, listing, r.opts)
	r.settings.charts = sortedKeys(r.found.charts)
	r.builder.charts, r.prints.charts = r.settings.charts, r.settings.charts
	return nil
}

func (r *Renderer) parallel(ctx context.Context, units []*Unit, want func(*Unit) bool, emit func(*Result)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r.each(ctx, len(units), func(i int) {
		if !want(units[i]) {
			return
		}
		res, err := r.Render(ctx, units[i])
		if err != nil {
			stop(err)
			return
		}
		emit(res)
	})
	return context.Cause(ctx)
}

// each calls f for 0 to n-1, as many at a time as there are workers.
func (r *Renderer) each(ctx context.Context, n int, f func(int)) {
	workers := r.opts.Parallel
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	next := make(chan int)
	var wg sync.WaitGroup
	var panicked atomic.Value
	call := func(i int) {
		defer func() {
			if v := recover(); v != nil {
				// In the caller's goroutine somebody is there to say so.
				panicked.Store(fmt.Errorf("%v", v))
			}
		}()
		f(i)
	}
	for range min(workers, n) {
		wg.Go(func() {
			for i := range next {
				call(i)
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
	if v := panicked.Load(); v != nil {
		panic(v)
	}
}

// Render renders one unit. What could not be rendered is among the problems of
// the result; the error is that nothing can be rendered at all, or that the run
// was ended.
func (r *Renderer) Render(ctx context.Context, u *Unit) (res *Result, err error) {
	res = &Result{Unit: u, repeat: &repeat{}}
	defer func() {
		if v := recover(); v != nil {
			res.Objects = nil
			res.fail(Problem{Class: "internal", Message: fmt.Sprintf("reading what %s %s gives ended in a panic", u.Kind, u.ID()),
				At: manifest.Span{File: r.mainFile(u)}})
		}
	}()
	if r.opts.Memory != nil {
		res.key = r.key(u)
		if known := r.recall(u, res.key); known != nil {
			return known, nil
		}
	}
	begun := time.Now()
	err = r.render(ctx, u, res)
	res.Took = time.Since(begun)
	if err == nil && r.opts.Memory != nil {
		r.readFor(res)
		res.looks = append(res.looks, r.written(u))
	}
	return res, err
}

// render is Render without what is remembered.
func (r *Renderer) render(ctx context.Context, u *Unit, res *Result) (err error) {
	u.Status = Rendered
	tree := newRecorder(r.view, r.settings.limits.YAML)
	res.looks = append(res.looks, tree.looks)
	switch {
	case u.plan != nil:
		err = r.planned(ctx, res, tree)
	case u.Kind == Plain:
		r.plain(ctx, res, tree)
	default:
		err = r.built(ctx, res, tree, r.job(u), u.At)
	}
	if err != nil {
		return err
	}
	res.Read = tree.names()
	r.noteOthers(res.others)
	return nil
}

// job is what renders a kustomization or a chart that is a unit by itself.
func (r *Renderer) job(u *Unit) job {
	j := job{kind: u.Kind, path: u.Path, minor: u.guess || u.values == "" && r.testedWithValues(u.Path)}
	if u.values != "" {
		j.release.layers = []layer{{file: join(u.Path, u.values)}}
	}
	j.release.kubeVersion, j.release.apiVersions = r.capabilitiesOf(u)
	return j
}

// KubeVersion is the Kubernetes version that a unit is rendered for.
func (r *Renderer) KubeVersion(u *Unit) string {
	version, _ := r.capabilitiesOf(u)
	return cmp.Or(version, r.opts.KubeVersion, DefaultKubeVersion)
}

// capabilitiesOf are the Kubernetes version and the API versions that the
// configuration has for a unit; empty for those of the run.
func (r *Renderer) capabilitiesOf(u *Unit) (version string, apis []string) {
	for _, c := range r.opts.Capabilities {
		if Excluded(u.Path, c.Match) || u.Cluster != "" && Excluded(u.Cluster, c.Match) || u.entry != "" && Excluded(u.entry, c.Match) {
			version, apis = c.KubeVersion, c.APIVersions
		}
	}
	return version, apis
}

// testedWithValues says that a chart has values files in ci/: then its defaults
// need not be enough to render it.
func (r *Renderer) testedWithValues(dir string) bool {
	c := r.found.charts[dir]
	return c != nil && slices.ContainsFunc(c.scenarios, func(s scenario) bool { return !s.guess })
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
	case r.found == nil, u.object != nil:
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
