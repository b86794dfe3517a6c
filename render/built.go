package render

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/store"
	"go.yaml.in/yaml/v3"
)

// planned renders what a GitOps object deploys.
func (r *Renderer) planned(ctx context.Context, res *Result, tree *recorder) error {
	u, p := res.Unit, res.Unit.plan
	failed := 0
	for _, problem := range p.problems {
		if problem.Minor {
			res.Problems = append(res.Problems, problem)
			continue
		}
		res.miss(problem)
	}
	for _, j := range p.jobs {
		status, reason := u.Status, u.Reason
		if err := r.built(ctx, res, tree, j, p.stand); err != nil {
			return err
		}
		if u.Status == NotRendered {
			failed++
		}
		if status != Rendered && u.Status == Rendered {
			u.Status, u.Reason = status, reason
		}
	}
	for _, name := range p.files {
		part := r.manifestFile(tree, name)
		res.Objects = append(res.Objects, part.Objects...)
		for _, problem := range part.Problems {
			res.miss(problem)
		}
		res.others = append(res.others, part.others...)
	}
	if p.objects != nil {
		res.Objects = append(res.Objects, documents(u, p.objects)...)
	}
	switch {
	case len(p.jobs)+len(p.files)+len(p.objects) == 0 && len(p.problems) > 0, failed > 0 && len(res.Objects) == 0:
		u.Status = NotRendered
		if u.Reason == "" && len(p.problems) > 0 {
			u.Reason = p.problems[0].Message
		}
	case failed > 0:
		u.Status = Partial
	}
	p.finish(res.Objects)
	if u.Kind == Application {
		res.Objects = lastOfEach(res.Objects)
	}
	via := u.via()
	for _, o := range res.Objects {
		o.Origin.Via = via
	}
	return nil
}

// lastOfEach are the objects without those that a later one replaces: of several
// that have one name Argo CD applies the last.
func lastOfEach(objects []*manifest.Object) []*manifest.Object {
	seen := map[string]bool{}
	var kept []*manifest.Object
	for _, o := range slices.Backward(objects) {
		// What is given a name on the cluster is never the same.
		name := val{o.Node}.at("metadata", "name").str()
		key := o.GroupKind().String() + "\x00" + o.Namespace + "\x00" + name
		if name == "" || !seen[key] {
			kept = append(kept, o)
		}
		seen[key] = true
	}
	slices.Reverse(kept)
	return kept
}

// built has a kustomization or chart built and makes objects of what it gives.
// stand is the place that stands for those in what was fetched.
func (r *Renderer) built(ctx context.Context, res *Result, tree *recorder, j job, stand manifest.Span) error {
	u := res.Unit
	b, err := r.build(ctx, j)
	if err != nil {
		return err
	}
	p := b.product
	for name, data := range b.tree.read {
		tree.record(name, data)
	}
	res.looks = append(res.looks, b.tree.looks)
	res.unpacked += p.unpacked
	res.size += b.size
	if !res.repeated && r.rendered.Add(b.size) > r.settings.limits.RenderedTotal {
		p = &product{problems: slices.Clone(p.problems)}
		p.fail(Problem{Class: "limit-size", Message: fmt.Sprintf("what was rendered of all units is larger than %d MiB", r.settings.limits.RenderedTotal>>20),
			Fix: limits.Raise("rendered-total"), At: manifest.Span{File: r.mainFile(u)}})
	}
	where := originsOf(b.tree, p, j)
	where.texts = newTextLines(b.tree, p)
	if stand.File == "" {
		stand.File = r.mainFile(u)
	}
	places := r.chartPlaces(b, j, stand)
	where.texts.places, places.through = places, where.chain
	u.Status, u.Reason, u.killed = p.status, p.reason, p.killed
	for _, problem := range p.problems {
		switch {
		case problem.At.File == j.path && problem.At.Line == 0:
			// What was read before a worker ended is not known.
			problem.At = stand
		case isFetched(problem.At.File):
			problem.At = where.reference(problem.At.File, stand)
		}
		res.Problems = append(res.Problems, problem)
	}
	r.docObjects(res, p, where, stand)
	for i, t := range p.texts {
		if t.taken {
			continue
		}
		if isFetched(t.file) {
			t.file, t.written = stand.File, false
		}
		r.textObjects(res, chartText{places, i}, t)
	}
	return nil
}

// build is what a job gave, and the files that it was made of.
type build struct {
	once    sync.Once
	product *product
	tree    *recorder
	size    int64
	err     error
	// users is how many units are still to take it.
	users  atomic.Int32
	traces chartTraces
}

// build does a job, or takes what the same job gave for another unit of the
// round: one base is deployed to many clusters.
func (r *Renderer) build(ctx context.Context, j job) (*build, error) {
	key := j.key()
	r.mu.Lock()
	b := r.shared[key]
	r.mu.Unlock()
	if b == nil {
		b = &build{}
	}
	b.once.Do(func() { r.do(ctx, j, b) })
	if b.users.Add(-1) == 0 {
		r.mu.Lock()
		delete(r.shared, key)
		r.mu.Unlock()
	}
	return b, b.err
}

func (r *Renderer) do(ctx context.Context, j job, b *build) {
	b.tree = newRecorder(r.view, r.settings.limits.YAML)
	j.archives = r.archivesLeft(j.path)
	if r.opts.Workers != nil {
		j.expect = r.found.expect(j)
		b.product, b.err = r.opts.Workers.build(ctx, &r.settings, b.tree, j)
	} else {
		b.product = r.builder.build(b.tree, j)
	}
	if b.err != nil {
		return
	}
	b.product.missPointers(b.tree)
	r.mu.Lock()
	// A chart that is rendered with several sets of values is unpacked each
	// time, and counts once.
	if more := b.product.unpacked - r.unpacked[j.path]; more > 0 {
		r.unpacked[j.path] += more
		r.archives.take(more)
	}
	r.mu.Unlock()
	b.size = b.product.size()
}

