package render

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
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
	// root is the root of its repository in the tree, dir its folder.
	root, dir string
}

// application plans an Application of Argo CD.
func (g *graph) application(u *Unit) *plan {
	o := u.object
	spec := specOf(o)
	p := &plan{namespace: spec.at("destination", "namespace").str(), stand: o.Origin.Span}
	var sources []argoSource
	for i, s := range spec.at("sources").items() {
		sources = append(sources, argoSource{val: s, keys: []string{"spec", "sources", fmt.Sprint(i)}})
	}
	if len(sources) == 0 && spec.at("source").ok() {
		sources = []argoSource{{val: spec.at("source"), keys: []string{"spec", "source"}}}
	}
	if len(sources) == 0 {
		p.problem(&Problem{Class: "render-failed", At: o.Origin.Span, Message: "the Application " + objectName(o) + " names no source"})
		return p
	}
	refs := map[string]string{}
	for _, s := range sources {
		if name := s.at("ref").str(); name != "" {
			from, problem := g.argoRoot(s, o, "the source "+name+" of Application "+objectName(o))
			if problem != nil {
				p.problem(problem)
				continue
			}
			refs["$"+name] = from
		}
	}
	for _, s := range sources {
		if s.at("ref").ok() && !s.at("path").ok() && !s.at("chart").ok() {
			continue
		}
		g.argoSource(u, p, s, refs)
	}
	return p
}

// argoRoot is the root in the tree of the repository that a source names.
func (g *graph) argoRoot(s argoSource, o *manifest.Object, what string) (string, *Problem) {
	url, revision := s.at("repoURL").str(), s.at("targetRevision").or("HEAD")
	at := spanOf(o, append(slices.Clone(s.keys), "repoURL")...)
	switch {
	case url == "":
		return "", &Problem{Class: "render-failed", At: at, Message: what + " names no repository"}
	case strings.HasPrefix(url, "oci://"):
		return g.r.kept(store.Request{Kind: store.OCI, URL: url, Version: revision}, what, at)
	case g.r.namesThis(url, cmp.Or(sourcePath(s.at("path").or(".")), ".")):
		return ".", nil
	}
	return g.r.kept(store.Request{Kind: store.Git, URL: url, Version: strings.TrimPrefix(revision, "HEAD")}, what, at)
}

// argoSource plans one source of an Application.
func (g *graph) argoSource(u *Unit, p *plan, s argoSource, refs map[string]string) {
	o := u.object
	what := "the Application " + objectName(o)
	if plugin := s.at("plugin"); plugin.ok() {
		p.problem(&Problem{Class: "plugin-refused", At: spanOf(o, append(slices.Clone(s.keys), "plugin")...),
			Message: fmt.Sprintf("%s is rendered by the plugin %q, a program that scantling does not run: what it deploys was not checked", what, oneLine(plugin.at("name").str()))})
		return
	}
	if name := s.at("chart").str(); name != "" {
		at := spanOf(o, append(slices.Clone(s.keys), "chart")...)
		url := s.at("repoURL").str()
		if !strings.Contains(url, "://") {
			// Argo CD writes registries without a scheme.
			url = "oci://" + url
		}
		mount, problem := g.r.kept(store.Request{Kind: store.Chart, URL: url, Name: name, Version: s.at("targetRevision").str()}, "the chart "+oneLine(name)+" of "+what, at)
		if problem != nil {
			p.problem(problem)
			return
		}
		p.stand = at
		g.argoHelm(u, p, s, refs, mount+"/"+store.ChartFile)
		return
	}
	at := spanOf(o, append(slices.Clone(s.keys), "path")...)
	if dir := sourcePath(s.at("path").or(".")); escapes(dir) {
		p.problem(outsideSource(dir, what, at))
		return
	}
	var problem *Problem
	if s.root, problem = g.argoRoot(s, o, "the source of "+what); problem == nil {
		s.dir, problem = g.in(root{dir: s.root}, sourcePath(s.at("path").or(".")), what, at)
	}
	if problem != nil {
		p.problem(problem)
		return
	}
	g.argoOverrides(&s, o.Name)
	switch {
	case s.at("helm").ok(), !s.at("kustomize").ok() && !s.at("directory").ok() && g.r.exists(join(s.dir, "Chart.yaml")):
		g.argoHelm(u, p, s, refs, s.dir)
	case s.at("kustomize").ok(), !s.at("directory").ok() && g.r.hasKustomization(s.dir):
		j := job{kind: Kustomize, path: s.dir}
		if k := s.at("kustomize"); k.ok() {
			j.argo = &argoBuild{spec: k.yaml(), at: spanOf(o, append(slices.Clone(s.keys), "kustomize")...), env: argoEnv(o, s)}
		}
		p.jobs = append(p.jobs, j)
	default:
		g.argoDirectory(u, p, s, at)
	}
}

