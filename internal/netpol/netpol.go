// Package netpol reads network policies, whoever's language they are written in:
// which pods one selects, in which direction it isolates them, and what it lets
// through. It answers for NetworkPolicy, for the policies of Cilium and Calico,
// and for those of the Network Policy API (AdminNetworkPolicy,
// BaselineAdminNetworkPolicy, ClusterNetworkPolicy).
package netpol

import (
	"net/netip"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Direction is that of a connection, as the pod sees it.
type Direction int

// The directions.
const (
	Ingress Direction = iota
	Egress
)

// Policy is what one object, or one of several rules in an object, says of the
// pods that it selects.
type Policy struct {
	Object *manifest.Object
	// Global says that the policy may select pods of any namespace.
	Global bool
	// SelectorPath leads to what selects the pods, or would be written there.
	SelectorPath *field.Path
	// Directions are what it says of Ingress and of Egress.
	Directions [2]Section

	language language
	tier     string
	opaque   bool // what it allows is not known
	// namespaces and pods select together; everything is selected by both.
	namespaces, pods selector
}

// Section is what a policy says of one direction.
type Section struct {
	// Path leads to the rules, written or not.
	Path *field.Path
	// Isolates says that nothing reaches the pods but what some rule allows.
	Isolates bool
	// Denies says that something is denied by a rule of its own.
	Denies bool
	// Allows are the rules that let something through.
	Allows []Rule
	// Ignored says that rules are written that have no effect, since the policy
	// says that it is not about this direction.
	Ignored bool
}

// Rule lets something through: what comes from, or goes to, one of the peers at
// one of the ports.
type Rule struct {
	Path *field.Path
	// Anyone says that the rule names no peers and so means all.
	Anyone bool
	Peers  []Peer
	// AnyPort says that the rule names no ports and so means all.
	AnyPort bool
	Ports   []Port
}

// Peer is one who a rule is about; one of its fields says who.
type Peer struct {
	Path *field.Path
	// World is every address outside of the cluster, or everything.
	World bool
	Block *Block
	// Pods are those that selectors take; Own says that it is about those in the
	// policy's own namespace.
	Pods *Pods
}

// Pods are pods that a peer selects.
type Pods struct {
	Own              bool
	namespaces, pods selector
}

// Block is a range of addresses.
type Block struct {
	CIDR   string
	Except []string
}

// Port is one port, or the ports from one to another; From is 0 for all, and
// for one with a name.
type Port struct {
	Protocol string
	From, To int32
	Name     string
}

// Covers says that the policy says something of the pods that it selects.
func (p *Policy) Covers() bool {
	for _, s := range p.Directions {
		if s.Isolates || s.Denies {
			return true
		}
	}
	return false
}

// SelectsAll says that the policy selects all pods of its scope.
func (p *Policy) SelectsAll() bool { return everything(p.pods) && everything(p.namespaces) }

// Open is where the section lets everything through, nil if nowhere.
func (s Section) Open() *field.Path {
	for _, r := range s.Allows {
		if at := r.Open(); at != nil {
			return at
		}
	}
	return nil
}

// Open is where the rule lets everything through, nil if nowhere: no peers, or
// all addresses there are, at all ports.
func (r Rule) Open() *field.Path {
	if !r.allPorts() {
		return nil
	}
	if r.Anyone {
		return r.Path
	}
	for _, p := range r.Peers {
		if p.World || p.Block.all() {
			return p.Path
		}
	}
	return nil
}

// allPorts says that the rule is about all ports of TCP, at least.
func (r Rule) allPorts() bool {
	if r.AnyPort {
		return true
	}
	for _, p := range r.Ports {
		if p.Name == "" && (p.Protocol == "TCP" || p.Protocol == "") && (p.From == 0 || p.From == 1 && p.To == 65535) {
			return true
		}
	}
	return false
}

// Takes says that the rule is about a port.
func (r Rule) Takes(protocol string, port int32) bool {
	if r.AnyPort {
		return true
	}
	for _, p := range r.Ports {
		if p.Name == "" && (p.Protocol == protocol || p.Protocol == "") && (p.From == 0 || p.From <= port && port <= max(p.To, p.From)) {
			return true
		}
	}
	return false
}

// all says that the block is the addresses that there are of its family.
func (b *Block) all() bool {
	if b == nil || len(b.Except) > 0 {
		return false
	}
	prefix, err := netip.ParsePrefix(b.CIDR)
	return err == nil && prefix.Bits() == 0
}

// Holds says that an address is in the block, and in no exception.
func (b *Block) Holds(address netip.Addr) bool {
	if prefix, err := netip.ParsePrefix(b.CIDR); err != nil || !prefix.Contains(address) {
		return false
	}
	for _, e := range b.Except {
		prefix, err := netip.ParsePrefix(e)
		// Of an exception that is not known, or not right, the best is thought.
		if err != nil || prefix.Contains(address) {
			return false
		}
	}
	return true
}

// AnyPod says that the peer is all pods of all namespaces.
func (p Peer) AnyPod() bool {
	return p.Pods != nil && !p.Pods.Own && everything(p.Pods.namespaces) && everything(p.Pods.pods)
}

const (
	groupCilium = "cilium.io"
	groupAPI    = "policy.networking.k8s.io"
)

// calicoGroups are the groups of Calico's API: that of its own server, and that
// of the resources that it stores.
var calicoGroups = []string{"projectcalico.org", "crd.projectcalico.org"}

// Kinds are the kinds of policies that Parse reads.
var Kinds = []schema.GroupKind{
	{Group: "networking.k8s.io", Kind: "NetworkPolicy"},
	{Group: "extensions", Kind: "NetworkPolicy"},
	{Group: groupCilium, Kind: "CiliumNetworkPolicy"},
	{Group: groupCilium, Kind: "CiliumClusterwideNetworkPolicy"},
	{Group: calicoGroups[0], Kind: "NetworkPolicy"},
	{Group: calicoGroups[0], Kind: "GlobalNetworkPolicy"},
	{Group: calicoGroups[1], Kind: "NetworkPolicy"},
	{Group: calicoGroups[1], Kind: "GlobalNetworkPolicy"},
	{Group: groupAPI, Kind: "AdminNetworkPolicy"},
	{Group: groupAPI, Kind: "BaselineAdminNetworkPolicy"},
	{Group: groupAPI, Kind: "ClusterNetworkPolicy"},
}

// readers read the kinds.
var readers = map[schema.GroupKind]func(*manifest.Object) []*Policy{
	Kinds[0]:  kubernetes,
	Kinds[1]:  kubernetes,
	Kinds[2]:  cilium,
	Kinds[3]:  cilium,
	Kinds[4]:  calico,
	Kinds[5]:  calico,
	Kinds[6]:  calico,
	Kinds[7]:  calico,
	Kinds[8]:  admin,
	Kinds[9]:  admin,
	Kinds[10]: admin,
}

// Parse reads the policies of an object; there are none in one of another kind.
func Parse(o *manifest.Object) []*Policy {
	read, ok := readers[o.GroupKind()]
	if !ok {
		return nil
	}
	return read(o)
}

// portOf reads a port as Cilium and Calico write it: a number, a range "80:90",
// or a name.
func portOf(protocol, text string, end int32) Port {
	p := Port{Protocol: strings.ToUpper(protocol)}
	if p.Protocol == "ANY" {
		p.Protocol = ""
	}
	from, to, ranged := strings.Cut(text, ":")
	first, ok := number(from)
	if !ok {
		p.Name = text
		return p
	}
	p.From, p.To = first, max(first, end)
	if last, ok := number(to); ranged && ok {
		p.To = last
	}
	return p
}
