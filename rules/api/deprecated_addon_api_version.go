package api

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var deprecatedAddonAPIVersion = &lint.Rule{
	ID: "deprecated-addon-api-version", Severity: lint.Medium, Category: lint.APILifecycle, Since: "0.1.0",
	Title: "custom resource uses an API version that is going or gone",
	Why:   "The add-on that defines the kind announced the end of this version or serves it no more. After an upgrade of the add-on, the API server refuses the object, and what it asks for (a certificate, a route, a release) is not renewed.",
	Fix:   "Change apiVersion to the version that is named, and the fields that differ in it, before the add-on is upgraded.",
	Kinds: lint.Any,
	Check: func(p *lint.Pass) {
		gvk := p.Object.GVK
		a, ok := addonOf(gvk)
		path := field.NewPath("apiVersion")
		switch {
		case !ok:
		case a.gone:
			p.Report(path, "%s %s is gone since %s: use %s", gvk.GroupVersion(), gvk.Kind, a.since, a.replacement)
		default:
			p.ReportAs(lint.Low, path, "%s %s is deprecated since %s: use %s", gvk.GroupVersion(), gvk.Kind, a.since, a.replacement)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: cert-manager.io/v1alpha2 # want medium: cert-manager.io/v1alpha2 Certificate is gone since cert-manager 1.6: use cert-manager.io/v1
kind: Certificate
metadata:
  name: web
---
apiVersion: helm.toolkit.fluxcd.io/v2beta2 # want medium: is gone since Flux 2.8: use helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: web
---
apiVersion: gateway.networking.k8s.io/v1alpha2 # want low: is deprecated since Gateway API 1.6: use gateway.networking.k8s.io/v1
kind: TCPRoute
metadata:
  name: web
---
apiVersion: karpenter.sh/v1alpha5 # want: use NodePool of karpenter.sh/v1
kind: Provisioner
metadata:
  name: default
-- good.yaml --
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: web
---
# The version that there is of these kinds.
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata:
  name: web
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata:
  name: web
---
apiVersion: external-secrets.io/v1alpha1
kind: PushSecret
metadata:
  name: web
`,
}
