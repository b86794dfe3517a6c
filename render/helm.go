package render

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
	"go.yaml.in/yaml/v3"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/ignore"
)

// releaseName and releaseNamespace are what `helm template CHART` uses.
const (
	releaseName      = "release-name"
	releaseNamespace = "default"
)

// chartFiles are the files of a chart and of the charts that were put into its
// charts/ folder, under the names that helm gives them.
type chartFiles struct {
	tree   *recorder
	limits limits.Limits

	files []*loader.BufferedFile
	size  int
	// origin is the path in the tree of each file; packed is that of the
	// archive which a file came out of.
	origin, packed map[string]string
	problems       []Problem
}

func newChartFiles(tree *recorder, l limits.Limits) *chartFiles {
	return &chartFiles{tree: tree, limits: l, origin: map[string]string{}, packed: map[string]string{}}
}

// helm renders a chart with one set of values.
func (b *builder) helm(p *product, tree *recorder, j job) {
	chartFile := join(j.path, "Chart.yaml")
	files := newChartFiles(tree, b.limits)
	budget := newArchiveBudget(j.archives)
	defer func() { p.unpacked = budget.used() }()
	if err := files.readChart(j.path, "", 0); err != nil {
		p.fail(files.unreadable("can't read the chart", err, manifest.Span{File: chartFile}))
		return
	}
	c, err := files.load(budget)
	if err == nil {
		if b.addDependencies(files, j.path, c) {
			c, err = files.load(budget)
		}
	}
	for _, problem := range files.problems {
		p.miss(problem)
	}
	if err != nil {
		p.fail(files.chartProblem(j.path, "can't load the chart", err))
		return
	}
	dropMissing(c)
	values := map[string]any{}
	for _, l := range j.release.layers {
		data, err := files.checked(l.file)
		if err == nil {
			values, err = chartutil.ReadValues(data)
		}
		if err != nil {
			p.fail(files.unreadable("can't read the values", err, manifest.Span{File: l.file, Line: lineIn(err)}))
			return
		}
	}
	if c.Metadata.KubeVersion != "" && !chartutil.IsCompatibleRange(c.Metadata.KubeVersion, b.caps.KubeVersion.String()) {
		p.fail(Problem{Class: "render-failed",
			Message: fmt.Sprintf("the chart wants Kubernetes %s and was to be rendered for %s", oneLine(c.Metadata.KubeVersion), b.caps.KubeVersion.Version),
			Fix:     "Set kubernetes.version in .scantling.yaml, or --kube-version, to the version that the cluster runs.",
			At:      find(tree, chartFile, "kubeVersion:")})
		return
	}
	rendered, crds, invalid, err := b.renderChart(c, values)
	for _, s := range invalid {
		p.problems = append(p.problems, files.schemaProblem(s, j))
	}
	if err != nil {
		problem := files.chartProblem(j.path, "can't render the chart", err)
		if files := j.release.files(); len(files) > 0 {
			problem.Message += " (with the values of " + strings.Join(files, ", ") + ")"
		}
		problem.Minor = j.minor
		p.fail(problem)
		return
	}
	root := c.Name()
	for _, name := range sortedKeys(rendered) {
		p.texts = files.appendText(p.texts, root, name, rendered[name])
	}
	for _, crd := range crds {
		p.texts = files.appendText(p.texts, root, path.Join(root, crd.name), crd.text)
	}
}

type crdFile struct{ name, text string }

