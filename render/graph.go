package render

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// graph follows the GitOps objects of one run. Units are rendered in rounds:
// what one round gives is followed in the next, so that the result does not
// depend on which unit is quicker.
type graph struct {
	r    *Renderer
	ctx  context.Context
	want func(*Unit) bool
	emit func(*Result)

	// inv is what was rendered, raw what is written in files.
	inv, raw *inventory
	// claims are the GitOps objects that are written in files.
	claims []*claim
	// sync are the sources that bring this repository: a Kustomization that
	// deploys its own file says so.
	sync map[sourceRef]bool

	known   map[string]*Unit // the units of GitOps objects by identity
	queue   []*Unit          // found, not rendered
	started map[*Unit]bool
	roots   []*Unit
	leading map[string]bool // charts whose templates may give GitOps objects
	// files are those that the claims are written in, with the folders above
	// them; found the claims of which there are units.
	files, found map[string]bool
	contents     map[*manifest.Object]map[string]string
	// inventories are the clusters that Argo CD knows, by entry, as of this round.
	inventories map[string][]Cluster
	globs       int                        // how many patterns were held against all files
	takes       map[string]map[string]bool // the files of the kustomizations of a folder
	taking      int                        // how many those are
	artifacts   int                        // how many artifacts are being taken apart
	variables   int                        // how many variables Kustomizations took

	mu       sync.Mutex
	gave     map[*Unit][]*manifest.Object // what each unit of a round gave of what others refer to or follow
	released map[string]bool              // charts that a release renders
}

// maxDepth is how many GitOps objects may lead to each other. An app-of-apps is
// two or three deep.
const maxDepth = 20

func newGraph(r *Renderer, want func(*Unit) bool, emit func(*Result)) *graph {
	return &graph{r: r, want: want, emit: emit, inv: &inventory{}, raw: &inventory{}, sync: map[sourceRef]bool{},
		known: map[string]*Unit{}, leading: map[string]bool{}, files: map[string]bool{}, found: map[string]bool{},
		contents: map[*manifest.Object]map[string]string{}, inventories: map[string][]Cluster{}, takes: map[string]map[string]bool{}, started: map[*Unit]bool{}, released: map[string]bool{}}
}

// run renders everything but plain manifests that lead to nothing.
func (g *graph) run(ctx context.Context) error {
	g.ctx = ctx
	g.scan(ctx)
	g.roots = append(g.r.found.roots(), g.carriers()...)
	for {
		batch := g.next()
		if len(batch) == 0 {
			return nil
		}
		g.gave = map[*Unit][]*manifest.Object{}
		g.r.share(batch)
		if err := g.r.parallel(ctx, batch, g.renders, g.result); err != nil {
			return err
		}
		g.follow(batch)
	}
}

// next is what is rendered in the next round: the GitOps objects that were
// found, first those that refer to nothing that may yet be found; else roots
// that no other root leads to; else, in a circle, the one that deploys itself.
func (g *graph) next() []*Unit {
	if batch := g.ready(); len(batch) > 0 {
		return batch
	}
	g.roots = append(g.roots, g.r.found.orphans(g.r.finished, g.r.consumed)...)
	var open []*Unit
	for _, u := range g.roots {
		if !g.started[u] && !g.taken(u) {
			open = append(open, u)
		}
	}
	var live []*claim
	for _, c := range g.claims {
		if !g.r.consumed[c.object.Origin.File] && !g.found[writtenKey(c.object)] {
			live = append(live, c)
		}
	}
	claimed := g.claimedBy(live)
	var batch []*Unit
	for _, u := range open {
		if !claimed(u) {
			batch = append(batch, u)
		}
	}
	if len(batch) == 0 {
		if seeds := g.seeds(live); len(seeds) > 0 {
			return seeds
		}
		if i := slices.IndexFunc(open, g.leadsOn); i > 0 {
			open = open[i:]
		}
		batch = open[:min(1, len(open))]
	}
	// What leads on comes first: it may lead to the others.
	if leading := slices.DeleteFunc(slices.Clone(batch), func(u *Unit) bool { return !g.leadsOn(u) }); len(leading) > 0 {
		batch = leading
	}
	for _, u := range batch {
		g.started[u] = true
	}
	return batch
}

