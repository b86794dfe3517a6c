package render

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"text/template"
	_ "unsafe" // for go:linkname

	"github.com/Masterminds/sprig/v3"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/store"
	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/konfig"
	_ "sigs.k8s.io/kustomize/api/krusty" // holds the variable linked below
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/kustomize/kyaml/yaml/merge2"
	sigsyaml "sigs.k8s.io/yaml"
)

// generatorFactories make kustomize's generators. The one for helmCharts runs
// the helm program; kustomize has no other way to replace it. A test asserts
// that this one works with the pinned version.
//
//go:linkname generatorFactories sigs.k8s.io/kustomize/api/internal/plugins/builtinhelpers.GeneratorFactories
var generatorFactories map[int]func() resmap.GeneratorPlugin

// chartGeneratorKind is what the generator is called where it is named.
const chartGeneratorKind = "HelmChartInflationGenerator"

// hookCharts replaces the generator that runs helm. It must be called before
// kustomize runs.
var hookCharts = sync.OnceFunc(func() {
	for kind, factory := range generatorFactories {
		if strings.Contains(fmt.Sprintf("%T", factory()), chartGeneratorKind) {
			generatorFactories[kind] = func() resmap.GeneratorPlugin { return new(chartGenerator) }
		}
	}
	hookTags()
})

// chartGenerator is what kustomize has in the place of its own generator. All
// that it knows of its build is the loader, through which it asks for what the
// chart gives.
type chartGenerator struct {
	h      *resmap.PluginHelpers
	config []byte
	step   step
}

// Config takes the generator's configuration: HelmGlobals and one HelmChart.
func (g *chartGenerator) Config(h *resmap.PluginHelpers, config []byte) error {
	g.h, g.config = h, config
	g.step.kind = chartGeneratorKind
	g.step.config(h, config)
	return nil
}

// Generate gives the objects of the chart.
func (g *chartGenerator) Generate() (resmap.ResMap, error) {
	var e encoder
	e.Text(g.h.Loader().Root())
	e.Bytes(g.config)
	answer, err := g.h.Loader().Load(inflatedPath + hex.EncodeToString(e.Buf))
	if err != nil {
		return nil, fmt.Errorf("rendering a chart of helmCharts: %w", err)
	}
	m := resmap.New()
	d := newDecoder(answer)
	for range d.Count() {
		line, content := d.Int(), d.Bytes()
		resources, err := g.h.ResmapFactory().RF().SliceFromBytes(content)
		if err != nil {
			return nil, fmt.Errorf("reading what a chart of helmCharts gives: %w", err)
		}
		for _, r := range resources {
			placeLines(r.YNode(), line)
			if t := g.step.tagger; t != nil {
				t.markNew(r.YNode(), g.step.tag)
			}
			if err := r.PipeE(kyaml.SetAnnotation(konfig.HelmGeneratedAnnotation, "true")); err != nil {
				return nil, fmt.Errorf("marking what a chart of helmCharts gives: %w", err)
			}
			if err := m.Append(r); err != nil {
				return nil, fmt.Errorf("adding what a chart of helmCharts gives: %w", err)
			}
		}
	}
	return m, d.Err
}

// noLines is the line of a document whose nodes kustomize makes anew: their lines
// say nothing.
const noLines = -1

// placeLines moves the lines of nodes to those of the build.
func placeLines(n *yaml.Node, line int) {
	if line != noLines {
		shiftLines(n, line)
		return
	}
	n.Line, n.Column = 0, 0
	for _, c := range n.Content {
		placeLines(c, line)
	}
}

// inflatedPath begins the path under which the file system of a build has what a
// chart gives. It is not in the tree.
const inflatedPath = "/scantling/charts/"

// inflation renders the charts of a kustomization and of its bases.
type inflation struct {
	builder *builder
	told    release // what the charts of this build are told of the cluster
	budget  *archiveBudget
	asked   []askedChart
	given   map[string][]byte // what was given for a path
	texts   []text
	// releases are what the texts name by their numbers.
	releases []chartRelease
}

// askedChart is where a kustomization, in its folder, asks for a chart.
type askedChart struct {
	dir, name, release, version string
	at                          manifest.Span
}

// inflate prepares a build to render charts. What their archives hold counts
// against the archives of the job.
func (b *builder) inflate(f *kustomizeFS, j job) *inflation {
	hookCharts()
	stillHelm()
	f.charts = &inflation{builder: b, told: j.release, budget: newArchiveBudget(j.archives), given: map[string][]byte{}}
	return f.charts
}

// again is the same for the same build from the start.
func (c *inflation) again() *inflation {
	if c == nil {
		return nil
	}
	return &inflation{builder: c.builder, told: c.told, budget: c.budget, given: map[string][]byte{}}
}

