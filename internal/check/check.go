// Package check runs the whole path over one tree: it renders the units, runs
// the rules over their objects and folds what they report.
package check

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/scantling-dev/scantling/internal/config"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/internal/store"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/render"
	"github.com/scantling-dev/scantling/rules"
	"github.com/scantling-dev/scantling/secrets"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/version"
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
	// Objects is how many objects all units gave; of Tree alone.
	Objects int

	needs []store.Request
	// sums identify what the units are rendered from and all that they look at, by
	// kind and id; of Units alone.
	sums map[string][sha256.Size]byte
	// lasting says that another run would find the same.
	lasting bool
}

// Needs are what would have to be fetched to render all, in order, each once.
func (o *Outcome) Needs() []store.Request { return o.needs }

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

// Source is what a tree is rendered with besides its own files.
type Source struct {
	// Workers render in processes of their own; nil for this process.
	Workers *render.Workers
	// Store is what was fetched from elsewhere; nil for nothing.
	Store *store.Store
	// Remotes are the URLs of the repository's remotes.
	Remotes []string
	// Base is the tree that findings will be compared with, for the rules that
	// look at what became of a file; nil for none.
	Base source.Tree
	// History reads the commits since Base, of which a secret may be gone that they
	// held; nil for none.
	History func() (*source.History, error)
	// Verify says what is wrong with a file that SOPS encrypted, as only a key
	// shows; nil for no key.
	Verify func(name string, data []byte) error
	// Decrypt gives an object that SOPS encrypted in clear; nil for no key.
	Decrypt func(*yaml.Node) (*yaml.Node, error)
	// Memory is what units gave in other runs, and takes what they give in this one;
	// nil for none.
	Memory *Memory
	// HistoryID identifies what History gives.
	HistoryID string
	// Shard is the part of the units that this run is to do; nil for all.
	Shard *Shard
	// Rendered is called with what each unit gives before it is judged, from several
	// goroutines at once. hidden says that a text holds something that was decrypted
	// for this run. It is called for every unit that the run renders, so not for one
	// of which Memory knows what it gives. Nil for none.
	Rendered func(res *render.Result, hidden func(text string) bool)
}

// RenderOptions are the renderer's options that a configuration sets.
func RenderOptions(c *config.Config, s Source) render.Options {
	opts := render.Options{
		Workers:       s.Workers,
		Store:         s.Store,
		Decrypt:       s.Decrypt,
		Remotes:       slices.Concat(s.Remotes, c.GitOps.Repository),
		Substitutions: c.GitOps.Substitutions,
		Limits:        c.Limits,
		KubeVersion:   c.KubeVersion,
		APIVersions:   c.APIVersions,
		HelmValues:    c.Helm.Values,
		Exclude:       c.Exclude,
	}
	for _, cluster := range c.GitOps.Clusters {
		opts.Clusters = append(opts.Clusters, render.Cluster(cluster))
	}
	for _, capability := range c.Capabilities {
		opts.Capabilities = append(opts.Capabilities, render.Capability(capability))
	}
	return opts
}