func (r *Renderer) hasKustomization(dir string) bool {
	return slices.ContainsFunc(kustomizationNames, func(base string) bool { return r.exists(join(dir, base)) })
}

// argoOverrides merges what .argocd-source.yaml and .argocd-source-NAME.yaml in
// the folder say into the source, as Argo CD does.
func (g *graph) argoOverrides(s *argoSource, name string) {
	for _, base := range []string{".argocd-source.yaml", ".argocd-source-" + name + ".yaml"} {
		if strings.Contains(name, "/") {
			continue
		}
		data, err := readLimited(g.r.view, join(s.dir, base), g.r.settings.limits.YAML.FileSize)
		if err != nil {
			continue
		}
		if docs, _ := g.r.settings.limits.YAML.Parse(data); len(docs) == 1 && docs[0].Kind == yaml.MappingNode {
			s.n = merged(s.n, docs[0])
		}
	}
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

// argoEnv is the build environment of an Application's source.
func argoEnv(o *manifest.Object, s argoSource) map[string]string {
	spec := specOf(o)
	return map[string]string{
		"ARGOCD_APP_NAME":                   o.Name,
		"ARGOCD_APP_NAMESPACE":              spec.at("destination", "namespace").str(),
		"ARGOCD_APP_PROJECT_NAME":           spec.at("project").or("default"),
		"ARGOCD_APP_SOURCE_PATH":            s.at("path").str(),
		"ARGOCD_APP_SOURCE_REPO_URL":        redact(s.at("repoURL").str()),
		"ARGOCD_APP_SOURCE_TARGET_REVISION": s.at("targetRevision").str(),
		"ARGOCD_APP_REVISION":               placeholder("revision"),
		"ARGOCD_APP_REVISION_SHORT":         placeholder("revision"),
		"ARGOCD_APP_REVISION_SHORT_8":       placeholder("revision"),
	}
}

// expandEnv replaces $NAME and ${NAME} of the build environment as Argo CD does:
// other names become nothing, and $$ a dollar.
func expandEnv(text string, env map[string]string) string {
	return os.Expand(text, func(name string) string {
		if name == "$" {
			return "$"
		}
		return env[name]
	})
}

// argoHelm plans a chart of an Application's source.
func (g *graph) argoHelm(u *Unit, p *plan, s argoSource, refs map[string]string, chartPath string) {
	o := u.object
	helm := s.at("helm")
	env := argoEnv(o, s)
	rel := release{
		name: helm.at("releaseName").or(o.Name), namespace: helm.at("namespace").or(p.namespace),
		kubeVersion: helm.at("kubeVersion").str(), apiVersions: helm.at("apiVersions").strings(),
		skipCRDs: helm.at("skipCrds").is(), skipTests: helm.at("skipTests").is(),
	}
	at := func(keys ...string) manifest.Span {
		return spanOf(o, append(append(slices.Clone(s.keys), "helm"), keys...)...)
	}
	ignore := helm.at("ignoreMissingValueFiles").is()
	for i, v := range helm.at("valueFiles").items() {
		for _, file := range g.valueFiles(p, s, refs, expandEnv(v.str(), env), at("valueFiles", fmt.Sprint(i))) {
			rel.layers = append(rel.layers, layer{file: file.file, inChart: file.inChart, optional: ignore, of: "the values file " + oneLine(v.str()), at: at("valueFiles", fmt.Sprint(i))})
		}
	}
	of := "the values of Application " + objectName(o)
	if values := helm.at("valuesObject"); values.ok() {
		rel.layers = append(rel.layers, layer{text: values.yaml(), of: of, at: at("valuesObject")})
	} else if text := helm.at("values").str(); text != "" {
		rel.layers = append(rel.layers, layer{text: text, of: of, at: at("values")})
	}
	// Those that are strings come after the others, as helm has its options.
	for _, str := range []bool{false, true} {
		for i, param := range helm.at("parameters").items() {
			if param.at("forceString").is() == str {
				rel.layers = append(rel.layers, layer{target: param.at("name").str(), text: argoParameter(expandEnv(param.at("value").str(), env)), str: str, of: of, at: at("parameters", fmt.Sprint(i))})
			}
		}
	}
	for i, param := range helm.at("fileParameters").items() {
		for _, file := range g.valueFiles(p, s, refs, expandEnv(param.at("path").str(), env), at("fileParameters", fmt.Sprint(i))) {
			rel.layers = append(rel.layers, layer{target: param.at("name").str(), file: file.file, inChart: file.inChart, literal: true, of: of, at: at("fileParameters", fmt.Sprint(i))})
		}
	}
	p.jobs = append(p.jobs, job{kind: Helm, path: chartPath, release: rel})
}

// argoParameter escapes the commas of a parameter's value, which helm would take
// for the end of it, unless the value is a list.
func argoParameter(value string) string {
	if strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}") {
		return value
	}
	var out strings.Builder
	for i := range len(value) {
		if value[i] == ',' && (i == 0 || value[i-1] != '\\') {
			out.WriteByte('\\')
		}
		out.WriteByte(value[i])
	}
	return out.String()
}