// ready takes the units of GitOps objects from the queue that can be rendered:
// those whose plan misses nothing or, if there are none, every one.
func (g *graph) ready() []*Unit {
	var batch, rest []*Unit
	for _, u := range g.queue {
		u.plan = g.planOf(u)
		if u.plan.missing {
			rest = append(rest, u)
		} else {
			batch = append(batch, u)
		}
	}
	if len(batch) == 0 {
		// Nothing is to come that could give what they miss.
		batch, rest = rest, nil
	}
	g.queue = rest
	return batch
}

// planOf plans what a GitOps object deploys.
func (g *graph) planOf(u *Unit) (p *plan) {
	u.used = nil
	switch u.Kind {
	case FluxKustomization:
		p = g.fluxKustomization(u)
	case HelmRelease:
		p = g.helmRelease(u)
	case FluxInstance:
		p = g.fluxInstance(u)
	case Application:
		p = g.application(u)
	case ApplicationSet:
		p = g.applicationSet(u)
	}
	u.refs, u.dirs = nil, nil // of a plan before
	for i := range p.jobs {
		files, dirs := g.r.found.references(p.jobs[i])
		u.refs, u.dirs = append(u.refs, files...), append(u.dirs, dirs...)
		version, more := g.r.capabilitiesOf(u)
		rel := &p.jobs[i].release
		rel.kubeVersion = cmp.Or(rel.kubeVersion, version)
		rel.apiVersions = append(rel.apiVersions, more...)
	}
	return p
}

// taken says that a unit that was rendered took in a root.
func (g *graph) taken(u *Unit) bool {
	switch u.Kind {
	case Kustomize:
		k := g.r.found.kustomizations[u.Path]
		return k != nil && g.r.consumed[k.file]
	case Helm:
		return g.released[u.Path]
	}
	u.files = slices.DeleteFunc(u.files, func(f string) bool { return g.r.consumed[f] })
	return len(u.files) == 0
}

// renders says that a unit is to be rendered: it is wanted, or it may lead to
// one that is.
func (g *graph) renders(u *Unit) bool { return g.want(u) || g.leadsOn(u) }

// result takes what one unit of a round gave.
func (g *graph) result(res *Result) {
	u := res.Unit
	if u.seed {
		res = g.settle(u, res)
	}
	if u.entry == "" {
		u.entry = u.Path
	}
	var found []*manifest.Object
	for _, o := range res.Objects {
		if _, ok := gitopsKinds[o.GroupKind()]; ok || wanted(o) || o.GroupKind() == resourceSet {
			found = append(found, o)
		}
	}
	g.mu.Lock()
	g.gave[u] = found
	if res.Unit.Status != NotRendered && u.plan != nil {
		for _, j := range u.plan.jobs {
			if j.kind == Helm {
				g.released[j.path] = true
			}
		}
	}
	if u.Kind != Helm {
		for _, name := range res.Read {
			if dir := path.Dir(name); path.Base(name) == "Chart.yaml" && g.r.found.charts[dir] != nil {
				g.released[dir] = true
			}
		}
	}
	g.mu.Unlock()
	g.emit(res)
}

// settle renders a Kustomization that deploys itself once more if what it
// deploys differs from what is written: patches may change it.
func (g *graph) settle(u *Unit, res *Result) *Result {
	for _, o := range res.Objects {
		if o.GroupKind() == u.object.GroupKind() && o.Name == u.object.Name && specOf(o).yaml() != specOf(u.object).yaml() {
			again := *u
			again.object = o
			g.mu.Lock() // several clusters may begin at a time
			again.plan = g.planOf(&again)
			g.mu.Unlock()
			next, err := g.r.Render(g.ctx, &again)
			if err != nil {
				return res
			}
			*u = again
			next.Unit = u
			return next
		}
	}
	return res
}