// renderChart renders a loaded chart. It uses the chart up: helm changes it.
func (b *builder) renderChart(c *chart.Chart, values map[string]any) (map[string]string, []crdFile, []schemaProblem, error) {
	if err := chartutil.ProcessDependenciesWithMerge(c, values); err != nil {
		return nil, nil, nil, err
	}
	if err := ambiguous(c); err != nil {
		return nil, nil, nil, err
	}
	// Not by helm, whose loader fetches what a schema refers to and reads local
	// files that it names, but by validateSchemas.
	top, err := chartutil.ToRenderValuesWithSchemaValidation(c, values, chartutil.ReleaseOptions{
		Name: releaseName, Namespace: releaseNamespace, Revision: 1, IsInstall: true,
	}, b.caps, true)
	if err != nil {
		return nil, nil, nil, err
	}
	var invalid []schemaProblem
	if values, ok := top["Values"].(chartutil.Values); ok {
		invalid = validateSchemas(c, values)
	}
	rendered, err := engine.Engine{}.Render(c, top)
	if err != nil {
		return nil, nil, invalid, err
	}
	var crds []crdFile
	for _, crd := range c.CRDObjects() {
		crds = append(crds, crdFile{strings.TrimPrefix(crd.Filename, c.Name()+"/"), string(crd.File.Data)})
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
		if n.Kind == yaml.SequenceNode {
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(n.Content) {
				return nil
			}
			n = n.Content[i]
			continue
		}
		if n = manifest.Get(n, key); n == nil {
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
	return append(texts, text{file: file, written: written, text: strings.TrimRight(rendered, " \t\r\n") + "\n"})
}

// readChart reads the files of a chart folder that helm would load, under a
// prefix.
func (f *chartFiles) readChart(dir, prefix string, depth int) error {
	if depth > 8 {
		return fmt.Errorf("charts nest more than 8 deep at %s", dir)
	}
	rules := ignore.Empty()
	if data, err := f.tree.ReadFile(join(dir, ".helmignore")); err == nil {
		parsed, err := ignore.Parse(bytes.NewReader(data))
		if err != nil {
			return fmt.Errorf("reading %s: %w", join(dir, ".helmignore"), err)
		}
		rules = parsed
	}
	rules.AddDefaults()
	return f.readChartDir(rules, dir, "", prefix)
}

func (f *chartFiles) readChartDir(rules *ignore.Rules, root, sub, prefix string) error {
	entries, err := f.tree.ReadDir(join(root, sub))
	if err != nil {
		return err
	}
	for _, e := range entries {
		rel := path.Join(sub, e.Name())
		name := join(root, rel)
		info, err := f.tree.Stat(name)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				f.leaveOut(name, err)
			}
			continue
		}
		if rules.Ignore(rel, info) {
			continue
		}
		if info.IsDir() {
			if real, err := f.tree.Resolve(name); err != nil || real != name && within(name, real) {
				// It leads to a folder that it is in.
				f.leaveOut(name, source.ErrLoop)
				continue
			}
			if strings.Count(rel, "/") > 40 {
				f.problem(Problem{Class: "limit-depth", Message: "folders nest more than 40 deep in the chart: what lies below was left out", At: manifest.Span{File: name}})
				continue
			}
			if err := f.readChartDir(rules, root, rel, prefix); err != nil {
				return err
			}
			continue
		}
		if info.Size() > f.limits.ChartFileSize {
			f.problem(Problem{Class: "limit-size", Message: fmt.Sprintf("the chart's file is larger than %d MiB and was left out", f.limits.ChartFileSize>>20),
				Fix: limits.Raise("chart-file-size"), At: manifest.Span{File: name}})
			continue
		}
		data, err := f.tree.ReadFile(name)
		if err != nil {
			f.leaveOut(name, err)
			continue
		}
		f.add(path.Join(prefix, rel), name, data)
		if f.size > maxChart || len(f.files) > maxChartFiles {
			return &tooLargeError{fmt.Sprintf("the chart holds more than %d files or %d MiB", maxChartFiles, maxChart>>20)}
		}
	}
	return nil
}

// What a chart may hold in all, in bytes and files. The largest in public
// repositories has some hundred files; helm's own limit for an archive is 100
// MiB, too. A folder that links to itself under several names has no end.
const (
	maxChart      = 100 << 20
	maxChartFiles = 10_000
)

// tooLargeError is a limit that no option raises.
type tooLargeError struct{ text string }

func (e *tooLargeError) Error() string { return e.text }

func (e *tooLargeError) Is(target error) bool { return target == source.ErrTooLarge }

// unpack puts what the packaged charts hold in their place.
func (f *chartFiles) unpack(budget *archiveBudget) {
	files, from, refused := expandArchives(f.files, archiveLimits{File: f.limits.ChartFileSize, Archive: f.limits.ArchiveSize}, budget)
	f.files = files
	for name, archive := range from {
		f.packed[name] = f.origin[archive]
	}
	for _, e := range refused {
		p := Problem{Class: e.Class, Message: e.Error(), At: manifest.Span{File: f.origin[e.Archive]}}
		if e.Limit != "" {
			p.Fix = limits.Raise(e.Limit)
		}
		f.problem(p)
	}
}

// checkParsed lets what helm parses when it loads the chart pass the gate.
func (f *chartFiles) checkParsed() error {
	for _, b := range f.files {
		if !parsed(b.Name) {
			continue
		}
		file := f.origin[b.Name]
		if file == "" {
			file = f.packed[b.Name]
		}
		data, err := f.check(file, b.Data)
		if err != nil {
			// Without these there is no chart.
			return err
		}
		b.Data = data
	}
	return nil
}

// leaveOut names a file that could not be read. The rest of the chart is
// rendered without it.
func (f *chartFiles) leaveOut(name string, err error) {
	f.problem(Problem{Class: readClass(err), Message: "a file of the chart was left out: " + reason(err), At: manifest.Span{File: name}})
}

