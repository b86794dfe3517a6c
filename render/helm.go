package render

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

// releaseName and releaseNamespace are what `helm template CHART` uses.
const (
	releaseName      = "release-name"
	releaseNamespace = "default"
)

// helm renders a chart as one release.
func (b *builder) helm(p *product, tree *recorder, j job) {
	budget := newArchiveBudget(j.archives)
	defer func() { p.unpacked = budget.used() }()
	if len(j.trace) > 0 {
		b.traceHelm(p, tree, j, budget)
		return
	}
	templates, crds := b.install(p, tree, j, budget)
	if len(j.release.post) > 0 && p.status != NotRendered {
		templates = b.postRender(p, tree, j, templates)
	}
	p.texts = append(templates, crds...)
}

// install gives what the templates of a chart and its crds folder give for a
// release. What it can't render is among the problems of the product.
func (b *builder) install(p *product, tree *recorder, j job, budget *archiveBudget) (templates, crds []text) {
	files := newChartFiles(tree, b.limits)
	files.main = chartFile(j.path)
	defer func() { p.hide(func() *redactor { return files.redactor(&j.release) }) }()
	in := b.prepare(p, files, j, budget)
	if in == nil {
		return nil, nil
	}
	rendered, crdFiles, invalid, err := in.render()
	for _, s := range invalid {
		p.problems = append(p.problems, files.schemaProblem(s, j))
	}
	if err != nil {
		problem := files.chartProblem("can't render the chart", err)
		if files := j.release.files(); len(files) > 0 {
			problem.Message += " (with the values of " + strings.Join(files, ", ") + ")"
		}
		problem.Minor = j.minor
		p.fail(problem)
		return nil, nil
	}
	root := in.chart.Name()
	for _, name := range sortedKeys(rendered) {
		templates = files.appendText(templates, root, name, rendered[name])
	}
	if !j.release.skipCRDs {
		for _, crd := range crdFiles {
			crds = files.appendText(crds, root, path.Join(root, crd.name), crd.text)
		}
		for i := range crds {
			crds[i].template = ""
		}
	}
	return j.release.withoutDropped(templates, b.limits), crds
}

// installation is a chart with what its templates are told. It is used up when
// it is rendered: helm changes it.
type installation struct {
	files   *chartFiles
	chart   *chart.Chart
	values  map[string]any
	caps    *chartutil.Capabilities
	options chartutil.ReleaseOptions
}

// prepare loads the chart and the values of a job. It gives nil if helm would not
// install the chart; why is among the problems of the product.
func (b *builder) prepare(p *product, files *chartFiles, j job, budget *archiveBudget) *installation {
	c, err := b.loadChart(files, j.path, budget)
	for _, problem := range files.problems {
		p.miss(problem)
	}
	if err != nil {
		p.fail(files.loadProblem(err))
		return nil
	}
	var values map[string]any
	err = files.replaceDefaults(c, &j.release)
	if err == nil {
		values, err = files.values(&j.release)
	}
	var wrong *valuesError
	if errors.As(err, &wrong) {
		p.fail(wrong.problem())
		return nil
	}
	caps, options, refused := b.installable(files, c, j)
	if refused != nil {
		p.fail(*refused)
		return nil
	}
	return &installation{files, c, values, caps, options}
}

// isArchive says that the path of a chart is that of a packaged one.
func isArchive(name string) bool { return path.Ext(name) == ".tgz" }

// chartFile is the file that stands for a chart as a whole.
func chartFile(name string) string {
	if isArchive(name) {
		return name
	}
	return join(name, "Chart.yaml")
}

// loadChart loads a chart with its dependencies.
func (b *builder) loadChart(f *chartFiles, name string, budget *archiveBudget) (*chart.Chart, error) {
	read := func() error { return f.readChart(name, "", 0) }
	if isArchive(name) {
		read = func() error { return f.readArchive(name, budget) }
	}
	if err := read(); err != nil {
		return nil, &unreadError{err}
	}
	c, err := f.load(budget)
	if err == nil {
		vendored := dependencyNames(c)
		if b.addDependencies(f, name, c) {
			if c, err = f.load(budget); err == nil {
				f.checkDependencies(c, vendored)
			}
		}
	}
	if err != nil {
		return nil, err
	}
	dropMissing(c)
	return c, nil
}

