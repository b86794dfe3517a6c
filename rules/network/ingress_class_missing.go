package network

import (
	"maps"
	"slices"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var ingressClassMissing = &lint.Rule{
	ID: "ingress-class-missing", Severity: lint.Low, Category: lint.Network, Since: "0.1.0",
	Title:   "Ingress names no class, or one that is not declared",
	Why:     "Without a class the cluster's default decides which controller serves the Ingress, or several do, or none: an application for colleagues ends up at the public controller. A class that does not exist is served by nobody.",
	Fix:     "Set spec.ingressClassName to the class of the controller that is meant.",
	Profile: lint.All,
	Kinds:   []schema.GroupKind{kindIngress},
	Joins:   []schema.GroupKind{kindIngressClass},
	Options: []lint.Option{{
		Name:  "classes",
		Doc:   "The classes that there are; empty for those that the repository declares, if it declares any.",
		Valid: lint.Glob,
	}},
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		declared := map[string]map[string]bool{} // by cluster and name: whether it is the default
		for _, c := range x.Kind(kindIngressClass.Group, kindIngressClass.Kind) {
			in := where(p, c)
			if declared[in] == nil {
				declared[in] = map[string]bool{}
			}
			declared[in][c.Name] = isDefault(c)
		}
		for _, o := range p.Judged() {
			class := cluster.IngressClass(o)
			classes := declared[where(p, o)]
			switch {
			case !class.Known() || forACME(o) || p.UnitOf(o).Bare:
			case class.Text() == "":
				if !slices.Contains(slices.Collect(maps.Values(classes)), true) {
					p.ReportOn(o, p.Rule.Severity, field.NewPath("spec", "ingressClassName"), "Ingress %q names no class", o.Name)
				}
			case len(p.Option("classes")) > 0:
				if !hasClass(o, p.Option("classes")) {
					p.ReportOn(o, p.Rule.Severity, class.Path, "there is no class %q", class.Text())
				}
			case len(classes) > 0 && p.Complete(""):
				if _, ok := classes[class.Text()]; !ok {
					p.ReportOn(o, p.Rule.Severity, class.Path, "there is no IngressClass %q", class.Text())
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec: # want: Ingress "web" names no class
  rules:
    - host: shop.example.com
-- bad-undeclared.yaml --
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: public
spec:
  controller: example.com/ingress
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  ingressClassName: pubic # want: there is no IngressClass "pubic"
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: annotated
  annotations:
    kubernetes.io/ingress.class: internal # want: "internal"
spec: {}
-- bad-option.yaml --
# options: classes=public,internal-*
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  ingressClassName: nginx # want: there is no class "nginx"
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: team
spec:
  ingressClassName: internal-team
-- good.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  ingressClassName: public
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: annotated
  annotations:
    kubernetes.io/ingress.class: internal
spec: {}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: substituted
spec:
  ingressClassName: ${CLASS}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: cm-acme-http-solver
  labels:
    acme.cert-manager.io/http01-solver: "true"
spec: {}
-- good-default.yaml --
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: public
  annotations:
    ingressclass.kubernetes.io/is-default-class: "true"
spec:
  controller: example.com/ingress
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  rules:
    - host: shop.example.com
-- good-bare.yaml --
# unit: bare
# Whoever installs the chart names the class.
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec: {}
-- good-incomplete.yaml --
# incomplete
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: public
spec:
  controller: example.com/ingress
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  ingressClassName: internal
`,
}

// isDefault says that an IngressClass is taken where an Ingress names none.
func isDefault(class *manifest.Object) bool {
	return annotation(class, "ingressclass.kubernetes.io/is-default-class").True()
}
