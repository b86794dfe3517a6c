package crd

import (
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
)

// FuzzFaults: no definition and no object, however odd, may panic, and what is
// said of one object is bounded.
func FuzzFaults(f *testing.F) {
	f.Add("type: object\nproperties: {spec: {type: object, properties: {a: {type: integer}}}}\n", "spec: {a: x}\n")
	f.Add("type: [object]\nproperties: [1]\nrequired: {a: b}\nenum: x\nitems: []\n", "spec: null\n")
	f.Add("properties: {spec: {anyOf: [null, {not: {}}], oneOf: {}, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [null]}}\n", "spec: [null, {}, [[]]]\n")
	f.Add("properties: {spec: {type: array, x-kubernetes-list-type: set, uniqueItems: true, items: {x-kubernetes-embedded-resource: true}}}\n", "spec: [{metadata: 3, kind: []}, 1, 1]\n")
	f.Add("properties: {spec: {pattern: '(a', minimum: x, multipleOf: 0, maxLength: -1, format: ipv6}}\n", "spec: 1e400\n")
	f.Add("additionalProperties: {additionalProperties: {nullable: true}}\n", "a: {b: null, c: {d: 1}}\nsops: {}\n")
	f.Fuzz(func(t *testing.T, schema, object string) {
		docs, problems := manifest.Parse([]byte(schema))
		objects, more := manifest.Parse([]byte(object))
		if len(docs) != 1 || len(objects) != 1 || len(problems)+len(more) > 0 {
			t.Skip()
		}
		for _, open := range []bool{false, true} {
			v := &Version{Name: "v1", Served: true, schema: lazily(manifest.Value{Node: docs[0]}), open: open}
			faults, _ := v.Faults(manifest.New(objects[0], manifest.Origin{}, nil))
			if len(faults) > maxFaults {
				t.Errorf("%d faults", len(faults))
			}
			for _, fault := range faults {
				if fault.Message == "" || fault.Path == nil && fault.Fields != nil {
					t.Errorf("%v: %q", fault.Path, fault.Message)
				}
			}
		}
	})
}
