package render

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// chartPlaces finds where the nodes were written of what the charts of a build
// gave to one unit.
type chartPlaces struct {
	r *Renderer
	b *build
	// job is the unit's: its layers of values know where they were written.
	job job
	// stand is the place that stands for those in what was fetched.
	stand manifest.Span
	// through leads from a file to the kustomization that was built; nil for none.
	through func(file string) []manifest.Step

	mu     sync.Mutex
	values map[int]*valuesView // by the number of the release
	lines  map[int]*templateLines

	files  sync.Mutex
	owners map[string]owner // by folder
	// only are the lines that stand once in a file, or in a text among values, by
	// what they are without white space.
	only map[any]map[string]int
}

func (r *Renderer) chartPlaces(b *build, j job, stand manifest.Span) *chartPlaces {
	return &chartPlaces{r: r, b: b, job: j, stand: stand, values: map[int]*valuesView{}, lines: map[int]*templateLines{},
		owners: map[string]owner{}, only: map[any]map[string]int{}}
}

// chartText is one text of those that the charts of a unit gave.
type chartText struct {
	places *chartPlaces
	text   int
}

// Trace prepares to say where the fields of some objects of a result were
// written, before many of them are asked for: the charts that gave the objects
// are rendered once more, all templates of a release in one go. What can't be
// prepared has places that are near.
func (r *Renderer) Trace(ctx context.Context, res *Result, objects []*manifest.Object) {
	if res.recalled != nil {
		whole := r.Again(res)
		var same []*manifest.Object
		for _, o := range objects {
			if i := res.number[o]; i < len(whole.Objects) {
				same = append(same, whole.Objects[i])
			}
		}
		res, objects = whole, same
	}
	wanted := map[*chartPlaces][]int{}
	for _, o := range objects {
		// Of some not all is kept.
		o = o.Whole()
		of, ok := res.texts[o]
		if again := res.repeat.whole; !ok && again != nil {
			of, ok = again.texts[o]
		}
		if ok {
			wanted[of.places] = append(wanted[of.places], of.text)
		}
	}
	for places, texts := range wanted {
		places.b.trace(ctx, r, places.job, texts)
	}
}

// Of is the result with only some of its objects: who keeps it does not keep the
// others.
func (res *Result) Of(objects []*manifest.Object) *Result {
	kept := &Result{Unit: res.Unit, Objects: objects, Problems: res.Problems, Read: res.Read, others: res.others, looks: res.looks, count: res.Count(),
		size: res.size, unpacked: res.unpacked, key: res.key, recalled: res.recalled, repeat: res.repeat, number: res.number, Took: res.Took, status: res.Unit.Status, reason: res.Unit.Reason, texts: map[*manifest.Object]chartText{}}
	for _, o := range objects {
		if of, ok := res.texts[o]; ok {
			kept.texts[o] = of
		}
	}
	if kept.number == nil {
		kept.number = make(map[*manifest.Object]int, len(objects))
		wanted := make(map[*manifest.Object]bool, len(objects))
		for _, o := range objects {
			wanted[o] = true
		}
		for i, o := range res.Objects {
			if wanted[o] {
				kept.number[o] = i
			}
		}
	}
	return kept
}

// chartTraces are what traced renderings told of the texts of a build.
type chartTraces struct {
	mu    sync.Mutex
	texts map[int]*tracedText // nil for one that can't be traced
}

// trace traces those of some texts of a build that are not traced yet: one job
// for each release.
func (b *build) trace(ctx context.Context, r *Renderer, j job, texts []int) {
	b.traces.mu.Lock()
	defer b.traces.mu.Unlock()
	if b.traces.texts == nil {
		b.traces.texts = map[int]*tracedText{}
	}
	byChart := map[int][]int{}
	for _, i := range texts {
		if _, known := b.traces.texts[i]; known || i < 0 || i >= len(b.product.texts) {
			continue
		}
		t := &b.product.texts[i]
		b.traces.texts[i] = b.plainText(t)
		if b.traces.texts[i] == nil && t.template != "" && !slices.Contains(byChart[t.chart], i) {
			byChart[t.chart] = append(byChart[t.chart], i)
		}
	}
	for chart, list := range byChart {
		job, ok := b.traceJob(j, chart, list)
		if !ok {
			continue
		}
		p := b.traced(ctx, r, job)
		if p == nil {
			continue
		}
		for _, i := range list {
			b.traces.texts[i] = p.tracedText(&b.product.texts[i])
		}
	}
}

