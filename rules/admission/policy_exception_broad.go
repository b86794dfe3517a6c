package admission

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var policyExceptionBroad = &lint.Rule{
	ID: "policy-exception-broad", Severity: lint.Medium, Category: lint.Admission, Since: "0.1.0",
	Title: "exception from policies takes in too much",
	Why:   "The exception was made for one workload and holds for all: what is created tomorrow, by an attacker too, passes unchecked, and the policy still looks as if it were enforced.",
	Fix:   "Name the namespace and the objects that the exception is for, and the one policy that it is from.",
	Kinds: []schema.GroupKind{
		{Kind: "ConfigMap"},
		{Group: kyvernoGroup, Kind: "PolicyException"},
		{Group: kyvernoCELGroup, Kind: "PolicyException"},
		{Group: "config.gatekeeper.sh", Kind: "Config"},
	},
	Options: []lint.Option{{
		Name:    "system",
		Doc:     "Namespaces that Gatekeeper may leave out, because the cluster itself lives there; * stands for any characters.",
		Default: []string{"kube-*", "gatekeeper-system", "openshift-*", "calico-system", "tigera-operator", "gke-*", "cattle-*"},
		Valid:   lint.Glob,
	}},
	Check: func(p *lint.Pass) {
		switch o := p.Object; o.GVK.Group {
		case "":
			filters(p)
		case kyvernoGroup:
			exception(p)
		case kyvernoCELGroup:
			spec := o.Value("spec")
			if !spec.Get("matchConditions").Written() && !spec.Get("images").Written() && !spec.Get("allowedValues").Written() {
				p.Report(spec.Get("matchConditions").Path, "the exception has no condition: it holds for every object that the policy is for")
			}
		default:
			excluded(p)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: kyverno.io/v2
kind: PolicyException
metadata:
  name: host-path
  namespace: monitoring
spec:
  exceptions:
    - policyName: "*" # want: the exception is from every policy
      ruleNames: ["*"]
  match:
    any:
      - resources: # want: every Pod, Deployment in all namespaces
          kinds: [Pod, Deployment]
          names: ["*"]
      - resources:
          kinds: [Pod]
          namespaces: [monitoring]
          names: [node-exporter*]
-- bad-cel.yaml --
apiVersion: policies.kyverno.io/v1
kind: PolicyException
metadata:
  name: host-path
spec: # want: the exception has no condition
  policyRefs: [{name: host-path, kind: ValidatingPolicy}]
-- bad-gatekeeper.yaml --
apiVersion: config.gatekeeper.sh/v1alpha1
kind: Config
metadata:
  name: config
  namespace: gatekeeper-system
spec:
  match:
    - excludedNamespaces:
        - kube-*
        - shop # want: namespace "shop" is left out of every policy
      processes: ["*"]
    - excludedNamespaces: ["*"] # want: every namespace is left out
      processes: [webhook]
-- bad-filters.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: kyverno
  namespace: kyverno
data:
  resourceFilters: '[Event,*,*][*/*,kube-system,*][Pod,*,*]' # want: filter "[Pod,*,*]"
-- good.yaml --
apiVersion: kyverno.io/v2
kind: PolicyException
metadata:
  name: node-exporter
  namespace: monitoring
spec:
  exceptions:
    - policyName: disallow-host-path
      ruleNames: ["*"]
  match:
    any:
      - resources:
          kinds: [Pod, DaemonSet]
          namespaces: [monitoring]
          names: [node-exporter*]
      - resources:
          kinds: [Pod]
          selector: {matchLabels: {app: node-exporter}}
      - resources:
          kinds: [Pod]
        subjects: [{kind: ServiceAccount, name: backup, namespace: backup}]
---
# Of the filters in all, each narrows the others.
apiVersion: kyverno.io/v2
kind: PolicyException
metadata:
  name: all
spec:
  exceptions:
    - policyName: disallow-host-path
      ruleNames: [host-path]
  match:
    all:
      - resources: {kinds: [Pod]}
      - resources: {namespaces: [monitoring]}
---
apiVersion: kyverno.io/v2
kind: PolicyException
metadata:
  name: conditions
spec:
  exceptions:
    - policyName: disallow-host-path
      ruleNames: [host-path]
  match:
    any:
      - resources: {kinds: [Pod]}
  conditions:
    any:
      - {key: "{{ request.object.metadata.labels.app || '' }}", operator: Equals, value: node-exporter}
---
apiVersion: policies.kyverno.io/v1
kind: PolicyException
metadata:
  name: host-path
spec:
  policyRefs: [{name: host-path, kind: ValidatingPolicy}]
  matchConditions: [{name: name, expression: "object.metadata.name == 'node-exporter'"}]
---
apiVersion: config.gatekeeper.sh/v1alpha1
kind: Config
metadata:
  name: config
  namespace: gatekeeper-system
spec:
  match:
    - excludedNamespaces: [kube-system, gatekeeper-system]
      processes: ["*"]
    # Only what is kept for other policies to look at.
    - excludedNamespaces: [shop]
      processes: [sync]
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: kyverno
  namespace: kyverno
data:
  resourceFilters: >-
    [Event,*,*]
    [*/*,kube-system,*]
    [Node,*,*]
    [Pod/binding,*,*]
    [Pod,kyverno,*]
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
data:
  resourceFilters: "[Pod,*,*]"
`,
}

// exception reports an exception of Kyverno that names neither what it is for nor
// what it is from.
func exception(p *lint.Pass) {
	spec := p.Object.Value("spec")
	for _, e := range spec.Get("exceptions").Items() {
		if name := e.Get("policyName"); name.Text() == "*" {
			p.Report(name.Path, "the exception is from every policy")
		}
	}
	if spec.Get("conditions").Written() {
		return
	}
	match := spec.Get("match")
	for _, filter := range match.Get("any").Items() {
		unbounded(p, filter)
	}
	if all := match.Get("all").Items(); len(all) > 0 && !slices.ContainsFunc(all, bounded) {
		unbounded(p, all[0])
	}
}

func unbounded(p *lint.Pass, filter manifest.Value) {
	if bounded(filter) {
		return
	}
	resources := filter.Get("resources")
	p.Report(resources.Path, "the exception holds for every %s in all namespaces", strings.Join(resources.Get("kinds").Texts(), ", "))
}

// bounded says that a filter takes less than all objects of its kinds.
func bounded(filter manifest.Value) bool {
	for _, who := range []string{"subjects", "roles", "clusterRoles"} {
		if filter.Get(who).Len() > 0 {
			return true
		}
	}
	resources := filter.Get("resources")
	for _, list := range []string{"names", "namespaces"} {
		if texts := resources.Get(list).Texts(); len(texts) > 0 && !slices.Contains(texts, "*") {
			return true
		}
	}
	for _, narrows := range []string{"selector", "namespaceSelector", "annotations"} {
		if resources.Get(narrows).Len() > 0 {
			return true
		}
	}
	name := resources.Get("name").Text()
	return name != "" && name != "*"
}

// excluded reports the namespaces that Gatekeeper's configuration leaves out:
// https://open-policy-agent.github.io/gatekeeper/website/docs/exempt-namespaces.
func excluded(p *lint.Pass) {
	for _, m := range p.Object.Value("spec", "match").Items() {
		processes := m.Get("processes").Texts()
		if !slices.Contains(processes, "*") && !slices.Contains(processes, "webhook") {
			continue
		}
		for _, namespace := range m.Get("excludedNamespaces").Items() {
			switch name := namespace.Text(); {
			case name == "*":
				p.Report(namespace.Path, "every namespace is left out of every policy")
			case name != "" && namespace.Known() && !p.Matches("system", name):
				p.Report(namespace.Path, "namespace %q is left out of every policy", name)
			}
		}
	}
}

// guarded are kinds that policies are there for.
var guarded = []string{
	"*", "*/*", "*/*/*", "Pod", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob",
	"Service", "Ingress", "Secret", "Namespace", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding",
}

// filters reports the filters of Kyverno's configuration that keep whole kinds
// from its policies: [kind,namespace,name], as
// https://kyverno.io/docs/installation/customization/#resource-filters has them.
func filters(p *lint.Pass) {
	v := p.Object.Value("data", "resourceFilters")
	if !v.Written() || p.Object.Name != "kyverno" && !strings.HasPrefix(p.Object.Name, "kyverno-") {
		return
	}
	for filter := range strings.SplitSeq(v.Text(), "[") {
		filter, _, ok := strings.Cut(filter, "]")
		if !ok {
			continue
		}
		parts := append(strings.Split(filter, ","), "*", "*")
		kind, namespace, name := strings.TrimSpace(parts[0]), strings.TrimSpace(parts[1]), strings.TrimSpace(parts[2])
		if slices.Contains(guarded, kind) && (namespace == "*" || namespace == "") && (name == "*" || name == "") {
			p.Report(v.Path, "filter %q keeps a whole kind from every policy", "["+filter+"]")
		}
	}
}
