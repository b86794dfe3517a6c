package netpol

import (
	"slices"
	"strconv"

	"github.com/scantling-dev/scantling/internal/manifest"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// kubernetes reads a NetworkPolicy:
// https://kubernetes.io/docs/concepts/services-networking/network-policies/.
func kubernetes(o *manifest.Object) []*Policy {
	np, ok := o.Typed().(*networkingv1.NetworkPolicy)
	if !ok {
		return nil
	}
	spec := field.NewPath("spec")
	types := np.Spec.PolicyTypes
	named := len(types) > 0
	if !named {
		// Ingress always; Egress where there are rules for it.
		types = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
		if len(np.Spec.Egress) > 0 {
			types = append(types, networkingv1.PolicyTypeEgress)
		}
	}
	p := &Policy{
		Object:       o,
		SelectorPath: spec.Child("podSelector"),
		namespaces:   constant(Yes),
		pods:         ofLabels(&np.Spec.PodSelector),
	}
	in, out := &p.Directions[Ingress], &p.Directions[Egress]
	*in = Section{Path: spec.Child("ingress"), Isolates: slices.Contains(types, networkingv1.PolicyTypeIngress)}
	*out = Section{Path: spec.Child("egress"), Isolates: slices.Contains(types, networkingv1.PolicyTypeEgress)}
	if in.Isolates {
		for i, r := range np.Spec.Ingress {
			in.Allows = append(in.Allows, kubernetesRule(in.Path.Index(i), "from", r.From, r.Ports))
		}
	}
	if out.Isolates {
		for i, r := range np.Spec.Egress {
			out.Allows = append(out.Allows, kubernetesRule(out.Path.Index(i), "to", r.To, r.Ports))
		}
	}
	in.Ignored = !in.Isolates && len(np.Spec.Ingress) > 0
	// An empty list says that nothing may go out; without policyTypes it is as if
	// it were not there.
	out.Ignored = !out.Isolates && (len(np.Spec.Egress) > 0 || !named && o.Value("spec", "egress").Written())
	return []*Policy{p}
}

func kubernetesRule(path *field.Path, list string, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) Rule {
	r := Rule{Path: path, Anyone: len(peers) == 0, AnyPort: len(ports) == 0}
	for i, peer := range peers {
		at := Peer{Path: path.Child(list).Index(i)}
		switch {
		case peer.IPBlock != nil:
			at.Path = at.Path.Child("ipBlock", "cidr")
			at.Block = &Block{peer.IPBlock.CIDR, peer.IPBlock.Except}
		case peer.NamespaceSelector != nil || peer.PodSelector != nil:
			at.Pods = &Pods{Own: peer.NamespaceSelector == nil, namespaces: constant(Yes), pods: constant(Yes)}
			if peer.NamespaceSelector != nil {
				at.Pods.namespaces = ofLabels(peer.NamespaceSelector)
			}
			if peer.PodSelector != nil {
				at.Pods.pods = ofLabels(peer.PodSelector)
			}
		}
		r.Peers = append(r.Peers, at)
	}
	for _, port := range ports {
		to := Port{Protocol: "TCP"}
		if port.Protocol != nil {
			to.Protocol = string(*port.Protocol)
		}
		switch {
		case port.Port == nil:
		case port.Port.Type == intstr.String:
			to.Name = port.Port.StrVal
		default:
			to.From, to.To = port.Port.IntVal, port.Port.IntVal
			if port.EndPort != nil {
				to.To = *port.EndPort
			}
		}
		r.Ports = append(r.Ports, to)
	}
	return r
}

func number(text string) (int32, bool) {
	n, err := strconv.ParseInt(text, 10, 32)
	return int32(n), err == nil
}
