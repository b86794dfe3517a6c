package api

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var removedAPIVersion = &lint.Rule{
	ID: "removed-api-version", Severity: lint.High, Category: lint.APILifecycle, Since: "0.1.0",
	Title: "API version no longer exists",
	Why:   "The API server of the Kubernetes version that this is judged for does not know the API version any more and refuses the object: what is running stays as it is, and a new cluster does not get it at all.",
	Fix:   "Change apiVersion to the version that is named, and the fields that differ in it: https://kubernetes.io/docs/reference/using-api/deprecation-guide/.",
	Kinds: lint.Any,
	Check: func(p *lint.Pass) {
		gvk := p.Object.GVK
		l, ok := lifecycleOf(gvk)
		target := p.KubeVersion(p.Object)
		if !ok || l.removed == nil || target.LessThan(l.removed) {
			return
		}
		if gvk.Kind == "PodSecurityPolicy" && withoutPSP(target) {
			// podsecuritypolicy-removed speaks of it.
			return
		}
		p.Report(field.NewPath("apiVersion"), "%s %s is gone since Kubernetes %s%s", gvk.GroupVersion(), gvk.Kind, short(l.removed), instead(target, gvk, l))
	},
	Examples: `
-- bad.yaml --
apiVersion: extensions/v1beta1 # want: extensions/v1beta1 Ingress is gone since Kubernetes 1.22: use networking.k8s.io/v1, which came with 1.19
kind: Ingress
metadata:
  name: web
---
apiVersion: apps/v1beta1 # want: is gone since Kubernetes 1.16: use apps/v1, which came with 1.9
kind: Deployment
metadata:
  name: web
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: web, image: "registry.example/web:1.4.2"}
---
# Gone from the libraries, too.
apiVersion: autoscaling/v2beta2 # want: is gone since Kubernetes 1.26: use autoscaling/v2, which came with 1.23
kind: HorizontalPodAutoscaler
metadata:
  name: web
---
# What replaced it first is gone itself.
apiVersion: flowcontrol.apiserver.k8s.io/v1beta1 # want: is gone since Kubernetes 1.26: use flowcontrol.apiserver.k8s.io/v1, which came with 1.29
kind: FlowSchema
metadata:
  name: web
---
# Nothing replaces it.
apiVersion: settings.k8s.io/v1alpha1 # want: is gone since Kubernetes 1.20
kind: PodPreset
metadata:
  name: web
---
apiVersion: apiextensions.k8s.io/v1beta1 # want: use apiextensions.k8s.io/v1, which came with 1.16
kind: CustomResourceDefinition
metadata:
  name: things.example.com
-- bad-target.yaml --
# kubernetes: 1.27
apiVersion: flowcontrol.apiserver.k8s.io/v1beta1 # want: is gone since Kubernetes 1.26: use flowcontrol.apiserver.k8s.io/v1beta3, which came with 1.26
kind: FlowSchema
metadata:
  name: web
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
---
apiVersion: v1
kind: Endpoints
metadata:
  name: web
---
# Another group's kind of the same name.
apiVersion: extensions.example.com/v1beta1
kind: Ingress
metadata:
  name: web
-- good-target.yaml --
# kubernetes: 1.21
apiVersion: networking.k8s.io/v1beta1
kind: Ingress
metadata:
  name: web
`,
}
