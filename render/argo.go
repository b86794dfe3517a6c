package render

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/store"
	"go.yaml.in/yaml/v3"
)

// skipMark in a file makes Argo CD leave it out of a folder's manifests.
const skipMark = "# +argocd:skip-file-rendering"

// inCluster is how Argo CD calls the cluster that it runs in, and its address.
const (
	inCluster       = "in-cluster"
	inClusterServer = "https://kubernetes.default.svc"
)

// argoSource is one source of an Application.
type argoSource struct {
	val
	// keys lead to it in the object.
	keys []string
	// several says that it is one of a list.
	several bool
	// root is the root of its repository in the tree, dir its folder; chart is the
	// folder or the archive of its chart. A packaged chart has no folder.
	root, dir, chart string
}

// application plans an Application of Argo CD.
func (g *graph) application(u *Unit) *plan {
	o := u.object
	p := &plan{namespace: specOf(o).at("destination", "namespace").str(), stand: o.Origin.Span}
	sources := argoSources(o)
	if len(sources) == 0 {
		problem := &Problem{Class: "render-failed", At: o.Origin.Span, Message: "the Application " + objectName(o) + " names no source"}
		if !specOf(o).at("destination").ok() {
			problem.Class, problem.Fix = "schema", patchFix
		}
		p.problem(problem)
		return p
	}
	refs := g.argoRefs(u, p, sources)
	for _, s := range sources {
		if s.isRef() && s.at("path").str() == "" && s.at("chart").str() == "" {
			continue
		}
		g.argoSource(u, p, s, refs)
	}
	return p
}

// patchFix is said of an object that lacks what makes it one.
const patchFix = "If it is a patch, name it in a kustomization; else complete it."

// argoSources are the sources of an Application. With a hydrator, what the dry
// one gives is what the cluster gets.
func argoSources(o *manifest.Object) []argoSource {
	spec := specOf(o)
	if dry := spec.at("sourceHydrator", "drySource"); dry.ok() {
		return []argoSource{{val: dry, keys: []string{"spec", "sourceHydrator", "drySource"}}}
	}
	var sources []argoSource
	for i, s := range spec.at("sources").items() {
		sources = append(sources, argoSource{val: s, keys: []string{"spec", "sources", fmt.Sprint(i)}, several: true})
	}
	if len(sources) == 0 && spec.at("source").ok() {
		sources = []argoSource{{val: spec.at("source"), keys: []string{"spec", "source"}}}
	}
	return sources
}

func (s argoSource) isRef() bool { return s.at("ref").str() != "" }

// place is where a field of the source is written: in the Application or, if it is
// made of a template of which the lines are not known, in that of its
// ApplicationSet.
func (s argoSource) place(u *Unit, keys ...string) manifest.Span {
	keys = slices.Concat(s.keys, keys)
	span := spanOf(u.object, keys...)
	if set := u.Parent; set != nil && set.Kind == ApplicationSet && span == set.object.Origin.Span {
		return spanOf(set.object, append([]string{"spec", "template"}, keys...)...)
	}
	return span
}

// where finds what is written below a field of the source, as place does.
func (s argoSource) where(u *Unit, keys ...string) func(below []string) (manifest.Origin, bool) {
	keys = slices.Concat(s.keys, keys)
	at := objectField(u.object, keys...)
	set := u.Parent
	if set == nil || set.Kind != ApplicationSet {
		return at
	}
	template := objectField(set.object, append([]string{"spec", "template"}, keys...)...)
	return func(below []string) (manifest.Origin, bool) {
		if found, ok := at(below); ok && found.Span != set.object.Origin.Span {
			return found, ok
		}
		found, ok := template(below)
		found.Exact = false
		return found, ok
	}
}

// optionKinds are the kinds of options that a source may have; Argo CD takes one.
var optionKinds = []string{"kustomize", "helm", "directory", "plugin"}

// options are the kinds of options that a source has. To Argo CD those that say
// nothing are none, so that it looks what is in the folder.
func (s argoSource) options() []string {
	return slices.DeleteFunc(slices.Clone(optionKinds), func(kind string) bool {
		return !s.at(kind).ok() || kind != "plugin" && !says(s.at(kind))
	})
}

// says that a mapping has a value that is not the zero value of its type.
func says(v val) bool {
	if v.n == nil || v.n.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(v.n.Content); i += 2 {
		value := val{v.n.Content[i+1]}
		switch {
		case !value.ok():
		case value.n.Kind == yaml.ScalarNode:
			if text := value.str(); text != "" && text != "false" {
				return true
			}
		case v.n.Content[i].Value == "jsonnet":
			if says(value) {
				return true
			}
		case len(value.n.Content) > 0:
			return true
		}
	}
	return false
}

