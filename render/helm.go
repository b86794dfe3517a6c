package render

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/scantling-dev/scantling/internal/manifest"
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
	files []*loader.BufferedFile
	// origin is the path in the tree of each file.
	origin map[string]string
}

// helm renders a chart with one set of values.
func (r *Renderer) helm(res *Result) {
	stillHelm()
	u := res.Unit
	chartFile := join(u.Path, "Chart.yaml")
	files := &chartFiles{origin: map[string]string{}}
	if err := r.readChart(files, u.Path, "", 0); err != nil {
		res.Read = files.read()
		res.fail(Problem{Class: readClass(err), Message: "can't read the chart: " + err.Error(), At: manifest.Span{File: chartFile}})
		return
	}
	metadata, err := chartMetadata(files)
	if err == nil {
		for _, p := range r.addDependencies(files, u.Path, metadata) {
			res.miss(p)
		}
	}
	res.Read = files.read()
	c, err := loader.LoadFiles(files.fresh())
	if err != nil {
		res.fail(r.chartProblem(files, u.Path, "can't load the chart", err))
		return
	}
	dropMissing(c)
	values := map[string]any{}
	if u.values != "" {
		name := join(u.Path, u.values)
		data, err := r.tree.ReadFile(name)
		if err == nil {
			res.Read = append(res.Read, name)
			values, err = chartutil.ReadValues(data)
		}
		if err != nil {
			res.fail(Problem{Class: "render-failed", Message: "can't read the values: " + oneLine(err.Error()), At: manifest.Span{File: name, Line: lineIn(err)}})
			return
		}
	}
	if c.Metadata.KubeVersion != "" && !chartutil.IsCompatibleRange(c.Metadata.KubeVersion, r.caps.KubeVersion.String()) {
		res.fail(Problem{Class: "render-failed",
			Message: fmt.Sprintf("the chart wants Kubernetes %s and was to be rendered for %s", c.Metadata.KubeVersion, r.caps.KubeVersion.Version),
			Fix:     "Set kubernetes.version in .scantling.yaml, or --kube-version, to the version that the cluster runs.",
			At:      r.find(chartFile, "kubeVersion:")})
		return
	}
	rendered, crds, err := r.renderChart(c, values)
	if err != nil {
		p := r.chartProblem(files, u.Path, "can't render the chart", err)
		if u.values != "" {
			p.Message += " (with the values of " + u.values + ")"
		}
		p.Minor = u.guess || u.values == "" && r.testedWithValues(u.Path)
		res.fail(p)
		return
	}
	root := c.Name()
	for _, name := range sortedKeys(rendered) {
		r.chartObjects(res, files, root, name, rendered[name])
	}
	for _, crd := range crds {
		r.chartObjects(res, files, root, path.Join(root, crd.name), crd.text)
	}
}

// testedWithValues says that a chart has values files in ci/: then its defaults
// need not be enough to render it.
func (r *Renderer) testedWithValues(dir string) bool {
	c := r.found.charts[dir]
	return c != nil && slices.ContainsFunc(c.scenarios, func(s scenario) bool { return !s.guess })
}

type crdFile struct{ name, text string }

