package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/internal/store"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
)

// load makes a chart of the files, once those that helm parses have passed the
// gate.
func (f *chartFiles) load(budget *archiveBudget) (*chart.Chart, error) {
	f.unpack(budget)
	if err := f.checkParsed(); err != nil {
		return nil, err
	}
	return loadFiles(f.fresh())
}

// loadFiles makes a chart as helm does, its dependencies in the order of their
// folders. Helm takes them as a map gives them: chance decides then which of two
// broken ones it names, and which of two of one name it renders.
func loadFiles(files []*loader.BufferedFile) (*chart.Chart, error) {
	var own []*loader.BufferedFile
	var below []*chart.File
	vendored := map[string][]*loader.BufferedFile{}
	for _, b := range files {
		rest, is := strings.CutPrefix(b.Name, "charts/")
		folder, name, nested := strings.Cut(rest, "/")
		if !is || path.Ext(b.Name) == ".prov" || path.Ext(folder) == ".tgz" || strings.IndexAny(folder, "_.") == 0 {
			own = append(own, b)
			continue
		}
		below = append(below, &chart.File{Name: b.Name, Data: b.Data})
		// A file among the charts is to helm a chart that has no file.
		held := vendored[folder]
		if nested {
			held = append(held, &loader.BufferedFile{Name: name, Data: b.Data})
		}
		vendored[folder] = held
	}
	c, err := loader.LoadFiles(own)
	if err != nil {
		return c, err
	}
	c.Raw = append(c.Raw, below...)
	for _, folder := range sortedKeys(vendored) {
		dependency, err := loadFiles(vendored[folder])
		if err != nil {
			return c, fmt.Errorf("error unpacking subchart %s in %s: %w", folder, c.Name(), err)
		}
		c.AddDependency(dependency)
	}
	return c, nil
}

// ambiguous refuses a chart that is to be rendered with two dependencies of one
// name, aliases counted: helm lets either of them win, as it happens.
func ambiguous(c *chart.Chart) error {
	seen := map[string]bool{}
	for _, d := range c.Dependencies() {
		if seen[d.Name()] {
			return fmt.Errorf("%s depends on two charts of the name %q: helm renders either of them", c.ChartFullPath(), d.Name())
		}
		seen[d.Name()] = true
		if err := ambiguous(d); err != nil {
			return err
		}
	}
	return nil
}

// addDependencies puts the dependencies that are not vendored into the chart,
// as `helm dependency build` would: from a file:// path, else from a chart of
// this repository with the same name and a version in range, else from what was
// fetched. It says whether it added any.
func (b *builder) addDependencies(files *chartFiles, dir string, c *chart.Chart) (added bool) {
	vendored := dependencyNames(c)
	taken := map[string]bool{}
	for i, dep := range c.Metadata.Dependencies {
		if dep == nil || vendored[dep.Name] {
			continue
		}
		at := files.mention(dir, dep)
		from, problem := b.dependency(files, dep, c.Lock, dir)
		if problem != nil {
			problem.At = at
			files.problem(*problem)
			continue
		}
		if taken[from] {
			// Under another alias.
			continue
		}
		taken[from] = true
		// A folder of its own, so that two versions of one chart don't mix;
		// a name that is no name for a folder was refused.
		place := "charts/" + dep.Name + "-" + strconv.Itoa(i)
		if err := files.addDependency(from, place); err != nil {
			files.problem(files.unreadable("can't read the chart's dependency "+dep.Name, err, at))
			continue
		}
		added = true
	}
	return added
}

// mention is where a chart names a dependency.
func (f *chartFiles) mention(dir string, dep *chart.Dependency) manifest.Span {
	if isArchive(dir) {
		return manifest.Span{File: f.main}
	}
	for _, file := range []string{f.main, join(dir, "requirements.yaml")} {
		if at := find(f.tree, file, "name: "+dep.Name); at.Line > 0 {
			return at
		}
	}
	return manifest.Span{File: f.main}
}