// maxGlobs is how many patterns are held against all files of the repository.
const maxGlobs = 500

// valueFiles are the files that one entry of valueFiles names: of this source, of
// another by its $ref, or several by a glob.
func (g *graph) valueFiles(p *plan, s argoSource, refs map[string]string, text string, at manifest.Span) []layer {
	base, top, name := s.dir, s.root, text
	switch first, rest, _ := strings.Cut(text, "/"); {
	case strings.Contains(text, "://"):
		p.problem(&Problem{Class: "not-fetched", At: at, Message: "the values file " + oneLine(redact(text)) + " is not in this repository", Needs: redactRequest(store.Request{Kind: store.File, URL: text}), Fix: fetchFix})
		return nil
	case strings.HasPrefix(first, "$"):
		from, ok := refs[first]
		if !ok {
			p.problem(&Problem{Class: "render-failed", At: at, Message: fmt.Sprintf("the values file %s is of a source that the Application does not have", oneLine(text)), Fix: "Correct the ref of the source, or the name of the file."})
			return nil
		}
		base, top, name = from, from, rest
	case s.dir == "":
		// The chart is packaged, and so are its files.
		return []layer{{inChart: path.Clean(strings.TrimLeft(text, "/"))}}
	case strings.HasPrefix(text, "/"):
		base, name = s.root, strings.TrimLeft(text, "/")
	}
	full := join(base, name)
	if full == ".." || strings.HasPrefix(full, "../") || top != "." && !within(full, top) {
		p.problem(&Problem{Class: "outside-repo", At: at, Message: "the values file " + oneLine(text) + " is outside of the repository and was not read"})
		return nil
	}
	if !strings.ContainsAny(name, "*?[{") || g.r.exists(full) {
		return []layer{{file: full}}
	}
	var found []layer
	if g.globs++; g.globs > maxGlobs {
		p.problem(&Problem{Class: "limit-size", At: at, Message: fmt.Sprintf("more than %d patterns of value files: the files of this one were not looked for", maxGlobs)})
		return nil
	}
	for _, f := range g.r.found.files {
		if match(full, f.Name) {
			found = append(found, layer{file: f.Name})
		}
	}
	return found
}

