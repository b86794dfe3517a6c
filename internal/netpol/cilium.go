package netpol

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
)

// cilium reads a CiliumNetworkPolicy or its clusterwide sister, of which spec is
// one rule and specs a list of them:
// https://docs.cilium.io/en/stable/security/policy/language/.
func cilium(o *manifest.Object) []*Policy {
	var all []*Policy
	if spec := o.Value("spec"); spec.Written() {
		all = append(all, ciliumRule(o, spec))
	}
	for _, spec := range o.Value("specs").Items() {
		all = append(all, ciliumRule(o, spec))
	}
	return all
}

func ciliumRule(o *manifest.Object, spec manifest.Value) *Policy {
	p := &Policy{
		Object:       o,
		Global:       o.GVK.Kind == "CiliumClusterwideNetworkPolicy",
		SelectorPath: spec.Path.Child("endpointSelector"),
		language:     ciliumLanguage,
		namespaces:   constant(Yes),
		pods:         constant(No),
	}
	// With a nodeSelector it is about nodes; without both it is refused.
	if s := spec.Get("endpointSelector"); s.Written() {
		p.pods = selectorAt(s)
	}
	p.Directions[Ingress] = ciliumSection(p, spec, "ingress", "from")
	p.Directions[Egress] = ciliumSection(p, spec, "egress", "to")
	return p
}

func ciliumSection(p *Policy, spec manifest.Value, name, prefix string) Section {
	rules, denies := spec.Get(name), spec.Get(name+"Deny")
	s := Section{
		Path: rules.Path,
		// An empty list is as none: what isolates is a rule, and be it an empty one.
		Isolates: rules.Len() > 0 || denies.Len() > 0,
		Denies:   denies.Len() > 0,
	}
	if d := spec.Get("enableDefaultDeny", name); d.Written() {
		s.Isolates = !d.False()
	}
	for _, rule := range rules.Items() {
		if r, ok := ciliumAllow(p, rule, prefix); ok {
			s.Allows = append(s.Allows, r)
		}
	}
	return s
}

// ciliumAllow reads a rule; ok is false for one that lets nothing through, as
// the empty one.
func ciliumAllow(p *Policy, rule manifest.Value, prefix string) (r Rule, ok bool) {
	ports := rule.Get("toPorts")
	r = Rule{Path: rule.Path, AnyPort: ports.Len() == 0 && !rule.Get("icmps").Written()}
	peers := false
	for name, list := range rule.Entries() {
		if !strings.HasPrefix(name, prefix) || name == "toPorts" || name == prefix+"Requires" {
			continue
		}
		peers = true
		for _, peer := range list.Items() {
			r.Peers = append(r.Peers, ciliumPeer(p, strings.TrimPrefix(name, prefix), peer))
		}
	}
	// Ports alone are open to everyone.
	r.Anyone = !peers && !r.AnyPort
	for _, group := range ports.Items() {
		for _, port := range group.Get("ports").Items() {
			end, _ := port.Get("endPort").Int()
			r.Ports = append(r.Ports, portOf(port.Get("protocol").Text(), port.Get("port").Text(), int32(end)))
		}
	}
	return r, r.Anyone || len(r.Peers) > 0
}

func ciliumPeer(p *Policy, of string, v manifest.Value) Peer {
	peer := Peer{Path: v.Path}
	switch of {
	case "Endpoints":
		peer.Pods = &Pods{Own: !p.Global && !asksNamespace(v), namespaces: constant(Yes), pods: selectorAt(v)}
	case "Entities":
		switch v.Text() {
		case "all", "world", "world-ipv4", "world-ipv6":
			peer.World = true
		case "cluster", "host", "remote-node", "kube-apiserver", "unmanaged":
			peer.Pods = &Pods{namespaces: constant(Maybe), pods: constant(Maybe)}
		}
	case "CIDR":
		peer.Block = &Block{CIDR: v.Text()}
	case "CIDRSet":
		// A group of addresses has no range of its own.
		if cidr := v.Get("cidr"); cidr.Written() {
			peer.Path = cidr.Path
			peer.Block = &Block{cidr.Text(), v.Get("except").Texts()}
		}
	}
	return peer
}

// asksNamespace says that a selector names a namespace: without, it is about the
// policy's own.
func asksNamespace(v manifest.Value) bool {
	for key := range v.Get("matchLabels").Entries() {
		if ciliumNamespaceKey(key) {
			return true
		}
	}
	for _, e := range v.Get("matchExpressions").Items() {
		if ciliumNamespaceKey(e.Get("key").Text()) {
			return true
		}
	}
	return false
}

func ciliumNamespaceKey(key string) bool {
	key = ciliumKey(key)
	return key == ciliumNamespace || strings.HasPrefix(key, ciliumNamespaceLabels)
}

const (
	ciliumNamespace       = "io.kubernetes.pod.namespace"
	ciliumNamespaceLabels = "io.cilium.k8s.namespace.labels."
	ciliumServiceAccount  = "io.cilium.k8s.policy.serviceaccount"
	ciliumCluster         = "io.cilium.k8s.policy.cluster"
)

// ciliumKey is a label's key without its source.
func ciliumKey(key string) string {
	for _, source := range []string{"k8s:", "any:"} {
		if rest, ok := strings.CutPrefix(key, source); ok {
			return rest
		}
	}
	return key
}