// checkTree is Tree for what is not known.
func checkTree(ctx context.Context, tree source.Tree, c *config.Config, s Source, paths []string) (*Outcome, error) {
	linter, err := lint.NewLinter(Rules(), c.Selection)
	if err != nil {
		return nil, err
	}
	opts := RenderOptions(c, s)
	if s.Memory != nil {
		opts.Memory = s.Memory
	}
	if w, ok := tree.(*watched); ok {
		opts.Seen = w.seen
	}
	renderer, err := render.New(tree, opts)
	if err != nil {
		return nil, err
	}
	r := &run{memory: s.Memory, linter: linter, renderer: renderer, rendered: s.Rendered, paths: paths, seen: map[string]bool{}, resultOf: map[*manifest.Object]*render.Result{}, needs: map[store.Request]*need{}, secret: map[string]bool{}, units: map[*render.Unit]lint.Unit{}, readers: map[string][]lint.Reader{}, lacking: map[area]bool{}}
	for _, rule := range Rules() {
		r.secret[rule.ID] = rule.Category == lint.Secrets
	}
	r.watching = opts.Seen
	if r.shard = s.Shard; r.shard != nil {
		r.shard.plan(s.Memory.costs())
	}
	graph, err := renderer.Run(ctx, r.wanted(), func(res *render.Result) { r.result(ctx, res) }, r.written)
	if err != nil {
		return nil, err
	}
	if s.Shard != nil {
		r.keep()
		return &Outcome{Findings: lint.Fold(r.findings), Graph: graph, Objects: r.objects, needs: r.sortedNeeds()}, nil
	}
	joint := r.joint()
	r.settle(ctx, joint)
	files, err := filesOf(tree, c, s.Store)
	if err != nil {
		return nil, err
	}
	if s.Verify != nil {
		files.Verify = func(name string) error {
			data, err := files.ReadFile(name)
			if err != nil {
				return nil // said where it is read
			}
			return s.Verify(name, data)
		}
	}
	if s.Base != nil {
		if files.Base, err = filesOf(s.Base, c, s.Store); err != nil {
			return nil, err
		}
	}
	findings := slices.Concat(r.findings, r.needed(), joint, r.files(ctx, files))
	source := func(name string) []byte {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil
		}
		return data
	}
	lint.Locate(findings, source)
	findings = append(findings, r.remember(ctx, c, s, files, findings)...)
	trees := r.trees(files)
	lint.Locate(trees, source)
	findings = append(findings, trees...)
	findings = slices.DeleteFunc(findings, func(f lint.Finding) bool { return render.Excluded(f.Origin.File, c.Exclude) })
	findings = superseded(findings, Rules())
	suppressor := lint.NewSuppressor(Rules(), source).With(c.Selection).Honour(rules.Ours)
	if s.Base == nil {
		suppressor.Alone()
	}
	findings = suppressor.Annotations(findings, r.annotated, func(unused []lint.Finding) { r.settle(ctx, unused) })
	findings = suppressor.Configured(suppressor.Comments(findings, slices.Sorted(maps.Keys(r.seen))), c.Ignore)
	lint.Situate(findings, source)
	findings = lint.Fold(findings)
	for i := range findings {
		findings[i].Fix = secrets.Remedy(&findings[i])
	}
	if len(paths) > 0 {
		// What the rest of the repository would need them for was not run.
		findings = slices.DeleteFunc(findings, func(f lint.Finding) bool { return f.Rule == "ignore-unused" })
	}
	r.keep()
	return &Outcome{Findings: findings, Graph: graph, Objects: r.objects, needs: r.sortedNeeds(), lasting: !r.passing}, nil
}

// Units renders what Tree checks, and judges nothing: it tells what there is and
// what it needs.
func Units(ctx context.Context, tree source.Tree, c *config.Config, s Source, paths []string) (*Outcome, error) {
	opts := RenderOptions(c, s)
	if s.Memory != nil && s.Decrypt == nil {
		opts.Memory = s.Memory
	}
	renderer, err := render.New(tree, opts)
	if err != nil {
		return nil, err
	}
	r := &run{paths: paths, needs: map[store.Request]*need{}}
	sums := map[string][sha256.Size]byte{}
	graph, err := renderer.Run(ctx, r.wanted(), func(res *render.Result) {
		if opts.Memory != nil && !res.Later() {
			sum := renderer.Sum(res)
			r.mu.Lock()
			sums[unitKey(res.Unit)] = sum
			r.mu.Unlock()
		}
		for _, p := range res.Problems {
			if p.Needs != (store.Request{}) {
				r.need(p, res.Unit.ID())
			}
		}
	}, nil)
	if err != nil {
		return nil, err
	}
	return &Outcome{Graph: graph, needs: r.sortedNeeds(), sums: sums}, nil
}

// unitKey tells units apart: two of one folder may be of different kinds.
func unitKey(u *render.Unit) string { return string(u.Kind) + "\x00" + u.ID() }

// Touched are the units, of what Units gave with a Memory, that are not what they are
// in another tree, or not in it at all: something that they are made of, or that they
// looked at, be it in vain, is another there. gone are the ids of those that are only
// there.
func (o *Outcome) Touched(base *Outcome) (touched []*render.Unit, gone []string) {
	there := map[string]bool{}
	for _, u := range o.Graph.Units {
		key := unitKey(u)
		there[key] = true
		if sum, ok := base.sums[key]; !ok || sum != o.sums[key] {
			touched = append(touched, u)
		}
	}
	for _, u := range base.Graph.Units {
		if !there[unitKey(u)] {
			gone = append(gone, u.ID())
		}
	}
	return touched, gone
}

type run struct {
	linter   *lint.Linter
	renderer *render.Renderer
	rendered func(res *render.Result, hidden func(text string) bool)
	paths    []string
	shard    *Shard

	mu       sync.Mutex
	findings []lint.Finding
	joined   []*manifest.Object
	// annotated are the objects that carry suppressions.
	annotated []*manifest.Object
	resultOf  map[*manifest.Object]*render.Result // of both
	units     map[*render.Unit]lint.Unit
	// lacking are the namespaces, by cluster, of which not all is known; under
	// anyNamespace those clusters of which nothing is known for sure.
	lacking map[area]bool
	readers map[string][]lint.Reader // by file
	seen    map[string]bool          // files in which what is deployed is written
	objects int
	secret  map[string]bool // the rules on secrets
	memory  *Memory         // nil for none
	given   []*given        // what may be kept
	// watching takes what the run looks at, and what units that are not rendered
	// looked at when they were; nil for nobody who wants to know.
	watching *render.Looks
	passing  bool // something would not be the same another time
	needs    map[store.Request]*need
}