// argoRef is a source that others take files of, by its name.
type argoRef struct {
	// root is the root of its repository in the tree; empty where that is not to
	// be had, which was reported.
	root string
}

// argoRefs finds the repositories that the sources of an Application name for
// others to take values from: "$NAME".
func (g *graph) argoRefs(u *Unit, p *plan, sources []argoSource) map[string]argoRef {
	o := u.object
	refs, files := map[string]argoRef{}, refFiles(sources)
	for _, s := range sources {
		if !s.isRef() {
			continue
		}
		name := "$" + s.at("ref").str()
		what := "the source " + oneLine(s.at("ref").str()) + " of Application " + objectName(o)
		var ref argoRef
		var problem *Problem
		switch _, twice := refs[name]; {
		case twice:
			problem = &Problem{Class: "render-failed", At: s.place(u, "ref"), Message: what + " is there twice, and Argo CD refuses that"}
		case s.at("chart").ok():
			problem = &Problem{Class: "render-failed", At: s.place(u, "ref"), Message: what + " is a chart: Argo CD takes no files of one for another source",
				Fix: "Keep the values in a git repository."}
		default:
			ref.root, problem = g.argoRoot(s, u, what, files[name]...)
		}
		if problem != nil {
			p.problem(problem)
		}
		if _, twice := refs[name]; !twice {
			refs[name] = ref
		}
	}
	return refs
}

// refFiles are the paths that sources take of others, by "$NAME", up to the first
// star.
func refFiles(sources []argoSource) map[string][]string {
	of := map[string][]string{}
	add := func(text string) {
		if ref, rest, ok := strings.Cut(text, "/"); ok && strings.HasPrefix(ref, "$") {
			of[ref] = append(of[ref], sourcePath(plainPrefix(rest)))
		}
	}
	for _, s := range sources {
		for _, v := range s.at("helm", "valueFiles").items() {
			add(v.str())
		}
		for _, v := range s.at("helm", "fileParameters").items() {
			add(v.at("path").str())
		}
	}
	return of
}

// plainPrefix are the leading folders of a pattern that hold no star.
func plainPrefix(pattern string) string {
	if i := strings.IndexAny(pattern, "*?[{$"); i >= 0 {
		return path.Dir(pattern[:i] + "x")
	}
	return pattern
}

// argoRoot is the root in the tree of the repository that a source names. wanted
// are the paths that are asked for in it: where it is not known which repository
// this is, one of them tells.
func (g *graph) argoRoot(s argoSource, u *Unit, what string, wanted ...string) (string, *Problem) {
	url, revision := s.at("repoURL").str(), s.at("targetRevision").or("HEAD")
	at := s.place(u, "repoURL")
	if len(wanted) == 0 {
		wanted = []string{"."}
	}
	switch {
	case url == "":
		return "", &Problem{Class: "render-failed", At: at, Message: what + " names no repository"}
	case manifest.Unknown(url):
		return "", notKnown("the repository of "+what, at)
	case strings.HasPrefix(url, "oci://"):
		return g.r.kept(store.Request{Kind: store.OCI, URL: url, Version: revision}, what, at)
	case slices.ContainsFunc(wanted, func(name string) bool { return g.r.namesThis(url, name) }):
		return ".", nil
	case manifest.Unknown(revision):
		return "", notKnown("the revision of "+what, at)
	}
	return g.r.kept(store.Request{Kind: store.Git, URL: url, Version: strings.TrimPrefix(revision, "HEAD")}, what, at)
}

// notKnown is said of what an Application names with a value that nothing in the
// repository tells.
func notKnown(what string, at manifest.Span) *Problem {
	return &Problem{Class: "not-fetched", Minor: true, At: at, Message: what + " is not known: it depends on values that are not in this repository",
		Fix: "If they are those of clusters, declare the clusters under `gitops.clusters` in .scantling.yaml."}
}

// argoSource plans one source of an Application.
func (g *graph) argoSource(u *Unit, p *plan, s argoSource, refs map[string]argoRef) {
	o := u.object
	what := "the Application " + objectName(o)
	if s.at("chart").str() != "" {
		if refusedOptions(u, p, s, what) {
			return
		}
		if at := s.place(u, "chart"); g.argoChart(&s, p, what, at) {
			p.stand = at
			g.argoHelm(u, p, s, refs)
		}
		return
	}
	at := s.place(u, "path")
	if problem := g.argoFolder(&s, u, what, at); problem != nil {
		p.problem(problem)
		return
	}
	if strings.HasPrefix(s.at("path").str(), "/") {
		p.problem(&Problem{Class: "render-failed", At: at, Message: fmt.Sprintf("the path %s of %s begins with a slash, and Argo CD refuses that", oneLine(s.at("path").str()), what),
			Fix: "Write the path from the root of the repository, without the slash."})
	}
	if problem := g.argoOverrides(&s, o.Name); problem != nil {
		p.problem(problem)
	}
	if refusedOptions(u, p, s, what) {
		return
	}
	switch g.argoKind(s) {
	case "helm":
		s.chart = s.dir
		g.argoHelm(u, p, s, refs)
	case "kustomize":
		j := job{kind: Kustomize, path: s.dir}
		if k := s.at("kustomize"); k.ok() {
			j.argo = &argoBuild{spec: k.yaml(), at: s.place(u, "kustomize"), env: argoEnv(o, s), where: s.where(u, "kustomize")}
			j.release.kubeVersion, j.release.apiVersions = k.at("kubeVersion").str(), k.at("apiVersions").strings()
		}
		p.jobs = append(p.jobs, j)
	default:
		g.argoDirectory(p, s, at)
	}
}