// renderChart renders a loaded chart. It uses the chart up: helm changes it.
func (r *Renderer) renderChart(c *chart.Chart, values map[string]any) (map[string]string, []crdFile, error) {
	if err := chartutil.ProcessDependenciesWithMerge(c, values); err != nil {
		return nil, nil, err
	}
	// The schema is not validated here: helm's loader fetches remote
	// references and reads local files that a schema names.
	top, err := chartutil.ToRenderValuesWithSchemaValidation(c, values, chartutil.ReleaseOptions{
		Name: releaseName, Namespace: releaseNamespace, Revision: 1, IsInstall: true,
	}, r.caps, true)
	if err != nil {
		return nil, nil, err
	}
	rendered, err := engine.Engine{}.Render(c, top)
	if err != nil {
		return nil, nil, err
	}
	var crds []crdFile
	for _, crd := range c.CRDObjects() {
		crds = append(crds, crdFile{strings.TrimPrefix(crd.Filename, c.Name()+"/"), string(crd.File.Data)})
	}
	return rendered, crds, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// chartObjects reads the objects of one rendered file. name begins with the
// chart's name.
func (r *Renderer) chartObjects(res *Result, files *chartFiles, root, name, text string) {
	base := path.Base(name)
	if base == "NOTES.txt" || strings.HasPrefix(base, "_") || strings.TrimSpace(text) == "" {
		return
	}
	// Helm trims what a template gives and ends it with one line break, which
	// decides how a block scalar at the end of it ends.
	text = strings.TrimRight(text, " \t\r\n") + "\n"
	file, exists := files.locate(root, name)
	docs, problems := manifest.Parse([]byte(text))
	template, err := r.tree.ReadFile(file)
	if err != nil {
		exists = false
	}
	where := newTemplateLines(file, template, text)
	for _, p := range problems {
		span := manifest.Span{File: file}
		if exists {
			span = where.near(p.Line)
		}
		res.miss(Problem{Class: "render-failed", Message: "the template gives no valid YAML: " + p.Message, At: span})
	}
	for _, doc := range docs {
		origin := manifest.Origin{Span: manifest.Span{File: file}}
		locate := where.locate
		if !exists {
			locate = nowhere
		}
		res.Objects = append(res.Objects, manifest.Objects(doc, origin, locate)...)
	}
}

// readChart reads the files of a chart folder that helm would load, under a
// prefix.
func (r *Renderer) readChart(files *chartFiles, dir, prefix string, depth int) error {
	if depth > 8 {
		return fmt.Errorf("charts nest more than 8 deep at %s", dir)
	}
	rules := ignore.Empty()
	if data, err := r.tree.ReadFile(join(dir, ".helmignore")); err == nil {
		parsed, err := ignore.Parse(bytes.NewReader(data))
		if err != nil {
			return fmt.Errorf("reading %s: %w", join(dir, ".helmignore"), err)
		}
		rules = parsed
	}
	rules.AddDefaults()
	return r.readChartDir(files, rules, dir, "", prefix)
}

const (
	maxChartFile = 5 << 20
	maxChart     = 100 << 20
)

func (r *Renderer) readChartDir(files *chartFiles, rules *ignore.Rules, root, sub, prefix string) error {
	entries, err := r.tree.ReadDir(join(root, sub))
	if err != nil {
		return err
	}
	for _, e := range entries {
		rel := path.Join(sub, e.Name())
		name := join(root, rel)
		info, err := r.tree.Stat(name)
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			return err
		}
		if rules.Ignore(rel, info) {
			continue
		}
		if info.IsDir() {
			if strings.Count(rel, "/") > 40 {
				return fmt.Errorf("folders nest too deep at %s", name)
			}
			if err := r.readChartDir(files, rules, root, rel, prefix); err != nil {
				return err
			}
			continue
		}
		if info.Size() > maxChartFile {
			return fmt.Errorf("%s is larger than the %d MiB that helm takes", name, maxChartFile>>20)
		}
		data, err := r.tree.ReadFile(name)
		if err != nil {
			return err
		}
		files.add(path.Join(prefix, rel), name, data)
		if files.size() > maxChart {
			return fmt.Errorf("the chart %s is larger than %d MiB", root, maxChart>>20)
		}
	}
	return nil
}

func (f *chartFiles) add(name, origin string, data []byte) {
	f.files = append(f.files, &loader.BufferedFile{Name: name, Data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))})
	f.origin[name] = origin
}

func (f *chartFiles) size() int {
	n := 0
	for _, b := range f.files {
		n += len(b.Data)
	}
	return n
}

