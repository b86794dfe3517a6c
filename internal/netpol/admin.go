package netpol

import (
	"github.com/scantling-dev/scantling/internal/manifest"
)

// admin reads the policies of the Network Policy API: AdminNetworkPolicy and
// BaselineAdminNetworkPolicy, and ClusterNetworkPolicy, which replaces both:
// https://network-policy-api.sigs.k8s.io/reference/spec/. They isolate nothing by
// themselves: a pod is isolated by a rule that denies everything.
func admin(o *manifest.Object) []*Policy {
	spec := o.Value("spec")
	subject := spec.Get("subject")
	p := &Policy{
		Object:       o,
		Global:       true,
		SelectorPath: subject.Path,
		namespaces:   constant(Yes),
		pods:         constant(Yes),
	}
	if pods := subject.Get("pods"); pods.Written() {
		p.namespaces, p.pods = selectorAt(pods.Get("namespaceSelector")), selectorAt(pods.Get("podSelector"))
	} else {
		p.namespaces = selectorAt(subject.Get("namespaces"))
	}
	p.Directions[Ingress] = adminSection(spec.Get("ingress"), "from")
	p.Directions[Egress] = adminSection(spec.Get("egress"), "to")
	return []*Policy{p}
}

func adminSection(rules manifest.Value, list string) Section {
	s := Section{Path: rules.Path}
	for _, rule := range rules.Items() {
		r := adminRule(rule, list)
		switch rule.Get("action").Text() {
		case "Deny":
			s.Denies = true
			s.Isolates = s.Isolates || r.AnyPort && r.everyone()
		case "Allow", "Accept":
			s.Allows = append(s.Allows, r)
		}
	}
	return s
}

// everyone says that the rule is about all pods, or all addresses.
func (r Rule) everyone() bool {
	for _, p := range r.Peers {
		if p.AnyPod() || p.Block.all() {
			return true
		}
	}
	return r.Anyone
}

func adminRule(rule manifest.Value, list string) Rule {
	ports, protocols := rule.Get("ports"), rule.Get("protocols")
	r := Rule{Path: rule.Path, AnyPort: ports.Len() == 0 && protocols.Len() == 0}
	for _, peer := range rule.Get(list).Items() {
		at := Peer{Path: peer.Path}
		switch namespaces, pods := peer.Get("namespaces"), peer.Get("pods"); {
		case pods.Written():
			at.Pods = &Pods{namespaces: selectorAt(pods.Get("namespaceSelector")), pods: selectorAt(pods.Get("podSelector"))}
		case namespaces.Written():
			at.Pods = &Pods{namespaces: selectorAt(namespaces), pods: constant(Yes)}
		}
		if at.Pods != nil {
			r.Peers = append(r.Peers, at)
		}
		for _, net := range peer.Get("networks").Items() {
			r.Peers = append(r.Peers, Peer{Path: net.Path, Block: &Block{CIDR: net.Text()}})
		}
		if peer.Get("domainNames").Written() || peer.Get("nodes").Written() {
			r.Peers = append(r.Peers, at)
		}
	}
	for _, port := range ports.Items() {
		r.Ports = append(r.Ports, adminPort(port))
	}
	for _, protocol := range protocols.Items() {
		r.Ports = append(r.Ports, clusterPort(protocol))
	}
	return r
}

func adminPort(v manifest.Value) Port {
	if name := v.Get("namedPort"); name.Written() {
		return Port{Name: name.Text()}
	}
	if span := v.Get("portRange"); span.Written() {
		return portOf(span.Get("protocol").Text(), span.Get("start").Text()+":"+span.Get("end").Text(), 0)
	}
	one := v.Get("portNumber")
	return portOf(one.Get("protocol").Text(), one.Get("port").Text(), 0)
}

// clusterPort reads the protocol of a ClusterNetworkPolicy's rule.
func clusterPort(v manifest.Value) Port {
	for protocol, of := range v.Entries() {
		if protocol == "destinationNamedPort" {
			return Port{Name: of.Text()}
		}
		at := of.Get("destinationPort")
		if span := at.Get("range"); span.Written() {
			return portOf(protocol, span.Get("start").Text()+":"+span.Get("end").Text(), 0)
		}
		if n := at.Get("number"); n.Written() {
			return portOf(protocol, n.Text(), 0)
		}
		return portOf(protocol, "0", 0)
	}
	return Port{Name: "unknown"}
}