func (f *chartFiles) addDependency(from, place string) error {
	if !isArchive(from) {
		return f.readChart(from, place, 1)
	}
	data, err := readLimited(f.tree, from, f.limits.ArchiveSize)
	if err == nil {
		f.add(place+".tgz", from, data)
	}
	return err
}

// dependencyNames are the names of the charts that a chart holds.
func dependencyNames(c *chart.Chart) map[string]bool {
	names := map[string]bool{}
	for _, d := range c.Dependencies() {
		names[d.Name()] = true
	}
	return names
}

// checkDependencies takes out again what was put in the place of a dependency
// and is another chart, which helm would deploy nevertheless.
func (f *chartFiles) checkDependencies(c *chart.Chart, vendored map[string]bool) {
	have, asked := dependencyNames(c), map[string]bool{}
	for i, dep := range c.Metadata.Dependencies {
		if dep == nil {
			continue
		}
		asked[dep.Name] = true
		from, added := f.origin["charts/"+dep.Name+"-"+strconv.Itoa(i)+".tgz"]
		refused := slices.ContainsFunc(f.problems, func(p Problem) bool { return p.At.File == from })
		if !have[dep.Name] && added && !refused {
			f.problem(Problem{Class: "missing-dependency", Message: fmt.Sprintf("what was fetched for the chart's dependency %q is another chart", dep.Name), At: manifest.Span{File: f.main}})
		}
	}
	kept := slices.DeleteFunc(slices.Clone(c.Dependencies()), func(d *chart.Chart) bool { return !vendored[d.Name()] && !asked[d.Name()] })
	c.SetDependencies(kept...)
}