// follow takes stock of what a round gave, and queues its GitOps objects.
func (g *graph) follow(batch []*Unit) {
	for _, u := range batch {
		for _, o := range g.gave[u] {
			g.inv.add(u.entry, o)
		}
	}
	clear(g.inventories)
	for _, u := range batch {
		for _, o := range g.gave[u] {
			if _, ok := gitopsKinds[o.GroupKind()]; ok {
				g.followOne(u, o)
			} else if o.GroupKind() == resourceSet {
				g.report(u, Problem{Class: "not-fetched", At: o.Origin.Span,
					Message: fmt.Sprintf("the objects that the Flux operator makes of ResourceSet %s are not known: they were not checked", objectName(o)),
					Fix:     "A ResourceSet is a template that scantling does not render."})
			}
		}
	}
}

func (g *graph) followOne(parent *Unit, o *manifest.Object) {
	kind := gitopsKinds[o.GroupKind()]
	depth := 0
	for a := parent; a != nil; a = a.Parent {
		depth++
		if a.object == nil || a.Kind != kind || a.object.Name != o.Name || a.object.Namespace != o.Namespace {
			continue
		}
		if a == parent {
			// A Kustomization, or an Application, that deploys itself is how
			// clusters begin.
			return
		}
		g.report(parent, Problem{Class: "cycle", At: o.Origin.Span,
			Message: fmt.Sprintf("%s %s deploys %s %s, which deploys it", a.Kind, objectName(a.object), parent.Kind, parent.Name),
			Fix:     "Let each object be deployed by one other alone."})
		return
	}
	if depth > maxDepth {
		g.report(parent, Problem{Class: "limit-depth", At: o.Origin.Span, Message: fmt.Sprintf("more than %d GitOps objects lead to %s %s: it was not followed", maxDepth, kind, objectName(o))})
		return
	}
	if u := g.unitOf(parent, o, ""); u != nil {
		g.queue = append(g.queue, u)
	}
}

// report adds a problem to a unit whose result was given already.
func (g *graph) report(u *Unit, p Problem) {
	res := &Result{Unit: u, later: true}
	res.miss(p)
	g.emit(res)
}

// unitOf makes the unit of a GitOps object, or nil if there is one of it in the
// same cluster already.
func (g *graph) unitOf(parent *Unit, o *manifest.Object, entry string) *Unit {
	u := &Unit{Kind: gitopsKinds[o.GroupKind()], Path: o.Origin.File, Name: objectName(o), Parent: parent, At: o.Origin.Span, object: o}
	if parent != nil {
		u.entry = parent.entry
		u.Cluster = cmp.Or(parent.Cluster, u.entry)
	} else {
		u.entry, u.Cluster = entry, entry
	}
	if name := g.target(u); name != "" {
		u.Cluster = name
	}
	sum := sha256.Sum256([]byte(specOf(o).yaml()))
	key := fmt.Sprintf("%s\x00%s\x00%s\x00%x", u.entry, u.Kind, u.Name, sum[:8])
	if g.known[key] != nil {
		return nil
	}
	g.known[key] = u
	g.found[writtenKey(o)] = true
	return u
}

// target names the cluster that a GitOps object deploys to; empty for the one
// that it is in.
func (g *graph) target(u *Unit) string {
	if u.Kind == Application {
		return g.destination(u.entry, u.object)
	}
	for _, ref := range []string{"secretRef", "configMapRef"} {
		if name := specOf(u.object).at("kubeConfig", ref, "name").str(); name != "" {
			// So Cluster API calls the Secret of a cluster.
			return strings.TrimSuffix(name, "-kubeconfig")
		}
	}
	return ""
}

// via is the way from a unit to the cluster, the nearest step first.
func (u *Unit) via() []manifest.Step {
	var steps []manifest.Step
	for a := u; a != nil; a = a.Parent {
		if a.object != nil {
			steps = append(steps, manifest.Step{Span: a.At, What: string(a.Kind) + " " + a.Name})
		}
	}
	if u.Cluster != "" {
		steps = append(steps, manifest.Step{What: "cluster " + u.Cluster})
	}
	return steps
}

// documents makes objects of what a controller makes of a GitOps object.
func documents(u *Unit, nodes []*yaml.Node) []*manifest.Object {
	var objects []*manifest.Object
	for _, n := range nodes {
		objects = append(objects, manifest.Objects(n, u.object.Origin, nowhere)...)
	}
	return objects
}