// maxClusters is how many clusters are judged each by itself. With more, as no
// repository has, all count as one.
const maxClusters = 100

// joint runs the rules that join objects, once for each cluster: what one has
// says nothing of another. What no GitOps object leads to may be on any cluster.
func (r *run) joint() []lint.Finding {
	objects := r.sorted()
	clusters := map[string][]*manifest.Object{}
	for _, o := range objects {
		c := r.unitOf(o).Cluster
		clusters[c] = append(clusters[c], o)
	}
	everywhere := func(namespace string) bool {
		for c := range clusters {
			if !r.complete(c, namespace) {
				return false
			}
		}
		return true
	}
	if len(clusters) < 2 || len(clusters) > maxClusters {
		return r.linter.Cluster(&lint.Cluster{Objects: objects, Unit: r.unitOf, Complete: everywhere})
	}
	names := slices.Sorted(maps.Keys(clusters))
	found := make([][]lint.Finding, len(names))
	inParallel(len(names), func(i int) {
		c := names[i]
		set, complete := objects, everywhere
		if c != "" {
			set = slices.Concat(clusters[c], clusters[""])
			complete = func(namespace string) bool { return r.complete(c, namespace) }
		}
		judges := func(o *manifest.Object) bool { return r.unitOf(o).Cluster == c }
		found[i] = r.linter.Cluster(&lint.Cluster{Objects: set, Judges: judges, Unit: r.unitOf, Complete: complete})
	})
	return slices.Concat(found...)
}

// inParallel calls f for every number below n, a few at a time.
func inParallel(n int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}

// area is a namespace of a cluster.
type area struct{ cluster, namespace string }

// anyNamespace stands for a namespace that is not known.
const anyNamespace = "*"

// complete says that all that the repository deploys into a namespace is known.
func (r *run) complete(cluster, namespace string) bool {
	return len(r.paths) == 0 && !r.lacking[area{cluster, namespace}] && !r.lacking[area{cluster, anyNamespace}]
}

// lacks notes where a unit that was not rendered as a whole would have put what
// it did not give.
func (r *run) lacks(u *render.Unit, namespaces []string) {
	if u.Status == render.Rendered {
		return
	}
	into := map[string]bool{}
	for _, namespace := range namespaces {
		into[namespace] = true
	}
	switch {
	case u.Namespace() != "":
		into[u.Namespace()] = true
	case len(into) == 0 && u.Reconciled():
		// Of what no GitOps object leads to nobody knows that it is deployed
		// beside the rest.
		into[anyNamespace] = true
	}
	for namespace := range into {
		r.lacking[area{u.Cluster, namespace}] = true
	}
}

// unit is what rules may know of a unit.
func (r *run) unit(u *render.Unit) lint.Unit {
	kube, _ := version.ParseGeneric(r.renderer.KubeVersion(u))
	return lint.Unit{ID: u.ID(), Kube: kube, Cluster: u.Cluster, Reconciled: u.Reconciled(), Bare: u.Bare(), By: u.By()}
}

// unitOf is the unit that gave a joined object.
func (r *run) unitOf(o *manifest.Object) lint.Unit {
	if res := r.resultOf[o]; res != nil {
		return r.units[res.Unit]
	}
	return lint.Unit{}
}

// settle finds where what joined objects show was written, that of all units at
// once.
func (r *run) settle(ctx context.Context, findings []lint.Finding) {
	of := map[*render.Result][]*manifest.Object{}
	for _, o := range lint.Unsettled(findings) {
		if res := r.resultOf[o]; res != nil {
			of[res] = append(of[res], o)
		}
	}
	var wg sync.WaitGroup
	for res, objects := range of {
		wg.Go(func() { r.renderer.Trace(ctx, res, objects) })
	}
	wg.Wait()
	lint.Settle(findings)
}

// shown leaves out what rules on secrets say of values that were decrypted for
// this run: they are encrypted where they are written. What other rules quote of
// them is hidden.
func (r *run) shown(o *manifest.Object, findings []lint.Finding) []lint.Finding {
	findings = slices.DeleteFunc(findings, func(f lint.Finding) bool {
		if !r.secret[f.Rule] || f.Path == "" {
			return false
		}
		hits := manifest.Lookup(o.Node, field.NewPath(f.Path))
		value := hits[len(hits)-1].Value.Value
		if decoded, err := base64.StdEncoding.DecodeString(value); err == nil && r.renderer.Holds(string(decoded)) {
			return true
		}
		return r.renderer.Holds(value)
	})
	for i := range findings {
		findings[i].Message = r.renderer.Hide(findings[i].Message)
	}
	return findings
}

