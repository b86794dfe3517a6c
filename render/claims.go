package render

import (
	"bytes"
	"context"
	"path"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
)

// claim is a GitOps object as it is written, and the folders of this repository
// that it may name.
type claim struct {
	object *manifest.Object
	// globs are the folders; deep, that those below them belong to it.
	globs []string
	deep  bool
	// reached are the kustomizations below a folder that is named.
	reached map[string]bool
}

// covers says that a claim names the folder of a unit.
func (c *claim) covers(dir string) bool {
	return slices.ContainsFunc(c.globs, func(glob string) bool {
		if !strings.Contains(glob, "*") {
			return dir == glob || c.deep && within(dir, glob)
		}
		return match(glob, dir)
	})
}

// pattern says that the claim names its folders by a pattern only.
func (c *claim) pattern() bool {
	return !slices.ContainsFunc(c.globs, func(glob string) bool { return !strings.Contains(glob, "*") })
}

func (c *claim) dir() string {
	if len(c.globs) == 0 {
		return "."
	}
	return c.globs[0]
}

// scan reads the GitOps objects that are written in files, and what they refer
// to: it tells where to begin.
func (g *graph) scan(ctx context.Context) {
	written := g.written(ctx, leads)
	for _, o := range written {
		g.raw.add("", o)
		g.deploysItself(o)
	}
	for _, o := range written {
		if _, ok := gitopsKinds[o.GroupKind()]; ok || o.GroupKind() == resourceSet {
			g.claim(o)
		}
	}
	if len(g.claims) == 0 {
		// Nothing refers to anything.
		return
	}
	for _, o := range g.written(ctx, func(data []byte) bool { return !leads(data) && refers(data) }) {
		g.raw.add("", o)
	}
}

// written are the objects of the files that a quick look at their bytes selects.
func (g *graph) written(ctx context.Context, want func(data []byte) bool) []*manifest.Object {
	files := g.r.found.candidates
	parts := make([][]*manifest.Object, len(files))
	g.r.each(ctx, len(files), func(i int) { parts[i] = g.r.objectsIn(files[i].Name, want) })
	return slices.Concat(parts...)
}

// deploysItself notes the source of a Kustomization that deploys the file that it
// is written in: it brings this repository. The path "./" says nothing, since
// every repository has it.
func (g *graph) deploysItself(o *manifest.Object) {
	if gitopsKinds[o.GroupKind()] != FluxKustomization {
		return
	}
	spec := specOf(o)
	if dir := sourcePath(spec.at("path").str()); dir != "." && g.deploys(dir, o.Origin.File) {
		g.sync[refOf(spec.at("sourceRef"), o.Namespace)] = true
	}
}

// maxTaken is how many files are noted to tell what deploys itself.
const maxTaken = 1_000_000

// deploys says that what is built of a folder takes in a file.
func (g *graph) deploys(dir, file string) bool {
	if dir == path.Dir(file) || !within(file, dir) || !g.r.hasKustomization(dir) {
		return within(file, dir)
	}
	files, ok := g.takes[dir]
	if !ok && g.taking < maxTaken {
		reached := map[string]bool{}
		g.r.found.reach(dir, reached)
		files = map[string]bool{}
		for dir := range reached {
			if k := g.r.found.kustomizations[dir]; k != nil {
				for _, name := range k.files {
					files[name] = true
				}
			}
		}
		g.takes[dir] = files
		g.taking += len(files) + len(reached)
	}
	return files[file]
}

// refers is a quick look for what GitOps objects refer to besides their own kinds.
func refers(data []byte) bool {
	for _, kind := range []string{"ConfigMap", "Secret"} {
		if bytes.Contains(data, []byte("kind: "+kind)) || bytes.Contains(data, []byte(`"`+kind+`"`)) {
			return true
		}
	}
	return bytes.Contains(data, []byte("ExternalSecret")) || bytes.Contains(data, []byte("SealedSecret"))
}

// leads says that a file may hold a GitOps object.
func leads(data []byte) bool {
	if slices.ContainsFunc(fluxMarks, func(mark string) bool { return bytes.Contains(data, []byte(mark)) }) {
		return true
	}
	// Rollouts and workflows are of the same group.
	return bytes.Contains(data, []byte(argoGroup)) && bytes.Contains(data, []byte("Application"))
}

