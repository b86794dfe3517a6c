package network

import (
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var ingressNginxSnippetsEnabled = &lint.Rule{
	ID: "ingress-nginx-snippets-enabled", Severity: lint.High, Category: lint.Network, Since: "0.1.0",
	Title:      "ingress-nginx accepts snippet annotations",
	Why:        "Everybody who may write an Ingress can then put raw nginx configuration into the controller, and read the Secrets of all namespaces with its token.",
	Fix:        "Set allow-snippet-annotations to false and leave annotations-risk-level at High or below; replace the snippets first.",
	Frameworks: []string{"CVE-2021-25742", "NSA-CISA"},
	Kinds:      []schema.GroupKind{kindConfigMap, kindHelmRelease, kindApplication},
	// A join: where the chart was rendered, its ConfigMap and the value that
	// set it are one fault.
	CheckAll: func(p *lint.Pass) {
		type place struct {
			file         string
			line, column int
		}
		reported := map[place]bool{}
		report := func(o *manifest.Object, path *field.Path, setting, value string) {
			origin := o.At(path)
			where := place{origin.File, origin.Line, origin.Column}
			if origin.Line > 0 && reported[where] && o.GroupKind() != kindConfigMap {
				return
			}
			reported[where] = true
			p.ReportOn(o, p.Rule.Severity, path, "%s is %s", setting, value)
		}
		for _, o := range p.Of(kindConfigMap) {
			c, ok := o.Typed().(*corev1.ConfigMap)
			if !ok {
				continue
			}
			data := field.NewPath("data")
			if key := "allow-snippet-annotations"; truth(c.Data[key]) {
				report(o, data.Key(key), key, "true")
			} else if key := "annotations-risk-level"; strings.EqualFold(c.Data[key], "critical") {
				report(o, data.Key(key), key, "Critical")
			}
		}
		for _, o := range p.Of(kindHelmRelease, kindApplication) {
			for _, r := range releases(o) {
				if !r.installsNginx() {
					continue
				}
				controller := r.values.Get("controller")
				for _, v := range []manifest.Value{controller.Get("allowSnippetAnnotations"), controller.Get("config").Key("allow-snippet-annotations")} {
					if truth(v.Text()) {
						report(o, v.Path, "allow-snippet-annotations", "true")
					}
				}
				if v := controller.Get("config").Key("annotations-risk-level"); strings.EqualFold(v.Text(), "critical") {
					report(o, v.Path, "annotations-risk-level", "Critical")
				}
				for _, item := range r.parameters.Items() {
					if v := item.Get("value"); item.Get("name").Text() == "controller.allowSnippetAnnotations" && truth(v.Text()) {
						report(o, v.Path, "allow-snippet-annotations", "true")
					}
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: ingress-nginx-controller
  namespace: ingress-nginx
data:
  allow-snippet-annotations: "true" # want: allow-snippet-annotations is true
  annotations-risk-level: Critical
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: other-controller
data:
  annotations-risk-level: Critical # want: annotations-risk-level is Critical
-- bad-helmrelease.yaml --
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: ingress
  namespace: ingress
spec:
  chart:
    spec:
      chart: ingress-nginx
      version: 4.12.1
  values:
    controller:
      allowSnippetAnnotations: true # want: allow-snippet-annotations is true
      config:
        annotations-risk-level: Critical # want: annotations-risk-level
-- bad-application.yaml --
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: ingress
  namespace: argocd
spec:
  destination: {namespace: ingress}
  sources:
    - chart: ingress-nginx
      targetRevision: 4.12.1
      helm:
        valuesObject:
          controller:
            config:
              allow-snippet-annotations: "true" # want
        parameters:
          - name: controller.allowSnippetAnnotations
            value: "true" # want
-- good.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: ingress-nginx-controller
data:
  allow-snippet-annotations: "false"
  annotations-risk-level: High
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: ingress
spec:
  chart:
    spec:
      chart: ingress-nginx
  values:
    controller:
      allowSnippetAnnotations: false
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: other
spec:
  chart:
    spec:
      chart: traefik
  values:
    controller:
      allowSnippetAnnotations: true
`,
}

func truth(s string) bool {
	b, err := strconv.ParseBool(strings.TrimSpace(s))
	return err == nil && b
}
