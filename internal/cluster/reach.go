package cluster

import (
	"cmp"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Exposure is one way by which the pods of a workload are reached from outside
// the cluster.
type Exposure struct {
	// By is the object that opens the way: a Service of the type LoadBalancer or
	// NodePort, an Ingress or a route.
	By *manifest.Object
	// Path is the field of By that leads to the pods, or to Service.
	Path *field.Path
	// Service is the Service that the way ends at; By itself, where that is one.
	Service *manifest.Object
	// Port is the port of the Service, a number or a name, where only one is
	// reached. A route that leads to several has an Exposure for each.
	Port manifest.Value
	// Private says that the way begins in a private network, as far as By says so:
	// an internal load balancer, a class or a Gateway that is called internal.
	Private bool
}

// Routes are the kinds of objects that lead to Services from outside.
var Routes = []schema.GroupKind{
	{Group: "networking.k8s.io", Kind: "Ingress"},
	{Group: "extensions", Kind: "Ingress"},
	{Group: "gateway.networking.k8s.io", Kind: "HTTPRoute"},
	{Group: "gateway.networking.k8s.io", Kind: "GRPCRoute"},
	{Group: "gateway.networking.k8s.io", Kind: "TCPRoute"},
	{Group: "gateway.networking.k8s.io", Kind: "TLSRoute"},
	{Group: "gateway.networking.k8s.io", Kind: "UDPRoute"},
	{Group: "networking.istio.io", Kind: "VirtualService"},
	{Group: "route.openshift.io", Kind: "Route"},
	{Group: "traefik.io", Kind: "IngressRoute"},
	{Group: "traefik.containo.us", Kind: "IngressRoute"},
	{Group: "projectcontour.io", Kind: "HTTPProxy"},
}

var (
	kindService = schema.GroupKind{Kind: "Service"}
	kindGateway = schema.GroupKind{Group: "gateway.networking.k8s.io", Kind: "Gateway"}
)

// Exposers are the kinds that a rule must name in Kinds or Joins, besides the
// workloads, to ask what is Exposed.
var Exposers = append(slices.Clone(Routes), kindService, kindGateway)

// Exposed are the ways by which the pods of a workload are reached from outside.
func (x *Index) Exposed(workload *manifest.Object) []Exposure {
	if x.exposed == nil {
		x.exposed = x.exposures()
	}
	return x.exposed[workload]
}

// exposures are those of all workloads. They are found from the outside in, each
// Service and each route once.
func (x *Index) exposures() map[*manifest.Object][]Exposure {
	all := map[*manifest.Object][]Exposure{}
	add := func(e Exposure) {
		for _, w := range x.Behind(e.Service) {
			all[w] = append(all[w], e)
		}
	}
	for _, o := range x.Kind(kindService.Group, kindService.Kind) {
		s, ok := o.Typed().(*corev1.Service)
		if ok && (s.Spec.Type == corev1.ServiceTypeLoadBalancer || s.Spec.Type == corev1.ServiceTypeNodePort) {
			add(Exposure{By: o, Path: field.NewPath("spec", "type"), Service: o, Private: Private(o)})
		}
	}
	for _, kind := range Routes {
		for _, o := range x.byKind[kind] {
			if !fromOutside(o) {
				continue
			}
			private := x.private(o)
			type end struct {
				service *manifest.Object
				port    string
			}
			seen := map[end]bool{}
			for _, b := range Backends(o) {
				for _, s := range x.linked(o, x.Named(o, b.GroupKind, b.Namespace, b.Name)) {
					if to := (end{s, b.Port.Text()}); b.GroupKind == kindService && !seen[to] {
						seen[to] = true
						add(Exposure{By: o, Path: b.Value.Path, Service: s, Port: b.Port, Private: private})
					}
				}
			}
		}
	}
	return all
}

// private says that a route begins in a private network: by itself, or because
// all Gateways that it names do.
func (x *Index) private(route *manifest.Object) bool {
	if Private(route) {
		return true
	}
	parents := route.Value("spec", "parentRefs").Items()
	for _, p := range parents {
		gateways := x.Named(route, kindGateway, cmp.Or(p.Get("namespace").Text(), route.Namespace), p.Get("name").Text())
		if len(gateways) == 0 || slices.ContainsFunc(gateways, func(g *manifest.Object) bool { return !Private(g) }) {
			return false
		}
	}
	return len(parents) > 0
}

// Behind are the workloads whose pods a Service leads to.
func (x *Index) Behind(service *manifest.Object) []*manifest.Object {
	s, ok := service.Typed().(*corev1.Service)
	if !ok || len(s.Spec.Selector) == 0 || s.Spec.Type == corev1.ServiceTypeExternalName {
		return nil
	}
	return x.linked(service, x.Selects(service, service.Namespace, &metav1.LabelSelector{MatchLabels: s.Spec.Selector}))
}

// linked are those of some objects that another one, which names or selects them,
// is known to mean: objects of which the namespace is not known may be anywhere,
// unless they are deployed together with it.
func (x *Index) linked(from *manifest.Object, all []*manifest.Object) []*manifest.Object {
	if len(all) == 0 || all[0].Namespace != "" || x.pass.Together(from, all[0]) {
		return all // of one namespace, and near the other object if any is
	}
	return nil
}

// fromOutside says that a route begins outside of the cluster: that it is not
// one for the traffic among the pods of a service mesh.
func fromOutside(o *manifest.Object) bool {
	switch o.GVK.Group {
	case "gateway.networking.k8s.io":
		parents := o.Value("spec", "parentRefs").Items()
		return len(parents) == 0 || slices.ContainsFunc(parents, func(p manifest.Value) bool { return p.Get("kind").Text() != "Service" })
	case "networking.istio.io":
		// Without gateways it is for the mesh alone:
		// https://istio.io/latest/docs/reference/config/networking/virtual-service/.
		return slices.ContainsFunc(o.Value("spec", "gateways").Texts(), func(g string) bool { return g != "mesh" })
	}
	return true
}

// Backend is what an Ingress or a route sends requests to.
type Backend struct {
	schema.GroupKind
	Namespace, Name string
	// Value is where the backend is written; NamePath its name there.
	Value    manifest.Value
	NamePath *field.Path
	// Port is where its port is written, a number or a name; nothing for none.
	Port manifest.Value
}

// Backends are all that an Ingress or a route sends requests to, the copies of
// requests included. Names that are not known are left out.
func Backends(o *manifest.Object) []Backend {
	var all []Backend
	add := func(b Backend) {
		if b.Name == "" || !manifest.Known(b.Name) || !manifest.Known(b.Namespace) {
			return
		}
		all = append(all, b)
	}
	spec := o.Value("spec")
	switch o.GVK.Group {
	case "networking.k8s.io", "extensions":
		add(ingressBackend(o, spec.Get("defaultBackend")))
		add(ingressBackend(o, spec.Get("backend"))) // before networking.k8s.io/v1
		for _, rule := range spec.Get("rules").Items() {
			for _, path := range rule.Get("http", "paths").Items() {
				add(ingressBackend(o, path.Get("backend")))
			}
		}
	case "gateway.networking.k8s.io":
		for _, rule := range spec.Get("rules").Items() {
			for _, ref := range rule.Get("backendRefs").Items() {
				add(gatewayBackend(o, ref))
			}
			for _, filter := range rule.Get("filters").Items() {
				add(gatewayBackend(o, filter.Get("requestMirror", "backendRef")))
			}
		}
	case "networking.istio.io":
		for _, protocol := range [...]string{"http", "tls", "tcp"} {
			for _, rule := range spec.Get(protocol).Items() {
				for _, route := range rule.Get("route").Items() {
					add(meshBackend(o, route.Get("destination")))
				}
			}
		}
	case "route.openshift.io":
		for _, to := range slices.Concat([]manifest.Value{spec.Get("to")}, spec.Get("alternateBackends").Items()) {
			add(serviceBackend(o, to, manifest.Value{}))
		}
	case "traefik.io", "traefik.containo.us", "projectcontour.io":
		for _, route := range spec.Get("routes").Items() {
			for _, service := range route.Get("services").Items() {
				if kind := service.Get("kind").Text(); kind == "" || kind == kindService.Kind {
					add(serviceBackend(o, service, service.Get("port")))
				}
			}
		}
	}
	return all
}

func serviceBackend(o *manifest.Object, at, port manifest.Value) Backend {
	name := at.Get("name")
	return Backend{GroupKind: kindService, Namespace: cmp.Or(at.Get("namespace").Text(), o.Namespace), Name: name.Text(), Value: at, NamePath: name.Path, Port: port}
}

func ingressBackend(o *manifest.Object, at manifest.Value) Backend {
	if r := at.Get("resource"); r.Written() {
		name := r.Get("name")
		gk := schema.GroupKind{Group: r.Get("apiGroup").Text(), Kind: r.Get("kind").Text()}
		return Backend{GroupKind: gk, Namespace: o.Namespace, Name: name.Text(), Value: at, NamePath: name.Path}
	}
	name, port := at.Get("service", "name"), at.Get("service", "port")
	if n := at.Get("serviceName"); n.Written() { // before networking.k8s.io/v1
		name, port = n, at.Get("servicePort")
	} else if n := port.Get("name"); n.Written() {
		port = n
	} else {
		port = port.Get("number")
	}
	return Backend{GroupKind: kindService, Namespace: o.Namespace, Name: name.Text(), Value: at, NamePath: name.Path, Port: port}
}

func gatewayBackend(o *manifest.Object, at manifest.Value) Backend {
	b := serviceBackend(o, at, at.Get("port"))
	b.Group = at.Get("group").Text()
	if kind := at.Get("kind").Text(); kind != "" {
		b.Kind = kind
	}
	return b
}

// meshBackend is a destination of Istio: the host is a Service's name, in short
// for one of the namespace, or with its namespace and domain.
func meshBackend(o *manifest.Object, at manifest.Value) Backend {
	b := serviceBackend(o, manifest.Value{}, at.Get("port", "number"))
	host := at.Get("host")
	b.Value, b.NamePath = at, host.Path
	name, rest, qualified := strings.Cut(host.Text(), ".")
	namespace, domain, _ := strings.Cut(rest, ".")
	if qualified {
		if domain != "" && domain != "svc" && !strings.HasPrefix(domain, "svc.") {
			return Backend{} // a host of the outside
		}
		b.Namespace = namespace
	}
	b.Name = name
	return b
}