// fresh copies the list: the loader renames its files.
func (f *chartFiles) fresh() []*loader.BufferedFile {
	files := make([]*loader.BufferedFile, len(f.files))
	for i, b := range f.files {
		files[i] = &loader.BufferedFile{Name: b.Name, Data: b.Data}
	}
	return files
}

func (f *chartFiles) read() []string {
	names := make([]string, 0, len(f.origin))
	for _, o := range f.origin {
		names = append(names, o)
	}
	sort.Strings(names)
	return names
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
	// A dependency may lie in a folder, or an archive, of another name: its
	// alias, or the name with the version.
	parts := strings.Split(rel, "/")
	if len(parts) > 2 && parts[0] == "charts" {
		rest := strings.Join(parts[2:], "/")
		var archive string
		for _, name := range sortedKeys(f.origin) {
			under, ok := strings.CutPrefix(name, "charts/")
			if !ok {
				continue
			}
			if strings.HasPrefix(under, parts[1]) && strings.HasSuffix(under, ".tgz") {
				archive = f.origin[name]
			}
			if _, tail, ok := strings.Cut(under, "/"); ok && tail == rest {
				return f.origin[name], true
			}
		}
		if archive != "" {
			return archive, false
		}
	}
	return f.origin["Chart.yaml"], false
}

func chartMetadata(files *chartFiles) (*chart.Metadata, error) {
	for _, f := range files.files {
		if f.Name == "Chart.yaml" {
			c, err := loader.LoadFiles([]*loader.BufferedFile{{Name: f.Name, Data: f.Data}})
			if err != nil {
				return nil, err
			}
			return c.Metadata, nil
		}
	}
	return nil, errors.New("the chart has no Chart.yaml")
}

// addDependencies puts the dependencies that are not vendored into the chart,
// as `helm dependency build` would: from a file:// path, else from a chart of
// this repository with the same name and a version in range.
func (r *Renderer) addDependencies(files *chartFiles, dir string, metadata *chart.Metadata) []Problem {
	var problems []Problem
	vendored := vendoredCharts(files)
	for _, dep := range metadata.Dependencies {
		if dep == nil || vendored[dep.Name] {
			continue
		}
		from := ""
		if p, ok := strings.CutPrefix(dep.Repository, "file://"); ok {
			if _, err := r.tree.Stat(join(join(dir, p), "Chart.yaml")); err == nil {
				from = join(dir, p)
			}
		} else {
			from = r.sibling(dep, dir)
		}
		at := r.find(join(dir, "Chart.yaml"), "name: "+dep.Name)
		if from == "" {
			p := Problem{Class: "not-fetched", Message: fmt.Sprintf("the chart's dependency %s %s is not in this repository: what it deploys was not checked", dep.Name, dep.Version),
				Fix: "Run `helm dependency build` and commit charts/, or add the chart to the repository, to have it checked.", At: at}
			if strings.HasPrefix(dep.Repository, "file://") {
				p.Class, p.Fix = "missing-dependency", ""
				p.Message = fmt.Sprintf("the chart's dependency %s is not at %s", dep.Name, dep.Repository)
			}
			problems = append(problems, p)
			continue
		}
		if err := r.readChart(files, from, "charts/"+dep.Name, 1); err != nil {
			problems = append(problems, Problem{Class: readClass(err), Message: "can't read the chart's dependency " + dep.Name + ": " + err.Error(), At: at})
		}
	}
	return problems
}

var archiveName = regexp.MustCompile(`^(.+)-v?\d+\.\d+.*\.tgz$`)

// vendoredCharts are the names of the charts in the charts/ folder.
func vendoredCharts(files *chartFiles) map[string]bool {
	names := map[string]bool{}
	for _, f := range files.files {
		rest, ok := strings.CutPrefix(f.Name, "charts/")
		if !ok {
			continue
		}
		first, tail, nested := strings.Cut(rest, "/")
		switch {
		case !nested:
			if m := archiveName.FindStringSubmatch(first); m != nil {
				names[m[1]] = true
			}
		case tail == "Chart.yaml":
			names[first] = true
			if c, err := loader.LoadFiles([]*loader.BufferedFile{{Name: "Chart.yaml", Data: f.Data}}); err == nil {
				names[c.Name()] = true
			}
		}
	}
	return names
}

