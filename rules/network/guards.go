package network

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// accessPolicies are kinds of objects that ask callers for a login, or let only
// some in.
var accessPolicies = slices.Concat(attachedPolicies, namespacePolicies)

var (
	attachedPolicies = []schema.GroupKind{
		{Group: "gateway.envoyproxy.io", Kind: "SecurityPolicy"},
		{Group: "kuadrant.io", Kind: "AuthPolicy"},
		{Group: "networking.gke.io", Kind: "GCPBackendPolicy"},
	}
	namespacePolicies = []schema.GroupKind{
		{Group: "security.istio.io", Kind: "AuthorizationPolicy"},
		{Group: "security.istio.io", Kind: "RequestAuthentication"},
	}
)

// guards know what is asked of callers before they reach a workload.
type guards struct {
	targets    map[target]bool
	namespaces map[string]bool
}

func newGuards(x *cluster.Index) *guards {
	g := &guards{namespaces: map[string]bool{}}
	g.targets = targets(x, attachedPolicies, func(manifest.Value) bool { return true })
	for _, kind := range namespacePolicies {
		for _, o := range x.Kind(kind.Group, kind.Kind) {
			g.namespaces[o.Namespace] = true
		}
	}
	return g
}

// is says that something is asked of callers on a way, or may be.
func (g *guards) is(e *cluster.Exposure) bool {
	if g.namespaces[e.Service.Namespace] || g.namespaces[e.By.Namespace] || reached(g.targets, e.By) || reached(g.targets, e.Service) || extended(e.By) {
		return true
	}
	if authenticates(e.By) || authenticates(e.Service) || e.By.Value("spec", "virtualhost", "authorization").Written() {
		return true
	}
	for _, route := range e.By.Value("spec", "routes").Items() {
		if route.Get("middlewares").Len() > 0 {
			return true
		}
	}
	if s, ok := e.By.Typed().(*corev1.Service); ok && s.Spec.Type == corev1.ServiceTypeLoadBalancer && anywhere(e.By).Path == nil {
		return true
	}
	class := cluster.IngressClass(e.By).Text()
	return class == "pomerium" || class == "cloudflare-tunnel" || class == "cloudflared"
}

// authenticates says that an annotation of an Ingress or a Service asks callers
// for a login or lets only some in, or names what may.
func authenticates(o *manifest.Object) bool {
	for key, v := range o.Value("metadata", "annotations").Entries() {
		domain, name, ok := strings.Cut(key, "/")
		if !ok || v.Text() == "" || v.False() || v.Text() == "none" || domain == "argocd.argoproj.io" || domain == "helm.sh" {
			continue
		}
		for _, word := range [...]string{"auth", "whitelist", "allowlist", "inbound-cidrs", "allow-list", "middlewares", "plugins", "policy", "policies", "backend-config"} {
			if strings.Contains(name, word) {
				return true
			}
		}
	}
	return false
}

// targeted are the containers of a workload that a way ends at; none if which is
// not known, or if one of them is a proxy that asks for a login.
func targeted(o *manifest.Object, e *cluster.Exposure) []*manifest.Container {
	s, ok := e.Service.Typed().(*corev1.Service)
	w, isWorkload := o.Workload()
	if !ok || !isWorkload {
		return nil
	}
	var serving []*manifest.Container
	for _, c := range w.Containers() {
		if serves(c) {
			serving = append(serving, c)
		}
	}
	if slices.ContainsFunc(serving, isLogin) {
		return nil
	}
	if len(serving) == 1 {
		return serving
	}
	return slices.DeleteFunc(serving, func(c *manifest.Container) bool {
		return !slices.ContainsFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return isPort(p, e.Port) && listens(c, p) })
	})
}

// isPort says that a port of a Service is the one that a route names; nothing
// names all.
func isPort(p corev1.ServicePort, named manifest.Value) bool {
	number, _ := named.Int()
	return named.Text() == "" || int64(p.Port) == number || p.Name == named.Text()
}

// listens says that a container has the port that a Service's port leads to.
func listens(c *manifest.Container, p corev1.ServicePort) bool {
	return slices.ContainsFunc(c.Ports, func(own corev1.ContainerPort) bool {
		switch to := p.TargetPort; {
		case to.Type == intstr.String && to.StrVal != "":
			return own.Name == to.StrVal
		case to.IntVal != 0:
			return own.ContainerPort == to.IntVal
		}
		return own.ContainerPort == p.Port
	})
}

// isLogin says that a container is a proxy that asks for a login.
func isLogin(c *manifest.Container) bool {
	image := repository(c.Image)
	return slices.ContainsFunc([]string{"oauth2-proxy", "oauth-proxy", "kube-rbac-proxy", "vouch-proxy", "authelia", "gatekeeper", "pomerium", "gogatekeeper"}, func(name string) bool {
		return strings.Contains(image, name)
	})
}

// hasCredentials says that a container is given something that looks like a
// password for its callers, or a configuration that may hold one.
func hasCredentials(c *manifest.Container) bool {
	if len(c.EnvFrom) > 0 {
		return true
	}
	for i := range c.Env {
		name := strings.ToUpper(c.Env[i].Name)
		if strings.Contains(name, "PASSWORD") || strings.Contains(name, "API_KEY") || strings.Contains(name, "AUTH") {
			return true
		}
	}
	return slices.ContainsFunc(slices.Concat(c.Command, c.Args), func(arg string) bool {
		for _, word := range [...]string{"requirepass", "--auth", "api-key", "web.config.file", "client-cert-auth", "tlsverify", "password"} {
			if strings.Contains(arg, word) {
				return true
			}
		}
		return false
	})
}