// share says which jobs of a round more than one unit has.
func (r *Renderer) share(units []*Unit) {
	users := map[[32]byte]int32{}
	for _, u := range units {
		// What gets metadata of its own is not shared.
		if u.plan == nil || len(u.plan.labels)+len(u.plan.annotations) > 0 {
			continue
		}
		for _, j := range u.plan.jobs {
			users[j.key()]++
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.shared)
	for key, n := range users {
		if n > 1 {
			b := &build{}
			b.users.Store(n)
			r.shared[key] = b
		}
	}
}

// key is the same for jobs that give the same.
func (j job) key() [32]byte {
	var e encoder
	e.job(j)
	return sha256.Sum256(e.Buf)
}

// archivesLeft is what the archives of a unit's chart may unpack to.
func (r *Renderer) archivesLeft(name string) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.settings.limits.ArchivesSize - r.archives.used() + r.unpacked[name]
}

// docObjects makes objects of the nodes that a build gave.
func (r *Renderer) docObjects(res *Result, p *product, where *kustomizeOrigins, stand manifest.Span) {
	if len(p.docs) == 0 {
		return
	}
	origin := manifest.Origin{Span: manifest.Span{File: r.mainFile(res.Unit)}}
	var post *postPlaces
	if u := res.Unit; u.Kind == HelmRelease && u.object != nil {
		post = r.postPlaces(u.object, p.tags)
	}
	locate := func(doc *yaml.Node) manifest.Locator {
		find := where.texts.locator(post.locator(where.locator(doc)), post.line)
		return func(q manifest.Query) (manifest.Origin, bool) {
			at, ok := find(q)
			if ok && isFetched(at.File) {
				span := where.reference(at.File, stand)
				at = manifest.Origin{Span: span, Asks: true, Via: where.chain(span.File)}
			}
			return at, ok
		}
	}
	for _, doc := range p.docs {
		for _, o := range manifest.Objects(doc, origin, locate(doc)) {
			if o.Origin.Line == 0 {
				o.Origin.Span = stand
			}
			if i, ok := where.texts.textOf(o.Node); ok && len(p.texts) > 0 {
				res.note(o, chartText{where.texts.places, i})
				o.Template = p.texts[i].template
			}
			res.Objects = append(res.Objects, o)
		}
	}
}

// textObjects reads the objects of one rendered template. t is the text as it is
// to be shown: what was fetched is nothing that anybody edits.
func (r *Renderer) textObjects(res *Result, of chartText, t text) {
	docs, problems := r.settings.limits.YAML.Parse([]byte(separated(t.text)))
	stand := of.places.stand
	where := newTemplateLines(t.file, of.places.b.tree.source(t.file), t.text)
	origin := manifest.Origin{Span: manifest.Span{File: t.file}}
	if t.file == stand.File && !t.written {
		origin.Span = stand
	}
	locate := func(q manifest.Query) (manifest.Origin, bool) {
		switch {
		case !q.Rough:
			return of.places.locate(of.text, q.Node.Line, q)
		case t.written:
			return where.locate(q)
		}
		return manifest.Origin{}, false
	}
	for _, refused := range problems {
		p := refusedProblem(t.file, refused)
		switch refused.Class {
		case manifest.ParseError:
			p.Class, p.Message = "render-failed", "the template gives no valid YAML: "+refused.Message
		case manifest.DuplicateKey:
			// Helm lets the last one hold, and does so on the cluster.
			p.Minor = true
		default:
			p.Message = "what the template gives was not read: " + refused.Message
		}
		p.At = origin.Span
		if t.written {
			p.At = where.near(refused.Line)
		}
		if p.Minor {
			res.Problems = append(res.Problems, p)
			continue
		}
		res.miss(p)
	}
	for _, doc := range docs {
		for _, o := range manifest.Objects(doc, origin, locate) {
			o.Template = t.template
			res.note(o, of)
			res.Objects = append(res.Objects, o)
		}
	}
}

// separated is a text of helm in which every separator of documents is one to YAML,
// too: helm splits at three dashes that begin a line, whatever stands behind them
// (releaseutil.SplitManifests), as when a template trims the end of their line. The
// lines keep their numbers.
func separated(text string) string {
	if !strings.Contains(text, "---") {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		rest, ok := strings.CutPrefix(line, "---")
		if rest = strings.TrimSpace(rest); !ok || rest == "" || strings.HasPrefix(line, "--- #") {
			continue
		}
		above := ""
		if i > 0 {
			above = strings.TrimSpace(lines[i-1])
		}
		switch {
		case rest[0] == '#':
			lines[i] = "--- " + rest
		case i > 0 && (above == "" || above[0] == '#'):
			lines[i-1], lines[i] = "---", rest
		}
	}
	return strings.Join(lines, "\n")
}

// isFetched says that a path is of what was fetched: nobody edits it.
func isFetched(name string) bool {
	return name == store.MountPoint || strings.HasPrefix(name, store.MountPoint+"/")
}

// refusedProblem is what the gate, or the parser behind it, says of a file.
func refusedProblem(file string, e *manifest.ReadError) Problem {
	p := Problem{Class: string(e.Class), Message: e.Message, At: manifest.Span{File: file, Line: e.Line, Column: e.Column}}
	if e.Limit != "" {
		p.Fix = limits.Raise(e.Limit)
	}
	return p
}
