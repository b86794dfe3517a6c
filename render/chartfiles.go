package render

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/ignore"
)

// chartFiles are the files of a chart and of the charts that were put into its
// charts/ folder, under the names that helm gives them.
type chartFiles struct {
	tree   *recorder
	limits limits.Limits
	// main is the file that stands for the chart as a whole.
	main string

	files []*loader.BufferedFile
	size  int
	// origin is the path in the tree of each file; packed is that of the
	// archive which a file came out of.
	origin, packed map[string]string
	// placed are the names of the files by those that helm has once the
	// dependencies are in their places, which may go by an alias.
	placed   map[string]string
	problems []Problem
}

func newChartFiles(tree *recorder, l limits.Limits) *chartFiles {
	return &chartFiles{tree: tree, limits: l, origin: map[string]string{}, packed: map[string]string{}}
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
		f.problem(f.archiveProblem(e, f.origin[e.Archive]))
	}
}

func (f *chartFiles) archiveProblem(e *archiveError, file string) Problem {
	p := Problem{Class: e.Class, Message: e.Error(), At: manifest.Span{File: file}}
	if e.Limit != "" {
		p.Fix = limits.Raise(e.Limit)
	}
	return p
}

// readArchive reads the files of a packaged chart.
func (f *chartFiles) readArchive(name string, budget *archiveBudget) error {
	data, err := readLimited(f.tree, name, f.limits.ArchiveSize)
	if err != nil {
		return err
	}
	files, refused := unpackArchive(path.Base(name), data, archiveLimits{File: f.limits.ChartFileSize, Archive: f.limits.ArchiveSize}, budget)
	if refused != nil {
		return refused
	}
	for _, b := range files {
		f.packed[b.Name] = name
	}
	f.files = append(f.files, files...)
	return nil
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

// dependencyFile is the path in the tree of a file of a dependency, whose folder
// begins with its name; that of one with an alias has another.
func (f *chartFiles) dependencyFile(dependency, rest string) (file string, written, ok bool) {
	for _, files := range []map[string]string{f.origin, f.packed} {
		for _, name := range sortedKeys(files) {
			under, vendored := strings.CutPrefix(name, "charts/")
			folder, tail, _ := strings.Cut(under, "/")
			if !vendored || tail != rest {
				continue
			}
			_, unpacked := f.origin[name]
			if strings.HasPrefix(folder, dependency+"-") {
				return files[name], unpacked, true
			}
			if !ok {
				file, written, ok = files[name], unpacked, true
			}
		}
	}
	return file, written, ok
}

// place notes which files those of a chart and its dependencies are. A dependency
// is copied for each alias; the copies share what the files hold.
func (f *chartFiles) place(c *chart.Chart) {
	names := make(map[*byte]string, len(f.files))
	for _, b := range f.files {
		if len(b.Data) > 0 {
			names[&b.Data[0]] = b.Name
		}
	}
	f.placed = map[string]string{}
	var walk func(*chart.Chart)
	walk = func(c *chart.Chart) {
		for _, raw := range c.Raw {
			if len(raw.Data) == 0 {
				continue
			}
			if name, ok := names[&raw.Data[0]]; ok {
				f.placed[path.Join(c.ChartFullPath(), raw.Name)] = name
			}
		}
		for _, d := range c.Dependencies() {
			walk(d)
		}
	}
	walk(c)
}

// locate is the path in the tree of a rendered file. A file that came out of an
// archive is the archive; then ok is false.
func (f *chartFiles) locate(root, name string) (file string, ok bool) {
	rel := strings.TrimPrefix(name, root+"/")
	if placed, ok := f.placed[name]; ok {
		rel = placed
	}
	if o, ok := f.origin[rel]; ok {
		return o, true
	}
	if o, ok := f.packed[rel]; ok {
		return o, false
	}
	// A file of a dependency that is not in its place yet: it may lie in a folder,
	// or an archive, of another name, its alias or the name with the version.
	parts := strings.Split(rel, "/")
	if len(parts) > 2 && parts[0] == "charts" {
		if file, written, ok := f.dependencyFile(parts[1], strings.Join(parts[2:], "/")); ok {
			return file, written
		}
	}
	return f.main, false
}
