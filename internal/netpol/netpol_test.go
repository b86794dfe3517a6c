package netpol

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

// with indexes the objects of a stream of manifests.
func with(t *testing.T, text string) *Index {
	t.Helper()
	docs, problems := manifest.Parse([]byte(text))
	for _, p := range problems {
		t.Fatal(p)
	}
	var objects []*manifest.Object
	for _, d := range docs {
		objects = append(objects, manifest.Objects(d, manifest.Origin{}, nil)...)
	}
	return Of(&lint.Pass{Objects: objects})
}

// web is what the policies of the tests are about.
const web = `
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: shop}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec:
      serviceAccountName: web
      containers: [{name: web, image: "registry.example/web:1.4.2"}]
---
`

// policy writes a policy of a kind.
func policy(api, kind, spec string) string {
	return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: one, namespace: shop}\n%s", api, kind, spec)
}

// TestPolicies says of one policy each whether it covers the pods, and whether
// what runs in the namespace is isolated by default: "" for none of it, else
// some of "covers", "ingress", "egress".
func TestPolicies(t *testing.T) {
	kubernetes := func(spec string) string { return policy("networking.k8s.io/v1", "NetworkPolicy", "spec: "+spec) }
	cilium := func(spec string) string { return policy("cilium.io/v2", "CiliumNetworkPolicy", "spec: "+spec) }
	clusterwide := func(spec string) string {
		return policy("cilium.io/v2", "CiliumClusterwideNetworkPolicy", "spec: "+spec)
	}
	calico := func(spec string) string { return policy("projectcalico.org/v3", "NetworkPolicy", "spec: "+spec) }
	global := func(spec string) string {
		return policy("crd.projectcalico.org/v1", "GlobalNetworkPolicy", "spec: "+spec)
	}
	admin := func(spec string) string {
		return policy("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", "spec: "+spec)
	}
	cluster := func(spec string) string {
		return policy("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", "spec: "+spec)
	}
	for _, tt := range []struct{ name, text, want string }{
		{"default deny of both", kubernetes("{podSelector: {}, policyTypes: [Ingress, Egress]}"), "covers ingress egress"},
		{"policyTypes default to Ingress", kubernetes("{podSelector: {}}"), "covers ingress"},
		{"empty egress is none", kubernetes("{podSelector: {}, egress: []}"), "covers ingress"},
		{"egress rules add Egress", kubernetes("{podSelector: {}, egress: [{to: [{podSelector: {}}]}]}"), "covers ingress egress"},
		{"policyTypes decide", kubernetes("{podSelector: {}, policyTypes: [Egress], ingress: [{}]}"), "covers egress"},
		{"an absent podSelector is an empty one", kubernetes("{policyTypes: [Ingress]}"), "covers ingress"},
		{"an allowance isolates from the rest", kubernetes("{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}"), "covers ingress"},
		{"one that allows all isolates from nothing", kubernetes("{podSelector: {}, ingress: [{}]}"), "covers"},
		{"nor does one for all addresses", kubernetes("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}"), "covers"},
		{"ports are a restriction", kubernetes("{podSelector: {}, ingress: [{ports: [{port: 80}]}]}"), "covers ingress"},
		{"all ports of TCP are none", kubernetes("{podSelector: {}, ingress: [{ports: [{protocol: TCP}]}]}"), "covers"},
		{"matchLabels", kubernetes("{podSelector: {matchLabels: {app: web}}}"), "covers"},
		{"matchLabels of another", kubernetes("{podSelector: {matchLabels: {app: db}}}"), ""},
		{"matchExpressions", kubernetes("{podSelector: {matchExpressions: [{key: tier, operator: In, values: [front, edge]}, {key: exempt, operator: DoesNotExist}]}}"), "covers"},
		{"an opt-out is a default deny", kubernetes("{podSelector: {matchExpressions: [{key: exempt, operator: DoesNotExist}]}}"), "covers ingress"},
		{"a label that a controller adds", kubernetes("{podSelector: {matchLabels: {pod-template-hash: abc}}}"), "covers ingress"},
		{"of another namespace", strings.Replace(kubernetes("{podSelector: {}}"), "namespace: shop", "namespace: blog", 1), ""},
		{"gone group", policy("extensions/v1beta1", "NetworkPolicy", "spec: {podSelector: {}}"), "covers ingress"},
		{"of another kind", policy("example.com/v1", "NetworkPolicy", "spec: {podSelector: {}}"), ""},

		{"an empty rule of Cilium allows nothing", cilium("{endpointSelector: {}, ingress: [{}], egress: [{}]}"), "covers ingress egress"},
		{"an empty list of Cilium's rules is none", cilium("{endpointSelector: {}, ingress: [], egress: []}"), ""},
		{"Cilium without rules", cilium("{endpointSelector: {}}"), ""},
		{"Cilium allows all", cilium("{endpointSelector: {}, ingress: [{fromEntities: [all]}]}"), "covers"},
		{"Cilium's label sources", cilium("{endpointSelector: {matchLabels: {'k8s:app': web, 'any:tier': front}}, ingress: [{}]}"), "covers"},
		{"a reserved label is no pod's", cilium("{endpointSelector: {matchLabels: {'reserved:ingress': ''}}, ingress: [{}]}"), ""},
		{"Cilium's specs", policy("cilium.io/v2", "CiliumNetworkPolicy", "specs: [{endpointSelector: {matchLabels: {app: db}}, ingress: [{}]}, {endpointSelector: {}, egress: [{}]}]"), "covers egress"},
		{"Cilium's denial isolates", cilium("{endpointSelector: {}, ingressDeny: [{fromEntities: [world]}]}"), "covers ingress"},
		{"Cilium's denial without a default", cilium("{endpointSelector: {}, enableDefaultDeny: {ingress: false}, ingressDeny: [{fromEntities: [world]}]}"), "covers"},
		{"Cilium's allowance without a default", cilium("{endpointSelector: {}, enableDefaultDeny: {egress: false}, egress: [{toEntities: [cluster]}]}"), ""},
		{"Cilium's default alone", cilium("{endpointSelector: {}, enableDefaultDeny: {egress: true}}"), "covers egress"},
		{"Cilium's policy for nodes", clusterwide("{nodeSelector: {}, ingress: [{}]}"), ""},
		{"Cilium, clusterwide", clusterwide("{endpointSelector: {}, ingress: [{}]}"), "covers ingress"},
		{"Cilium, clusterwide but for a namespace", clusterwide("{endpointSelector: {matchExpressions: [{key: 'k8s:io.kubernetes.pod.namespace', operator: NotIn, values: [shop]}]}, ingress: [{}]}"), ""},
		{"Cilium, clusterwide for a namespace", clusterwide("{endpointSelector: {matchLabels: {'k8s:io.kubernetes.pod.namespace': shop}}, ingress: [{}]}"), "covers ingress"},
		{"Cilium, by the namespace's labels", clusterwide("{endpointSelector: {matchLabels: {io.cilium.k8s.namespace.labels.team: shop}}, ingress: [{}]}"), "covers ingress"},
		{"Cilium, by other labels of it", clusterwide("{endpointSelector: {matchLabels: {io.cilium.k8s.namespace.labels.team: blog}}, ingress: [{}]}"), ""},
		{"Cilium, by account", cilium("{endpointSelector: {matchLabels: {io.cilium.k8s.policy.serviceaccount: web}}, ingress: [{}]}"), "covers"},

		{"Calico without rules is about ingress", calico("{selector: all()}"), "covers ingress"},
		{"Calico without a selector", calico("{types: [Ingress, Egress]}"), "covers ingress egress"},
		{"Calico's egress alone", calico("{selector: all(), egress: [{action: Deny}]}"), "covers egress"},
		{"Calico allows all", calico("{selector: all(), ingress: [{action: Allow}]}"), "covers"},
		{"Calico allows ping", calico("{selector: all(), ingress: [{action: Allow, protocol: ICMP}]}"), "covers ingress"},
		{"Calico's expression", calico("{selector: \"app in {'web'} && !has(exempt)\"}"), "covers"},
		{"Calico's expression of another", calico("{selector: app == 'db'}"), ""},
		{"Calico, by account", calico("{serviceAccountSelector: team == 'shop'}"), "covers"},
		{"an expression that is wrong", calico("{selector: app = 'db'}"), "covers ingress"},
		{"Calico, global", global("{selector: all(), types: [Ingress]}"), "covers ingress"},
		{"Calico, but for a namespace", global("{selector: \"projectcalico.org/namespace not in {'shop'}\"}"), ""},
		{"Calico, by namespace", global("{namespaceSelector: team == 'shop'}"), "covers ingress"},
		{"Calico, by the namespace's name", global("{namespaceSelector: \"projectcalico.org/name in {'shop'}\"}"), "covers ingress"},
		{"Calico, by other labels of it", global("{namespaceSelector: team == 'blog'}"), ""},
		{"Calico, for nodes", global("{selector: all(), preDNAT: true, applyOnForward: true}"), ""},
		{"Calico, only staged", policy("projectcalico.org/v3", "StagedGlobalNetworkPolicy", "spec: {selector: all()}"), ""},
		{"Calico, in a tier that passes on", global("{tier: platform, selector: all()}") + "\n---\napiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: platform}\nspec: {defaultAction: Pass}", ""},

		{"admin, denies all", admin("{subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}"), "covers ingress"},
		{"admin, denies some", admin("{subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {matchLabels: {team: blog}}}]}]}"), "covers"},
		{"admin, denies a port", admin("{subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}], ports: [{portNumber: {protocol: TCP, port: 22}}]}]}"), "covers"},
		{"admin, denies addresses", admin("{subject: {pods: {namespaceSelector: {matchLabels: {team: shop}}, podSelector: {matchLabels: {app: web}}}}, egress: [{action: Deny, to: [{networks: [0.0.0.0/0]}]}]}"), "covers"},
		{"admin, allows", admin("{subject: {namespaces: {}}, ingress: [{action: Allow, from: [{namespaces: {}}]}]}"), ""},
		{"admin, of another namespace", admin("{subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: blog}}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}"), ""},
		{"cluster", cluster("{tier: Baseline, priority: 1, subject: {namespaces: {}}, egress: [{action: Deny, to: [{networks: ['0.0.0.0/0', '::/0']}]}]}"), "covers egress"},

		{"Kyverno makes policies", policy("kyverno.io/v1", "ClusterPolicy", "spec: {rules: [{generate: {kind: NetworkPolicy}}]}"), "covers ingress egress"},
		{"Kyverno clones policies", policy("kyverno.io/v1", "ClusterPolicy", "spec: {rules: [{generate: {cloneList: {kinds: [networking.k8s.io/v1/NetworkPolicy]}}}]}"), "covers ingress egress"},
		{"Kyverno makes something else", policy("kyverno.io/v1", "ClusterPolicy", "spec: {rules: [{generate: {kind: ResourceQuota}}]}"), ""},
		{"Antrea's are not read", policy("crd.antrea.io/v1beta1", "ClusterNetworkPolicy", "spec: {appliedTo: []}"), "covers ingress egress"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := with(t, web+tt.text)
			var got []string
			a := x.places[place{namespace: "shop"}]
			if a.Pods[0].Covered() {
				got = append(got, "covers")
			}
			for d, name := range []string{"ingress", "egress"} {
				if a.Denies(Direction(d)) {
					got = append(got, name)
				}
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("got %q, want %q", s, tt.want)
			}
		})
	}
}