// refusedOptions reports options that nothing is rendered for: a plugin, or those
// of several kinds.
func refusedOptions(u *Unit, p *plan, s argoSource, what string) bool {
	options := s.options()
	switch {
	case len(options) > 1:
		p.problem(&Problem{Class: "render-failed", At: s.place(u, options[len(options)-1]),
			Message: fmt.Sprintf("the source of %s has options of several kinds, and Argo CD refuses that: %s", what, strings.Join(options, ", ")), Fix: "Leave one of them."})
		return true
	case len(options) == 1 && options[0] == "plugin":
		p.problem(&Problem{Class: "plugin-refused", At: s.place(u, "plugin"),
			Message: fmt.Sprintf("%s is rendered by the plugin %q, a program that scantling does not run: what it deploys was not checked", what, oneLine(s.at("plugin", "name").str()))})
		return true
	}
	return false
}

// argoKind is what Argo CD takes a source for: what it has options of, else what
// is in its folder, where a kustomization goes before a chart.
func (g *graph) argoKind(s argoSource) string {
	if options := s.options(); len(options) > 0 {
		return options[0]
	}
	switch {
	case g.r.hasKustomization(s.dir):
		return "kustomize"
	case g.r.exists(join(s.dir, "Chart.yaml")):
		return "helm"
	}
	return "directory"
}

// argoChart finds the packaged chart of a source.
func (g *graph) argoChart(s *argoSource, p *plan, what string, at manifest.Span) bool {
	name, url, version := s.at("chart").str(), s.at("repoURL").str(), s.at("targetRevision").str()
	var problem *Problem
	switch {
	case url == "":
		problem = &Problem{Class: "render-failed", At: at, Message: "the source of " + what + " names no repository"}
	case slices.ContainsFunc([]string{name, url, version}, manifest.Unknown):
		problem = notKnown("the chart of "+what, at)
	default:
		if !strings.Contains(url, "://") {
			// Argo CD writes registries without a scheme.
			url = "oci://" + url
		}
		var mount string
		mount, problem = g.r.kept(store.Request{Kind: store.Chart, URL: url, Name: name, Version: version}, "the chart "+oneLine(name)+" of "+what, at)
		s.chart = mount + "/" + store.ChartFile
	}
	if problem != nil {
		p.problem(problem)
	}
	return problem == nil
}

// argoFolder finds the folder of a source.
func (g *graph) argoFolder(s *argoSource, u *Unit, what string, at manifest.Span) *Problem {
	text := s.at("path").str()
	dir := sourcePath(text)
	switch {
	case text == "":
		return &Problem{Class: "render-failed", At: at, Message: "the source of " + what + " names neither a path nor a chart"}
	case manifest.Unknown(text):
		return notKnown(fmt.Sprintf("the path %s of %s", oneLine(text), what), at)
	case escapes(dir):
		return outsideSource(dir, what, at)
	}
	var problem *Problem
	if s.root, problem = g.argoRoot(*s, u, "the source of "+what, dir); problem != nil {
		return problem
	}
	if s.dir, problem = g.in(root{dir: s.root}, dir, what, at); problem != nil && symbolic(u) && !g.r.exists(join(s.root, dir)) {
		// Other parameters may lead elsewhere.
		problem.Class, problem.Minor = "not-fetched", true
		problem.Message += ": the Application stands for those of which the parameters are not known"
		problem.Fix = "If they are those of clusters, declare the clusters under `gitops.clusters` in .scantling.yaml."
	}
	return problem
}

// symbolic says that an Application stands for all that its ApplicationSet would
// make.
func symbolic(u *Unit) bool {
	return u.Parent != nil && u.Parent.Kind == ApplicationSet && (manifest.Unknown(u.object.Name) || unknownNode(specOf(u.object).n))
}

func (r *Renderer) hasKustomization(dir string) bool {
	return slices.ContainsFunc(kustomizationNames, func(base string) bool { return r.exists(join(dir, base)) })
}