// claim notes what a GitOps object that is written in a file deploys.
func (g *graph) claim(o *manifest.Object) {
	spec := specOf(o)
	c := &claim{object: o}
	add := func(text string) {
		if dir := sourcePath(globOf(text)); text != "" && dir != ".." && !strings.HasPrefix(dir, "../") {
			c.globs = append(c.globs, dir)
		}
	}
	switch gitopsKinds[o.GroupKind()] {
	case FluxKustomization:
		dir, ref := sourcePath(spec.at("path").or("./")), refOf(spec.at("sourceRef"), o.Namespace)
		known := dir
		if before, _, ok := strings.Cut(dir, "${"); ok {
			known = path.Dir(before + "x")
		}
		if from, problem := g.folder(besides(o), ref, known, o.Origin.Span); problem != nil || isFetched(from.dir) {
			// What it deploys is not of this repository.
			break
		} else if from.moved {
			dir = from.dir
		}
		add(dir)
		c.deep = !g.r.hasKustomization(c.dir())
	case HelmRelease:
		g.claimChart(o, add)
	case Application:
		g.claimSources(c, spec, add)
	case ApplicationSet:
		g.claimSources(c, spec.at("template", "spec"), add)
	case FluxInstance:
		if g.instanceHere(o) {
			add(spec.at("sync", "path").or("./"))
			c.deep = !g.r.hasKustomization(c.dir())
		}
	}
	g.claims = append(g.claims, c)
	for name := o.Origin.File; ; name = path.Dir(name) {
		g.files[name] = true
		if name == "." {
			break
		}
	}
}

// besides is a unit for what a GitOps object refers to of which it is not known
// what leads to it: of several objects those beside it are meant.
func besides(o *manifest.Object) *Unit { return &Unit{entry: path.Dir(o.Origin.File)} }

// claimChart notes the chart of a HelmRelease if a source of files brings it.
func (g *graph) claimChart(o *manifest.Object, add func(string)) {
	chart, ref := specOf(o).at("chart", "spec"), refOf(specOf(o).at("chartRef"), o.Namespace)
	switch ref.kind {
	case "HelmChart":
		made := g.lookup(besides(o), ref.kind, ref.namespace, ref.name)
		if made == nil {
			return
		}
		chart = specOf(made)
	case "ExternalArtifact":
		if from, problem := g.folder(besides(o), ref, ".", o.Origin.Span); problem == nil && !isFetched(from.dir) {
			add(from.dir)
		}
	}
	if chart.at("sourceRef", "kind").str() != "HelmRepository" {
		add(chart.at("chart").str())
	}
}

func (g *graph) claimSources(c *claim, spec val, add func(string)) {
	for _, s := range append(spec.at("sources").items(), spec.at("source"), spec.at("sourceHydrator", "drySource")) {
		add(s.at("path").str())
		c.deep = c.deep || s.at("directory", "recurse").is()
	}
}

// globOf replaces the template expressions of a path, and the variables of Flux in
// it, by stars.
func globOf(text string) string {
	return starred(starred(text, "{{", "}}"), "${", "}")
}

func starred(text, begin, end string) string {
	for {
		before, rest, ok := strings.Cut(text, begin)
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			return text
		}
		text = before + "**" + after
		if before != "" && !strings.HasSuffix(before, "/") || after != "" && !strings.HasPrefix(after, "/") {
			text = before + "*" + after
		}
	}
}

