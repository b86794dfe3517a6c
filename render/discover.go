package render

import (
	"bytes"
	"cmp"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
	"go.yaml.in/yaml/v3"
)

// discovery is what a walk over the repository found.
type discovery struct {
	tree           source.Tree
	limits         manifest.Limits
	kustomizations map[string]*kustomization // by folder
	charts         map[string]*chartDir      // by folder
	files          []source.File             // all, by name
	candidates     []source.File             // YAML and JSON that may hold objects
	scheduled      map[string]bool           // kustomizations that are units already
	notes          []Note
	problems       []Problem // of what could not even be listed
}

// kustomization is a folder with a kustomization file.
type kustomization struct {
	dir, file string
	component bool
	// dirs are the kustomizations that it builds on, files what it reads as
	// resources, inputs all other files that it names.
	dirs, files, inputs []string
}

type chartDir struct {
	dir     string
	library bool
	// scenarios are the values files to render the chart with, relative to it.
	scenarios []scenario
}

type scenario struct {
	file  string
	guess bool
}

var kustomizationNames = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// join is path.Join for a path below a folder that may be the root.
func join(dir, name string) string { return path.Join(dir, name) }

func discover(tree source.Tree, listing source.Listing, opts Options) *discovery {
	d := &discovery{
		tree:           tree,
		limits:         opts.Limits.YAML,
		kustomizations: map[string]*kustomization{},
		charts:         map[string]*chartDir{},
		scheduled:      map[string]bool{},
	}
	d.files = listing.Files
	for _, s := range listing.Skipped {
		d.skipped(s, opts.Exclude)
	}
	if listing.IgnoreError != nil {
		d.note(".", "the ignore rules were not applied: "+listing.IgnoreError.Error())
	}
	var files []source.File
	chartFiles := map[string]bool{}
	for _, f := range listing.Files {
		if Excluded(f.Name, opts.Exclude) {
			d.note(f.Name, "left out by the configuration")
			continue
		}
		if opts.Store != nil && opts.Store.Lock().Vendored(f.Name) {
			d.note(f.Name, "was fetched: it is rendered where it is asked for")
			continue
		}
		if f.Symlink && !d.link(f) {
			continue
		}
		files = append(files, f)
		if path.Base(f.Name) == "Chart.yaml" {
			chartFiles[path.Dir(f.Name)] = true
		}
	}
	for _, f := range files {
		base, dir := path.Base(f.Name), path.Dir(f.Name)
		switch {
		case base == "Chart.yaml":
			if parent, ok := enclosingChart(chartFiles, dir); ok {
				d.note(dir, "part of the chart "+parent)
			} else {
				d.charts[dir] = d.readChart(dir)
			}
		case slices.Contains(kustomizationNames, base):
			if k := d.readKustomization(f.Name); k != nil {
				if d.kustomizations[dir] == nil {
					d.kustomizations[dir] = k
				}
				continue
			}
			if path.Ext(base) != "" {
				d.candidates = append(d.candidates, f)
			}
		case isManifestName(base):
			d.candidates = append(d.candidates, f)
		}
	}
	for _, f := range files {
		dir, base := path.Dir(f.Name), path.Base(f.Name)
		if chart := d.charts[path.Dir(dir)]; chart != nil && path.Base(dir) == "ci" && strings.HasSuffix(base, "-values.yaml") {
			chart.scenarios = append(chart.scenarios, scenario{file: "ci/" + base})
		}
		if chart := d.charts[dir]; chart != nil && base != "values.yaml" && isManifestName(base) && matches(base, opts.HelmValues) {
			chart.scenarios = append(chart.scenarios, scenario{file: base, guess: true})
		}
	}
	return d
}

// skipped says of what the tree does not list that it was not looked at: as a
// problem where it may hold manifests, else as a note.
func (d *discovery) skipped(s source.Skip, exclude []string) {
	d.note(s.Name, s.Reason)
	if Excluded(s.Name, exclude) {
		return
	}
	p := Problem{Message: "was not looked at: it " + s.Reason, At: manifest.Span{File: s.Name}}
	info, err := d.tree.Lstat(s.Name)
	switch {
	case s.Reason == source.ReasonSubmodule, s.Reason == source.ReasonRepository:
		p.Class = "not-fetched"
		p.Message = "the folder was not looked at: it " + s.Reason
		p.Fix = "Run scantling in that repository, too."
	case err == nil && !info.Mode().IsRegular() && !info.IsDir():
		if !isInput(s.Name) {
			return
		}
		p.Class = "special-file"
		p.Message = "the file was not opened: it " + s.Reason
	case strings.Contains(s.Reason, "not UTF-8"):
		name, _, _ := strings.Cut(strings.TrimPrefix(s.Reason, "holds "), ": ")
		if !isInput(strings.Trim(name, `"`)) {
			return
		}
		p.Class = "encoding"
		p.Message = "a file was not opened: the folder " + s.Reason
	default:
		p.Class = "render-failed"
	}
	d.problems = append(d.problems, p)
}

