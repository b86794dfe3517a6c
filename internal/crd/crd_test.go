package crd

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
)

// definition is a CustomResourceDefinition whose schema of spec is the given one,
// indented by a tab for every level.
func definition(t *testing.T, spec string) *Definition {
	t.Helper()
	text := `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            apiVersion: {type: string}
            kind: {type: string}
            metadata: {type: object}
            spec: ` + spec + "\n"
	d, ok := New(object(t, text))
	if !ok {
		t.Fatal("no definition")
	}
	return d
}

func object(t *testing.T, text string) *manifest.Object {
	t.Helper()
	docs, problems := manifest.Parse([]byte(text))
	if len(docs) != 1 || len(problems) > 0 {
		t.Fatalf("%s\n%v", text, problems)
	}
	return manifest.New(docs[0], manifest.Origin{}, nil)
}

func TestFaults(t *testing.T) {
	for _, tt := range []struct{ schema, spec, want string }{
		{"{type: object, properties: {size: {type: integer}}}", "{size: 3}", ""},
		{"{type: object, properties: {size: {type: integer}}}", "{size: 3.0}", ""},
		{"{type: object, properties: {size: {type: integer}}}", "{size: \"3\"}", "spec.size: must be a whole number, not a string: take the quotes away"},
		{"{type: object, properties: {size: {type: integer}}}", "{size: 3.5}", "spec.size: must be a whole number"},
		{"{type: object, properties: {size: {type: integer}}}", "{size: \"${SIZE}\"}", ""},
		{"{type: object, properties: {size: {type: integer}}}", "{size: \"${SIZE:=3}\"}", ""},
		{"{type: object, properties: {size: {type: integer}}}", "{sise: 3}", "spec.sise: unknown field"},
		{"{type: object, properties: {size: {type: integer}}}", "{size: null}", ""},
		{"{type: object, properties: {size: {type: integer}}}", "3", "spec: must be an object"},
		{"{type: object}", "{any: 1}", "spec.any: unknown field"},
		{"{type: object, x-kubernetes-preserve-unknown-fields: true, properties: {in: {type: object}}}", "{any: 1, in: {b: 1}}", "spec.in.b: unknown field"},
		{"{type: object, additionalProperties: {type: string}}", "{a: x, b: 1}", "spec.b: must be a string: put it in quotes"},
		{"{type: object, additionalProperties: true}", "{a: x, b: {c: 1}}", ""},
		{"{type: object, properties: {on: {type: boolean}}}", "{on: yes}", ""},
		{"{type: object, properties: {on: {type: string}}}", "{on: yes}", "spec.on: must be a string: put it in quotes"},
		{"{type: object, properties: {port: {x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}}}", "{port: 80}", ""},
		{"{type: object, properties: {port: {x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}}}", "{port: web}", ""},
		{"{type: object, properties: {port: {x-kubernetes-int-or-string: true}}}", "{port: [1]}", "spec.port: must be a whole number or a string"},
		{"{type: object, required: [a, b], properties: {a: {type: string}, b: {type: string, default: x}}}", "{}", "spec.a: is missing"},
		{"{type: object, required: [a], properties: {a: {type: string}}}", "{a: null}", "spec.a: is missing"},
		{"{type: object, required: [a], properties: {a: {type: string, nullable: true}}}", "{a: null}", "spec.a: is missing"},
		{"{type: array, items: {type: string}}", "[a, null]", "spec[1]: must not be null"},
		{"{type: array, items: {type: string}, minItems: 1}", "[]", "spec: must have at least 1 item"},
		{"{type: array, items: {type: string}, maxItems: 1}", "[a, b]", "spec: must have at most 1 item"},
		{"{type: array, x-kubernetes-list-type: set, items: {type: string}}", "[a, b, a]", "spec[2]: the item stands in the list already"},
		{"{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name], items: {type: object, properties: {name: {type: string}}}}", "[{name: a}, {name: a}]", "spec[1]: another item has the same name"},
		{"{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name], items: {type: object, properties: {name: {type: string}}}}", "[{name: \"${A}\"}, {name: \"${A}\"}]", ""},
		{"{type: string, enum: [A, B]}", "C", "spec: must be one of A, B"},
		{"{type: string, pattern: '^a+$'}", "b", "spec: must match the pattern ^a+$"},
		{"{type: string, pattern: '^(a'}", "b", ""},
		{"{type: string, maxLength: 2}", "äöü", "spec: must have at most 2 characters"},
		{"{type: string, format: ipv4}", "10.0.0", "spec: must be an IPv4 address"},
		{"{type: string, format: cidr}", "10.0.0.0/8", ""},
		{"{type: integer, minimum: 1, maximum: 5, exclusiveMaximum: true}", "5", "spec: must be less than 5"},
		{"{type: integer, format: int32}", "3000000000", "spec: must be a number of 32 bits"},
		{"{type: number, multipleOf: 0.5}", "1.25", "spec: must be a multiple of 0.5"},
		{"{type: object, properties: {a: {type: string}, b: {type: string}}, oneOf: [{required: [a]}, {required: [b]}]}", "{a: x, b: z}", "spec: is more than one of the alternatives that its schema has, of which only one may hold: a, b"},
		{"{type: object, properties: {a: {type: string}, b: {type: string}}, oneOf: [{required: [a]}, {required: [b]}]}", "{}", "spec: is none of the alternatives that its schema has: a, b"},
		{"{type: object, properties: {a: {type: string, default: x}, b: {type: string}}, oneOf: [{required: [a]}, {required: [b]}]}", "{}", ""},
		{"{type: object, properties: {a: {type: string}}, not: {required: [a]}}", "{a: x}", "spec: is what its schema excludes"},
		{"{type: object, properties: {a: {type: string}}, anyOf: [{properties: {a: {enum: [x]}}}, {properties: {a: {pattern: ^y}}}]}", "{a: z}", "spec: is none of the alternatives that its schema has"},
		{"{type: object, properties: {a: {type: string}}, anyOf: [{properties: {a: {enum: [x]}}}, {properties: {a: {pattern: ^y}}}]}", "{a: \"${A}\"}", ""},
		{"{type: object, properties: {a: {type: string}}, allOf: [{properties: {a: {maxLength: 1}}}]}", "{a: zz}", "spec.a: must have at most 1 character"},
		{"{type: object, x-kubernetes-embedded-resource: true, properties: {spec: {type: object}}}", "{apiVersion: v1, kind: Pod, metadata: {name: a, label: {}}, spec: {}, status: {}}", "spec.metadata.label: unknown field, spec.status: unknown field"},
		{"{type: object, properties: {template: {type: object, properties: {image: {type: string}}}}}", "{image: x}", "spec.image: unknown field (template)"},
	} {
		o := object(t, "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\nspec: "+tt.spec+"\n")
		faults, ok := definition(t, tt.schema).Version("v1").Faults(o)
		if !ok {
			t.Errorf("%s: it took too long", tt.schema)
		}
		if got := list(faults); got != tt.want {
			t.Errorf("%s\nagainst %s\ngives %q\nwant  %q", tt.spec, tt.schema, got, tt.want)
		}
	}
}

