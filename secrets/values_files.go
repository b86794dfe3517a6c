package secrets

import (
	"path"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// valueCarriers are the kinds of objects that carry a chart's values, or are
// substituted into what is deployed.
var valueCarriers = []schema.GroupKind{
	{Group: "helm.toolkit.fluxcd.io", Kind: "HelmRelease"},
	{Group: "kustomize.toolkit.fluxcd.io", Kind: "Kustomization"},
	{Group: "fluxcd.controlplane.io", Kind: "ResourceSet"},
	{Group: "argoproj.io", Kind: "Application"},
	{Group: "argoproj.io", Kind: "ApplicationSet"},
	{Group: "helm.cattle.io", Kind: "HelmChart"},
	{Group: "helm.cattle.io", Kind: "HelmChartConfig"},
	{Group: "helm.crossplane.io", Kind: "Release"},
	{Group: "addons.cluster.x-k8s.io", Kind: "HelmChartProxy"},
	{Group: "addon.open-cluster-management.io", Kind: "HelmRelease"},
	{Group: "builtin", Kind: "HelmChartInflationGenerator"},
}

// isValuesName says that a file is one of values by its name: values.yaml,
// values-prod.yaml, prod.values.yaml.
func isValuesName(name string) bool {
	base := strings.ToLower(path.Base(name))
	switch path.Ext(base) {
	case ".yaml", ".yml":
	default:
		return false
	}
	for _, word := range splitWords(strings.TrimSuffix(base, path.Ext(base))) {
		if word == "values" {
			return !isTemplateName(name)
		}
	}
	return false
}

// isTemplateName says that a file is a chart's template, which is judged as it is
// rendered.
func isTemplateName(name string) bool {
	dir := "/" + path.Dir(name) + "/"
	return strings.Contains(dir, "/templates/") || strings.Contains(dir, "/crds/")
}

// isChartFile says that a file tells of a chart rather than holding values.
func isChartFile(name string) bool {
	switch path.Base(name) {
	case "Chart.yaml", "Chart.yml", "Chart.lock", "requirements.yaml", "requirements.lock", "kustomization.yaml", "kustomization.yml", "Kustomization":
		return true
	}
	return false
}

// valuesOrigin is what a file of values is there for.
type valuesOrigin int

const (
	inUse valuesOrigin = iota
	// chartDefault is what a chart comes with that nobody in the repository
	// installs.
	chartDefault
	// chartTest is what a chart is tested with, as chart-testing has it.
	chartTest
)

// valuesFile says that a file holds values of a chart, and what for.
func valuesFile(tree func() *lint.Tree, name string) (values bool, from valuesOrigin) {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
	default:
		return false, inUse
	}
	if isTemplateName(name) || isChartFile(name) || strings.HasSuffix(name, ".schema.json") {
		return false, inUse
	}
	t := tree()
	values = isValuesName(name) || namedValues(t)[name]
	dir := path.Dir(name)
	switch {
	case !values:
	case t.Has(path.Join(dir, "Chart.yaml")):
		from = chartDefault
	case path.Base(dir) == "ci" && t.Has(path.Join(path.Dir(dir), "Chart.yaml")):
		from = chartTest
	}
	if t.Readers == nil {
		return values, from
	}
	for _, r := range t.Readers(name) {
		switch r.Kind {
		case "helm", "HelmRelease", "Application":
			values = values || !strings.HasSuffix(name, ".json")
		}
		if !r.Bare {
			from = inUse
		}
	}
	return values, from
}

// isObject says that a document is a Kubernetes object.
func isObject(doc *yaml.Node) bool {
	return manifest.Text(doc, "kind") != "" && manifest.Text(doc, "apiVersion") != ""
}