// isInput says that a file of this name would have been read.
func isInput(name string) bool {
	base := path.Base(name)
	return isManifestName(base) || isKustomization(base)
}

// link says whether a symbolic link is to be looked at as a file of its own.
// Most are not: what they lead to is looked at under its own name.
func (d *discovery) link(f source.File) bool {
	base := path.Base(f.Name)
	_, err := d.tree.Resolve(f.Name)
	switch {
	case errors.Is(err, source.ErrOutside), err != nil && isInput(base):
		// Reading it says what is wrong with it.
		d.candidates = append(d.candidates, f)
		return false
	case err == nil && (isKustomization(base) || base == "Chart.yaml"):
		// It makes its folder a kustomization or a chart.
		return true
	}
	d.note(f.Name, "symbolic link")
	return false
}

func (d *discovery) note(name, what string) { d.notes = append(d.notes, Note{name, what}) }

// Excluded says that a path matches one of the glob patterns, or lies in a folder
// that one names.
func Excluded(name string, globs []string) bool {
	return matches(name, globs) || slices.ContainsFunc(globs, func(g string) bool {
		return strings.HasPrefix(name, strings.TrimSuffix(g, "/")+"/")
	})
}

func matches(name string, globs []string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool { return match(glob, name) })
}

// match is doublestar.Match for patterns that strangers write: every brace
// doubles the ways to try, so that none matches with more than a few.
func match(glob, name string) bool {
	if len(glob) > 4096 || strings.Count(glob, "{") > 6 || strings.Count(glob, "*") > 32 {
		return false
	}
	ok, err := doublestar.Match(glob, name)
	return err == nil && ok
}