// redactor hides what the Secrets of the charts hold in errors of the build.
func (c *inflation) redactor() *redactor {
	hidden := &redactor{limits: c.builder.limits.YAML}
	for _, t := range c.texts {
		hidden.documents([]byte(t.text))
	}
	return hidden
}

// note remembers where a chart is asked for: an entry of helmCharts, of the
// older helmChartInflationGenerator, or the configuration of a generator.
func (c *inflation) note(dir string, entry *yaml.Node, at manifest.Span) {
	get := func(keys ...string) string {
		for _, key := range keys {
			if n := manifest.Get(entry, key); n != nil {
				return n.Value
			}
		}
		return ""
	}
	c.asked = append(c.asked, askedChart{dir, get("name", "chartName"), get("releaseName"), get("version", "chartVersion"), at})
}

// where finds what was noted of a chart.
func (c *inflation) where(dir string, chart *types.HelmChart, otherwise manifest.Span) manifest.Span {
	best := otherwise
	for _, a := range c.asked {
		if a.dir != dir || a.name != chart.Name {
			continue
		}
		if a.release == chart.ReleaseName && a.version == chart.Version {
			return a.at
		}
		best = a.at
	}
	return best
}

// inflated is what a chart gives, for the generator: the documents, each with
// the number of lines before it among those of the build. A chart that can't be
// rendered gives none, and a problem.
func (f *kustomizeFS) inflated(name string) ([]byte, error) {
	missing := &fs.PathError{Op: "open", Path: "a chart of helmCharts", Err: fs.ErrNotExist}
	if f.charts == nil {
		return nil, missing
	}
	if given, ok := f.charts.given[name]; ok {
		return given, nil
	}
	raw, err := hex.DecodeString(strings.TrimPrefix(name, inflatedPath))
	if err != nil {
		return nil, missing
	}
	d := newDecoder(raw)
	root, config := d.String(), d.Bytes()
	dir, ok := f.rel(root)
	if d.Err != nil || !ok {
		return nil, missing
	}
	given := f.inflate(dir, config)
	f.charts.given[name] = given
	return given, nil
}

func (f *kustomizeFS) inflate(dir string, config []byte) []byte {
	var spec struct {
		types.HelmGlobals
		types.HelmChart
	}
	at := manifest.Span{File: job{kind: Kustomize, path: dir}.mainFile(f.tree)}
	p := &product{status: Rendered}
	var docs []renderedDoc
	first := len(f.charts.texts)
	if err := sigsyaml.Unmarshal(config, &spec); err != nil {
		p.fail(Problem{Class: "render-failed", Message: "can't render a chart of helmCharts: a field has the wrong type", At: at})
	} else {
		at = f.charts.where(dir, &spec.HelmChart, at)
		c := &kustomizeChart{HelmChart: spec.HelmChart, fs: f, dir: dir, at: at}
		if c.home = spec.ChartHome; c.home == "" {
			c.home = types.HelmDefaultHome
		}
		var texts []text
		texts, docs = c.render(p)
		f.charts.texts = append(f.charts.texts, texts...)
	}
	for _, problem := range p.problems {
		// What was fetched has no place that a person could edit.
		if problem.At.File == "" || strings.HasPrefix(problem.At.File, store.MountPoint+"/") {
			problem.At = at
		}
		f.problem(problem)
	}
	var starts []int
	for i, t := range f.charts.texts[first:] {
		starts = append(starts, f.nextPad)
		lines := strings.Count(t.text, "\n") + 1
		f.pads = append(f.pads, pad{f.nextPad, lines, textPad(first + i)})
		f.nextPad += lines + 1
	}
	var e encoder
	e.Int(len(docs))
	for _, d := range docs {
		if d.list {
			e.Int(noLines)
		} else {
			e.Int(starts[d.text] + d.line)
		}
		e.Text(d.content)
	}
	return e.Buf
}

// kustomizeChart is one chart that a kustomization asks for.
type kustomizeChart struct {
	types.HelmChart
	fs   *kustomizeFS
	dir  string // of the kustomization
	home string // the folder of charts, from there
	at   manifest.Span
}

