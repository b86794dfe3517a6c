package reliability

import (
	"errors"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

var dnsConfigOptionsMissing = &lint.Rule{
	ID:       "dns-config-options-missing",
	Title:    "options of the DNS resolver are not set",
	Why:      "In a pod a name with fewer than five dots is first looked up in all the cluster's search domains. For each name outside of the cluster that is several queries that fail before one succeeds, which burdens the cluster's DNS and slows down every connection.",
	Fix:      "Set the option in dnsConfig.options; for ndots: name: ndots, value: \"2\".",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Options: []lint.Option{{
		Name:    "options",
		Doc:     "The options that dnsConfig must have, as name or as name=value.",
		Default: []string{"ndots=2"},
		Valid: func(s string) error {
			if strings.HasPrefix(s, "=") || s == "" {
				return errors.New("it is a name or name=value, such as ndots=2")
			}
			return nil
		},
	}},
	Check: func(p *lint.Pass) {
		w := p.Workload()
		// With the node's resolver there are no search domains of the cluster. A
		// pod in the node's network has it, too, unless it says otherwise.
		policy := w.Pod.DNSPolicy
		if w.IsZero() || policy == corev1.DNSDefault || w.Pod.HostNetwork && policy != corev1.DNSClusterFirstWithHostNet && policy != corev1.DNSNone {
			return
		}
		at := w.Path.Child("dnsConfig", "options")
		if !p.Object.ValueAt(w.Path.Child("dnsConfig")).Known() {
			return
		}
		var set []corev1.PodDNSConfigOption
		if w.Pod.DNSConfig != nil {
			set = w.Pod.DNSConfig.Options
		}
		for _, wanted := range p.Option("options") {
			name, value, _ := strings.Cut(wanted, "=")
			if !slices.ContainsFunc(set, func(o corev1.PodDNSConfigOption) bool {
				return o.Name == name && (value == "" || o.Value != nil && *o.Value == value)
			}) {
				p.Report(at, "the pod's resolver has no option %q", wanted)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: # want: the pod's resolver has no option "ndots=2"
      containers:
        - name: web
          image: registry.example/web:1.4.2
-- bad-value.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostNetwork: true
  dnsPolicy: ClusterFirstWithHostNet
  dnsConfig:
    options: # want: ndots=2
      - {name: ndots, value: "5"}
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- bad-option.yaml --
# options: options=edns0
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  dnsConfig:
    options: # want: the pod's resolver has no option "edns0"
      - {name: ndots, value: "2"}
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  dnsConfig:
    options:
      - {name: ndots, value: "2"}
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
# The node's resolver.
apiVersion: v1
kind: Pod
metadata:
  name: agent
spec:
  hostNetwork: true
  containers:
    - name: agent
      image: registry.example/agent:1.4.2
---
apiVersion: v1
kind: Pod
metadata:
  name: mail
spec:
  dnsPolicy: Default
  containers:
    - name: mail
      image: registry.example/mail:1.4.2
---
apiVersion: v1
kind: Pod
metadata:
  name: substituted
spec:
  dnsConfig:
    options:
      - {name: ndots, value: "${NDOTS}"}
  containers:
    - name: web
      image: registry.example/web:1.4.2
`,
}
