package api

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/crd"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var schemaValidation = &lint.Rule{
	ID: "schema-validation", Severity: lint.High, Category: lint.APILifecycle, Since: "0.1.0",
	Title: "object does not fit its schema",
	Why:   "The API server refuses an object with a value of the wrong type, without a field that it requires, or of a kind that it does not have. A field that it does not know it drops, unless it is asked to be strict: a misspelt securityContex is a security hole that looks like a setting. Custom resources are held against the CustomResourceDefinitions in the repository, without the rules in x-kubernetes-validations; those whose definition is not in the repository are not judged.",
	Fix:   "Correct the field's name, place or value; kubectl explain shows what the kind has.",
	Kinds: lint.Any,
	Joins: []schema.GroupKind{crd.Kind, lint.Custom},
	Check: func(p *lint.Pass) {
		o := p.Object
		if !p.Unit.Reconciled && templated(o) || kindFault(p) {
			return
		}
		reportSchema(o.SchemaErrors(), p.Report)
		if !partial(o) && (p.Unit.Reconciled || !fragment(o)) {
			// What is written of the status is not kept.
			reportSchema(slices.DeleteFunc(slices.Clone(o.Refused()), func(f manifest.SchemaError) bool {
				return strings.HasPrefix(f.Path.String(), "status.")
			}), p.Report)
			checkValues(o, p.Report)
		}
	},
	// A join: the schema of a custom resource is another object.
	CheckAll: func(p *lint.Pass) {
		definitions := map[schema.GroupKind][]*crd.Definition{}
		for _, o := range p.Of(crd.Kind) {
			if d, ok := crd.New(o); ok {
				definitions[d.GroupKind] = append(definitions[d.GroupKind], d)
			}
		}
		for _, o := range p.Judged() {
			if all := definitions[o.GroupKind()]; len(all) > 0 {
				checkCustom(p, o, all)
			}
		}
	},
	Examples: schemaExamples,
}

// report is how a check says what it found.
type report func(path *field.Path, format string, args ...any)

// reportSchema reports what decoding found.
func reportSchema(faults []manifest.SchemaError, r report) {
	for _, f := range faults {
		name := "the object"
		if f.Path != nil {
			name = fmt.Sprintf("%q", f.Path.String())
		}
		if f.Fields == nil {
			r(f.Path, "%s %s", name, f.Message)
			continue
		}
		elements := manifest.SplitPath(f.Path.String())
		last := elements[len(elements)-1]
		hint := ""
		if near := lint.Nearest(last, f.Fields); near != "" {
			hint = fmt.Sprintf(": did you mean %q?", near)
		} else if len(f.Below) == 1 {
			hint = fmt.Sprintf(": it is a field of %q", f.Below[0])
		}
		parent := "the object"
		if len(elements) > 1 {
			parent = fmt.Sprintf("%q", manifest.JoinPath(elements[:len(elements)-1]))
		}
		r(f.Path, "%s has no field %q%s", parent, last, hint)
	}
}

// partial says that an object is applied on top of one that is there already, and
// so may leave out what the API server requires: Flux merges it, or Argo CD applies
// it without a check
// (https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources,
// https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/#server-side-apply).
func partial(o *manifest.Object) bool {
	annotations := o.Value("metadata", "annotations")
	if strings.EqualFold(annotations.Get("kustomize.toolkit.fluxcd.io/ssa").Text(), "Merge") {
		return true
	}
	options := annotations.Get("argocd.argoproj.io/sync-options").Text()
	return strings.Contains(options, "ServerSideApply=true") && strings.Contains(options, "Validate=false")
}