// sibling is the folder of a chart of this repository that satisfies a
// dependency on a chart repository.
func (r *Renderer) sibling(dep *chart.Dependency, dir string) string {
	if r.found == nil {
		return ""
	}
	constraint, err := semver.NewConstraint(dep.Version)
	if err != nil {
		return ""
	}
	for _, candidate := range sortedKeys(r.found.charts) {
		if candidate == dir || path.Base(candidate) != dep.Name {
			continue
		}
		data, err := r.tree.ReadFile(join(candidate, "Chart.yaml"))
		if err != nil {
			continue
		}
		c, err := loader.LoadFiles([]*loader.BufferedFile{{Name: "Chart.yaml", Data: data}})
		if err != nil || c.Name() != dep.Name {
			continue
		}
		if v, err := semver.NewVersion(c.Metadata.Version); err == nil && constraint.Check(v) {
			return candidate
		}
	}
	return ""
}

// dropMissing takes the dependencies that are not there out of the chart, so
// that the rest of it renders.
func dropMissing(c *chart.Chart) {
	have := map[string]bool{}
	for _, d := range c.Dependencies() {
		have[d.Name()] = true
	}
	if c.Metadata != nil {
		c.Metadata.Dependencies = slices.DeleteFunc(c.Metadata.Dependencies, func(d *chart.Dependency) bool {
			return d == nil || !have[d.Name]
		})
	}
}

var (
	templateError = regexp.MustCompile(`(?:template: |(?:parse|execution) error at \()([^:()\s]+):(\d+)(?::(\d+))?`)
	// executionError is the form that helm gives to what fail and required say.
	executionError = regexp.MustCompile(`execution error at \(([^)]*)\): ((?s).*)$`)
	yamlLine       = regexp.MustCompile(`line (\d+)`)
)

// chartProblem turns an error of helm into a problem at the template, and the
// line, that it names first: the one that was being rendered.
func (r *Renderer) chartProblem(files *chartFiles, dir, doing string, err error) Problem {
	text := err.Error()
	p := Problem{Class: "render-failed", At: manifest.Span{File: join(dir, "Chart.yaml")}}
	if m := templateError.FindStringSubmatch(text); m != nil {
		_, rel, _ := strings.Cut(m[1], "/")
		if o, ok := files.origin[rel]; ok {
			p.At.File = o
			p.At.Line, _ = strconv.Atoi(m[2])
		}
	} else {
		for _, f := range files.files {
			if strings.Contains(text, f.Name) && f.Name != "Chart.yaml" {
				p.At.File = files.origin[f.Name]
				p.At.Line = lineIn(err)
			}
		}
	}
	if strings.Contains(text, "rendering template has a nested reference name") {
		p.Class = "template-recursion"
	}
	if m := executionError.FindStringSubmatch(text); m != nil && !files.hold(m[2]) {
		// What fail or required say may be put together from values, and
		// values are secret; what stands in a template as it is, is not.
		text = "execution error at (" + m[1] + "): the chart refuses its values"
	}
	p.Message = doing + ": " + oneLine(text)
	return p
}

func lineIn(err error) int {
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	return 0
}

// find is the first line of a file that holds some text.
func (r *Renderer) find(name, text string) manifest.Span {
	span := manifest.Span{File: name}
	data, err := r.tree.ReadFile(name)
	if err != nil {
		return span
	}
	for i, line := range strings.Split(string(data), "\n") {
		if at := strings.Index(line, text); at >= 0 {
			span.Line, span.Column = i+1, len([]rune(line[:at]))+1
			span.EndLine, span.EndColumn = span.Line, span.Column+len([]rune(text))
			return span
		}
	}
	return span
}