func TestUndone(t *testing.T) {
	x := with(t, web+policy("networking.k8s.io/v1", "NetworkPolicy", "spec: {podSelector: {}, policyTypes: [Ingress, Egress]}")+"\n---\n"+
		policy("networking.k8s.io/v1", "NetworkPolicy", "spec: {podSelector: {}, policyTypes: [Egress], egress: [{}]}"))
	a := x.Areas[0]
	if !a.Denies(Ingress) || a.Denies(Egress) || a.Undone[Egress] == nil || a.Deny[Egress] == nil {
		t.Errorf("what a second policy allows is not isolated any more: %+v", a)
	}
}

func TestHostNetwork(t *testing.T) {
	x := with(t, strings.Replace(web, "serviceAccountName: web", "hostNetwork: true", 1)+policy("networking.k8s.io/v1", "NetworkPolicy", "spec: {podSelector: {matchLabels: {app: web}}}"))
	a := x.Areas[0]
	if len(a.Pods) != 0 || len(a.Hosts) != 1 || x.Selects(a.Policies[0]) || !a.Policies[0].SelectsHosts(a) {
		t.Errorf("no policy reaches pods on the network of their node: %+v", a)
	}
}

// TestSpeechless says of policies whether the pods can ask for addresses.
func TestSpeechless(t *testing.T) {
	shop := `{to: [{podSelector: {}}]}`
	for _, tt := range []struct {
		name, egress string
		want         bool
	}{
		{"nothing is allowed", ``, false},
		{"pods, no DNS", shop, true},
		{"pods and port 53 of everyone", shop + `, {ports: [{port: 53, protocol: UDP}]}`, false},
		{"port 53 of the namespace itself", shop + `, {to: [{podSelector: {matchLabels: {k8s-app: kube-dns}}}], ports: [{port: 53, protocol: UDP}]}`, true},
		{"port 53 of any namespace", shop + `, {to: [{namespaceSelector: {}}], ports: [{port: 53, protocol: UDP}]}`, false},
		{"port 53 of kube-system", shop + `, {to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}, podSelector: {matchLabels: {k8s-app: kube-dns}}}], ports: [{port: 53, protocol: UDP}]}`, false},
		{"port 53 of another namespace", shop + `, {to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: blog}}}], ports: [{port: 53, protocol: UDP}]}`, true},
		{"port 53 of a namespace by a label of its own", shop + `, {to: [{namespaceSelector: {matchLabels: {name: kube-system}}}], ports: [{port: 53, protocol: UDP}]}`, false},
		{"port 53 of an address", shop + `, {to: [{ipBlock: {cidr: 10.96.0.10/32}}], ports: [{port: 53, protocol: UDP}]}`, false},
		{"OpenShift", shop + `, {to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: openshift-dns}}}], ports: [{port: 5353, protocol: UDP}]}`, false},
		{"a named port", shop + `, {ports: [{port: dns, protocol: UDP}]}`, false},
		{"a range of ports", shop + `, {ports: [{port: 1, endPort: 1023, protocol: UDP}]}`, false},
		{"all of kube-system", `{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]}`, false},
		{"everything", `{}`, false},
		{"the internet at one port", `{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 25}]}`, true},
		{"the internet, or the API server", `{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 443}]}`, false},
		{"one address at one port", `{to: [{ipBlock: {cidr: 192.0.2.7/32}}], ports: [{port: 443}]}`, false},
		{"a port of everyone", `{ports: [{port: 5432}]}`, true},
		{"everyone, or the API server", `{ports: [{port: 6443}]}`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := with(t, web+policy("networking.k8s.io/v1", "NetworkPolicy", "spec: {podSelector: {}, policyTypes: [Egress], egress: ["+tt.egress+"]}"))
			if got := x.Areas[0].Pods[0].Speechless() != nil; got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	t.Run("another policy answers", func(t *testing.T) {
		x := with(t, web+policy("networking.k8s.io/v1", "NetworkPolicy", "spec: {podSelector: {}, policyTypes: [Egress], egress: ["+shop+"]}")+"\n---\n"+
			policy("cilium.io/v2", "CiliumClusterwideNetworkPolicy", "spec: {endpointSelector: {}, egress: [{toEndpoints: [{matchLabels: {'k8s:io.kubernetes.pod.namespace': kube-system}}], toPorts: [{ports: [{port: '53', protocol: ANY}]}]}]}"))
		if p := x.Areas[0].Pods[0].Speechless(); p != nil {
			t.Errorf("%v", p)
		}
	})
}

// TestPorts reads ports in every language.
func TestPorts(t *testing.T) {
	for _, tt := range []struct {
		api, kind, egress string
		takes, not        int32
	}{
		{"networking.k8s.io/v1", "NetworkPolicy", `{ports: [{port: 80, endPort: 90}]}`, 85, 91},
		{"cilium.io/v2", "CiliumNetworkPolicy", `{toPorts: [{ports: [{port: "80", endPort: 90, protocol: TCP}]}]}`, 90, 79},
		{"cilium.io/v2", "CiliumNetworkPolicy", `{toPorts: [{ports: [{port: "80"}]}]}`, 80, 81},
		{"projectcalico.org/v3", "NetworkPolicy", `{action: Allow, protocol: TCP, destination: {ports: ["80:90", 443]}}`, 443, 444},
		{"projectcalico.org/v3", "NetworkPolicy", `{action: Allow, protocol: TCP, destination: {ports: ["80:90", 443]}}`, 81, 92},
		{"policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", `{action: Allow, to: [{namespaces: {}}], ports: [{portRange: {start: 80, end: 90}}]}`, 90, 91},
		{"policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", `{action: Allow, to: [{namespaces: {}}], ports: [{portNumber: {protocol: TCP, port: 80}}, {namedPort: web}]}`, 80, 443},
		{"policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", `{action: Accept, to: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {range: {start: 80, end: 90}}}}]}`, 85, 91},
		{"policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", `{action: Accept, to: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {number: 80}}}, {udp: {}}]}`, 80, 81},
	} {
		docs, _ := manifest.Parse([]byte(policy(tt.api, tt.kind, "spec: {egress: ["+tt.egress+"]}")))
		policies := Parse(manifest.Objects(docs[0], manifest.Origin{}, nil)[0])
		if len(policies) != 1 || len(policies[0].Directions[Egress].Allows) != 1 {
			t.Errorf("%s: %+v", tt.egress, policies)
			continue
		}
		r := policies[0].Directions[Egress].Allows[0]
		if r.AnyPort || !r.Takes("TCP", tt.takes) || r.Takes("TCP", tt.not) {
			t.Errorf("%s: takes %d: %v; takes %d: %v", tt.egress, tt.takes, r.Takes("TCP", tt.takes), tt.not, r.Takes("TCP", tt.not))
		}
	}
}

// Cost follows the objects: of many policies and pods each policy looks only at
// the pods that have its label.
func TestCandidates(t *testing.T) {
	x := with(t, web+strings.Replace(web, "app: web", "app: db", 2)+strings.Replace(web, "app: web", "app: '${APP}'", 2))
	a := x.Areas[0]
	if len(a.Pods) != 3 {
		t.Fatalf("%d workloads", len(a.Pods))
	}
	for text, want := range map[string]int{
		"app == 'web'":                   2, // it, and the one that is not known
		"has(app) && app == 'web'":       2,
		"app in {'web', 'db', 'web'}":    3,
		"app == '${APP}'":                3,
		"app != 'web'":                   3,
		"app == 'web' || tier == 'back'": 3,
		"job-name == 'web'":              3,
		"projectcalico.org/namespace == 'shop' && app == 'none'": 3,
		"app == 'none'": 1,
	} {
		s, err := parseExpression(text)
		if err != nil {
			t.Fatal(err)
		}
		got := a.candidates(calicoLanguage, s)
		if len(got) != want {
			t.Errorf("%s: %d candidates, want %d", text, len(got), want)
		}
		for _, pod := range a.Pods {
			if s.eval(pod.labels(calicoLanguage)) != No && !slices.Contains(got, pod) {
				t.Errorf("%s takes the pods labelled %v, which are no candidates", text, pod.Workload.Meta.Labels)
			}
		}
	}
}
