package netpol

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
)

// calico reads a NetworkPolicy or GlobalNetworkPolicy of Calico:
// https://docs.tigera.io/calico/latest/reference/resources/globalnetworkpolicy.
// Staged ones are other kinds: they have no effect.
func calico(o *manifest.Object) []*Policy {
	spec := o.Value("spec")
	// Those are about the addresses of nodes.
	if spec.Get("preDNAT").True() || spec.Get("doNotTrack").True() {
		return nil
	}
	p := &Policy{
		Object:       o,
		Global:       o.GVK.Kind == "GlobalNetworkPolicy",
		SelectorPath: spec.Get("selector").Path,
		language:     calicoLanguage,
		tier:         spec.Get("tier").Text(),
		namespaces:   constant(Yes),
		pods:         expressionAt(spec.Get("selector")),
	}
	if p.Global {
		p.namespaces = expressionAt(spec.Get("namespaceSelector"))
	}
	if account := expressionAt(spec.Get("serviceAccountSelector")); !everything(account) {
		// The labels of accounts are not looked at, but some have them not.
		p.pods = and(p.pods, someAccounts{})
	}
	types := spec.Get("types").Texts()
	ingress, egress := spec.Get("ingress"), spec.Get("egress")
	named := len(types) > 0
	if !named {
		if egress.Len() > 0 {
			types = append(types, "Egress")
		}
		if ingress.Len() > 0 || egress.Len() == 0 {
			types = append(types, "Ingress")
		}
	}
	p.Directions[Ingress] = calicoSection(p, ingress, slices.Contains(types, "Ingress"), "source")
	p.Directions[Egress] = calicoSection(p, egress, slices.Contains(types, "Egress"), "destination")
	return []*Policy{p}
}

// someAccounts selects pods by what is not known of their service accounts.
type someAccounts struct{}

func (someAccounts) eval(l labels) Truth {
	if name, _ := l(calicoAccount); name == "" {
		return No
	}
	return Maybe
}

func (someAccounts) must() (string, []string, bool) { return "", nil, false }

func calicoSection(p *Policy, rules manifest.Value, on bool, peer string) Section {
	s := Section{Path: rules.Path, Isolates: on, Ignored: !on && rules.Len() > 0}
	if !on {
		return s
	}
	for _, rule := range rules.Items() {
		switch rule.Get("action").Text() {
		case "Deny":
			s.Denies = true
		case "Allow":
			s.Allows = append(s.Allows, calicoAllow(p, rule, peer))
		}
	}
	return s
}

func calicoAllow(p *Policy, rule manifest.Value, peer string) Rule {
	r := Rule{Path: rule.Path}
	protocol, ports := rule.Get("protocol").Text(), rule.Get("destination", "ports")
	for _, port := range ports.Items() {
		r.Ports = append(r.Ports, portOf(protocol, port.Text(), 0))
	}
	narrow := rule.Get("notProtocol").Written() || rule.Get("icmp").Written() || rule.Get("http").Written() ||
		rule.Get("destination", "notPorts").Written() || rule.Get("source", "ports").Written()
	r.AnyPort = ports.Len() == 0 && protocol == "" && !narrow
	if ports.Len() == 0 && protocol != "" && !narrow {
		r.Ports = append(r.Ports, portOf(protocol, "0", 0))
	}
	entity := rule.Get(peer)
	selected := false
	for _, name := range []string{"selector", "notSelector", "namespaceSelector", "serviceAccounts", "services"} {
		selected = selected || entity.Get(name).Written()
	}
	nets := entity.Get("nets").Items()
	if net := entity.Get("net"); net.Written() {
		nets = append(nets, net)
	}
	except := entity.Get("notNets").Texts()
	switch {
	case len(nets) > 0:
		for _, net := range nets {
			r.Peers = append(r.Peers, Peer{Path: net.Path, Block: &Block{net.Text(), except}})
		}
	case len(except) > 0:
		r.Peers = append(r.Peers, Peer{Path: entity.Get("notNets").Path, Block: &Block{"0.0.0.0/0", except}})
	case selected:
		r.Peers = append(r.Peers, Peer{Path: entity.Path, Pods: calicoPods(p, entity)})
	default:
		r.Anyone = !entitySays(entity)
		if !r.Anyone {
			r.Peers = append(r.Peers, Peer{Path: entity.Path})
		}
	}
	return r
}

// entitySays says that an entity is about more than ports.
func entitySays(entity manifest.Value) bool {
	for name := range entity.Entries() {
		if name != "ports" && name != "notPorts" {
			return true
		}
	}
	return false
}

// calicoPods are the pods that an entity of a rule selects: those of the
// policy's own namespace unless it says another.
func calicoPods(p *Policy, entity manifest.Value) *Pods {
	pods := &Pods{
		Own:        !p.Global && !entity.Get("namespaceSelector").Written(),
		namespaces: expressionAt(entity.Get("namespaceSelector")),
		pods:       expressionAt(entity.Get("selector")),
	}
	if entity.Get("notSelector").Written() || entity.Get("serviceAccounts").Written() || entity.Get("services").Written() {
		pods.pods, pods.Own = constant(Maybe), false
	}
	return pods
}

const (
	calicoNamespace     = "projectcalico.org/namespace"
	calicoName          = "projectcalico.org/name"
	calicoOrchestrator  = "projectcalico.org/orchestrator"
	calicoAccount       = "projectcalico.org/serviceaccount"
	calicoNamespaceMark = "pcns."
	calicoAccountMark   = "pcsa."
)