// fragment says that an object that nothing deploys looks like a part of one: a
// patch that no kustomization uses, or what a test expects to find.
func fragment(o *manifest.Object) bool {
	file := strings.ToLower(o.Origin.File)
	if strings.Contains(file, "patch") || strings.HasPrefix(file, ".") || strings.Contains(file, "/.") {
		return true
	}
	missing := 0
	for _, f := range o.Refused() {
		path := f.Path.String()
		if strings.HasSuffix(f.Message, "missing") && (!strings.Contains(path, "[") || strings.HasSuffix(path, "].image")) {
			missing++
		}
	}
	return missing > 1
}

// kindFault reports an object of a kind that Kubernetes does not have in its
// version, as far as it is clear which one was meant.
func kindFault(p *lint.Pass) bool {
	gvk := p.Object.GVK
	target := p.KubeVersion(p.Object)
	if !manifest.IsBuiltin(gvk.Group) || !manifest.Known(gvk.Version) || !manifest.Known(gvk.Kind) {
		return false
	}
	path := field.NewPath("apiVersion")
	if l, ok := lifecycleOf(gvk); ok {
		if l.introduced != nil && target.LessThan(l.introduced) {
			p.Report(path, "%s %s came with Kubernetes %s, and there is none in %s", gvk.GroupVersion(), gvk.Kind, short(l.introduced), short(target))
			return true
		}
		return false
	}
	if known := manifest.KubeVersion(); target.AtLeast(minor(known.Minor() + 1)) {
		return false
	}
	if versions := manifest.BuiltinVersions(gvk.Kind); len(versions) > 0 {
		best := versions[0]
		if i := slices.IndexFunc(versions, func(gv schema.GroupVersion) bool { return gv.Group == gvk.Group }); i >= 0 {
			best = versions[i]
		}
		p.Report(path, "%s has no kind %s: it is in %s", gvk.GroupVersion(), gvk.Kind, best)
		return true
	}
	// Names that are only alike may be meant: a kubeconfig is a Config of v1.
	near := lint.Nearest(gvk.Kind, manifest.BuiltinKinds(gvk.GroupVersion()))
	if d := len(near) - len(gvk.Kind); near == "" || d < -1 || d > 1 {
		return false
	}
	p.Report(field.NewPath("kind"), "%s has no kind %s: did you mean %s?", gvk.GroupVersion(), gvk.Kind, near)
	return true
}

// maxDefinitions is how many definitions of one kind an object is held against.
const maxDefinitions = 4

// checkCustom holds a custom resource against the definitions of its kind. Where
// there are several, as of different versions of one operator, it is enough that it
// fits one.
func checkCustom(p *lint.Pass, o *manifest.Object, all []*crd.Definition) {
	if o.GVK.Version == "" || !manifest.Known(o.GVK.Version) {
		return
	}
	together := slices.DeleteFunc(slices.Clone(all), func(d *crd.Definition) bool { return !p.Together(o, d.Object) })
	if len(together) > 0 {
		all = together
	}
	var first func()
	for _, d := range all[:min(len(all), maxDefinitions)] {
		say := customFaults(p, o, d)
		if say == nil {
			return
		}
		if first == nil {
			first = say
		}
	}
	first()
}

// customFaults reports, when called, what is wrong with an object by a definition;
// nil for nothing.
func customFaults(p *lint.Pass, o *manifest.Object, d *crd.Definition) func() {
	r := func(path *field.Path, format string, args ...any) {
		p.ReportOn(o, p.Rule.Severity, path, format, args...)
	}
	v := d.Version(o.GVK.Version)
	if v == nil || !v.Served {
		return func() {
			served := "serves no version at all"
			if names := d.Versions(); len(names) > 0 {
				served = "serves " + strings.Join(names, ", ")
			}
			r(field.NewPath("apiVersion"), "the CustomResourceDefinition of %s %s", o.GVK.Kind, served)
		}
	}
	faults, done := v.Faults(o)
	if !done && len(faults) == 0 {
		return func() {
			p.ReportOn(o, lint.Info, nil, "the schema of %s is too large to hold the whole object against it", o.GVK.Kind)
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return func() { reportSchema(faults, r) }
}
