package cluster

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	kindFluxKustomization = schema.GroupKind{Group: "kustomize.toolkit.fluxcd.io", Kind: "Kustomization"}
	kindHelmRelease       = schema.GroupKind{Group: "helm.toolkit.fluxcd.io", Kind: "HelmRelease"}
	kindApplication       = schema.GroupKind{Group: "argoproj.io", Kind: "Application"}
)

// Deployments are the kinds by which a repository deploys, which a rule names in
// Kinds to ask Whole and Deploys.
var Deployments = []schema.GroupKind{kindFluxKustomization, kindHelmRelease, kindApplication}

// fewDeployments is how many GitOps objects the repository of a whole cluster
// has at least; with fewer it is one application's, and others care for what the
// cluster needs.
const fewDeployments = 5

// Whole is the object on which a rule reports what the repository of a whole
// cluster lacks; nil when it is not one, or when not all of it is known.
func (x *Index) Whole() *manifest.Object {
	deployments := 0
	var first *manifest.Object
	for _, kind := range Deployments {
		for _, o := range x.byKind[kind] {
			deployments++
			if first == nil || x.standsForCluster(o) > x.standsForCluster(first) {
				first = o
			}
		}
	}
	if deployments < fewDeployments || !x.pass.Complete("") {
		return nil
	}
	return first
}

// standsForCluster says how well an object stands for its cluster. What no GitOps
// object leads to may be meant for any; a HelmRelease may be in a base that
// several share, and an ApplicationSet may give a name that is not known.
func (x *Index) standsForCluster(o *manifest.Object) int {
	rank := 0
	if x.pass.UnitOf(o).Cluster != "" {
		rank += 4
	}
	if manifest.Known(o.Name) {
		rank += 2
	}
	if o.GroupKind() != kindHelmRelease {
		rank++
	}
	return rank
}

// Deploys says that some object among Deployments and the workloads has one of
// some words in its name, or in that of its chart, its path or its images. Words
// are in lower case.
func (x *Index) Deploys(words []string) bool {
	for _, kinds := range [][]schema.GroupKind{Deployments, lint.Workloads} {
		for _, kind := range kinds {
			if slices.ContainsFunc(x.byKind[kind], func(o *manifest.Object) bool { return named(o, words) }) {
				return true
			}
		}
	}
	return false
}

func named(o *manifest.Object, words []string) bool {
	return slices.ContainsFunc(deployedNames(o), func(name string) bool {
		name = strings.ToLower(name)
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(name, word) })
	})
}

// deployedNames are the names that tell what an object deploys: its own, those
// of its charts and those of its images.
func deployedNames(o *manifest.Object) []string {
	names := []string{o.Name}
	spec := o.Value("spec")
	switch o.GroupKind() {
	case kindHelmRelease:
		return append(names, spec.Get("chart", "spec", "chart").Text(), spec.Get("chartRef", "name").Text())
	case kindApplication:
		for _, source := range append(spec.Get("sources").Items(), spec.Get("source")) {
			names = append(names, source.Get("chart").Text(), source.Get("path").Text())
		}
		return names
	case kindFluxKustomization:
		return append(names, spec.Get("path").Text())
	}
	if w, ok := o.Workload(); ok {
		for _, c := range w.Containers() {
			names = append(names, c.Image)
		}
	}
	return names
}