// traceJob is the job that tells what wrote some texts of a release.
func (b *build) traceJob(j job, chart int, texts []int) (job, bool) {
	traced := job{kind: Helm, path: j.path, release: j.release}
	if chart > 0 {
		if chart > len(b.product.charts) {
			return job{}, false
		}
		of := b.product.charts[chart-1]
		traced.path, traced.release = of.path, of.release
	} else if j.kind != Helm {
		return job{}, false
	}
	// The texts are those that the post renderers got.
	traced.release.post = nil
	for _, i := range texts {
		traced.trace = append(traced.trace, b.product.texts[i].template)
	}
	return traced, true
}

// traced does a job that traces; nil if it could not be done.
func (b *build) traced(ctx context.Context, r *Renderer, j job) *product {
	tree := newRecorder(r.view, r.settings.limits.YAML)
	// What is rendered once more reads what was read.
	defer b.tree.looks.take(tree.looks)
	j.archives = r.archivesLeft(j.path)
	if r.opts.Workers == nil {
		return r.builder.build(tree, j)
	}
	j.expect = r.found.expect(j)
	p, err := r.opts.Workers.build(ctx, &r.settings, tree, j)
	if err != nil {
		return nil
	}
	return p
}

// tracedText is what a traced rendering told of a text, or nil.
func (p *product) tracedText(of *text) *tracedText {
	for i := range p.texts {
		t := &p.texts[i]
		if t.template != of.template || len(t.runs) == 0 {
			continue
		}
		runs := t.runs
		if t.text != of.text {
			runs = alignRuns(of.text, t.text, runs)
		}
		return &tracedText{name: of.template, lines: strings.Split(of.text, "\n"), runs: runs, pieces: p.pieces, options: p.options}
	}
	return nil
}

// plainText is the text of a file that a chart gives as it is, its CRDs among
// them; nil for what was rendered.
func (b *build) plainText(t *text) *tracedText {
	if !t.written {
		return nil
	}
	source := b.tree.source(t.file)
	if len(source) == 0 || strings.TrimRight(string(source), " \t\r\n") != strings.TrimRight(t.text, " \t\r\n") {
		return nil
	}
	traced := &tracedText{name: t.template, lines: strings.Split(t.text, "\n")}
	for i := range traced.lines {
		traced.runs = append(traced.runs, run{line: i + 1, column: 1, piece: i})
		traced.pieces = append(traced.pieces, piece{file: t.file, written: true, line: i + 1, column: 1, caller: -1})
	}
	return traced
}

// traced is what is known of what wrote a text, which is traced if it is not yet;
// nil if it can't be.
func (c *chartPlaces) traced(i int) *tracedText {
	c.b.trace(c.r.context(), c.r, c.job, []int{i})
	c.b.traces.mu.Lock()
	defer c.b.traces.mu.Unlock()
	return c.b.traces.texts[i]
}

// context is that of the run, for what is rendered when it is asked for.
func (r *Renderer) context() context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx == nil {
		return context.Background()
	}
	return r.ctx
}

// chart is the path of a release's chart, and how it is installed.
func (c *chartPlaces) chart(number int) (string, *release) {
	if number > 0 && number <= len(c.b.product.charts) {
		of := &c.b.product.charts[number-1]
		return of.path, &of.release
	}
	return c.job.path, &c.job.release
}

func (c *chartPlaces) limits() manifest.Limits { return c.r.settings.limits.YAML }

// locate finds the place of a node that stands at a line of a text.
func (c *chartPlaces) locate(i, line int, q manifest.Query) (manifest.Origin, bool) {
	if i < 0 || i >= len(c.b.product.texts) {
		return manifest.Origin{}, false
	}
	if q.Rough || q.Node == nil {
		return c.near(i, line)
	}
	of := &c.b.product.texts[i]
	at, ok := manifest.Origin{}, false
	if t := c.traced(i); t != nil {
		f := &finder{c: c, t: t, of: of, q: q, shift: q.Node.Line - line}
		at, ok = f.place()
	}
	if !ok {
		at, ok = c.near(i, line)
	}
	at.Via = append(at.Via, c.inflated(of, at.Span)...)
	return at, ok
}

