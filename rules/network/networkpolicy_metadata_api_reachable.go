package network

import (
	"net/netip"

	"github.com/scantling-dev/scantling/internal/netpol"
	"github.com/scantling-dev/scantling/lint"
)

var networkpolicyMetadataAPIReachable = &lint.Rule{
	ID: "networkpolicy-metadata-api-reachable", Severity: lint.Medium, Category: lint.Network, Since: "0.1.0",
	Title:      "egress reaches the cloud's metadata service",
	Why:        "At 169.254.169.254, port 80, AWS, Azure and Google Cloud hand out the credentials of the node to whoever asks. A pod that is broken into, or only made to fetch a URL, takes the rights of the node, often over the whole account.",
	Fix:        "Add 169.254.169.254/32 (fd00:ec2::254/128 for IPv6 on AWS) to the except list of the block.",
	Frameworks: []string{"MITRE:T1552.005"},
	Profile:    lint.Strict,
	Kinds:      netpol.Kinds,
	Check: func(p *lint.Pass) {
		eachSection(p.Object, netpol.Egress, func(_ *netpol.Policy, s netpol.Section) {
			for _, r := range s.Allows {
				// Of a rule that lets everything out networkpolicy-allows-all-egress
				// speaks; the service answers at one port.
				if r.Open() != nil || !r.Takes("TCP", 80) {
					continue
				}
				for _, peer := range r.Peers {
					if address := metadataIn(peer.Block); address != "" {
						p.Report(peer.Path, "the block %s holds the metadata service at %s", peer.Block.CIDR, address)
					}
				}
			}
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Egress]
  egress:
    - to:
        - ipBlock:
            cidr: 0.0.0.0/0 # want: the block 0.0.0.0/0 holds the metadata service at 169.254.169.254
            except: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16]
        - ipBlock:
            cidr: "::/0" # want: at fd00:ec2::254
      ports:
        - port: 80
        - port: 443
    - to:
        - ipBlock:
            cidr: 169.254.0.0/16 # want: the block 169.254.0.0/16
-- bad-cilium.yaml --
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web}
spec:
  endpointSelector: {matchLabels: {app: web}}
  egress:
    - toCIDRSet:
        - cidr: 0.0.0.0/0 # want: at 169.254.169.254
          except: [10.0.0.0/8]
-- bad-calico.yaml --
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: web}
spec:
  egress:
    - action: Allow
      destination:
        notNets: # want: at 169.254.169.254
          - 10.0.0.0/8
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - ipBlock: {cidr: 169.254.0.0/16}
  egress:
    - to:
        - ipBlock:
            cidr: 0.0.0.0/0
            except: [169.254.169.254/32]
        - ipBlock:
            cidr: 0.0.0.0/0
            except: [169.254.0.0/16]
        - ipBlock: {cidr: 10.0.0.0/8}
        - ipBlock:
            cidr: 0.0.0.0/0
            except: ["${METADATA}"]
    # The service does not answer at this port.
    - to:
        - ipBlock: {cidr: 0.0.0.0/0}
      ports:
        - port: 443
---
# networkpolicy-allows-all-egress speaks for this one.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: out}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
    - to:
        - ipBlock: {cidr: 0.0.0.0/0}
`,
}

// metadataIn is the address of a metadata service that a block holds, or "":
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html.
func metadataIn(b *netpol.Block) string {
	if b == nil {
		return ""
	}
	for _, address := range []string{"169.254.169.254", "fd00:ec2::254"} {
		if b.Holds(netip.MustParseAddr(address)) {
			return address
		}
	}
	return ""
}
