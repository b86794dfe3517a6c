package api

import (
	"fmt"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
)

var invalidLabelOrName = &lint.Rule{
	ID: "invalid-label-or-name", Severity: lint.High, Category: lint.Governance, Since: "0.1.0",
	Title: "name, label or annotation is not valid",
	Why:   "The API server refuses an object whose name, or whose label or annotation, breaks the syntax of Kubernetes, and with it what is applied in one go with the object. In a chart it is most often a value that is longer, or holds another character, than its author had in mind.",
	Fix:   "Write it with lower-case letters, digits and hyphens, no longer than the message says: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/.",
	Kinds: lint.Any,
	Check: func(p *lint.Pass) {
		if !isResource(p.Object.GroupKind()) || !p.Unit.Reconciled && templated(p.Object) {
			return
		}
		meta := p.Object.Value("metadata")
		checkName(p, meta)
		if ns := meta.Get("namespace"); ns.Text() != "" && ns.Known() {
			if fault := dnsFault(ns.Text(), validation.IsDNS1123Label(ns.Text()), label); fault != "" {
				p.Report(ns.Path, "namespace %q %s", ns.Text(), fault)
			}
		}
		checkMeta(p, meta)
		if w, ok := p.Object.Workload(); ok && w.MetaPath.String() != "metadata" {
			checkMeta(p, p.Object.Value(manifest.SplitPath(w.MetaPath.String())...))
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: Web_Config # want: name "Web_Config" must consist of lower-case letters, digits, hyphens and dots
  labels:
    app: "web app" # want: label "app" has a value that must consist of letters, digits, - _ and .
    -team: shop # want: label "-team" has a key that is not valid
    example.com/owner/team: shop # want: has a key
  annotations:
    "note to self": later # want: annotation "note to self" has a key
---
apiVersion: v1
kind: Service
metadata:
  name: 2nd-web # want: name "2nd-web" must begin with a letter
spec:
  ports: [{port: 80}]
---
apiVersion: v1
kind: Namespace
metadata:
  name: shop.prod # want: name "shop.prod" must consist of lower-case letters, digits and hyphens
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: a-report-that-is-made-for-everybody-in-the-house-daily # want: is longer than the 52 characters that a CronJob may have
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        metadata:
          labels:
            chart: report-1.0.0+build # want: label "chart" has a value
        spec:
          restartPolicy: Never
          containers:
            - {name: report, image: "registry.example/report:1.0.0"}
---
apiVersion: example.com/v1
kind: Thing
metadata:
  name: thing/one # want: name "thing/one" must consist of
  namespace: Shop # want: namespace "Shop" must consist of
-- bad-missing.yaml --
apiVersion: v1
kind: ConfigMap
metadata: # want: the object has no name
  labels: {app: web}
data: {a: b}
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: system:Web_Reader # as these kinds may be called
  labels:
    app.kubernetes.io/name: web
    empty: ""
    version: "1.4.2"
rules: []
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: ${NAME}-config
  labels:
    app: ${APP}
    "${PREFIX}/team": shop
  annotations:
    Example.com/Note: Any text, of any kind.
---
apiVersion: batch/v1
kind: Job
metadata:
  generateName: migrate-
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - {name: migrate, image: "registry.example/migrate:1.0.0"}
---
# A file of settings, which no API server sees.
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: Web_Shop
---
# A test that fills in the name.
apiVersion: v1
kind: Namespace
metadata:
  name: ($namespace)
---
apiVersion: user.openshift.io/v1
kind: Group
metadata:
  name: Web Admins
`,
}

// isResource says that objects of a kind are kept by the API server under the
// common rules. Others look alike: settings of programs, what other tools read, and
// the kinds of OpenShift, which names its own in its own way.
func isResource(kind schema.GroupKind) bool {
	if manifest.IsBuiltin(kind.Group) {
		return manifest.HasKind(kind)
	}
	for _, suffix := range []string{"config.k8s.io", "kubeadm.k8s.io", "audit.k8s.io", "kind.x-k8s.io", "k3d.io", "eksctl.io", "backstage.io", "openshift.io", "cli.kyverno.io"} {
		if kind.Group == suffix || strings.HasSuffix(kind.Group, "."+suffix) {
			return false
		}
	}
	// The group of a custom resource has a dot.
	return strings.Contains(kind.Group, ".")
}

// templated says that the name or namespace of an object is an expression of some
// tool, such as a test's, that makes manifests of it. {{ .Name }} reads as a mapping.
func templated(o *manifest.Object) bool {
	if name := o.Value("metadata", "name"); name.Len() > 0 {
		return true
	}
	for _, text := range []string{o.Name, o.Namespace} {
		if strings.Contains(text, "$(") || strings.Contains(text, "($") || strings.Contains(text, "(join(") || strings.Contains(text, "{{") {
			return true
		}
	}
	return false
}

const (
	label     = "must consist of lower-case letters, digits and hyphens, and begin and end with a letter or a digit"
	subdomain = "must consist of lower-case letters, digits, hyphens and dots, and begin and end with a letter or a digit"
	service   = "must begin with a letter, end with a letter or a digit, and consist of lower-case letters, digits and hyphens"
	segment   = "must not be . or .., nor hold a / or %"
)

func checkName(p *lint.Pass, meta manifest.Value) {
	at, prefix := meta.Get("name"), false
	if !at.Written() || at.Text() == "" {
		at, prefix = meta.Get("generateName"), true
	}
	name := at.Text()
	switch {
	case name == "" && (!at.Written() || at.Scalar() != nil):
		if group := p.Object.GVK.Group; manifest.IsBuiltin(group) && group != "authentication.k8s.io" && group != "authorization.k8s.io" {
			p.Report(meta.Path.Child("name"), "the object has no name")
		}
		return
	case !at.Known():
		return
	}
	if fault := nameFault(p.Object.GroupKind(), name, prefix); fault != "" {
		p.Report(at.Path, "name %q %s", name, fault)
	}
}

// nameFault says what is wrong with a name of a kind; "" for nothing.
func nameFault(kind schema.GroupKind, name string, prefix bool) string {
	switch kind.Group {
	case "rbac.authorization.k8s.io":
		if strings.ContainsAny(name, "/%") || name == "." || name == ".." {
			return segment
		}
		return ""
	case "certificates.k8s.io":
		// A signer's name may be part of it.
		return ""
	}
	switch kind {
	case schema.GroupKind{Kind: "Service"}:
		return dnsFault(name, apivalidation.NameIsDNS1035Label(name, prefix), service)
	case schema.GroupKind{Kind: "Namespace"}:
		return dnsFault(name, apivalidation.NameIsDNSLabel(name, prefix), label)
	case schema.GroupKind{Group: "networking.k8s.io", Kind: "IPAddress"}:
		return ""
	case schema.GroupKind{Group: "batch", Kind: "CronJob"}:
		// The names of its Jobs are 11 characters longer.
		if most := validation.DNS1035LabelMaxLength - 11; len(name) > most {
			return fmt.Sprintf("is longer than the %d characters that a CronJob may have", most)
		}
	}
	return dnsFault(name, apivalidation.NameIsDNSSubdomain(name, prefix), subdomain)
}

// dnsFault says what is wrong with a text of which faults were found: its length
// or what it consists of.
func dnsFault(text string, faults []string, rule string) string {
	most := validation.DNS1123LabelMaxLength
	if rule == subdomain {
		most = validation.DNS1123SubdomainMaxLength
	}
	switch {
	case len(faults) == 0:
		return ""
	case len(text) > most:
		return fmt.Sprintf("is longer than %d characters", most)
	}
	return rule
}

// checkMeta looks at the labels and annotations of metadata.
func checkMeta(p *lint.Pass, meta manifest.Value) {
	for key := range meta.Get("labels").Entries() {
		v := meta.Get("labels").Key(key)
		if manifest.Known(key) && len(validation.IsQualifiedName(key)) > 0 {
			p.Report(v.Path, "label %q has a key that is not valid: %s", key, qualified)
			continue
		}
		text, ok := v.Scalar().(string)
		if !ok || !v.Known() || len(validation.IsValidLabelValue(text)) == 0 {
			continue
		}
		if len(text) > validation.LabelValueMaxLength {
			p.Report(v.Path, "label %q has a value that is longer than %d characters", key, validation.LabelValueMaxLength)
			continue
		}
		p.Report(v.Path, "label %q has a value that must consist of letters, digits, - _ and ., and begin and end with a letter or a digit", key)
	}
	annotations := meta.Get("annotations")
	total := 0
	for key, v := range annotations.Entries() {
		total += len(key) + len(v.Text())
		// Its case does not matter.
		if manifest.Known(key) && len(validation.IsQualifiedName(strings.ToLower(key))) > 0 {
			p.Report(annotations.Key(key).Path, "annotation %q has a key that is not valid: %s", key, qualified)
		}
	}
	if total > apivalidation.TotalAnnotationSizeLimitB {
		p.Report(annotations.Path, "the annotations are longer than %d bytes together", apivalidation.TotalAnnotationSizeLimitB)
	}
}

const qualified = "it is a name of up to 63 letters, digits, - _ and ., with a DNS name and a / before it if need be"