// argoDirectory takes the manifests of a folder as they are.
func (g *graph) argoDirectory(u *Unit, p *plan, s argoSource, at manifest.Span) {
	d := s.at("directory")
	include, exclude := d.at("include").str(), d.at("exclude").str()
	names, err := g.r.filesBelow(s.dir, d.at("recurse").is())
	if err != nil {
		p.problem(&Problem{Class: readClass(err), At: at, Message: "can't list the folder " + oneLine(s.dir) + ": " + reason(err)})
		return
	}
	for _, name := range names {
		rel, _ := under(name, s.dir)
		switch ext := path.Ext(name); {
		case ext != ".jsonnet" && !isManifestName(path.Base(name)),
			exclude != "" && argoGlob(exclude, rel), include != "" && !argoGlob(include, rel):
			continue
		case ext == ".jsonnet":
			p.problem(&Problem{Class: "plugin-refused", At: manifest.Span{File: name}, Message: "the file is Jsonnet, which scantling does not run: what it gives was not checked"})
			continue
		}
		if data, err := g.r.view.ReadFile(name); err == nil && bytes.Contains(data, []byte(skipMark)) {
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
// one that Argo CD runs in.
func (g *graph) destination(o *manifest.Object) string {
	d := specOf(o).at("destination")
	name := cmp.Or(d.at("name").str(), d.at("server").str())
	if name == inCluster || name == inClusterServer {
		return ""
	}
	for _, c := range g.r.opts.Clusters {
		if name == c.Server {
			return c.Name
		}
	}
	return name
}

// applicationSet plans an ApplicationSet: it is expanded, and its Applications
// are followed as those that are written.
func (g *graph) applicationSet(u *Unit) *plan {
	o := u.object
	set := &applicationSet{object: val{o.Node}.yaml(), at: o.Origin.Span, here: g.r.here(), roots: map[string]string{}}
	if len(set.here) == 0 {
		// Not known: then every repository is taken for this one, as long as
		// what it is asked for is there.
		set.here = []string{"*"}
	}
	for _, url := range gitURLs(o.Node) {
		q := store.Request{Kind: store.Git, URL: url.url, Version: strings.TrimPrefix(url.revision, "HEAD")}
		if g.r.exists(q.Mount()) {
			set.roots[repositoryURL(url.url)+"@"+url.revision] = q.Mount()
		}
	}
	text, err := yaml.Marshal(g.clusters(u))
	if err != nil {
		text = nil
	}
	set.clusters = string(text)
	return &plan{jobs: []job{{kind: ApplicationSet, path: o.Origin.File, set: set}}, stand: o.Origin.Span}
}

type gitURL struct{ url, revision string }

// gitURLs are the repositories that the git generators of an ApplicationSet
// name, however deep.
func gitURLs(n *yaml.Node) []gitURL {
	var found []gitURL
	if git := (val{n}).at("git"); git.ok() {
		found = append(found, gitURL{git.at("repoURL").str(), git.at("revision").or("HEAD")})
	}
	if n != nil {
		for _, c := range n.Content {
			found = append(found, gitURLs(c)...)
		}
	}
	return found
}

// Cluster is one that Argo CD deploys to, as the configuration declares it.
type Cluster struct {
	Name, Server, Project string
	Labels, Annotations   map[string]string
}

// clusters are those that the configuration declares and the others of which the
// same entry holds Argo CD's Secrets.
func (g *graph) clusters(u *Unit) []Cluster {
	list := slices.Clone(g.r.opts.Clusters)
	for _, o := range g.inv.of(u.entry, "Secret") {
		meta := val{o.Node}.at("metadata")
		labels := meta.at("labels").pairs()
		if labels["argocd.argoproj.io/secret-type"] != "cluster" {
			continue
		}
		data := entries(o)
		c := Cluster{Name: cmp.Or(data["name"], o.Name), Server: data["server"], Project: data["project"], Labels: labels, Annotations: meta.at("annotations").pairs()}
		if !slices.ContainsFunc(list, func(old Cluster) bool { return old.Name == c.Name }) {
			list = append(list, c)
		}
	}
	return list
}
