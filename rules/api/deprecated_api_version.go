package api

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var deprecatedAPIVersion = &lint.Rule{
	ID: "deprecated-api-version", Severity: lint.Low, Category: lint.APILifecycle, Since: "0.1.0",
	Title: "API version is deprecated",
	Why:   "The API version still works and is announced to go. From the Kubernetes version on that is named, the API server refuses the object, and the upgrade of the cluster has to wait for this change.",
	Fix:   "Change apiVersion to the version that is named, and the fields that differ in it: https://kubernetes.io/docs/reference/using-api/deprecation-guide/.",
	Kinds: lint.Any,
	Check: func(p *lint.Pass) {
		gvk := p.Object.GVK
		l, ok := lifecycleOf(gvk)
		target := p.KubeVersion(p.Object)
		switch {
		case !ok || l.deprecated == nil || target.LessThan(l.deprecated):
		case l.removed == nil:
			p.Report(field.NewPath("apiVersion"), "%s %s is deprecated since Kubernetes %s%s", gvk.GroupVersion(), gvk.Kind, short(l.deprecated), instead(target, gvk, l))
		case target.LessThan(l.removed):
			p.Report(field.NewPath("apiVersion"), "%s %s is deprecated since Kubernetes %s and goes with %s%s", gvk.GroupVersion(), gvk.Kind, short(l.deprecated), short(l.removed), instead(target, gvk, l))
		}
	},
	Examples: `
-- bad.yaml --
# kubernetes: 1.21
apiVersion: networking.k8s.io/v1beta1 # want: is deprecated since Kubernetes 1.19 and goes with 1.22: use networking.k8s.io/v1, which came with 1.19
kind: Ingress
metadata:
  name: web
---
apiVersion: policy/v1beta1 # want: use policy/v1, which came with 1.21
kind: PodDisruptionBudget
metadata:
  name: web
-- bad-for-good.yaml --
apiVersion: v1 # want: v1 Endpoints is deprecated since Kubernetes 1.33: use EndpointSlice of discovery.k8s.io/v1
kind: Endpoints
metadata:
  name: web
-- good.yaml --
# kubernetes: 1.18
apiVersion: networking.k8s.io/v1beta1
kind: Ingress
metadata:
  name: web
-- good-removed.yaml --
# removed-api-version speaks of it.
apiVersion: networking.k8s.io/v1beta1
kind: Ingress
metadata:
  name: web
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
`,
}
