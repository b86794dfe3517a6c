package render

import (
	"fmt"
	"path"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// owner says of a folder whether it is of a chart that was copied into this
// repository, and where that chart is asked for.
type owner struct {
	foreign bool
	at      manifest.Span
}

// owner says of a file whether nobody edits it in this repository: it was
// fetched, or is of a chart whose source is elsewhere. at is then the place that
// asks for that chart; without a line if it is not known.
func (c *chartPlaces) owner(file string) (at manifest.Span, foreign bool) {
	switch {
	case isFetched(file):
		return manifest.Span{}, true
	case isArchive(file):
		return c.packed(file), true
	}
	dir := path.Dir(file)
	c.files.Lock()
	known, ok := c.owners[dir]
	c.files.Unlock()
	if !ok {
		known = c.findOwner(dir)
		c.files.Lock()
		c.owners[dir] = known
		c.files.Unlock()
	}
	return known.at, known.foreign
}

// findOwner looks at the folders above for a chart that says of the one in its
// charts/ folder where it came from. The outermost decides.
func (c *chartPlaces) findOwner(dir string) owner {
	var found owner
	for up := dir; up != "." && up != "/"; up = path.Dir(up) {
		parent, name := path.Dir(path.Dir(up)), path.Base(up)
		if path.Base(path.Dir(up)) != "charts" {
			continue
		}
		if at, ok := c.vendored(parent, name, up); ok {
			found = owner{true, at}
		}
	}
	if at, ok := c.pulled(dir); ok {
		found = owner{true, at}
	}
	return found
}

// vendored says that a chart's list of dependencies names another place for the
// one in a folder.
func (c *chartPlaces) vendored(parent, name, dir string) (manifest.Span, bool) {
	called := val{c.parsed(join(dir, "Chart.yaml"))}.at("name").or(name)
	for _, file := range []string{join(parent, "Chart.yaml"), join(parent, "requirements.yaml")} {
		for _, dep := range (val{c.parsed(file)}).at("dependencies").items() {
			entry := dep.at("name")
			if text := entry.str(); text == "" || text != called && text != name {
				continue
			}
			repository := dep.at("repository").str()
			return position(file, entry.n), repository != "" && !strings.HasPrefix(repository, "file://")
		}
	}
	return manifest.Span{}, false
}

// packed is the place that asks for the packed chart in a chart's charts/ folder;
// without a line if there is none.
func (c *chartPlaces) packed(archive string) manifest.Span {
	for _, file := range []string{"Chart.yaml", "requirements.yaml"} {
		file = join(path.Dir(path.Dir(archive)), file)
		for _, dep := range (val{c.parsed(file)}).at("dependencies").items() {
			if name := dep.at("name").str(); name != "" && strings.HasPrefix(path.Base(archive), name+"-") {
				return position(file, dep.at("name").n)
			}
		}
	}
	return manifest.Span{}
}

// pulled says that kustomize got the chart that a folder is of from elsewhere: its
// entry names a repo.
func (c *chartPlaces) pulled(dir string) (manifest.Span, bool) {
	for i := range c.b.product.charts {
		of := &c.b.product.charts[i]
		if !within(dir, of.path) || of.release.at.Line == 0 {
			continue
		}
		if entry := c.chartEntry(of.release.at); entry != nil && (val{entry}.at("repo").str() != "" || val{entry}.at("chartRepo").str() != "") {
			return of.release.at, true
		}
	}
	return manifest.Span{}, false
}

// chartEntry is the mapping in a file that asks for a chart: its name stands at a
// place.
func (c *chartPlaces) chartEntry(at manifest.Span) *yaml.Node {
	var found *yaml.Node
	var walk func(n *yaml.Node, depth int)
	walk = func(n *yaml.Node, depth int) {
		if found != nil || depth > 8 {
			return
		}
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			key, v := n.Content[i].Value, n.Content[i+1]
			if (key == "name" || key == "chartName") && v.Line == at.Line && v.Column == at.Column {
				found = n
				return
			}
		}
		for _, child := range n.Content {
			walk(child, depth+1)
		}
	}
	for _, doc := range c.documents(at.File) {
		walk(doc, 0)
	}
	return found
}

