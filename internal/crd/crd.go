// Package crd judges custom resources by the schemas that their
// CustomResourceDefinitions give, as the API server does: what it does not know it
// drops or refuses, what does not fit it refuses
// (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/).
//
// The rules in x-kubernetes-validations are not evaluated.
package crd

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Kind is what a Definition is written as.
var Kind = schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}

// Definition is a CustomResourceDefinition, of which only that is read which an
// object asks for. It is safe for concurrent use.
type Definition struct {
	// Object is the definition as it was rendered.
	Object *manifest.Object
	// GroupKind is the kind that it defines.
	GroupKind schema.GroupKind
	versions  []Version
}

// Version is one version of a custom kind.
type Version struct {
	Name string
	// Served says that the API server takes objects of the version.
	Served bool
	// Deprecated says that the definition calls the version deprecated, Warning
	// what it has to say about it, if anything.
	Deprecated bool
	Warning    string

	schema func() *node // nil for a version that has no schema
	open   bool         // fields that the schema does not know are kept
}

// New reads a CustomResourceDefinition; false for an object that is none or says
// not what it defines.
func New(o *manifest.Object) (*Definition, bool) {
	if o.GroupKind() != Kind {
		return nil, false
	}
	spec := o.Value("spec")
	d := &Definition{Object: o, GroupKind: schema.GroupKind{Group: spec.Get("group").Text(), Kind: spec.Get("names", "kind").Text()}}
	// Only the first version of the definition itself may let through what the
	// schema does not know.
	open := o.GVK.Version != "v1" && !spec.Get("preserveUnknownFields").False()
	shared := spec.Get("validation", "openAPIV3Schema")
	for _, v := range spec.Get("versions").Items() {
		own := v.Get("schema", "openAPIV3Schema")
		if !own.Written() {
			own = shared
		}
		d.versions = append(d.versions, Version{
			Name:       v.Get("name").Text(),
			Served:     !v.Get("served").False(),
			Deprecated: v.Get("deprecated").True(),
			Warning:    v.Get("deprecationWarning").Text(),
			schema:     lazily(own),
			open:       open,
		})
	}
	if name := spec.Get("version").Text(); name != "" && len(d.versions) == 0 {
		d.versions = []Version{{Name: name, Served: true, schema: lazily(shared), open: open}}
	}
	return d, d.GroupKind.Group != "" && d.GroupKind.Kind != "" && len(d.versions) > 0
}

// Versions are the names of the versions that are served.
func (d *Definition) Versions() []string {
	var names []string
	for _, v := range d.versions {
		if v.Served {
			names = append(names, v.Name)
		}
	}
	return names
}

// Version is a version by its name; nil for one that there is not.
func (d *Definition) Version(name string) *Version {
	for i := range d.versions {
		if d.versions[i].Name == name {
			return &d.versions[i]
		}
	}
	return nil
}

// maxFaults bounds what one object says, maxSteps how long it may take: a schema
// of a megabyte and an object of a megabyte can be made such that each part of the
// one is compared with each of the other.
const (
	maxFaults = 20
	maxSteps  = 1 << 18
)

// Faults are what is wrong with an object of the version. ok is false when it took
// too long to say; the faults are then those found so far.
func (v *Version) Faults(o *manifest.Object) (faults []manifest.SchemaError, ok bool) {
	if v.schema == nil {
		return nil, true
	}
	c := &checker{steps: maxSteps, open: v.open}
	c.object(o.Value(), v.schema(), root)
	faults = append(o.Value("metadata").Faults(&metav1.ObjectMeta{}), c.faults...)
	return faults[:min(len(faults), maxFaults)], c.steps > 0
}

func child(path *field.Path, name string) *field.Path {
	if path == nil {
		return field.NewPath(name)
	}
	return path.Child(name)
}
