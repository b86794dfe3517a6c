package secrets

import (
	"bytes"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

func TestMask(t *testing.T) {
	const input = `apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Secret
    metadata:
      name: a
      annotations:
        kubectl.kubernetes.io/last-applied-configuration: '{"data":{"p":"hunter2"}}'
        note: kept
    data:
      # was hunter2 before
      password: hunter2 # hunter2
      empty: ""
      nested: {a: hunter2}
    stringData: &shared
      token: |
        hunter2
        hunter2
    stringdata: hunter2
  - apiVersion: v1
    kind: SecretList
    items:
      - metadata: {name: b}
        stringData: *shared
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: c}
    data: {key: kept}
`
	// Once as a tree with aliases, once as manifest.Parse resolves it.
	var raw yaml.Node
	if err := yaml.Unmarshal([]byte(input), &raw); err != nil {
		t.Fatal(err)
	}
	docs, problems := manifest.Parse([]byte(input))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, n := range []*yaml.Node{&raw, docs[0]} {
		before := print(t, n)
		got := print(t, MaskNode(n))
		if strings.Contains(got, "hunter2") {
			t.Errorf("a value is left:\n%s", got)
		}
		for _, want := range []string{"password: '***'", "empty: '***'", "token: '***'", "note: kept", "key: kept", "last-applied-configuration: '***'"} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in:\n%s", want, got)
			}
		}
		if print(t, n) != before {
			t.Error("the input was changed")
		}
	}
	for _, o := range manifest.Objects(docs[0], manifest.Origin{}, nil) {
		if strings.Contains(print(t, MaskNode(o.Node)), "hunter2") {
			t.Errorf("%s shows a value", o.ID())
		}
	}
}

func print(t *testing.T, n *yaml.Node) string {
	t.Helper()
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	if err := e.Encode(n); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestMaskOdd: what may be taken for a Secret is masked, and what a Secret is
// made of; what only names one is not.
func TestMaskOdd(t *testing.T) {
	for _, c := range []struct{ name, input, kept string }{
		{"line break", "kind: |\n  Secret\nstringData: {a: hunter2}", "stringData"},
		{"second kind", "kind: ConfigMap\nkind: Secret\ndata: {a: hunter2}", "data"},
		{"first kind", "kind: Secret\nkind: ConfigMap\ndata: {a: hunter2}", "data"},
		{"types", "kind: Secret\nimmutable: hunter2\ntype: [hunter2]\ndata: {? [hunter2] : hunter2}\nstringData: [hunter2, {a: hunter2}]\nmetadata: {name: x}", "name: x"},
		{"crossplane", "kind: Object\nspec: {forProvider: {manifest: {kind: Secret, metadata: {name: x}, data: {a: hunter2}}}}", "name: x"},
		{"template", "kind: Template\nobjects:\n- kind: Secret\n  # hunter2\n  stringData: {a: hunter2}\n- kind: ConfigMap\n  data: {a: kept}", "a: kept"},
		{"sealed", "kind: SealedSecret\nspec: {encryptedData: {a: kept}, template: {data: {a: hunter2}}}", "a: kept"},
		{"sops operator", "kind: SopsSecret\nspec: {secretTemplates: [{name: x, stringData: {a: hunter2}}]}", "name: x"},
		{"reference", "kind: Ingress\nspec: {tls: {kind: Secret, name: kept}}", "name: kept"},
		{"external", "kind: ExternalSecret\nspec: {data: [{secretKey: kept}]}", "secretKey: kept"},
	} {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(c.input), &doc); err != nil {
			t.Fatal(err)
		}
		if got := print(t, MaskNode(&doc)); strings.Contains(got, "hunter2") || !strings.Contains(got, c.kept) {
			t.Errorf("%s gives\n%s", c.name, got)
		}
	}
}