// need is what would have to be fetched, and what asks for it.
type need struct {
	problem render.Problem // at the first of the places
	units   map[string]bool
}

// need notes that a unit lacks what is elsewhere. What many lack is one finding.
func (r *run) need(p render.Problem, unit string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.needs[p.Needs]
	if n == nil {
		n = &need{problem: p, units: map[string]bool{}}
		r.needs[p.Needs] = n
	}
	n.units[unit] = true
	if before := n.problem.At; cmp.Or(cmp.Compare(p.At.File, before.File), cmp.Compare(p.At.Line, before.Line), cmp.Compare(p.Message, n.problem.Message)) < 0 {
		n.problem = p
	}
}

// needed are the findings of what would have to be fetched.
func (r *run) needed() []lint.Finding {
	var findings []lint.Finding
	for _, q := range r.sortedNeeds() {
		n := r.needs[q]
		units := slices.Sorted(maps.Keys(n.units))
		message := n.problem.Message
		if len(units) > 1 {
			message += fmt.Sprintf(", which %d units need", len(units))
		}
		if f, ok := r.linter.Problem(n.problem.Class, message, n.problem.Fix, n.problem.At, ""); ok {
			f.Units = units
			findings = append(findings, f)
		}
	}
	return findings
}

func (r *run) sortedNeeds() []store.Request {
	return slices.SortedFunc(maps.Keys(r.needs), func(a, b store.Request) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.URL, b.URL), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
}

// wanted says which units the paths concern; nil for all.
func (r *run) wanted() func(u *render.Unit) bool {
	if len(r.paths) == 0 && r.shard == nil {
		return nil
	}
	return func(u *render.Unit) bool {
		return (r.shard == nil || r.shard.Holds(u)) && (len(r.paths) == 0 || slices.ContainsFunc(r.paths, u.Concerns))
	}
}

// result judges what a unit gave. Only of what is wrong is asked where it is
// written: that takes longer than to judge.
func (r *run) result(ctx context.Context, res *render.Result) {
	unit := r.unit(res.Unit)
	id := unit.ID
	var g *given
	if res.Recalled() != nil {
		if r.watching != nil {
			for _, l := range res.Looks() {
				r.watching.Note(l.Name, l.What)
			}
		}
		if g = r.recalled(res); g == nil {
			// What is kept of it is damaged, or not wholly there.
			res = r.renderer.Again(res)
		}
	}
	if g == nil {
		if r.rendered != nil && !res.Later() {
			r.rendered(res, r.renderer.Holds)
		}
		g = r.judge(unit, res, func(objects []*manifest.Object) { r.renderer.Trace(ctx, res, objects) })
	}
	findings := g.findings
	for _, p := range res.Problems {
		if p.Needs != (store.Request{}) {
			r.need(p, id)
			continue
		}
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
	r.objects += res.Count()
	for _, name := range g.files {
		r.seen[name] = true
	}
	for _, name := range res.Read {
		r.readers[name] = append(r.readers[name], lint.Reader{Unit: unit, Kind: string(res.Unit.Kind)})
		if mayExcuse(name) {
			r.seen[name] = true
		}
	}
	r.units[res.Unit] = unit
	r.lacks(res.Unit, g.namespaces)
	r.joined = append(r.joined, g.joined...)
	for _, o := range g.annotated {
		if lint.Annotated(o) {
			r.annotated = append(r.annotated, o)
		}
	}
	for _, o := range slices.Concat(g.joined, g.annotated) {
		r.resultOf[o] = g.of
	}
	r.passing = r.passing || !res.Lasting()
	g.findings = nil // they are encoded
	if r.memory != nil && !res.Later() {
		r.given = append(r.given, g)
	}
}

// mayExcuse says that a file which a unit read is YAML as it stands, so that a
// comment in it which excuses nothing is wrong: a patch, a kustomization, values.
// Of a template nobody knows what it gives with other values.
func mayExcuse(name string) bool {
	ext := path.Ext(name)
	return (ext == ".yaml" || ext == ".yml") && !strings.Contains("/"+name, "/templates/")
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
	lint.Settle(findings)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.findings = append(r.findings, findings...)
}

// sorted puts the objects in an order that does not depend on which unit was
// rendered first.
func (r *run) sorted() []*manifest.Object {
	slices.SortStableFunc(r.joined, func(a, b *manifest.Object) int {
		if c := strings.Compare(r.unitOf(a).ID, r.unitOf(b).ID); c != 0 {
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