// render gives the texts of the chart and their documents, in the order in which
// the helm program prints them.
func (c *kustomizeChart) render(p *product) ([]text, []renderedDoc) {
	b := c.fs.charts.builder
	chart, problem := c.find()
	if problem != nil {
		p.fail(*problem)
		return nil, nil
	}
	r, err := c.release(chart)
	if err != nil {
		var wrong *valuesError
		problem := Problem{Class: "render-failed", Message: fmt.Sprintf("can't render the chart %s of helmCharts: %s", oneLine(c.Name), err), At: c.at}
		if errors.As(err, &wrong) {
			problem = wrong.problem()
		}
		p.fail(problem)
		return nil, nil
	}
	templates, crds := b.install(p, c.fs.tree, job{kind: Helm, path: chart, release: *r}, c.fs.charts.budget)
	// Helm prints the CRDs first.
	texts := append(crds, templates...)
	charts := c.fs.charts
	charts.releases = append(charts.releases, chartRelease{chart, *r})
	for i := range texts {
		texts[i].taken, texts[i].chart = true, len(charts.releases)
		if !texts[i].written || strings.HasPrefix(texts[i].file, store.MountPoint+"/") {
			texts[i].written, texts[i].at = false, c.at
		}
	}
	var first, rest, lists []renderedDoc
	for _, d := range b.documents(p, c.fs.tree, texts) {
		switch {
		case d.list:
			// Kustomize puts what is in a list behind all else.
			lists = append(lists, d)
		case d.text < len(crds):
			first = append(first, d)
		default:
			rest = append(rest, d)
		}
	}
	return texts, slices.Concat(first, rest, lists)
}

// find is the chart's folder, where kustomize looks for it, or the archive that
// was fetched in its place.
func (c *kustomizeChart) find() (string, *Problem) {
	fail := func(class, format string, args ...any) *Problem {
		return &Problem{Class: class, Message: fmt.Sprintf(format, args...), At: c.at}
	}
	name := oneLine(c.Name)
	switch {
	case c.Name == "":
		return "", fail("render-failed", "a chart of helmCharts has no name")
	case strings.HasPrefix(c.Name, "-"), strings.HasPrefix(c.ReleaseName, "-"):
		return "", fail("render-failed", "the chart %s of helmCharts has a name that helm would take for an option", name)
	}
	folder := c.folder()
	if path.IsAbs(c.home) || folder == ".." || strings.HasPrefix(folder, "../") {
		return "", fail("outside-repo", "the chart %s of helmCharts is outside of the repository, in %s, and was not rendered", name, oneLine(c.home))
	}
	info, err := c.fs.tree.Stat(folder)
	switch {
	case err == nil && info.IsDir():
		return folder, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid):
		return "", fail(readClass(err), "can't read the chart %s of helmCharts: %s", name, reason(err))
	case c.Repo == "":
		return "", fail("missing-dependency", "the chart %s of helmCharts is not at %s, and no repo is named that has it", name, oneLine(folder))
	}
	q := store.Request{Kind: store.Chart, URL: withoutCredentials(strings.TrimSuffix(c.Repo, "/")), Name: c.Name, Version: c.Version}
	if c.Version == "" && c.Devel {
		q.Version = ">0.0.0-0"
	}
	archive := q.Mount() + "/" + store.ChartFile
	if _, err := c.fs.tree.Stat(archive); err != nil {
		p := fail("not-fetched", "the chart %s of helmCharts is not in this repository: what it deploys was not checked", name)
		p.Fix, p.Needs = fetchFix, q
		return "", p
	}
	return archive, nil
}

// folder is where kustomize looks for the chart, and pulls it to.
func (c *kustomizeChart) folder() string {
	home := join(c.dir, c.home)
	if c.Version != "" && c.Repo != "" {
		home = path.Join(home, c.Name+"-"+c.Version)
	}
	return path.Join(home, c.Name)
}

// release is what kustomize has helm install.
func (c *kustomizeChart) release(chart string) (*release, error) {
	told := c.fs.charts.told
	r := &release{
		name: c.ReleaseName, namespace: c.Namespace, kubeVersion: cmp.Or(c.KubeVersion, told.kubeVersion), apiVersions: slices.Clone(told.apiVersions),
		skipCRDs: !c.IncludeCRDs, skipHooks: c.SkipHooks, skipTests: c.SkipTests, at: c.at,
	}
	if len(c.ApiVersions) > 0 {
		if len(r.apiVersions) == 0 {
			r.apiVersions = c.fs.charts.builder.extraVersions()
		}
		r.apiVersions = append(r.apiVersions, c.ApiVersions...)
	}
	if c.NameTemplate != "" {
		if c.ReleaseName != "" {
			return nil, errors.New("it has both releaseName and nameTemplate: helm takes one of them")
		}
		var err error
		if r.name, err = templateName(c.NameTemplate); err != nil {
			return nil, err
		}
	}
	values, err := c.values(chart)
	if err != nil {
		return nil, err
	}
	r.layers = []layer{values}
	for _, name := range c.AdditionalValuesFiles {
		l, err := c.file(name)
		if err != nil {
			return nil, err
		}
		r.layers = append(r.layers, l)
	}
	return r, nil
}

// templateName makes the name of a release as helm does, but without the
// environment.
func templateName(text string) (string, error) {
	functions := sprig.TxtFuncMap()
	functions["env"] = func(string) string { return "" }
	functions["expandenv"] = functions["env"]
	t, err := template.New("nameTemplate").Funcs(functions).Parse(text)
	if err != nil {
		return "", errors.New("its nameTemplate is no template")
	}
	var name bytes.Buffer
	if err := t.Execute(&name, nil); err != nil {
		return "", errors.New("its nameTemplate can't be executed")
	}
	return name.String(), nil
}

