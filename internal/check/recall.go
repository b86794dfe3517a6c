package check

import (
	"slices"
	"time"

	"github.com/scantling-dev/scantling/internal/cache"
	"github.com/scantling-dev/scantling/internal/crd"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/wire"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/render"
	"github.com/scantling-dev/scantling/secrets"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// given is what a unit gave, as far as it is needed when the unit is done with.
type given struct {
	// findings are those of the rules on single objects.
	findings []lint.Finding
	// files are those that the objects stand in; namespaces where they go.
	files, namespaces []string
	// joined and annotated are the objects that are judged together with others,
	// and those that carry suppressions.
	joined, annotated []*manifest.Object
	// of is the result with only those objects.
	of *render.Result
	// follow are the objects that other units refer to.
	follow []render.Kept
	// found and objects are what is to be kept; before is what it was made of, nil
	// for a unit that was rendered.
	found   []byte
	objects cache.Key
	before  *entry
}

// judge runs the rules over what a unit gave. Only of what is wrong is asked where
// it is written: that takes longer than to judge.
func (r *run) judge(unit lint.Unit, res *render.Result, trace func([]*manifest.Object)) *given {
	g := &given{}
	var kept []*manifest.Object
	for _, o := range res.Objects {
		g.findings = append(g.findings, r.shown(o, r.linter.Object(o, unit))...)
		joined, annotated := r.linter.Keeps(o), lint.Excused(o)
		if joined {
			g.joined = append(g.joined, o)
		}
		if annotated {
			g.annotated = append(g.annotated, o)
		}
		if joined || annotated || r.memory != nil && render.Followed(o) {
			kept = append(kept, o)
		}
		g.files = append(g.files, o.Origin.File)
		g.namespaces = append(g.namespaces, o.Namespace)
	}
	if r.memory != nil {
		for _, o := range kept {
			o.Remember()
		}
	}
	if objects := lint.Unsettled(g.findings); len(objects) > 0 {
		trace(objects)
	}
	lint.Settle(g.findings)
	slices.Sort(g.files)
	g.files = slices.Compact(g.files)
	slices.Sort(g.namespaces)
	g.namespaces = slices.Compact(g.namespaces)
	g.of = res.Of(kept)
	list := r.summarise(g, kept)
	if r.memory != nil {
		number := make(map[*manifest.Object]int, len(res.Objects))
		for i, o := range res.Objects {
			number[o] = i
		}
		if len(list) > 0 {
			g.objects = r.memory.put(g.of.Encode(list))
		}
		g.found = g.encode(number)
	}
	return g
}

// summarise puts what may be kept in the place of what is judged together with
// others, so that it is judged alike in this run and in the next, with a cache and
// without: what may not be kept is not known. It gives all that is to be kept of
// these objects.
func (r *run) summarise(g *given, kept []*manifest.Object) []render.Kept {
	views := map[*manifest.Object]*manifest.Object{}
	var list []render.Kept
	for _, o := range kept {
		k := render.Kept{Object: o, Node: secrets.Withhold(o.Node)}
		views[o], k.Masked = o, k.Node != o.Node
		switch {
		case k.Masked:
			views[o] = view(o, k.Node, func() *manifest.Object { return o })
			g.of.Stands(views[o], o)
		case o.GroupKind() == crd.Kind:
			// Most of it is prose, and hardly ever is anything wrong with it that is
			// not said already.
			k.Node = crd.Compact(o.Node)
			of, number := g.of, g.of.Number(o)
			views[o] = view(o, k.Node, func() *manifest.Object { return r.renderer.Wholly(of, number) })
			g.of.Stands(views[o], o)
			k.Object = views[o]
			defer g.of.Forget(o)
		}
		if render.Followed(o) {
			g.follow = append(g.follow, k)
		}
		list = append(list, k)
	}
	judged := map[*manifest.Object]bool{}
	for _, objects := range [][]*manifest.Object{g.joined, g.annotated} {
		for i, o := range objects {
			judged[o] = true
			objects[i] = views[o]
		}
	}
	return slices.DeleteFunc(list, func(k render.Kept) bool { return !judged[k.Object] && !k.Object.Restored() })
}

// view is an object without some of its values.
func view(o *manifest.Object, node *yaml.Node, whole func() *manifest.Object) *manifest.Object {
	v := manifest.Restore(o.GVK, o.Namespace, o.Name, node, o.Origin, whole)
	v.Template = o.Template
	return v
}

// encode writes what was found in a unit. number are the places of its objects among
// all.
func (g *given) encode(number map[*manifest.Object]int) []byte {
	var e wire.Encoder
	e.Texts(g.files)
	e.Texts(g.namespaces)
	for _, objects := range [][]*manifest.Object{g.joined, g.annotated} {
		e.Int(len(objects))
		for _, o := range objects {
			e.Int(g.of.Number(o))
		}
	}
	numbers := map[*manifest.Object]int{}
	var about []*manifest.Object
	for _, o := range lint.About(g.findings) {
		numbers[o] = len(about)
		about = append(about, o)
	}
	e.Int(len(about))
	for _, o := range about {
		e.Int(number[o])
		for _, s := range []string{o.GVK.Group, o.GVK.Version, o.GVK.Kind, o.Namespace, o.Name, o.Template, o.Value("metadata", "labels", chartLabel).Text()} {
			e.Text(s)
		}
		e.Origin(o.Origin)
	}
	lint.Encode(&e, g.findings, func(o *manifest.Object) int { return numbers[o] })
	return e.Buf
}

// chartLabel is the label by which charts name themselves, which suppressions ask
// for.
const chartLabel = "helm.sh/chart"

// recalled is what a unit gave in another run; nil if it can't be had.
func (r *run) recalled(res *render.Result) *given {
	e, ok := res.Recalled().(*entry)
	if !ok {
		return nil
	}
	g := &given{of: res, found: e.found, objects: e.objects, before: e}
	d := wire.NewDecoder(e.found)
	g.files, g.namespaces = d.Strings(), d.Strings()
	numbers := [2][]int{}
	for i := range numbers {
		for range d.Count() {
			numbers[i] = append(numbers[i], d.Int())
		}
	}
	if len(numbers[0])+len(numbers[1]) > 0 {
		data, ok := r.memory.get(e.objects)
		if !ok {
			return nil
		}
		objects, ok := r.renderer.Restore(res, data)
		if !ok {
			return nil
		}
		at := map[int]*manifest.Object{}
		for _, o := range objects {
			at[res.Number(o)] = o
		}
		for i, list := range numbers {
			for _, n := range list {
				if at[n] == nil {
					return nil
				}
				if i == 0 {
					g.joined = append(g.joined, at[n])
				} else {
					g.annotated = append(g.annotated, at[n])
				}
			}
		}
	}
	var about []*manifest.Object
	for range d.Count() {
		o := r.stub(&d, res)
		for _, known := range g.annotated {
			if res.Number(known) == o.number {
				o.object = known
			}
		}
		about = append(about, o.object)
	}
	g.findings = lint.Decode(&d, func(i int) *manifest.Object {
		if i >= len(about) {
			d.Fail()
			return nil
		}
		return about[i]
	})
	if !d.Done() {
		return nil
	}
	r.memory.use(e)
	return g
}

// stub is an object that only says what it is called.
type stub struct {
	number int
	object *manifest.Object
}

func (r *run) stub(d *wire.Decoder, res *render.Result) stub {
	number := d.Int()
	gvk := schema.GroupVersionKind{Group: d.String(), Version: d.String(), Kind: d.String()}
	namespace, name, template, chart := d.String(), d.String(), d.String(), d.String()
	node := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	if chart != "" {
		text := func(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }
		for _, key := range []string{chartLabel, "labels", "metadata"} {
			value := node
			if key == chartLabel {
				value = text(chart)
			}
			node = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{text(key), value}}
		}
	}
	o := manifest.Restore(gvk, namespace, name, node, d.Origin(), func() *manifest.Object { return r.renderer.Wholly(res, number) })
	o.Template = template
	return stub{number, o}
}

// keep keeps what the units of the run gave.
func (r *run) keep() {
	if r.memory == nil {
		return
	}
	for _, g := range r.given {
		if g.before != nil && !r.renderer.Learned(g.of) {
			continue
		}
		follow := g.follow
		if g.before != nil {
			follow = r.renderer.Follow(g.of)
		}
		var places []*manifest.Object
		for _, o := range slices.Concat(g.joined, g.annotated, followed(follow)) {
			if len(o.Remembered()) > 0 && !slices.Contains(places, o) {
				places = append(places, o)
			}
		}
		data, ok := r.renderer.Record(g.of, follow, places)
		if !ok {
			continue
		}
		r.memory.keep(g.of.Key(), &entry{unit: data, found: g.found, objects: g.objects, id: g.of.Unit.ID(), cost: g.took()}, g.before)
	}
}

func followed(follow []render.Kept) []*manifest.Object {
	objects := make([]*manifest.Object, len(follow))
	for i, k := range follow {
		objects[i] = k.Object
	}
	return objects
}

// took is what it cost to render the unit, now or when it was kept.
func (g *given) took() time.Duration {
	if g.before != nil {
		return g.before.cost
	}
	return g.of.Took
}