// inflated leads from the entry of a kustomization that asks for the chart of a
// text to the one that was built.
func (c *chartPlaces) inflated(of *text, from manifest.Span) []manifest.Step {
	if of.chart < 1 || of.chart > len(c.b.product.charts) {
		return nil
	}
	at := c.b.product.charts[of.chart-1].release.at
	var steps []manifest.Step
	if entry := c.chartEntry(at); entry != nil && at != from {
		name := val{entry}.at("name").or(val{entry}.at("chartName").str())
		steps = append(steps, manifest.Step{Span: at, What: "helmCharts " + oneLine(name)})
	}
	if c.through != nil {
		steps = append(steps, c.through(at.File)...)
	}
	return steps
}

// near is the place of a line of a text as far as the text itself tells.
func (c *chartPlaces) near(i, line int) (manifest.Origin, bool) {
	t := &c.b.product.texts[i]
	if !t.written || isFetched(t.file) {
		return manifest.Origin{Span: t.at}, t.at.File != ""
	}
	c.mu.Lock()
	lines := c.lines[i]
	if lines == nil {
		lines = newTemplateLines(t.file, c.b.tree.source(t.file), t.text)
		c.lines[i] = lines
	}
	c.mu.Unlock()
	if line < 1 || line > len(lines.rendered) {
		return manifest.Origin{}, false
	}
	return manifest.Origin{Span: lines.near(line)}, true
}

// chartSources are the files in which the places of charts are looked for, as lines
// and as YAML. They are read once for all units: many may be of one chart.
type chartSources struct {
	mu    sync.Mutex
	lines map[string][]string
	docs  map[string][]*yaml.Node
}

// source are the lines of a file of the tree.
func (c *chartPlaces) source(name string) []string {
	c.b.tree.looks.Note(name, Found|Read)
	s := &c.r.sources
	s.mu.Lock()
	defer s.mu.Unlock()
	lines, ok := s.lines[name]
	if !ok {
		if data := c.read(name); data != nil {
			lines = strings.Split(string(data), "\n")
		}
		s.lines[name] = lines
	}
	return lines
}

// read is a file of the tree or, if it can't be read, nil.
func (c *chartPlaces) read(name string) []byte {
	if data := c.b.tree.source(name); data != nil {
		return data
	}
	c.b.tree.looks.Note(name, Found|Read)
	data, err := readLimited(c.r.view, name, c.limits().FileSize)
	if err != nil {
		return nil
	}
	return data
}

// documents are those of a YAML file, with their places.
func (c *chartPlaces) documents(name string) []*yaml.Node {
	c.b.tree.looks.Note(name, Found|Read)
	s := &c.r.sources
	s.mu.Lock()
	defer s.mu.Unlock()
	docs, ok := s.docs[name]
	if !ok {
		if data := c.read(name); data != nil {
			docs, _ = c.limits().Parse(data)
		}
		s.docs[name] = docs
	}
	return docs
}

// parsed is the root of a file of one document, or nil.
func (c *chartPlaces) parsed(name string) *yaml.Node {
	if docs := c.documents(name); len(docs) == 1 && docs[0].Kind == yaml.MappingNode {
		return docs[0]
	}
	return nil
}

// onlyLine is the number of the only line of a scalar of several lines that is a
// text, but for white space; 0 for none.
func (c *chartPlaces) onlyLine(n *yaml.Node, text string) int {
	if !strings.Contains(n.Value, "\n") {
		return 0
	}
	return c.onlyLineIn(n, text, func() []string { return strings.Split(n.Value, "\n") })
}

// onlyLineOf is onlyLine for a file.
func (c *chartPlaces) onlyLineOf(file, text string) int {
	lines := c.source(file)
	return c.onlyLineIn(file, text, func() []string { return lines })
}

func (c *chartPlaces) onlyLineIn(of any, text string, lines func() []string) int {
	c.files.Lock()
	defer c.files.Unlock()
	numbers, ok := c.only[of]
	if !ok {
		numbers = map[string]int{}
		for i, line := range lines() {
			line = strings.TrimSpace(line)
			if _, again := numbers[line]; again {
				numbers[line] = 0
				continue
			}
			numbers[line] = i + 1
		}
		c.only[of] = numbers
	}
	return numbers[text]
}