func isManifestName(base string) bool {
	switch path.Ext(base) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// enclosingChart is the chart whose charts/ or templates/ folder holds dir.
func enclosingChart(charts map[string]bool, dir string) (string, bool) {
	for p := dir; p != "."; {
		parent := path.Dir(p)
		if b := path.Base(parent); (b == "charts" || b == "templates") && charts[path.Dir(parent)] {
			return path.Dir(parent), true
		}
		p = parent
	}
	return "", false
}

// inChart says that a file belongs to a chart, where YAML may be template text.
func (d *discovery) inChart(name string) bool {
	for p := path.Dir(name); ; p = path.Dir(p) {
		if d.charts[p] != nil {
			return true
		}
		if p == "." {
			return false
		}
	}
}

func (d *discovery) readChart(dir string) *chartDir {
	c := &chartDir{dir: dir}
	if data, err := d.tree.ReadFile(join(dir, "Chart.yaml")); err == nil {
		// A Chart.yaml that can't be read is helm's to complain about.
		if docs, _ := d.limits.Parse(data); len(docs) > 0 {
			kind := manifest.Get(docs[0], "type")
			c.library = kind != nil && kind.Value == "library"
		}
	}
	if c.library {
		d.note(dir, "library chart: rendered through the charts that use it")
	}
	return c
}

// readKustomization reads what a kustomization file refers to. It is nil for a
// file of another kind, as a Flux Kustomization that is named like one.
func (d *discovery) readKustomization(name string) *kustomization {
	data, err := d.tree.ReadFile(name)
	if err != nil {
		return &kustomization{dir: path.Dir(name), file: name}
	}
	docs, _ := d.limits.Parse(data)
	k := &kustomization{dir: path.Dir(name), file: name}
	if len(docs) == 0 {
		return k
	}
	root := docs[0]
	if v := manifest.Get(root, "apiVersion"); v != nil && !strings.HasPrefix(v.Value, "kustomize.config.k8s.io/") {
		return nil
	}
	if v := manifest.Get(root, "kind"); v != nil {
		if v.Value != "Kustomization" && v.Value != "Component" {
			return nil
		}
		k.component = v.Value == "Component"
	}
	for _, key := range []string{"resources", "bases", "components"} {
		for _, n := range items(manifest.Get(root, key)) {
			d.refer(k, n.Value, true)
		}
	}
	for _, key := range []string{"patchesStrategicMerge", "generators", "transformers", "validators", "crds", "configurations"} {
		for _, n := range items(manifest.Get(root, key)) {
			d.refer(k, n.Value, false)
		}
	}
	for _, key := range []string{"patches", "patchesJson6902", "replacements"} {
		for _, n := range items(manifest.Get(root, key)) {
			if p := manifest.Get(n, "path"); p != nil {
				d.refer(k, p.Value, false)
			}
		}
	}
	for _, key := range []string{"configMapGenerator", "secretGenerator"} {
		for _, n := range items(manifest.Get(root, key)) {
			for _, list := range []string{"files", "envs"} {
				for _, f := range items(manifest.Get(n, list)) {
					_, file, named := strings.Cut(f.Value, "=")
					if !named {
						file = f.Value
					}
					d.refer(k, file, false)
				}
			}
			if env := manifest.Get(n, "env"); env != nil {
				d.refer(k, env.Value, false)
			}
		}
	}
	if openapi := manifest.Get(manifest.Get(root, "openapi"), "path"); openapi != nil {
		d.refer(k, openapi.Value, false)
	}
	return k
}

func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

func (d *discovery) refer(k *kustomization, ref string, resource bool) {
	if ref == "" || strings.Contains(ref, "\n") || isRemote(ref) {
		return
	}
	p := join(k.dir, ref)
	if p == ".." || strings.HasPrefix(p, "../") {
		return
	}
	if resolved, err := d.tree.Resolve(p); err == nil {
		p = resolved
	}
	switch {
	case !resource:
		k.inputs = append(k.inputs, p)
	case isManifestName(path.Base(p)) && !d.isDir(p):
		k.files = append(k.files, p)
	default:
		k.dirs = append(k.dirs, p)
	}
}

func (d *discovery) isDir(p string) bool {
	info, err := d.tree.Stat(p)
	return err == nil && info.IsDir()
}

// roots are the units to begin with: kustomizations that no other one builds
// on, and charts. Kustomizations that only a cycle leads to are roots, too: the
// build names the cycle.
func (d *discovery) roots() []*Unit {
	referred := map[string]bool{}
	for _, k := range d.kustomizations {
		for _, p := range k.dirs {
			if p != k.dir {
				referred[p] = true
			}
		}
	}
	var units []*Unit
	reached := map[string]bool{}
	start := func(k *kustomization) {
		units = append(units, d.unit(k))
		d.reach(k.dir, reached)
	}
	for _, k := range d.sortedKustomizations() {
		if !referred[k.dir] && !k.component {
			start(k)
		}
	}
	for _, k := range d.sortedKustomizations() {
		switch {
		case reached[k.dir]:
		case k.component:
			d.note(k.dir, "kustomize component that no kustomization uses")
		default:
			start(k)
		}
	}
	for _, c := range d.charts {
		if c.library {
			continue
		}
		units = append(units, &Unit{Kind: Helm, Path: c.dir})
		for _, s := range c.scenarios {
			units = append(units, &Unit{Kind: Helm, Path: c.dir, Name: s.file, values: s.file, guess: s.guess})
		}
	}
	slices.SortFunc(units, func(a, b *Unit) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Name, b.Name)) })
	return units
}

// unit makes a unit of a kustomization.
func (d *discovery) unit(k *kustomization) *Unit {
	d.scheduled[k.dir] = true
	u := &Unit{Kind: Kustomize, Path: k.dir}
	u.refs, _ = d.references(job{kind: Kustomize, path: k.dir})
	return u
}

// references are the files that a rendering reads, and the folders of which it
// reads all, as far as the repository tells.
func (d *discovery) references(j job) (files, dirs []string) {
	if j.kind == Kustomize {
		below := map[string]bool{}
		d.reach(j.path, below)
		for dir := range below {
			if k := d.kustomizations[dir]; k != nil {
				files = append(append(append(files, k.file), k.files...), k.inputs...)
			}
		}
		slices.Sort(files)
	}
	if d.kustomizations[j.path] == nil {
		dirs = append(dirs, j.path)
	}
	for _, l := range append(slices.Clone(j.release.defaults), j.release.layers...) {
		if l.file != "" {
			files = append(files, l.file)
		}
	}
	return files, dirs
}

// expect are the paths that a rendering will most likely look at.
func (d *discovery) expect(j job) []string {
	var names []string
	switch j.kind {
	case Kustomize:
		if d.kustomizations[j.path] == nil {
			names = d.below(j.path)
		}
		below := map[string]bool{}
		d.reach(j.path, below)
		for dir := range below {
			k := d.kustomizations[dir]
			if k == nil {
				continue
			}
			names = append(names, dir)
			for _, base := range kustomizationNames {
				names = append(names, join(dir, base))
			}
			names = append(append(names, k.files...), k.inputs...)
		}
		slices.Sort(names)
	case Helm:
		names = d.below(j.path)
		for _, l := range append(slices.Clone(j.release.defaults), j.release.layers...) {
			if l.file != "" {
				names = append(names, l.file)
			}
		}
	}
	return names
}

