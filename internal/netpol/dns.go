package netpol

import (
	"net/netip"
	"slices"
	"strings"
)

// dnsNamespaces are the namespaces in which the DNS of a cluster runs: on
// OpenShift it is its own.
var dnsNamespaces = []string{"kube-system", "openshift-dns"}

// AllowsDNS says that the policy may let its pods ask the cluster's DNS.
func (p *Policy) AllowsDNS() bool {
	return p.opaque || slices.ContainsFunc(p.Directions[Egress].Allows, func(r Rule) bool {
		return r.takesDNS() && (r.Anyone || slices.ContainsFunc(r.Peers, p.reachesDNS))
	})
}

// takesDNS says that the rule is about the port of DNS, too; the pods of CoreDNS on
// OpenShift listen on 5353.
func (r Rule) takesDNS() bool {
	for _, port := range r.Ports {
		if port.Protocol == "SCTP" {
			continue
		}
		if strings.Contains(strings.ToLower(port.Name), "dns") || unknown(port.Name) {
			return true
		}
	}
	for _, port := range []int32{53, 5353} {
		if r.Takes("UDP", port) || r.Takes("TCP", port) {
			return true
		}
	}
	return false
}

// reachesDNS says that the pods that answer may be among a peer. The addresses
// of a cluster are not known, nor is what a peer of another kind stands for.
func (p *Policy) reachesDNS(peer Peer) bool {
	switch {
	case peer.Pods == nil:
		return true
	case peer.Pods.Own:
		return slices.Contains(dnsNamespaces, p.Object.Namespace)
	}
	return slices.ContainsFunc(dnsNamespaces, func(name string) bool {
		of := func(key string) (string, Truth) {
			switch ciliumKey(strings.TrimPrefix(key, calicoNamespaceMark)) {
			case namespaceName, ciliumNamespace, ciliumNamespaceLabels + namespaceName, calicoName, calicoNamespace:
				return name, Yes
			}
			return "", Maybe
		}
		return min(peer.Pods.namespaces.eval(of), peer.Pods.pods.eval(of)) != No
	})
}

// talks says that the policy isolates its pods but for some that they reach by
// name: other pods, and what is outside as long as it is not a small range of
// addresses.
func (p *Policy) talks() bool {
	out := p.Directions[Egress]
	return out.Isolates && slices.ContainsFunc(out.Allows, func(r Rule) bool {
		if !r.AnyPort && r.takesDNS() {
			return false
		}
		return r.Anyone && !r.toAPIServer() || slices.ContainsFunc(r.Peers, func(peer Peer) bool {
			return peer.named() && (peer.Block == nil || !r.toAPIServer())
		})
	})
}

// toAPIServer says that the rule may be meant for the API server, which pods know
// by its address.
func (r Rule) toAPIServer() bool {
	return !r.AnyPort && !slices.ContainsFunc(r.Ports, func(p Port) bool { return p.From != 443 && p.From != 6443 || p.To != p.From })
}

func (p Peer) named() bool {
	switch {
	case p.Block != nil:
		prefix, err := netip.ParsePrefix(p.Block.CIDR)
		return err == nil && prefix.Bits() < 8
	case p.Pods != nil:
		// Nodes and the like are known by their addresses.
		return p.Pods.pods != constant(Maybe)
	}
	return true
}

// OnlyDNS says that the rule is about nothing but DNS.
func (r Rule) OnlyDNS() bool {
	return !r.AnyPort && !slices.ContainsFunc(r.Ports, func(p Port) bool {
		return p.Name == "" && (p.From == 0 || p.From != p.To) || !Rule{Ports: []Port{p}}.takesDNS()
	})
}