// file is a values file that the kustomization names.
func (c *kustomizeChart) file(name string) (layer, error) {
	l := layer{file: join(c.dir, name), at: c.at, of: name}
	switch {
	case strings.Contains(name, "://"):
		q := store.Request{Kind: store.File, URL: withoutCredentials(name)}
		l.file = q.Mount() + "/" + store.FileName
		if _, err := c.fs.tree.Stat(l.file); err != nil {
			return l, &valuesError{class: "not-fetched", fix: fetchFix, at: c.at, needs: q,
				message: fmt.Sprintf("the values file %s of the chart %s is not in this repository: what the chart deploys was not checked", oneLine(redact(name)), oneLine(c.Name))}
		}
	case path.IsAbs(name), l.file == "..", strings.HasPrefix(l.file, "../"):
		return l, &valuesError{class: "outside-repo", at: c.at, message: fmt.Sprintf("the values file %s of the chart %s is outside of the repository and was not read", oneLine(name), oneLine(c.Name))}
	}
	return l, nil
}

// values are the values file of the chart, or the one named in its place, with
// the inline values as valuesMerge says. Kustomize hands them to helm as a file,
// even if they are the chart's own.
func (c *kustomizeChart) values(chart string) (layer, error) {
	l := layer{file: join(chart, "values.yaml"), at: c.at}
	var err error
	switch {
	case c.ValuesFile != "":
		l, err = c.file(c.ValuesFile)
	case isArchive(chart):
		l = layer{inChart: "values.yaml", at: c.at}
	}
	if err != nil || len(c.ValuesInline) == 0 {
		return l, err
	}
	merged := c.ValuesInline
	switch c.ValuesMerge {
	case "replace":
	case "", "override", "merge":
		if merged, err = c.merge(&l, chart); err != nil {
			return l, err
		}
	default:
		return l, errors.New("its valuesMerge is none of override, merge and replace")
	}
	text, err := sigsyaml.Marshal(merged)
	if err != nil {
		return l, errors.New("its inline values can't be written as YAML")
	}
	return layer{text: string(text), of: "valuesInline of the chart " + c.Name, at: c.at}, nil
}

// merge merges the values of a file and the inline ones: the inline ones win,
// or with valuesMerge "merge" those of the file.
func (c *kustomizeChart) merge(l *layer, chart string) (map[string]any, error) {
	files := newChartFiles(c.fs.tree, c.fs.limits)
	if l.inChart != "" {
		if err := files.readArchive(chart, c.fs.charts.budget); err != nil {
			return nil, errors.New("its archive can't be read")
		}
	}
	data, err := files.layer(l)
	if err != nil {
		return nil, err
	}
	if _, err := files.parse(l, data); err != nil {
		return nil, err
	}
	own, err := kyaml.Parse(string(data))
	if err != nil {
		return nil, errors.New("its values can't be merged")
	}
	inline, err := kyaml.FromMap(c.ValuesInline)
	if err != nil {
		return nil, errors.New("its inline values can't be merged")
	}
	source, dest := inline, own
	if c.ValuesMerge == "merge" {
		source, dest = own, inline
	}
	merged, err := merge2.Merge(source, dest, kyaml.MergeOptions{})
	if err != nil {
		return nil, errors.New("its inline values can't be merged with those of the file")
	}
	values, err := merged.Map()
	if err != nil {
		return nil, errors.New("its values are no mapping")
	}
	return values, nil
}

// helmChart remembers where a kustomization asks for a chart.
func (f *kustomizeFS) helmChart(name string, n *yaml.Node) {
	chart, at := "", n
	for _, key := range []string{"name", "chartName"} {
		if v := manifest.Get(n, key); v != nil {
			chart, at = v.Value, v
		}
	}
	if f.charts != nil {
		f.charts.note(path.Dir(name), n, position(name, at))
		return
	}
	f.problem(Problem{Class: "plugin-refused", Message: "the chart " + oneLine(chart) + " of helmCharts was not rendered: what it deploys was not checked",
		At: position(name, at)})
}

// noteGenerator remembers where the configuration of a generator asks for a
// chart: in a file of its own, or in the kustomization, as the text of an entry.
func (f *kustomizeFS) noteGenerator(dir, file string, entry, config *yaml.Node) {
	name, ok := f.tree.kustomizationFile(dir)
	at := position(name, entry)
	if !strings.Contains(entry.Value, "\n") {
		name, ok = join(dir, file), true
		at = position(name, config)
		if n := manifest.Get(config, "name"); n != nil {
			at = position(name, n)
		}
	}
	if ok {
		f.charts.note(dir, config, at)
	}
}