// unreadError is that the files of a chart can't be read.
type unreadError struct{ error }

func (e *unreadError) Unwrap() error { return e.error }

// loadProblem is the problem of a chart that can't be loaded.
func (f *chartFiles) loadProblem(err error) Problem {
	var refused *archiveError
	if errors.As(err, &refused) {
		return f.archiveProblem(refused, f.main)
	}
	var unread *unreadError
	if errors.As(err, &unread) {
		return f.unreadable("can't read the chart", unread.error, manifest.Span{File: f.main})
	}
	return f.chartProblem("can't load the chart", err)
}

// installable says what a release's templates are told, or why helm would not
// install the chart.
func (b *builder) installable(f *chartFiles, c *chart.Chart, j job) (*chartutil.Capabilities, chartutil.ReleaseOptions, *Problem) {
	refuse := func(at manifest.Span, format string, args ...any) *Problem {
		return &Problem{Class: "render-failed", Message: fmt.Sprintf(format, args...), At: at}
	}
	at := j.release.place(j.path)
	caps, err := b.capabilitiesFor(&j.release)
	if err != nil {
		return nil, chartutil.ReleaseOptions{}, refuse(at, "%s", err)
	}
	options, err := j.release.options()
	switch {
	case err != nil:
		return nil, options, refuse(at, "%s", err)
	case c.Metadata.Type == "library":
		return nil, options, refuse(find(f.tree, f.main, "type:"), "the chart is a library: helm does not install it by itself")
	case c.Metadata.KubeVersion != "" && !chartutil.IsCompatibleRange(c.Metadata.KubeVersion, caps.KubeVersion.String()):
		p := refuse(find(f.tree, f.main, "kubeVersion:"), "the chart wants Kubernetes %s and was to be rendered for %s", oneLine(c.Metadata.KubeVersion), caps.KubeVersion.Version)
		p.Fix = "Set kubernetes.version in .scantling.yaml, or --kube-version, to the version that the cluster runs."
		return nil, options, p
	}
	return caps, options, nil
}

type crdFile struct{ name, text string }

// told gives what the templates see, once the dependencies are those that the
// values ask for.
func (in *installation) told() (chartutil.Values, error) {
	if err := chartutil.ProcessDependenciesWithMerge(in.chart, in.values); err != nil {
		return nil, err
	}
	if err := ambiguous(in.chart); err != nil {
		return nil, err
	}
	in.files.place(in.chart)
	// The values are not validated by helm, whose loader fetches what a schema
	// refers to and reads local files that it names, but by validateSchemas.
	return chartutil.ToRenderValuesWithSchemaValidation(in.chart, in.values, in.options, in.caps, true)
}

// render renders the chart.
func (in *installation) render() (map[string]string, []crdFile, []schemaProblem, error) {
	top, err := in.told()
	if err != nil {
		return nil, nil, nil, err
	}
	var invalid []schemaProblem
	if values, ok := top["Values"].(chartutil.Values); ok {
		invalid = validateSchemas(in.chart, values)
	}
	rendered, err := engine.Engine{}.Render(in.chart, top)
	if err != nil {
		return nil, nil, invalid, err
	}
	var crds []crdFile
	for _, crd := range in.chart.CRDObjects() {
		crds = append(crds, crdFile{strings.TrimPrefix(crd.Filename, in.chart.Name()+"/"), string(crd.File.Data)})
	}
	return rendered, crds, invalid, nil
}

