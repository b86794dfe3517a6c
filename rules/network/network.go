// Package network holds the rules about Services, endpoints and Ingresses, and
// the controllers that serve them.
package network

import (
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Rules are the rules of this topic.
var Rules = []*lint.Rule{
	certificateDurationTooLong,
	cniWithoutNetworkpolicySupport,
	containerPortInvalid,
	danglingGatewayRoute,
	danglingIngress,
	danglingNetworkpolicy,
	danglingNetworkpolicyPeer,
	danglingService,
	endpointsLoopbackOrLinklocal,
	externalDNSDuplicateHostname,
	gatewayListenerAllNamespaces,
	gatewayListenerPlaintext,
	ingressClassMissing,
	ingressDefaultBackend,
	ingressHostCollision,
	ingressHostEmpty,
	ingressNginxAnnotationInjection,
	ingressNginxControllerVulnerable,
	ingressNginxEndOfLife,
	ingressNginxSnippet,
	ingressNginxSnippetsEnabled,
	ingressPathInjection,
	ingressPlainHTTPAllowed,
	ingressRateLimitMissing,
	ingressTLSHostMismatch,
	ingressTLSMissing,
	ingressWildcardHost,
	namespaceDefaultDenyEgressMissing,
	namespaceDefaultDenyIngressMissing,
	namespaceWithoutNetworkpolicy,
	networkpolicyAllowsAllEgress,
	networkpolicyAllowsAllIngress,
	networkpolicyAllowsAnyNamespace,
	networkpolicyBlocksDNS,
	networkpolicyEmptyPodselector,
	networkpolicyMetadataAPIReachable,
	networkpolicyPolicytypesIncomplete,
	networkpolicyWithoutSelectors,
	openshiftRouteInsecure,
	referencegrantUnrestricted,
	sensitiveInterfaceExposed,
	serviceExternalIps,
	serviceExternalnameLoopback,
	serviceInvalidTargetPort,
	serviceLoadbalancerNoTLS,
	serviceLoadbalancerPublic,
	serviceNodeport,
	serviceSelectorOverlap,
	traefikDefaultTlsoptionOverridden,
	workloadExposedExternally,
	workloadNotCoveredByNetworkpolicy,
}

var (
	kindIngress        = schema.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}
	kindIngressClass   = schema.GroupKind{Group: "networking.k8s.io", Kind: "IngressClass"}
	kindService        = schema.GroupKind{Kind: "Service"}
	kindConfigMap      = schema.GroupKind{Kind: "ConfigMap"}
	kindHelmRelease    = schema.GroupKind{Group: "helm.toolkit.fluxcd.io", Kind: "HelmRelease"}
	kindApplication    = schema.GroupKind{Group: "argoproj.io", Kind: "Application"}
	kindGateway        = schema.GroupKind{Group: gatewayAPI, Kind: "Gateway"}
	kindHTTPRoute      = schema.GroupKind{Group: gatewayAPI, Kind: "HTTPRoute"}
	kindReferenceGrant = schema.GroupKind{Group: gatewayAPI, Kind: "ReferenceGrant"}
	kindRoute          = schema.GroupKind{Group: "route.openshift.io", Kind: "Route"}
)

// gatewayAPI is the group of the Gateway API.
const gatewayAPI = "gateway.networking.k8s.io"

// gatewayRoutes are the routes of the Gateway API.
var gatewayRoutes = []schema.GroupKind{
	kindHTTPRoute,
	{Group: gatewayAPI, Kind: "GRPCRoute"},
	{Group: gatewayAPI, Kind: "TCPRoute"},
	{Group: gatewayAPI, Kind: "TLSRoute"},
	{Group: gatewayAPI, Kind: "UDPRoute"},
}

// nginxPrefix begins the annotations that ingress-nginx reads.
const nginxPrefix = "nginx.ingress.kubernetes.io/"

// release is one chart that a GitOps object installs.
type release struct {
	chart, version manifest.Value
	// namespace is where it is installed, as far as the object says.
	namespace  string
	values     manifest.Value
	parameters manifest.Value // Argo CD's list of single values
}

// releases are the charts that a HelmRelease or an Application installs.
func releases(o *manifest.Object) []release {
	spec := o.Value("spec")
	switch o.GroupKind() {
	case kindHelmRelease:
		chart := spec.Get("chart", "spec")
		r := release{
			chart:     chart.Get("chart"),
			version:   chart.Get("version"),
			namespace: spec.Get("targetNamespace").Text(),
			values:    spec.Get("values"),
		}
		if r.namespace == "" {
			r.namespace = o.Namespace
		}
		return []release{r}
	case kindApplication:
		sources := spec.Get("sources").Items()
		if sources == nil {
			sources = []manifest.Value{spec.Get("source")}
		}
		all := make([]release, len(sources))
		for i, s := range sources {
			all[i] = release{
				chart:      s.Get("chart"),
				version:    s.Get("targetRevision"),
				namespace:  spec.Get("destination", "namespace").Text(),
				values:     s.Get("helm", "valuesObject"),
				parameters: s.Get("helm", "parameters"),
			}
		}
		return all
	}
	return nil
}

// installsNginx says that a chart's name is that of ingress-nginx; the last
// part decides, since an OCI chart is named by its path.
func (r release) installsNginx() bool {
	chart := r.chart.Text()
	return chart[strings.LastIndexByte(chart, '/')+1:] == "ingress-nginx"
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

// annotation is one of an object's annotations, written or not.
func annotation(o *manifest.Object, key string) manifest.Value {
	return o.Value("metadata", "annotations").Key(key)
}

// forACME says that cert-manager made an Ingress or a route, for as long as it
// takes to prove who owns a host:
// https://cert-manager.io/docs/configuration/acme/http01/.
func forACME(o *manifest.Object) bool {
	return o.Value("metadata", "labels").Get("acme.cert-manager.io/http01-solver").True()
}

// covers says that a host of a certificate or a rule, which may begin with "*."
// for one label, takes in another one.
func covers(pattern, host string) bool {
	if strings.EqualFold(pattern, host) {
		return true
	}
	parent, wildcard := strings.CutPrefix(pattern, "*.")
	_, rest, ok := strings.Cut(host, ".")
	return wildcard && ok && strings.EqualFold(parent, rest)
}

// where is the cluster that an object is known to be in, else the unit that
// deploys it: objects of one where are in one cluster at once.
func where(p *lint.Pass, o *manifest.Object) string {
	u := p.UnitOf(o)
	if u.Cluster == "" {
		return "unit " + u.ID
	}
	return "cluster " + u.Cluster
}

// quoted puts quotes around texts.
func quoted(texts []string) []string {
	all := make([]string, len(texts))
	for i, t := range texts {
		all[i] = strconv.Quote(t)
	}
	return all
}
