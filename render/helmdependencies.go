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
	"github.com/scantling-dev/scantling/internal/source"
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
	return loader.LoadFiles(f.fresh())
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
// this repository with the same name and a version in range. It says whether it
// added any.
func (b *builder) addDependencies(files *chartFiles, dir string, c *chart.Chart) (added bool) {
	vendored := map[string]bool{}
	for _, d := range c.Dependencies() {
		vendored[d.Name()] = true
	}
	chartFile := join(dir, "Chart.yaml")
	taken := map[string]bool{}
	for i, dep := range c.Metadata.Dependencies {
		if dep == nil || vendored[dep.Name] {
			continue
		}
		at := find(files.tree, chartFile, "name: "+dep.Name)
		if at.Line == 0 {
			at = find(files.tree, join(dir, "requirements.yaml"), "name: "+dep.Name)
		}
		if at.Line == 0 {
			at.File = chartFile
		}
		from, problem := b.dependency(files, dep, dir)
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
		if err := files.readChart(from, "charts/"+dep.Name+"-"+strconv.Itoa(i), 1); err != nil {
			files.problem(files.unreadable("can't read the chart's dependency "+dep.Name, err, at))
			continue
		}
		added = true
	}
	return added
}

// dependency is the folder in this repository of a chart that another one
// depends on, or why there is none.
func (b *builder) dependency(files *chartFiles, dep *chart.Dependency, dir string) (string, *Problem) {
	missing := func(format string, args ...any) *Problem {
		return &Problem{Class: "missing-dependency", Message: "the chart's dependency " + strconv.Quote(dep.Name) + " " + fmt.Sprintf(format, args...)}
	}
	if dep.Name == "" || dep.Name == "." || dep.Name == ".." || strings.ContainsAny(dep.Name, `/\`) {
		// As a folder's name it would lead elsewhere (CVE-2026-35206).
		return "", missing("has a name that no chart can have")
	}
	local, ok := strings.CutPrefix(dep.Repository, "file://")
	if !ok {
		if from := b.sibling(files, dep, dir); from != "" {
			return from, nil
		}
		return "", &Problem{Class: "not-fetched", Message: fmt.Sprintf("the chart's dependency %s %s is not in this repository: what it deploys was not checked", oneLine(dep.Name), oneLine(dep.Version)),
			Fix: "Run `helm dependency build` and commit charts/, or add the chart to the repository, to have it checked."}
	}
	if path.IsAbs(local) {
		return "", &Problem{Class: "outside-repo", Message: fmt.Sprintf("the chart's dependency %s is outside of the repository, at %s", oneLine(dep.Name), oneLine(dep.Repository))}
	}
	from := join(dir, local)
	_, err := files.tree.Resolve(join(from, "Chart.yaml"))
	switch {
	case errors.Is(err, source.ErrOutside), from == "..", strings.HasPrefix(from, "../"):
		return "", &Problem{Class: "outside-repo", Message: fmt.Sprintf("the chart's dependency %s is outside of the repository, at %s", oneLine(dep.Name), oneLine(dep.Repository))}
	case errors.Is(err, fs.ErrNotExist):
		return "", missing("is not at %s", oneLine(dep.Repository))
	case err != nil:
		return "", &Problem{Class: readClass(err), Message: "can't read the chart's dependency " + oneLine(dep.Name) + ": " + reason(err)}
	}
	metadata, err := files.metadata(from)
	switch {
	case err != nil:
		return "", missing("can't be read: %s", oneLine(err.Error()))
	case metadata.Name != dep.Name:
		return "", missing("is called %q at %s", metadata.Name, oneLine(dep.Repository))
	case !inRange(metadata.Version, dep.Version):
		return "", missing("has the version %s at %s, which is not in the range %s", oneLine(metadata.Version), oneLine(dep.Repository), oneLine(dep.Version))
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