// asked is the place that stands for what nobody edits here: where the chart that
// a file is of is asked for.
func (f *finder) asked(file string) manifest.Span {
	if at, foreign := f.c.owner(file); foreign && at.Line > 0 {
		return at
	}
	if name, entry := f.dependency(); entry.ok() {
		return position(name, entry.at("name").n)
	}
	places := []manifest.Span{f.of.at, f.c.stand}
	dir, rel := f.c.chart(f.of.chart)
	if f.of.chart > 0 {
		places = append(places, rel.at)
	}
	for _, at := range places {
		if at.Line > 0 {
			return at
		}
	}
	if name := (val{f.c.parsed(chartFile(dir))}).at("name"); !isArchive(dir) && !isFetched(dir) && name.ok() {
		return position(chartFile(dir), name.n)
	}
	return f.c.stand
}

// dependency is the entry in a file of this repository by which the chart depends
// on the one that the text is of, or on one that does.
func (f *finder) dependency() (file string, entry val) {
	parts := strings.Split(f.t.name, "/")
	dir, _ := f.c.chart(f.of.chart)
	if len(parts) < 4 || parts[1] != "charts" || isArchive(dir) || isFetched(dir) {
		return "", val{}
	}
	for _, file := range []string{chartFile(dir), join(dir, "requirements.yaml")} {
		for _, dep := range (val{f.c.parsed(file)}).at("dependencies").items() {
			if dep.at("alias").or(dep.at("name").str()) == parts[2] {
				return file, dep
			}
		}
	}
	return "", val{}
}

// foreign says that nobody edits the template of a piece in this repository.
func (f *finder) foreign(p *piece) bool {
	if !p.written {
		return true
	}
	_, foreign := f.c.owner(p.file)
	return foreign
}

// maxCallers is how many includes, one in the other, are shown.
const maxCallers = 8

// templateSteps lead from a piece of a template to the template that was
// rendered: the piece itself, if it is not what is edited, and the includes.
func (f *finder) templateSteps(p *piece, itself bool) []manifest.Step {
	var steps []manifest.Step
	if itself {
		what := "template"
		if p.template != "" {
			what = "named template " + oneLine(p.template)
		}
		steps = append(steps, f.step(p, what))
	}
	for range maxCallers {
		if p.caller < 0 || p.caller >= len(f.t.pieces) {
			break
		}
		name := oneLine(p.template)
		p = &f.t.pieces[p.caller]
		steps = append(steps, f.step(p, "include "+name))
	}
	return steps
}

// step is a step at a piece. What is not in this repository is named, not placed.
func (f *finder) step(p *piece, what string) manifest.Step {
	if p.written && !isFetched(p.file) {
		return manifest.Step{Span: manifest.Span{File: p.file, Line: p.line, Column: p.column, EndLine: p.line, EndColumn: p.column}, What: what}
	}
	if p.template == "" {
		what = fmt.Sprintf("%s %s:%d", what, oneLine(f.t.name), p.line)
	}
	return manifest.Step{What: what + " of " + f.chartName()}
}

// chartName names the chart that a text is of, with its version if that is known.
func (f *finder) chartName() string {
	name := ""
	parts := strings.Split(f.t.name, "/")
	for i := 0; i < len(parts) && (i == 0 || parts[i-1] == "charts"); i += 2 {
		name = parts[i]
	}
	version := ""
	dir, _ := f.c.chart(f.of.chart)
	if _, entry := f.dependency(); len(parts) > 1 && parts[1] == "charts" {
		version = entry.at("version").str()
	} else if !isArchive(dir) {
		version = val{f.c.parsed(chartFile(dir))}.at("version").str()
	}
	return strings.TrimSpace("the chart " + oneLine(name) + " " + oneLine(version))
}
