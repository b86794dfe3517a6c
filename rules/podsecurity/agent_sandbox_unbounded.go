package podsecurity

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	networkingv1 "k8s.io/api/networking/v1"
)

var agentSandboxUnbounded = &lint.Rule{
	ID:       "agent-sandbox-unbounded",
	Title:    "sandbox for agents has no bounds",
	Why:      "A sandbox runs code that an agent wrote or was talked into. If it reaches the cluster's own network it can attack the API server, the node's metadata service and every other pod; if it has no CPU limit one endless loop slows down all pods of its node.",
	Fix:      "Leave networkPolicyManagement at Managed and networkPolicy unset, which allows the public Internet alone, or name in each egress rule whom it leads to. Set resources.limits.cpu for each container.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.PodSecurity,
	Profile:  lint.Strict,
	Kinds:    sandboxKinds,
	// The rules on images and memory limits judge these pods as any others. A CPU
	// limit, which most workloads are better without, is only here a must.
	Check: func(p *lint.Pass) {
		spec := p.Object.Value("spec")
		if p.Object.GroupKind() == kindSandboxTemplate {
			reportEgress(p, spec)
		}
		pod := spec.Get("podTemplate", "spec")
		if pod.Get("resources", "limits", "cpu").Written() {
			return
		}
		for _, list := range []string{"initContainers", "containers"} {
			for _, c := range pod.Get(list).Items() {
				if limit := c.Get("resources", "limits", "cpu"); !limit.Written() {
					p.ReportAs(lint.Medium, limit.Path, "container %q of the sandbox has no CPU limit", c.Get("name").Text())
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: extensions.agents.x-k8s.io/v1beta1
kind: SandboxTemplate
metadata:
  name: python
spec:
  networkPolicyManagement: Unmanaged # want medium: no network policy is made
  podTemplate:
    spec:
      initContainers:
        - name: setup # want medium: container "setup" of the sandbox has no CPU limit
          image: registry.example/setup:1.0.0
      containers:
        - name: python
          image: registry.example/python:3.13.0
          resources:
            limits: # want: container "python"
              memory: 1Gi
-- bad-egress.yaml --
apiVersion: extensions.agents.x-k8s.io/v1alpha1
kind: SandboxTemplate
metadata:
  name: python
spec:
  networkPolicy:
    egress:
      - {} # want high: leads everywhere
      - ports: # want: leads everywhere
          - {port: 53, protocol: UDP}
          - {port: 443}
      - to:
          - podSelector: {matchLabels: {app: proxy}}
          - ipBlock:
              cidr: 0.0.0.0/0 # want: leads to every address
          - namespaceSelector: {} # want: leads to the pods of all namespaces
  podTemplate:
    spec:
      resources:
        limits: {cpu: "1", memory: 1Gi}
      containers:
        - name: python
          image: registry.example/python:3.13.0
-- bad-sandbox.yaml --
apiVersion: agents.x-k8s.io/v1beta1
kind: Sandbox
metadata:
  name: python
spec:
  podTemplate:
    spec:
      containers:
        - name: python # want: container "python"
          image: registry.example/python:3.13.0
-- good.yaml --
# What is not set is managed: the public Internet alone is open.
apiVersion: extensions.agents.x-k8s.io/v1beta1
kind: SandboxTemplate
metadata:
  name: python
spec:
  podTemplate:
    spec:
      containers:
        - name: python
          image: registry.example/python:3.13.0
          resources:
            limits: {cpu: "1", memory: 1Gi}
---
# Names may be looked up anywhere; public addresses are not the cluster's.
apiVersion: extensions.agents.x-k8s.io/v1beta1
kind: SandboxTemplate
metadata:
  name: node
spec:
  networkPolicyManagement: Managed
  networkPolicy:
    ingress:
      - {}
    egress:
      - ports:
          - {port: 53, protocol: UDP}
          - {port: 53, protocol: TCP}
      - to:
          - ipBlock:
              cidr: 0.0.0.0/0
              except: [10.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16]
          - namespaceSelector: {}
            podSelector: {matchLabels: {app: proxy}}
  podTemplate:
    spec:
      resources:
        limits: {cpu: "1", memory: 1Gi}
      containers:
        - name: node
          image: registry.example/node:24.0.0
---
# A kind of another group.
apiVersion: example.com/v1
kind: SandboxTemplate
metadata:
  name: other
spec:
  networkPolicyManagement: Unmanaged
`,
}

// reportEgress reports what of the cluster's network the sandboxes of a template
// reach. Without a policy of its own the controller allows public addresses only.
func reportEgress(p *lint.Pass, spec manifest.Value) {
	if management := spec.Get("networkPolicyManagement"); management.Text() == "Unmanaged" {
		// Something else may bound them, such as a policy of Cilium's.
		p.ReportAs(lint.Medium, management.Path, "no network policy is made for the sandboxes")
		return
	}
	for _, rule := range spec.Get("networkPolicy", "egress").Items() {
		var egress networkingv1.NetworkPolicyEgressRule
		rule.Decode(&egress)
		if len(egress.To) == 0 {
			if !onlyDNS(egress.Ports) {
				p.Report(rule.Path, "an egress rule of the sandboxes leads everywhere")
			}
			continue
		}
		for i, to := range egress.To {
			path := rule.Path.Child("to").Index(i)
			switch {
			case to.IPBlock != nil:
				if len(to.IPBlock.Except) == 0 && (to.IPBlock.CIDR == "0.0.0.0/0" || to.IPBlock.CIDR == "::/0") {
					p.Report(path.Child("ipBlock", "cidr"), "an egress rule of the sandboxes leads to every address, those of the cluster included")
				}
			case to.PodSelector == nil && to.NamespaceSelector != nil &&
				len(to.NamespaceSelector.MatchLabels)+len(to.NamespaceSelector.MatchExpressions) == 0:
				p.Report(path.Child("namespaceSelector"), "an egress rule of the sandboxes leads to the pods of all namespaces")
			}
		}
	}
}

func onlyDNS(ports []networkingv1.NetworkPolicyPort) bool {
	for _, port := range ports {
		if port.Port == nil || port.EndPort != nil || port.Port.IntValue() != 53 {
			return false
		}
	}
	return len(ports) > 0
}