// dependency is the folder in this repository, or the archive, of a chart that
// another one depends on, or why there is none.
func (b *builder) dependency(files *chartFiles, dep *chart.Dependency, lock *chart.Lock, dir string) (string, *Problem) {
	if dep.Name == "" || dep.Name == "." || dep.Name == ".." || strings.ContainsAny(dep.Name, `/\`) {
		// As a folder's name it would lead elsewhere (CVE-2026-35206).
		return "", missingDependency(dep, "has a name that no chart can have")
	}
	if local, ok := strings.CutPrefix(dep.Repository, "file://"); ok {
		return files.localDependency(dep, dir, local)
	}
	if !isArchive(dir) {
		if from := b.sibling(files, dep, dir); from != "" {
			return from, nil
		}
	}
	return files.fetchedDependency(dep, lock)
}

func missingDependency(dep *chart.Dependency, format string, args ...any) *Problem {
	return &Problem{Class: "missing-dependency", Message: "the chart's dependency " + strconv.Quote(dep.Name) + " " + fmt.Sprintf(format, args...)}
}

// fetchedDependency is what was fetched for a dependency, in the version that
// the chart's lock file pins.
func (f *chartFiles) fetchedDependency(dep *chart.Dependency, lock *chart.Lock) (string, *Problem) {
	p := &Problem{Class: "not-fetched", Message: fmt.Sprintf("the chart's dependency %s %s is not in this repository: what it deploys was not checked", oneLine(dep.Name), oneLine(dep.Version)),
		Fix: fetchFix}
	if !strings.Contains(dep.Repository, "://") {
		p.Fix = "Run `helm dependency build` and commit charts/, or add the chart to the repository, to have it checked."
		if dep.Repository != "" {
			p.Message = fmt.Sprintf("the chart's dependency %s is of the repository %s, a name that only the helm program of whoever wrote the chart knows: what it deploys was not checked", oneLine(dep.Name), oneLine(dep.Repository))
			p.Fix = "Give the repository's URL in Chart.yaml, or run `helm dependency build` and commit charts/."
		}
		return "", p
	}
	p.Needs = store.Request{Kind: store.Chart, URL: withoutCredentials(dep.Repository), Name: dep.Name, Version: locked(dep, lock)}
	archive := p.Needs.Mount() + "/" + store.ChartFile
	if _, err := f.tree.Stat(archive); err != nil {
		return "", p
	}
	return archive, nil
}

// locked is the version that a lock file pins a dependency to, as long as it is
// one that the chart asks for.
func locked(dep *chart.Dependency, lock *chart.Lock) string {
	if lock == nil {
		return dep.Version
	}
	for _, l := range lock.Dependencies {
		if l != nil && l.Name == dep.Name && strings.TrimSuffix(l.Repository, "/") == strings.TrimSuffix(dep.Repository, "/") && inRange(l.Version, dep.Version) {
			return l.Version
		}
	}
	return dep.Version
}

// withoutCredentials is a URL without those that stand before its host.
func withoutCredentials(url string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return url
	}
	host, tail, slash := strings.Cut(rest, "/")
	host = host[strings.LastIndex(host, "@")+1:]
	if slash {
		return scheme + "://" + host + "/" + tail
	}
	return scheme + "://" + host
}

// localDependency is the folder that a file:// repository names.
func (f *chartFiles) localDependency(dep *chart.Dependency, dir, local string) (string, *Problem) {
	outside := &Problem{Class: "outside-repo", Message: fmt.Sprintf("the chart's dependency %s is outside of the repository, at %s", oneLine(dep.Name), oneLine(dep.Repository))}
	switch {
	case path.IsAbs(local):
		return "", outside
	case isArchive(dir):
		return "", missingDependency(dep, "is not in the archive, and %s leads nowhere from there", oneLine(dep.Repository))
	}
	from := join(dir, local)
	_, err := f.tree.Resolve(join(from, "Chart.yaml"))
	switch {
	case errors.Is(err, source.ErrOutside), from == "..", strings.HasPrefix(from, "../"):
		return "", outside
	case errors.Is(err, fs.ErrNotExist):
		return "", missingDependency(dep, "is not at %s", oneLine(dep.Repository))
	case err != nil:
		return "", &Problem{Class: readClass(err), Message: "can't read the chart's dependency " + oneLine(dep.Name) + ": " + reason(err)}
	}
	metadata, err := f.metadata(from)
	switch {
	case err != nil:
		return "", missingDependency(dep, "can't be read: %s", oneLine(err.Error()))
	case metadata.Name != dep.Name:
		return "", missingDependency(dep, "is called %q at %s", metadata.Name, oneLine(dep.Repository))
	case !inRange(metadata.Version, dep.Version):
		return "", missingDependency(dep, "has the version %s at %s, which is not in the range %s", oneLine(metadata.Version), oneLine(dep.Repository), oneLine(dep.Version))
	}
	return from, nil
}

// metadata reads the Chart.yaml of a folder.
func (f *chartFiles) metadata(dir string) (*chart.Metadata, error) {
	data, err := f.checked(join(dir, "Chart.yaml"))
	if err != nil {
		return nil, err
	}
	c, err := loader.LoadFiles([]*loader.BufferedFile{{Name: "Chart.yaml", Data: data}})
	if err != nil {
		return nil, err
	}
	return c.Metadata, nil
}

// inRange says that a chart's version is what a dependency asks for. A
// dependency that asks for none takes any.
func inRange(version, asked string) bool {
	if asked == "" {
		return true
	}
	constraint, err := semver.NewConstraint(asked)
	if err != nil {
		return false
	}
	v, err := semver.NewVersion(version)
	return err == nil && constraint.Check(v)
}

// sibling is the folder of a chart of this repository that satisfies a
// dependency on a chart repository.
func (b *builder) sibling(files *chartFiles, dep *chart.Dependency, dir string) string {
	files.tree.looks.Note("charts called/"+dep.Name, Charts)
	for _, candidate := range b.charts {
		if candidate == dir || path.Base(candidate) != dep.Name {
			continue
		}
		if m, err := files.metadata(candidate); err == nil && m.Name == dep.Name && dep.Version != "" && inRange(m.Version, dep.Version) {
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
		dropMissing(d)
	}
	if c.Metadata != nil {
		c.Metadata.Dependencies = slices.DeleteFunc(c.Metadata.Dependencies, func(d *chart.Dependency) bool {
			return d == nil || !have[d.Name]
		})
	}
}
