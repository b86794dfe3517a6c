package render

import (
	"maps"
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/store"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// cluster is a cluster that Argo CD knows.
type cluster struct {
	Name        string            `json:"name"`
	Server      string            `json:"server"`
	Project     string            `json:"project"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// secretType is the label of the Secrets that declare clusters.
const secretType = "argocd.argoproj.io/secret-type"

// readClusters reads the declared clusters; of those of one name the last holds.
func readClusters(l manifest.Limits, text string) ([]cluster, error) {
	var list []cluster
	if err := unmarshal(l, []byte(text), &list); err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Labels = maps.Clone(list[i].Labels)
		if list[i].Labels == nil {
			list[i].Labels = map[string]string{}
		}
		list[i].Labels[secretType] = "cluster"
	}
	var kept []cluster
	for i, c := range list {
		if !slices.ContainsFunc(list[i+1:], func(later cluster) bool { return later.Name == c.Name }) {
			kept = append(kept, c)
		}
	}
	return kept, nil
}

// clusterSets are the parameters of the clusters that a generator selects.
func (s *setBuild) clusterSets(g val) ([]params, error) {
	if len(s.clusters) == 0 {
		s.unexpanded("clusters", g, store.Request{})
		return []params{{open: true}}, nil
	}
	if unknownNode(g.at("selector").n) {
		return []params{{open: true}}, nil
	}
	var written metav1.LabelSelector
	if err := decodeSelector(g.at("selector"), &written); err != nil {
		return nil, refusedf(g.at("selector").n, "the selector of the clusters generator: %w", err)
	}
	selector, err := metav1.LabelSelectorAsSelector(&written)
	if err != nil {
		return nil, refusedf(g.at("selector").n, "the selector of the clusters generator: %w", err)
	}
	var sets []params
	local := len(written.MatchLabels)+len(written.MatchExpressions) == 0
	for _, c := range s.clusters {
		if selector.Matches(labels.Set(c.Labels)) {
			sets = append(sets, params{known: s.clusterParams(c)})
			local = local && c.Server != inClusterServer
		}
	}
	if local {
		sets = append(sets, params{known: map[string]any{"name": inCluster, "nameNormalized": inCluster, "server": inClusterServer, "project": ""}})
	}
	if !g.at("flatList").is() {
		return sets, nil
	}
	list := []any{}
	for i := range sets {
		if err := s.addValues(g, &sets[i]); err != nil {
			return nil, err
		}
		list = append(list, sets[i].known)
	}
	return []params{{known: map[string]any{"clusters": list}}}, nil
}

func (s *setBuild) clusterParams(c cluster) map[string]any {
	known := map[string]any{"name": c.Name, "nameNormalized": normalize(c.Name), "server": c.Server, "project": c.Project}
	if s.templates.goTemplate {
		meta := map[string]any{"labels": c.Labels}
		if len(c.Annotations) > 0 {
			meta["annotations"] = c.Annotations
		}
		known["metadata"] = meta
		return known
	}
	for key, value := range c.Annotations {
		known["metadata.annotations."+key] = value
	}
	for key, value := range c.Labels {
		known["metadata.labels."+key] = value
	}
	return known
}
