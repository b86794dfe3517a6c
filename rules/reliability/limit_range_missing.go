package reliability

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var limitRangeMissing = &lint.Rule{
	ID:         "limit-range-missing",
	Title:      "namespace gives containers no default requests and limits",
	Why:        "A container that says nothing of resources is scheduled as if it needed none and may take all memory of its node. A LimitRange gives such containers what they do not say, and a ResourceQuota refuses them without one.",
	Fix:        "Add a LimitRange with an item of type Container that has defaultRequest for cpu and memory, and default for memory.",
	Since:      "0.1.0",
	Severity:   lint.Info,
	Category:   lint.Reliability,
	Frameworks: []string{"MITRE:T1496"},
	Profile:    lint.All,
	Kinds:      []schema.GroupKind{kindNamespace},
	Joins:      slices.Concat(limitRanges, quotaMakers),
	CheckAll: func(p *lint.Pass) {
		if generated(p, "LimitRange") {
			return
		}
		for _, o := range tenantNamespaces(p) {
			var lacking []string
			for _, d := range []struct {
				resource corev1.ResourceName
				request  bool
				what     string
			}{
				{corev1.ResourceCPU, true, "CPU request"},
				{corev1.ResourceMemory, true, "memory request"},
				{corev1.ResourceMemory, false, "memory limit"},
			} {
				given := givenByRange(p, d.resource, d.request)
				// A LimitRange whose namespace is not known may be meant for this one.
				if !given[o.Name] && !given[""] {
					lacking = append(lacking, d.what)
				}
			}
			if len(lacking) > 0 {
				p.ReportOn(o, p.Rule.Severity, nil, "no LimitRange gives containers in namespace %q a %s", o.Name, strings.Join(lacking, ", "))
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1 # want: no LimitRange gives containers in namespace "shop" a CPU request, memory request, memory limit
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1 # want: in namespace "jobs" a memory request, memory limit
kind: Namespace
metadata: {name: jobs}
---
apiVersion: v1
kind: LimitRange
metadata: {name: defaults, namespace: jobs}
spec:
  limits:
    - type: Container
      defaultRequest: {cpu: 50m}
    # It bounds pods and gives containers nothing.
    - type: Pod
      max: {memory: 1Gi}
-- good.yaml --
# One follows from the other: the request from the default limit.
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: LimitRange
metadata: {name: defaults, namespace: shop}
spec:
  limits:
    - type: Container
      default: {memory: 256Mi}
      defaultRequest: {cpu: 50m}
---
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
apiVersion: capsule.clastix.io/v1beta2
kind: Tenant
metadata: {name: shop}
spec:
  limitRanges:
    items:
      - limits: [{type: Container, default: {cpu: 100m, memory: 64Mi}}]
`,
}