// schemaProblem is what a schema says of the values: at the value that it
// refuses, where a values file of the chart has it, else at the schema.
func (f *chartFiles) schemaProblem(s schemaProblem, j job) Problem {
	p := Problem{Class: "schema", Message: s.Message}
	root, rest, _ := strings.Cut(s.Chart, "/")
	file, _ := f.locate(root, path.Join(root, rest, s.File))
	p.At = manifest.Span{File: file}
	if s.Instance == "" {
		return p
	}
	// Of the values of a subchart, the parent's file has the last word.
	keys := strings.Split(strings.TrimPrefix(s.Instance, "/"), "/")
	for _, part := range slices.Backward(strings.Split(rest, "charts/")) {
		if part = strings.Trim(part, "/"); part != "" {
			keys = append([]string{part}, keys...)
		}
	}
	for _, name := range slices.Backward(append([]string{join(j.path, "values.yaml")}, j.release.files()...)) {
		docs, _ := f.limits.YAML.Parse(f.tree.source(name))
		if len(docs) == 0 {
			continue
		}
		if n := valueAt(docs[0], keys); n != nil {
			p.At = manifest.NodeSpan(name, n)
			return p
		}
	}
	return p
}

// files are the values files of a release.
func (r *release) files() []string {
	var names []string
	for _, l := range r.layers {
		if l.file != "" {
			names = append(names, l.file)
		}
	}
	return names
}

// valueAt is the value that the keys of a JSON pointer lead to, or nil.
func valueAt(n *yaml.Node, keys []string) *yaml.Node {
	for _, key := range keys {
		key = strings.ReplaceAll(strings.ReplaceAll(key, "~1", "/"), "~0", "~")
		if _, n = child(n, key); n == nil {
			return nil
		}
	}
	return n
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// appendText takes what one template gave. name begins with the chart's name.
func (f *chartFiles) appendText(texts []text, root, name, rendered string) []text {
	base := path.Base(name)
	if base == "NOTES.txt" || strings.HasPrefix(base, "_") || strings.TrimSpace(rendered) == "" {
		return texts
	}
	file, written := f.locate(root, name)
	// Helm trims what a template gives and ends it with one line break, which
	// decides how a block scalar at the end of it ends.
	return append(texts, text{file: file, written: written, template: name, text: strings.TrimRight(rendered, " \t\r\n") + "\n"})
}

var (
	templateError = lazyRegexp(`(?:template: |(?:parse|execution) error at \()([^:()\s]+):(\d+)(?::(\d+))?`)
	// executionError is the form that helm gives to what fail and required say.
	executionError = lazyRegexp(`execution error at \(([^)]*)\): ((?s).*)$`)
	yamlLine       = lazyRegexp(`line (\d+)`)
)

// chartProblem turns an error of helm into a problem at the template, and the
// line, that it names first: the one that was being rendered.
func (f *chartFiles) chartProblem(doing string, err error) Problem {
	var refused *gateError
	if errors.As(err, &refused) {
		return refusedProblem(refused.file, refused.err)
	}
	text := err.Error()
	p := Problem{Class: "render-failed", At: manifest.Span{File: f.main}}
	if m := templateError().FindStringSubmatch(text); m != nil {
		_, rel, _ := strings.Cut(m[1], "/")
		if o, ok := f.origin[rel]; ok {
			p.At.File = o
			p.At.Line, _ = strconv.Atoi(m[2])
		}
	} else {
		for _, b := range f.files {
			if o, ok := f.origin[b.Name]; ok && strings.Contains(text, b.Name) && b.Name != "Chart.yaml" {
				p.At.File = o
				p.At.Line = lineIn(err)
			}
		}
	}
	if strings.Contains(text, "rendering template has a nested reference name") {
		p.Class = "template-recursion"
		_, name, _ := strings.Cut(text, "nested reference name: ")
		name, _, _ = strings.Cut(name, ":")
		text = fmt.Sprintf("the template %q includes itself without end", name)
	}
	if m := executionError().FindStringSubmatch(text); m != nil && !f.hold(m[2]) {
		// What fail or required say may be put together from values, and
		// values are secret; what stands in a template as it is, is not.
		text = "execution error at (" + m[1] + "): the chart refuses its values"
	}
	p.Message = doing + ": " + oneLine(text)
	return p
}

func lineIn(err error) int {
	if m := yamlLine().FindStringSubmatch(err.Error()); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	return 0
}