func (f *chartFiles) problem(p Problem) { f.problems = append(f.problems, p) }

// parsed says that helm parses a chart's file as YAML when it loads the chart.
func parsed(name string) bool {
	switch path.Base(name) {
	case "Chart.yaml", "Chart.lock", "values.yaml", "requirements.yaml", "requirements.lock":
		return true
	}
	return strings.Contains("/"+name, "/crds/") && isManifestName(path.Base(name))
}

// checked reads a file that is to be parsed.
func (f *chartFiles) checked(name string) ([]byte, error) {
	data, err := f.tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return f.check(name, data)
}

// gateError is what the gate says of one file.
type gateError struct {
	file string
	err  *manifest.ReadError
}

func (e *gateError) Error() string { return e.file + ": " + e.err.Message }

func (f *chartFiles) check(name string, data []byte) ([]byte, error) {
	data, refused := f.limits.YAML.Check(data)
	if refused != nil {
		return nil, &gateError{name, refused}
	}
	return data, nil
}

// unreadable is the problem of a chart, or values, that can't be read.
func (f *chartFiles) unreadable(doing string, err error, at manifest.Span) Problem {
	var refused *gateError
	if errors.As(err, &refused) {
		return refusedProblem(refused.file, refused.err)
	}
	return Problem{Class: readClass(err), Message: doing + ": " + oneLine(err.Error()), At: at}
}

func (f *chartFiles) add(name, origin string, data []byte) {
	f.files = append(f.files, &loader.BufferedFile{Name: name, Data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))})
	f.origin[name] = origin
	f.size += len(data)
}

// fresh copies the list: the loader renames its files.
func (f *chartFiles) fresh() []*loader.BufferedFile {
	files := make([]*loader.BufferedFile, len(f.files))
	for i, b := range f.files {
		files[i] = &loader.BufferedFile{Name: b.Name, Data: b.Data}
	}
	return files
}

// hold says that a text stands in one of the chart's templates.
func (f *chartFiles) hold(text string) bool {
	return slices.ContainsFunc(f.files, func(b *loader.BufferedFile) bool {
		return strings.Contains(b.Name, "templates/") && bytes.Contains(b.Data, []byte(strings.TrimSpace(text)))
	})
}

// locate is the path in the tree of a rendered file. A file that came out of an
// archive is the archive; then ok is false.
func (f *chartFiles) locate(root, name string) (file string, ok bool) {
	rel := strings.TrimPrefix(name, root+"/")
	if o, ok := f.origin[rel]; ok {
		return o, true
	}
	if o, ok := f.packed[rel]; ok {
		return o, false
	}
	// A dependency may lie in a folder, or an archive, of another name: its
	// alias, or the name with the version.
	parts := strings.Split(rel, "/")
	if len(parts) > 2 && parts[0] == "charts" {
		rest := strings.Join(parts[2:], "/")
		for _, files := range []map[string]string{f.origin, f.packed} {
			for _, name := range sortedKeys(files) {
				under, ok := strings.CutPrefix(name, "charts/")
				if !ok {
					continue
				}
				if _, tail, ok := strings.Cut(under, "/"); ok && tail == rest {
					_, written := f.origin[name]
					return files[name], written
				}
			}
		}
	}
	return f.origin["Chart.yaml"], false
}

var (
	templateError = lazyRegexp(`(?:template: |(?:parse|execution) error at \()([^:()\s]+):(\d+)(?::(\d+))?`)
	// executionError is the form that helm gives to what fail and required say.
	executionError = lazyRegexp(`execution error at \(([^)]*)\): ((?s).*)$`)
	yamlLine       = lazyRegexp(`line (\d+)`)
)

// chartProblem turns an error of helm into a problem at the template, and the
// line, that it names first: the one that was being rendered.
func (f *chartFiles) chartProblem(dir, doing string, err error) Problem {
	var refused *gateError
	if errors.As(err, &refused) {
		return refusedProblem(refused.file, refused.err)
	}
	text := err.Error()
	p := Problem{Class: "render-failed", At: manifest.Span{File: join(dir, "Chart.yaml")}}
	if m := templateError().FindStringSubmatch(text); m != nil {
		_, rel, _ := strings.Cut(m[1], "/")
		if o, ok := f.origin[rel]; ok {
			p.At.File = o
			p.At.Line, _ = strconv.Atoi(m[2])
		}
	} else {
		for _, b := range f.files {
			if strings.Contains(text, b.Name) && b.Name != "Chart.yaml" {
				p.At.File = f.origin[b.Name]
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
