package reliability

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	kindNamespace     = schema.GroupKind{Kind: "Namespace"}
	kindResourceQuota = schema.GroupKind{Kind: "ResourceQuota"}
)

// quotaMakers are kinds that put a ResourceQuota or a LimitRange into namespaces:
// Kyverno's generate rules, Capsule's tenants, OpenShift's quotas across projects.
var quotaMakers = []schema.GroupKind{
	{Group: "kyverno.io", Kind: "ClusterPolicy"},
	{Group: "capsule.clastix.io", Kind: "Tenant"},
	{Group: "quota.openshift.io", Kind: "ClusterResourceQuota"},
}

var resourceQuotaMissing = &lint.Rule{
	ID:         "resource-quota-missing",
	Title:      "namespace has no quota for CPU and memory",
	Why:        "Without a ResourceQuota the workloads of one namespace can take all nodes: a runaway autoscaler, a loop that makes Jobs or an attacker who mines coins starves every other tenant, and runs up the bill.",
	Fix:        "Add a ResourceQuota to the namespace that bounds requests, and limits if they are used, for cpu and memory.",
	Since:      "0.1.0",
	Severity:   lint.Low,
	Category:   lint.Reliability,
	Frameworks: []string{"MITRE:T1496"},
	Profile:    lint.Strict,
	Kinds:      []schema.GroupKind{kindNamespace},
	Joins:      append([]schema.GroupKind{kindResourceQuota}, quotaMakers...),
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		if generated(p, kindResourceQuota.Kind) {
			return
		}
		bounded := map[string]map[string]bool{} // resources, by namespace
		for _, o := range x.Kind("", kindResourceQuota.Kind) {
			q, ok := o.Typed().(*corev1.ResourceQuota)
			if !ok {
				continue
			}
			if bounded[o.Namespace] == nil {
				bounded[o.Namespace] = map[string]bool{}
			}
			for name := range q.Spec.Hard {
				bounded[o.Namespace][strings.TrimPrefix(strings.TrimPrefix(string(name), "requests."), "limits.")] = true
			}
		}
		for _, o := range tenantNamespaces(p) {
			set, any := bounded[o.Name]
			var lacking []string
			for _, resource := range []string{"cpu", "memory"} {
				// A quota whose namespace is not known may be meant for this one.
				if !set[resource] && !bounded[""][resource] {
					lacking = append(lacking, resource)
				}
			}
			switch {
			case len(lacking) == 0:
			case any:
				p.ReportOn(o, p.Rule.Severity, nil, "no ResourceQuota of namespace %q bounds %s", o.Name, strings.Join(lacking, " or "))
			default:
				p.ReportOn(o, p.Rule.Severity, nil, "namespace %q has no ResourceQuota", o.Name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1 # want: namespace "shop" has no ResourceQuota
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1 # want: no ResourceQuota of namespace "jobs" bounds memory
kind: Namespace
metadata: {name: jobs}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: quota, namespace: jobs}
spec:
  hard: {requests.cpu: "10", pods: "20"}
-- good.yaml --
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
# Several add up.
apiVersion: v1
kind: ResourceQuota
metadata: {name: cpu, namespace: shop}
spec:
  hard: {limits.cpu: "10", count/jobs.batch: "5"}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: memory, namespace: shop}
spec:
  hard: {memory: 10Gi}
---
# It is the cluster's own.
apiVersion: v1
kind: Namespace
metadata: {name: kube-system}
-- good-incomplete.yaml --
# incomplete
apiVersion: v1
kind: Namespace
metadata: {name: shop}
-- good-generated.yaml --
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: quota}
spec:
  rules:
    - name: quota
      match: {any: [{resources: {kinds: [Namespace]}}]}
      generate: {apiVersion: v1, kind: ResourceQuota, name: default}
`,
}

// tenantNamespaces are the Namespaces of which all is known but that are not the
// cluster's own.
func tenantNamespaces(p *lint.Pass) []*manifest.Object {
	var all []*manifest.Object
	for _, o := range cluster.Of(p).Kind("", kindNamespace.Kind) {
		// $(name) is a variable of kustomize that was not filled in.
		if !strings.HasPrefix(o.Name, "kube-") && !strings.Contains(o.Name, "$(") && manifest.Known(o.Name) && p.Complete(o.Name) {
			all = append(all, o)
		}
	}
	return all
}

// generated says that something in the cluster makes objects of a kind, a
// ResourceQuota or a LimitRange, for namespaces.
func generated(p *lint.Pass, kind string) bool {
	x := cluster.Of(p)
	for _, maker := range quotaMakers {
		for _, o := range x.Kind(maker.Group, maker.Kind) {
			switch maker.Kind {
			case "Tenant":
				field := map[string]string{kindResourceQuota.Kind: "resourceQuotas", "LimitRange": "limitRanges"}[kind]
				if o.Value("spec", field).Len() > 0 {
					return true
				}
			case "ClusterResourceQuota":
				if kind == kindResourceQuota.Kind {
					return true
				}
			default:
				for _, rule := range o.Value("spec", "rules").Items() {
					if rule.Get("generate", "kind").Text() == kind {
						return true
					}
				}
			}
		}
	}
	return false
}