func list(faults []manifest.SchemaError) string {
	var all []string
	for _, f := range faults {
		text := fmt.Sprintf("%s: %s", f.Path, f.Message)
		if len(f.Below) > 0 {
			text += fmt.Sprintf(" (%s)", strings.Join(f.Below, " "))
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// What SOPS adds is no field, and what it encrypts is no text.
func TestFaultsOfAnEncryptedObject(t *testing.T) {
	d := definition(t, "{type: object, properties: {size: {type: integer}, name: {type: string, maxLength: 3}}}")
	o := object(t, `apiVersion: example.com/v1
kind: Thing
metadata: {name: a, labels: {b: 1}}
spec: {size: "ENC[AES256_GCM,data:x,iv:y,tag:z,type:int]", name: "ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]"}
sops: {mac: x}
`)
	faults, _ := d.Version("v1").Faults(o)
	if got, want := list(faults), "metadata.labels[b]: must be a string: put it in quotes"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A schema and an object of which each part is held against each of the other must
// end all the same.
func TestFaultsEnd(t *testing.T) {
	schema := "{type: string}"
	for range 40 {
		schema = "{anyOf: [" + schema + ", " + strings.Repeat("{type: string, maxLength: 1}, ", 50) + "{type: string}]}"
	}
	d := definition(t, "{type: array, items: "+schema+"}")
	o := object(t, "apiVersion: example.com/v1\nkind: Thing\nspec: ["+strings.Repeat("1, ", 20000)+"1]\n")
	if _, ok := d.Version("v1").Faults(o); ok {
		t.Error("the limit was not reached: this is no test of it")
	}
}

func TestNewFirstVersion(t *testing.T) {
	d, ok := New(object(t, `apiVersion: apiextensions.k8s.io/v1beta1
kind: CustomResourceDefinition
spec:
  group: example.com
  version: v1
  names: {kind: Thing}
  validation: {openAPIV3Schema: {properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
`))
	if !ok || len(d.Versions()) != 1 {
		t.Fatalf("%v, %v", d, ok)
	}
	o := object(t, "apiVersion: example.com/v1\nkind: Thing\nspec: {size: x, more: {}}\n")
	faults, _ := d.Version("v1").Faults(o)
	if got, want := list(faults), "spec.size: must be a whole number"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, text := range []string{
		"apiVersion: v1\nkind: ConfigMap\n",
		"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec: []\n",
		"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec: {group: a, names: {kind: B}, versions: [null, 3]}\n",
	} {
		if d, ok := New(object(t, text)); ok && d.GroupKind.Kind != "B" {
			t.Errorf("%s is a definition of %v", text, d.GroupKind)
		}
	}
}
