// Package network holds the rules about Services, endpoints and Ingresses, and
// the controllers that serve them.
package network

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Rules are the rules of this topic.
var Rules = []*lint.Rule{
	endpointsLoopbackOrLinklocal,
	ingressNginxAnnotationInjection,
	ingressNginxControllerVulnerable,
	ingressNginxSnippet,
	ingressNginxSnippetsEnabled,
	ingressPathInjection,
	serviceExternalIps,
}

var (
	kindIngress     = schema.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}
	kindConfigMap   = schema.GroupKind{Kind: "ConfigMap"}
	kindHelmRelease = schema.GroupKind{Group: "helm.toolkit.fluxcd.io", Kind: "HelmRelease"}
	kindApplication = schema.GroupKind{Group: "argoproj.io", Kind: "Application"}
)

// nginxPrefix begins the annotations that ingress-nginx reads.
const nginxPrefix = "nginx.ingress.kubernetes.io/"

// at is the node at a path of an object, or nil.
func at(o *manifest.Object, path *field.Path) *yaml.Node {
	hits := manifest.Lookup(o.Node, path)
	if len(hits) != 1+len(manifest.SplitPath(path.String())) {
		return nil
	}
	return hits[len(hits)-1].Value
}

// text is the scalar at a path of an object, or "".
func text(o *manifest.Object, path *field.Path) string {
	if n := at(o, path); n != nil && n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		return n.Value
	}
	return ""
}

// release is one chart that a GitOps object installs.
type release struct {
	chart, version string
	// namespace is where it is installed, as far as the object says.
	namespace   string
	versionPath *field.Path
	values      []*field.Path // mappings of values
	parameters  *field.Path   // Argo CD's list of single values
}

// releases are the charts that a HelmRelease or an Application installs.
func releases(o *manifest.Object) []release {
	spec := field.NewPath("spec")
	switch o.GroupKind() {
	case kindHelmRelease:
		chart := spec.Child("chart", "spec")
		r := release{
			chart:       text(o, chart.Child("chart")),
			version:     text(o, chart.Child("version")),
			namespace:   text(o, spec.Child("targetNamespace")),
			versionPath: chart.Child("version"),
			values:      []*field.Path{spec.Child("values")},
		}
		if r.namespace == "" {
			r.namespace = o.Namespace
		}
		return []release{r}
	case kindApplication:
		sources := []*field.Path{spec.Child("source")}
		if list := at(o, spec.Child("sources")); list != nil && list.Kind == yaml.SequenceNode {
			sources = nil
			for i := range list.Content {
				sources = append(sources, spec.Child("sources").Index(i))
			}
		}
		var all []release
		for _, s := range sources {
			all = append(all, release{
				chart:       text(o, s.Child("chart")),
				version:     text(o, s.Child("targetRevision")),
				namespace:   text(o, spec.Child("destination", "namespace")),
				versionPath: s.Child("targetRevision"),
				values:      []*field.Path{s.Child("helm", "valuesObject")},
				parameters:  s.Child("helm", "parameters"),
			})
		}
		return all
	}
	return nil
}

// installsNginx says that a chart's name is that of ingress-nginx; the last
// part decides, since an OCI chart is named by its path.
func (r release) installsNginx() bool {
	return r.chart[strings.LastIndexByte(r.chart, '/')+1:] == "ingress-nginx"
}

// substitute takes ${NAME} out of a text: what stands for something that is
// filled in elsewhere says nothing about the characters around it.
func substitute(s string) string {
	for {
		start := strings.Index(s, "${")
		if start < 0 {
			return s
		}
		end := strings.IndexByte(s[start:], '}')
		if end < 0 || strings.ContainsAny(s[start+2:start+end], "\n;'\"#{ ") {
			return s
		}
		s = s[:start] + s[start+end+1:]
	}
}
