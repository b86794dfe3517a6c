package render

import (
	"context"
	"crypto/sha256"
	"slices"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Key identifies a unit and all that it is rendered with besides the files that it
// looks at: two units of one key that see the same give the same.
type Key [sha256.Size]byte

// Memory keeps what units gave in other runs.
type Memory interface {
	// Recall gives what is kept of a unit, the latest first.
	Recall(Key) []Record
}

// Record is what is kept of one unit.
type Record interface {
	// Unit is what Renderer.Record made.
	Unit() []byte
}

// Kept is an object as it is kept.
type Kept struct {
	Object *manifest.Object
	// Node is the object's own, or one without values that are not to be kept.
	Node *yaml.Node
	// Masked says that values were left out.
	Masked bool
}

// Later says that the result is only what was found out about a unit after it gave
// what it gives.
func (res *Result) Later() bool { return res.later }

// Number is the place of an object among all that the unit gave, from 0.
func (res *Result) Number(o *manifest.Object) int { return res.number[o] }

// Stands says that an object stands for one of the result's.
func (res *Result) Stands(view, o *manifest.Object) { res.number[view] = res.number[o] }

// Forget lets go of an object for which another stands.
func (res *Result) Forget(o *manifest.Object) {
	delete(res.number, o)
	delete(res.texts, o)
	res.count = res.Count()
	res.Objects = slices.DeleteFunc(slices.Clone(res.Objects), func(kept *manifest.Object) bool { return kept == o })
}

// Follow are the objects of a result that was recalled which other units refer to.
func (r *Renderer) Follow(res *Result) []Kept {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Kept, len(res.Objects))
	for i, o := range res.Objects {
		list[i] = Kept{Object: o, Node: o.Node, Masked: r.masked[o]}
	}
	return list
}

// Learned says that places were found in objects of a result that was recalled which
// were not known.
func (r *Renderer) Learned(res *Result) bool {
	known := res.recalled
	for i, o := range known.objects {
		if len(o.Remembered()) > len(known.places[i]) {
			return true
		}
	}
	return false
}

// Key is what the unit is remembered by.
func (res *Result) Key() Key { return res.key }

// Recalled is what the result was recalled from; nil for one that was rendered.
func (res *Result) Recalled() Record {
	if res.recalled == nil {
		return nil
	}
	return res.recalled.record
}

// key is what a unit is remembered by.
func (r *Renderer) key(u *Unit) Key {
	var e encoder
	told := r.settings
	told.charts = nil // who asks for them notes it
	e.settings(&told)
	e.Texts([]string{string(u.Kind), u.Path, u.Name, u.Cluster, u.entry, u.values, r.mainFile(u), r.KubeVersion(u)})
	e.Bool(u.guess)
	e.Texts(u.files)
	e.problems(u.problems)
	e.Span(u.At)
	if u.plan == nil {
		if u.Kind != Plain {
			e.job(r.job(u))
		}
		return sha256.Sum256(e.Buf)
	}
	p := u.plan
	e.Int(len(p.jobs))
	for _, j := range p.jobs {
		e.job(j)
	}
	e.Texts(p.files)
	e.problems(p.problems)
	e.Text(p.namespace)
	e.pairs(p.labels)
	e.pairs(p.annotations)
	e.Span(p.stand)
	e.Int(len(p.objects))
	for _, n := range p.objects {
		e.node(n)
	}
	e.Steps(u.via())
	o := u.object
	e.Texts([]string{o.GVK.String(), o.Namespace, o.Name, o.Template})
	e.Origin(o.Origin)
	e.node(o.Node)
	return sha256.Sum256(e.Buf)
}

// written are the files that what a unit's GitOps object says stands in, and that
// of the objects which it refers to: a line more in one of them moves a finding.
func (r *Renderer) written(u *Unit) *Looks {
	l := &Looks{}
	if u.object == nil {
		return l
	}
	for _, o := range append([]*manifest.Object{u.object}, u.used...) {
		for _, name := range r.filesOf(o) {
			l.Note(name, Found|Read)
		}
	}
	return l
}

// filesOf are the files that the fields of an object stand in.
func (r *Renderer) filesOf(o *manifest.Object) []string {
	r.mu.Lock()
	files, ok := r.files[o]
	r.mu.Unlock()
	if ok {
		return files
	}
	files = o.Files()
	r.mu.Lock()
	r.files[o] = files
	r.mu.Unlock()
	return files
}

// readFor notes that the fields of objects that charts gave may stand in any file
// that was read for them.
func (r *Renderer) readFor(res *Result) {
	var read []string
	for _, o := range res.Objects {
		if _, ok := res.texts[o]; !ok || !Followed(o) {
			continue
		}
		if read == nil {
			for _, l := range res.Looks() {
				if l.What&Read != 0 {
					read = append(read, l.Name)
				}
			}
		}
		r.mu.Lock()
		r.files[o] = read
		r.mu.Unlock()
	}
}