// argoOverrides merges what .argocd-source.yaml and .argocd-source-NAME.yaml in
// the folder say into the source, as Argo CD does. Where the source is they can't
// change.
func (g *graph) argoOverrides(s *argoSource, name string) *Problem {
	names := []string{".argocd-source.yaml"}
	if !strings.Contains(name, "/") {
		names = append(names, ".argocd-source-"+name+".yaml")
	}
	for _, base := range names {
		file := join(s.dir, base)
		data, err := readLimited(g.r.view, file, g.r.settings.limits.YAML.FileSize)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return &Problem{Class: readClass(err), At: manifest.Span{File: file}, Message: "can't read what changes the source of the Application: " + reason(err)}
		}
		docs, refused := g.r.settings.limits.YAML.Parse(data)
		switch {
		case len(refused) > 0:
			problem := refusedProblem(file, refused[0])
			return &problem
		case len(docs) != 1 || docs[0].Kind != yaml.MappingNode:
			return &Problem{Class: "render-failed", At: manifest.Span{File: file}, Message: "what changes the source of the Application is no mapping"}
		}
		s.n = merged(s.n, only(docs[0], optionKinds))
	}
	return nil
}

// only are the entries of a mapping that have one of the keys.
func only(n *yaml.Node, keys []string) *yaml.Node {
	c := mapping(n)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if slices.Contains(keys, n.Content[i].Value) {
			c.Content = append(c.Content, n.Content[i], n.Content[i+1])
		}
	}
	return c
}

// merged is a mapping with the entries of another over it, as a JSON merge patch
// has it.
func merged(base, over *yaml.Node) *yaml.Node {
	if base == nil || base.Kind != yaml.MappingNode || over.Kind != yaml.MappingNode {
		return over
	}
	out := *base
	out.Content = slices.Clone(base.Content)
	for i := 0; i+1 < len(over.Content); i += 2 {
		key, value := over.Content[i], over.Content[i+1]
		at := -1
		for j := 0; j+1 < len(out.Content); j += 2 {
			if out.Content[j].Value == key.Value {
				at = j
			}
		}
		if at >= 0 {
			out.Content[at+1] = merged(out.Content[at+1], value)
			continue
		}
		out.Content = append(out.Content, key, value)
	}
	return &out
}

// argoDirectory takes the manifests of a folder as they are.
func (g *graph) argoDirectory(p *plan, s argoSource, at manifest.Span) {
	d := s.at("directory")
	include, exclude := d.at("include").str(), d.at("exclude").str()
	names, err := g.r.filesBelow(s.dir, d.at("recurse").is())
	if err != nil {
		p.problem(&Problem{Class: readClass(err), At: at, Message: "can't list the folder " + oneLine(s.dir) + ": " + reason(err)})
		return
	}
	for _, name := range names {
		rel, _ := under(name, s.dir)
		jsonnet := path.Ext(name) == ".jsonnet"
		switch {
		case !jsonnet && !isManifestName(path.Base(name)) && !d.at("disableExtensionFilter").is(),
			exclude != "" && argoGlob(exclude, rel), include != "" && !argoGlob(include, rel):
			continue
		}
		if data, err := g.r.view.ReadFile(name); err == nil && bytes.Contains(data, []byte(skipMark)) {
			continue
		}
		if jsonnet {
			p.problem(&Problem{Class: "plugin-refused", At: manifest.Span{File: name}, Message: "the file is Jsonnet, which scantling does not run: what it gives was not checked"})
			continue
		}
		p.files = append(p.files, name)
	}
}

// argoGlob matches as Argo CD's globs do, whose stars take slashes, too.
func argoGlob(pattern, name string) bool {
	flat := func(s string) string { return strings.ReplaceAll(s, "/", "\x01") }
	return match(flat(pattern), flat(name))
}

// filesBelow lists the files of a folder, of the folders in it, too, if deep.
func (r *Renderer) filesBelow(dir string, deep bool) ([]string, error) {
	entries, err := r.view.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name := join(dir, e.Name())
		switch {
		case !e.IsDir():
			names = append(names, name)
		case deep && strings.Count(name, "/") < 64:
			more, err := r.filesBelow(name, true)
			if err != nil {
				return nil, err
			}
			names = append(names, more...)
		}
	}
	return names, nil
}

// destination names the cluster that an Application deploys to; empty for the
// one that Argo CD runs in, and for one that is not known.
func (g *graph) destination(entry string, o *manifest.Object) string {
	d := specOf(o).at("destination")
	name := cmp.Or(d.at("name").str(), d.at("server").str())
	if name == inCluster || name == inClusterServer || manifest.Unknown(name) {
		return ""
	}
	for _, c := range g.clusters(entry) {
		if name == c.Server {
			return c.Name
		}
	}
	return name
}
