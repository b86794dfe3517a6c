package render

import (
	"cmp"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/store"
	"go.yaml.in/yaml/v3"
)

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
	clusters := g.clusters(u.entry)
	text, err := yaml.Marshal(clusters)
	if err != nil {
		text = nil
	}
	set.clusters = string(text)
	return &plan{jobs: []job{{kind: ApplicationSet, path: o.Origin.File, set: set}}, stand: o.Origin.Span,
		// Another unit may yet give the Secrets.
		missing: len(clusters) == 0 && asksClusters(specOf(o).at("generators").n)}
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
// same entry holds Argo CD's Secrets, or what makes such Secrets on the cluster.
func (g *graph) clusters(entry string) []Cluster {
	if list, ok := g.inventories[entry]; ok {
		return list
	}
	list, names := slices.Clone(g.r.opts.Clusters), map[string]bool{}
	for _, c := range list {
		names[c.Name] = true
	}
	for _, o := range slices.Concat(g.inv.of(entry, "Secret"), g.inv.of(entry, madeSecret)) {
		meta := val{o.Node}.at("metadata")
		switch o.GVK.Kind {
		case "ExternalSecret":
			meta = specOf(o).at("target", "template", "metadata")
		case "SealedSecret":
			meta = specOf(o).at("template", "metadata")
		}
		labels := meta.at("labels").pairs()
		if labels[secretType] != "cluster" {
			continue
		}
		c := g.cluster(o)
		c.Labels, c.Annotations = labels, meta.at("annotations").pairs()
		if !names[c.Name] {
			names[c.Name] = true
			list = append(list, c)
		}
	}
	g.inventories[entry] = list
	return list
}

// cluster is what the Secret of a cluster says of it, with placeholders for what
// is not in the repository.
func (g *graph) cluster(o *manifest.Object) Cluster {
	if o.GVK.Kind == "Secret" {
		data, _ := g.entries(o)
		return Cluster{Name: cmp.Or(data["name"], o.Name), Server: data["server"], Project: data["project"]}
	}
	data := specOf(o).at("template", "data")
	if o.GVK.Kind == "ExternalSecret" {
		data = specOf(o).at("target", "template", "data")
	}
	known := func(key string) string {
		if text := data.at(key).str(); !strings.Contains(text, "{{") && (text != "" || key == "project") {
			return text
		}
		return placeholder(key)
	}
	return Cluster{Name: known("name"), Server: known("server"), Project: known("project")}
}

// asksClusters says that a generator of an ApplicationSet, however deep, is one
// for clusters.
func asksClusters(n *yaml.Node) bool {
	return n != nil && ((val{n}).at("clusters").ok() || slices.ContainsFunc(n.Content, asksClusters))
}