// Followed says that an object leads to other units, or that they may refer to it.
func Followed(o *manifest.Object) bool {
	_, ok := gitopsKinds[o.GroupKind()]
	return ok || wanted(o) || o.GroupKind() == resourceSet
}

// Sum identifies what a unit is rendered from and what all that it looked at is.
func (r *Renderer) Sum(res *Result) [sha256.Size]byte {
	var e encoder
	e.Bytes(res.key[:])
	for _, l := range res.Looks() {
		e.Text(l.Name)
		e.Text(r.prints.Of(l))
	}
	return sha256.Sum256(e.Buf)
}

// Looks are all looks that the result depends on, besides what its key says, in
// order.
func (res *Result) Looks() []Look {
	all := &Looks{}
	for _, l := range res.looks {
		all.take(l)
	}
	return all.List()
}

// Lasting says that the result would be the same another time: nothing in it is for
// lack of time or memory, or of what other units took of a common budget.
func (res *Result) Lasting() bool {
	return !res.Unit.killed && !slices.ContainsFunc(res.Looks(), Look.Telling) && !slices.ContainsFunc(res.Problems, func(p Problem) bool {
		switch p.Class {
		case "limit-time", "limit-memory", "limit-size", "internal":
			return true
		}
		return false
	})
}

// Record is what is to be kept of a result: the files that it depends on and what
// they were, what became of the unit, and the objects that other units depend on,
// as keep gives them. ok is false for a result that can't be kept. places are those
// of which the places are kept, too.
func (r *Renderer) Record(res *Result, follow []Kept, places []*manifest.Object) (data []byte, ok bool) {
	if !res.Lasting() {
		return nil, false
	}
	var e encoder
	looked := res.Looks()
	e.looks(looked)
	for _, l := range looked {
		e.Text(r.prints.Of(l))
	}
	status, reason := res.status, res.reason
	if status == "" {
		status, reason = res.Unit.Status, res.Unit.Reason
	}
	e.Text(string(status))
	e.Text(reason)
	e.Int(res.Count())
	e.Int(int(res.size))
	e.Int(int(res.unpacked))
	e.problems(res.Problems)
	e.Texts(res.Read)
	e.Texts(res.others)
	e.Int(len(follow))
	for _, k := range follow {
		if _, leads := gitopsKinds[k.Object.GroupKind()]; leads && k.Masked {
			// Without the whole of it nobody knows what it deploys.
			return nil, false
		}
		e.Texts(r.filesOf(k.Object))
		e.kept(k, res.number[k.Object])
	}
	e.Int(len(places))
	for _, o := range places {
		e.Int(res.number[o])
		e.places(o.Remembered())
	}
	return e.Buf, true
}

// Objects writes objects of a result, without their places; Restore reads them.
func (res *Result) Encode(objects []Kept) []byte {
	var e encoder
	e.Int(len(objects))
	for _, k := range objects {
		e.kept(k, res.number[k.Object])
	}
	return e.Buf
}

// Restore reads what Encode wrote of the objects of a result that was recalled. ok
// is false if it can't be read.
func (r *Renderer) Restore(res *Result, data []byte) (objects []*manifest.Object, ok bool) {
	d := newDecoder(data)
	for range d.Count() {
		o, i := r.restored(d, res)
		if d.Err != nil {
			return nil, false
		}
		// What other units refer to is there already.
		if known := res.recalled.objects[i]; known != nil {
			o = known
		} else {
			res.recalled.objects[i] = o
			res.number[o] = i
		}
		objects = append(objects, o)
	}
	return objects, true
}

// recalled is what was remembered of a unit.
type recalled struct {
	record  Record
	objects map[int]*manifest.Object // those that were restored, by number
	places  map[int][]manifest.Place
}

// repeat is a unit that is rendered again, once.
type repeat struct {
	once  sync.Once
	whole *Result
}

// recall gives what is remembered of a unit, if all that it looked at is as it was.
func (r *Renderer) recall(u *Unit, key Key) *Result {
	for _, record := range r.opts.Memory.Recall(key) {
		if res := r.recollect(u, key, record); res != nil {
			return res
		}
	}
	return nil
}