// claimedBy says of a root whether a GitOps object that is still to be found names
// it, or what builds on it.
func (g *graph) claimedBy(live []*claim) func(u *Unit) bool {
	named, deep := map[string]bool{}, map[string]bool{}
	var patterns []*claim
	for _, c := range live {
		if c.reached == nil {
			c.reached = map[string]bool{}
			for _, glob := range c.globs {
				g.r.found.reach(glob, c.reached)
			}
		}
		for dir := range c.reached {
			named[dir] = true
		}
		for _, glob := range c.globs {
			if c.deep {
				deep[glob] = true
			}
		}
		if c.pattern() {
			patterns = append(patterns, c)
		}
	}
	return func(u *Unit) bool {
		if named[u.Path] {
			return true
		}
		for dir := u.Path; len(deep) > 0; dir = path.Dir(dir) {
			if deep[dir] {
				return true
			}
			if dir == "." {
				break
			}
		}
		return slices.ContainsFunc(patterns, func(c *claim) bool {
			// A pattern says little: it must not keep what holds it back.
			return c.covers(u.Path) && !u.Concerns(c.object.Origin.File)
		})
	}
}

// carriers are the folders of plain manifests that hold GitOps objects.
func (g *graph) carriers() []*Unit {
	holds := map[string]bool{}
	for _, c := range g.claims {
		holds[path.Dir(c.object.Origin.File)] = true
	}
	taken := map[string]bool{}
	for _, k := range g.r.found.kustomizations {
		for _, list := range [][]string{k.files, k.inputs} {
			for _, f := range list {
				taken[f] = true
			}
		}
	}
	units := g.r.found.folders(func(name string) bool { return holds[path.Dir(name)] && !taken[name] })
	return slices.DeleteFunc(units, func(u *Unit) bool {
		// Its objects are all taken by a kustomization beside them.
		return !slices.ContainsFunc(g.claims, func(c *claim) bool { return slices.Contains(u.files, c.object.Origin.File) })
	})
}

// covers says that a claim names what a GitOps object is written in.
func (g *graph) covers(c *claim, o *manifest.Object) bool {
	return c.covers(path.Dir(o.Origin.File)) ||
		gitopsKinds[c.object.GroupKind()] == FluxKustomization && len(c.globs) == 1 && g.deploys(c.globs[0], o.Origin.File)
}

// seeds are the Kustomizations that deploy the file that they are written in:
// where a cluster begins. Of those that others cover, the others come first.
func (g *graph) seeds(live []*claim) []*Unit {
	var units []*Unit
	looked := 0
	for _, c := range live {
		// A repository has as many of them as clusters.
		if gitopsKinds[c.object.GroupKind()] == ApplicationSet || looked > 500 || !g.covers(c, c.object) {
			continue
		}
		looked++
		if slices.ContainsFunc(live, func(other *claim) bool {
			return other != c && g.covers(other, c.object) && !g.covers(c, other.object)
		}) {
			continue
		}
		u := g.unitOf(nil, c.object, c.dir())
		if u == nil {
			continue
		}
		u.seed = true
		u.plan = g.planOf(u)
		units = append(units, u)
	}
	return units
}

// writtenKey names a GitOps object as it is written.
func writtenKey(o *manifest.Object) string {
	return o.GVK.Kind + "\x00" + o.Origin.File + "\x00" + o.Name
}

// leadsOn says that a unit may give GitOps objects.
func (g *graph) leadsOn(u *Unit) bool {
	switch {
	case u.Kind == ApplicationSet, u.Kind == FluxInstance:
		return true
	case u.Kind == Helm:
		return g.chartLeads(u.Path)
	case u.object != nil && slices.ContainsFunc(u.plan.jobs, func(j job) bool { return j.kind == Helm && g.chartLeads(j.path) }):
		return true
	}
	has := func(name string) bool { return g.files[name] }
	return slices.ContainsFunc(u.files, has) || slices.ContainsFunc(u.refs, has) || slices.ContainsFunc(u.dirs, has)
}

// chartLeads says that a chart's templates may give GitOps objects.
func (g *graph) chartLeads(dir string) bool {
	known, ok := g.leading[dir]
	if !ok {
		known = g.templatesLead(dir)
		g.leading[dir] = known
	}
	return known
}

func (g *graph) templatesLead(dir string) bool {
	if isFetched(dir) {
		// It is looked at when it is rendered.
		return false
	}
	for _, name := range g.r.found.below(dir) {
		if strings.Contains(name, "/templates/") {
			if data, err := readLimited(g.r.tree, name, g.r.settings.limits.ChartFileSize); err == nil && leads(data) {
				return true
			}
		}
	}
	return false
}