// below are a folder, the folders in it and their files.
func (d *discovery) below(dir string) []string {
	names := []string{dir}
	last := dir
	from, _ := slices.BinarySearchFunc(d.files, dir+"/", func(f source.File, dir string) int { return cmp.Compare(f.Name, dir) })
	if dir == "." {
		from = 0
	}
	for _, f := range d.files[from:] {
		if !within(f.Name, dir) {
			break
		}
		if parent := path.Dir(f.Name); parent != last {
			last = parent
			names = append(names, parent)
		}
		names = append(names, f.Name)
	}
	return names
}

func (d *discovery) sortedKustomizations() []*kustomization {
	all := make([]*kustomization, 0, len(d.kustomizations))
	for _, k := range d.kustomizations {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b *kustomization) int { return cmp.Compare(a.dir, b.dir) })
	return all
}

func (d *discovery) reach(dir string, reached map[string]bool) {
	if reached[dir] {
		return
	}
	reached[dir] = true
	if k := d.kustomizations[dir]; k != nil {
		for _, p := range k.dirs {
			d.reach(p, reached)
		}
	}
}

// orphans are the kustomizations that only failed units build on. What is below
// one that ended its worker is read as plain manifests.
func (d *discovery) orphans(done map[*Unit]bool, consumed map[string]bool) []*Unit {
	var units []*Unit
	for u := range done {
		if u.Kind != Kustomize || u.Status != NotRendered || u.killed {
			continue
		}
		for _, dir := range d.kustomizations[u.Path].dirs {
			k := d.kustomizations[dir]
			if k == nil || k.component || d.scheduled[dir] || consumed[k.file] {
				continue
			}
			units = append(units, d.unit(k))
		}
	}
	slices.SortFunc(units, func(a, b *Unit) int { return cmp.Compare(a.Path, b.Path) })
	return units
}

// folders makes units of the files that may hold objects, by folder.
func (d *discovery) folders(want func(name string) bool) []*Unit {
	var units []*Unit
	byDir := map[string]*Unit{}
	for _, f := range d.candidates {
		if d.inChart(f.Name) || !want(f.Name) {
			continue
		}
		dir := path.Dir(f.Name)
		u := byDir[dir]
		if u == nil {
			u = &Unit{Kind: Plain, Path: dir}
			byDir[dir] = u
			units = append(units, u)
		}
		u.files = append(u.files, f.Name)
	}
	return units
}

// plain groups the files that hold objects and that no rendered unit took in by
// folder. rest are the other files that may hold objects.
func (d *discovery) plain(consumed map[string]bool) (units []*Unit, rest []string) {
	inputs := map[string]bool{}
	for _, k := range d.kustomizations {
		for _, p := range k.inputs {
			inputs[p] = true
		}
	}
	units = d.folders(func(name string) bool { return !consumed[name] && !inputs[name] })
	byDir := map[string]*Unit{}
	for _, u := range units {
		byDir[u.Path] = u
	}
	for _, f := range d.candidates {
		if (consumed[f.Name] || inputs[f.Name]) && !d.inChart(f.Name) {
			rest = append(rest, f.Name)
		}
	}
	for _, p := range d.problems {
		dir := path.Dir(p.At.File)
		u := byDir[dir]
		if u == nil {
			u = &Unit{Kind: Plain, Path: dir}
			byDir[dir] = u
			units = append(units, u)
		}
		u.problems = append(u.problems, p)
	}
	return units, rest
}

func (d *discovery) allNotes(consumed map[string]bool) []Note {
	notes := slices.Clone(d.notes)
	inputOf := map[string]string{}
	for _, k := range d.sortedKustomizations() {
		for _, p := range k.inputs {
			inputOf[p] = k.dir
		}
	}
	for _, f := range d.candidates {
		switch {
		case consumed[f.Name]:
		case inputOf[f.Name] != "":
			notes = append(notes, Note{f.Name, "input of the kustomization " + inputOf[f.Name]})
		case d.inChart(f.Name):
			notes = append(notes, Note{f.Name, "part of a chart"})
		}
	}
	slices.SortFunc(notes, func(a, b Note) int { return cmp.Compare(a.Path, b.Path) })
	return notes
}

// mayHoldObjects is a quick look for the two keys that every Kubernetes object
// has.
func mayHoldObjects(data []byte) bool {
	if bytes.IndexByte(data, 0) >= 0 {
		// UTF-16, or nothing that is text: the gate tells.
		return true
	}
	return bytes.Contains(data, []byte("apiVersion")) && bytes.Contains(data, []byte("kind"))
}