func (r *Renderer) recollect(u *Unit, key Key, record Record) *Result {
	d := newDecoder(record.Unit())
	looked := d.looks()
	for _, l := range looked {
		if print := d.String(); d.Err != nil || r.prints.Of(l) != print {
			return nil
		}
	}
	seen := &Looks{}
	for _, l := range looked {
		seen.Note(l.Name, l.What)
	}
	known := &recalled{record: record, objects: map[int]*manifest.Object{}, places: map[int][]manifest.Place{}}
	res := &Result{Unit: u, key: key, repeat: &repeat{}, recalled: known, looks: []*Looks{seen}, number: map[*manifest.Object]int{}}
	status, reason := Status(d.String()), d.String()
	res.count, res.size, res.unpacked = d.Int(), int64(d.Int()), int64(d.Int())
	res.Problems, res.Read, res.others = d.problems(), d.Strings(), d.Strings()
	files := map[*manifest.Object][]string{}
	for range d.Count() {
		names := d.Strings()
		o, i := r.restored(d, res)
		if d.Err != nil {
			return nil
		}
		known.objects[i], files[o], res.number[o] = o, names, i
		res.Objects = append(res.Objects, o)
	}
	for range d.Count() {
		i := d.Int()
		known.places[i] = append(known.places[i], d.places()...)
	}
	if d.Err != nil || status != Rendered && status != Partial && status != NotRendered {
		return nil
	}
	for i, o := range known.objects {
		o.Know(known.places[i])
	}
	if r.rendered.Add(res.size) > r.settings.limits.RenderedTotal {
		r.rendered.Add(-res.size)
		return nil
	}
	u.Status, u.Reason, res.status, res.reason = status, reason, status, reason
	r.mu.Lock()
	for o, names := range files {
		r.files[o] = names
	}
	r.mu.Unlock()
	r.noteOthers(res.others)
	return res
}

// restored reads an object that was kept, and its number in the unit.
func (r *Renderer) restored(d *decoder, res *Result) (*manifest.Object, int) {
	known := res.recalled
	i, masked := d.Int(), d.Bool()
	gvk := schema.GroupVersionKind{Group: d.String(), Version: d.String(), Kind: d.String()}
	namespace, name, template := d.String(), d.String(), d.String()
	origin := d.Origin()
	node := d.node(0)
	o := manifest.Restore(gvk, namespace, name, node, origin, func() *manifest.Object { return r.Wholly(res, i) })
	o.Know(known.places[i])
	o.Template = template
	if masked {
		r.mu.Lock()
		r.masked[o] = true
		r.mu.Unlock()
	}
	return o, i
}

// Wholly is an object of a unit that is not kept as it is, as rendering the unit
// again gives it; nil if that fails.
func (r *Renderer) Wholly(res *Result, i int) *manifest.Object {
	whole := r.Again(res)
	if i >= len(whole.Objects) {
		return nil
	}
	return whole.Objects[i]
}

// Again is a result of which not all is kept, rendered again.
func (r *Renderer) Again(res *Result) *Result {
	res.repeat.once.Do(func() {
		u := *res.Unit
		whole := &Result{Unit: &u, repeated: true, repeat: &repeat{}, key: res.key}
		r.mu.Lock()
		ctx := r.ctx
		r.mu.Unlock()
		if ctx == nil {
			ctx = context.Background()
		}
		if err := r.render(ctx, &u, whole); err != nil || len(whole.Objects) != res.Count() {
			whole = &Result{Unit: &u, repeat: &repeat{}, key: res.key}
		}
		res.repeat.whole = whole
		res.looks = append(res.looks, whole.looks...)
	})
	return res.repeat.whole
}

// unmasked is an object with all of its values, which may have been left out when
// it was kept.
func (r *Renderer) unmasked(o *manifest.Object) *manifest.Object {
	r.mu.Lock()
	masked := r.masked[o]
	r.mu.Unlock()
	if !masked {
		return o
	}
	if whole := o.Whole(); whole != nil {
		return whole
	}
	return o
}

func (e *encoder) problems(list []Problem) {
	e.Int(len(list))
	for _, p := range list {
		e.Text(p.Class)
		e.Text(p.Message)
		e.Text(p.Fix)
		e.Span(p.At)
		e.Bool(p.Minor)
		e.request(p.Needs)
	}
}

func (d *decoder) problems() []Problem {
	var list []Problem
	for range d.Count() {
		list = append(list, Problem{Class: d.String(), Message: d.String(), Fix: d.String(), At: d.Span(), Minor: d.Bool(), Needs: d.request()})
	}
	return list
}

func (e *encoder) kept(k Kept, number int) {
	o := k.Object
	e.Int(number)
	e.Bool(k.Masked)
	for _, s := range []string{o.GVK.Group, o.GVK.Version, o.GVK.Kind, o.Namespace, o.Name, o.Template} {
		e.Text(s)
	}
	e.Origin(o.Origin)
	e.node(k.Node)
}

func (e *encoder) places(list []manifest.Place) {
	slices.SortFunc(list, manifest.Place.Compare)
	e.Int(len(list))
	for _, p := range list {
		e.Texts(p.Path)
		e.Bool(p.Rough)
		e.Origin(p.Origin)
	}
}

func (d *decoder) places() []manifest.Place {
	var list []manifest.Place
	for range d.Count() {
		list = append(list, manifest.Place{Path: d.Strings(), Rough: d.Bool(), Origin: d.Origin()})
	}
	return list
}
