package config

import (
	"go.yaml.in/yaml/v3"
)

// GitOps is what the configuration says of the clusters that the repository's
// Flux and Argo CD objects deploy to.
type GitOps struct {
	// Repository are URLs that name this repository in GitOps objects, besides
	// those of its git remotes.
	Repository []string
	// Clusters are those that Argo CD knows.
	Clusters []Cluster
	// Substitutions are values of variables that Flux replaces and that are
	// not in the repository.
	Substitutions map[string]string
}

// Cluster is one that Argo CD deploys to: what its cluster Secret would say.
type Cluster struct {
	Name, Server, Project string
	Labels, Annotations   map[string]string
}

// Capability is what a part of the repository is rendered for.
type Capability struct {
	// Match are globs of unit paths, and names of clusters.
	Match       []string
	KubeVersion string
	APIVersions []string
}

func (p *parser) gitops(n *yaml.Node) {
	g := &p.config.GitOps
	p.mapping(n, "gitops", "key of gitops", map[string]reader{
		"repository":    func(_, v *yaml.Node) { g.Repository = p.list(v, "gitops.repository", true) },
		"substitutions": func(_, v *yaml.Node) { g.Substitutions = p.pairs(v, "gitops.substitutions") },
		"clusters": func(_, v *yaml.Node) {
			for _, item := range p.mappings(v, "gitops.clusters") {
				if c, ok := p.cluster(item); ok {
					g.Clusters = append(g.Clusters, c)
				}
			}
		},
	})
}

func (p *parser) cluster(n *yaml.Node) (c Cluster, ok bool) {
	before := len(p.errors)
	p.mapping(n, "an item of gitops.clusters", "key of a cluster", map[string]reader{
		"name":        func(_, v *yaml.Node) { c.Name = p.text(v, "gitops.clusters: name") },
		"server":      func(_, v *yaml.Node) { c.Server = p.text(v, "gitops.clusters: server") },
		"project":     func(_, v *yaml.Node) { c.Project = p.text(v, "gitops.clusters: project") },
		"labels":      func(_, v *yaml.Node) { c.Labels = p.pairs(v, "gitops.clusters: labels") },
		"annotations": func(_, v *yaml.Node) { c.Annotations = p.pairs(v, "gitops.clusters: annotations") },
	})
	if c.Name == "" && len(p.errors) == before {
		p.fail(n, "gitops.clusters: a cluster needs a name")
	}
	return c, len(p.errors) == before
}

func (p *parser) capabilities(n *yaml.Node) {
	for _, item := range p.mappings(n, "kubernetes.paths") {
		var c Capability
		p.mapping(item, "an item of kubernetes.paths", "key of kubernetes.paths", map[string]reader{
			"match":        func(_, v *yaml.Node) { c.Match = p.globs(v, "kubernetes.paths: match") },
			"version":      func(_, v *yaml.Node) { c.KubeVersion = p.kubeVersion(v) },
			"api-versions": func(_, v *yaml.Node) { c.APIVersions = p.list(v, "kubernetes.paths: api-versions", false) },
		})
		if len(c.Match) == 0 {
			p.fail(item, "kubernetes.paths: an item needs match, a list of paths or names of clusters")
			continue
		}
		p.config.Capabilities = append(p.config.Capabilities, c)
	}
}

// mappings are the items of a list of mappings.
func (p *parser) mappings(n *yaml.Node, name string) []*yaml.Node {
	if null(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		p.fail(n, "%s must be a list", name)
		return nil
	}
	return n.Content
}

func (p *parser) text(n *yaml.Node, name string) string {
	if n.Kind != yaml.ScalarNode || null(n) {
		p.fail(n, "%s must be a text", name)
		return ""
	}
	return n.Value
}

// pairs reads a mapping of texts.
func (p *parser) pairs(n *yaml.Node, name string) map[string]string {
	if null(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		p.fail(n, "%s must be a mapping", name)
		return nil
	}
	m := map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		m[n.Content[i].Value] = p.text(n.Content[i+1], name+"."+n.Content[i].Value)
	}
	return m
}
